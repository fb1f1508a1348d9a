"""One small data set that has everything rows can be confused by, and what is true of it, worked out by name.

Two contexts with other controls, effects and splits; two seeds; training, validation, test and unassigned rows;
singles, doubles and a triple; ties among genes and among methods; rows without truth and without prediction; genes and
rows of the file in no order. :class:`World` answers by name with plain loops and knows nothing of the code it tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, cached_property

import numpy as np
import pandas as pd
from anndata import AnnData

from perturbviz.benchmark import Benchmark

CONTEXTS = ("x", "y")
SEEDS = ("1", "2")
SINGLES = ("A", "B", "C", "D", "E", "F")
COMBINATIONS = ("A+B", "A+C", "A+D", "A+E", "B+C", "B+D", "C+D", "E+F", "A+B+C")
NAMES = (*SINGLES, *COMBINATIONS)
#: Own list: measured genes in no order, among them a target, one twice and one that is not measured.
OWN = ("g07", "A", "g31", "absent", "g03", "g19", "g07", "g12")
#: (seed, context) -> part -> perturbations; what is not named is unassigned.
PARTS = {
    ("1", "x"): {"train": "A B C D A+B", "val": "E A+C C+D", "test": "F A+D A+E B+C B+D E+F A+B+C"},
    ("1", "y"): {"train": "A C D E F C+D", "val": "B A+D", "test": "A+B A+C A+E B+C B+D E+F A+B+C"},
    ("2", "x"): {"train": "A C E F A+E E+F", "val": "D A+B", "test": "B A+C A+D B+C B+D C+D A+B+C"},
    ("2", "y"): {"train": "A B D F B+D", "val": "C A+C", "test": "E A+B A+D A+E B+C C+D E+F"},
}
#: Rows without any observed value: a training single of both seeds, and a held-out double.
WITHOUT_TRUTH = {("y", "D"), ("x", "B+D")}
#: A row that has a truth, but no halves.
WITHOUT_HALVES = ("x", "E+F")
#: Method -> seeds it has layers of its own for; "" is one layer for all. "twin" predicts what "net" predicts.
METHODS = {"net": SEEDS, "twin": SEEDS, "flat": ("",), "partial": SEEDS}
#: Method -> (seed, context, perturbation) without a prediction.
NOT_PREDICTED = {
    "net": {("2", "y", "E+F")},
    "twin": {("2", "y", "E+F")},
    "flat": set(),
    "partial": {(s, *row) for s in SEEDS for row in (("x", "A+C"), ("y", "C+D"), ("y", "B"))},
}
BASELINES = ("no_change", "mean", "additive", "half_sum")
RETRIEVAL = ("centroid_accuracy", "pds")
GRID = 16  # values are multiples of 1/16: exact in single precision, and often equal


class World:
    """Everything that is true, by name; vectors are in the order of ``genes``."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.genes = [str(g) for g in rng.permutation([*SINGLES, *(f"g{i:02d}" for i in range(34))])]
        n = len(self.genes)

        def grid(values: np.ndarray) -> np.ndarray:
            return np.round(values * GRID) / GRID

        self.control = {c: grid(np.round(rng.gamma(2.0, 1.0, n) * 2) / 2 + 0.25 * (c == "y")) for c in CONTEXTS}
        shared = {c: rng.normal(0, 0.5, n) for c in CONTEXTS}
        effect = {(c, t): rng.normal(0, 0.6, n) + shared[c] for c in CONTEXTS for t in SINGLES}
        self.rows = [(c, name) for c in CONTEXTS for name in NAMES]
        self.truth, self.half_a, self.half_b, self.se = ({} for _ in range(4))
        self.score = {kind: {} for kind in ("", "_a", "_b")}
        self.padj = {kind: {} for kind in ("", "_a", "_b")}
        nothing = np.full(n, np.nan)
        self.se_control = {c: grid(rng.uniform(0.1, 0.2, n)) for c in CONTEXTS}
        for c, name in self.rows:
            interaction = rng.normal(0, 0.25, n) * (rng.random(n) < 0.5) if "+" in name else np.zeros(n)
            value = grid(self.control[c] + sum(effect[c, t] for t in name.split("+")) + interaction)
            noise = grid(rng.normal(0, 0.3, n))
            known = (c, name) not in WITHOUT_TRUTH
            halves = known and (c, name) != WITHOUT_HALVES
            self.truth[c, name] = value if known else nothing
            self.half_a[c, name] = value + noise if halves else nothing
            self.half_b[c, name] = value - noise if halves else nothing
            self.se[c, name] = grid(rng.uniform(0.2, 0.5, n)) if known else nothing
            for kind in self.score:
                self.score[kind][c, name] = grid(rng.normal(0, 3, n))
                self.padj[kind][c, name] = np.where(rng.random(n) < 0.1, np.nan, grid(rng.random(n)))
        self.predictions: dict[tuple[str, str, str, str], np.ndarray] = {}
        for method, seeds in METHODS.items():
            for s in seeds:
                for c, name in self.rows:
                    size = {"net": 0.3, "flat": 0.5, "partial": 0.4, "twin": 0.0}[method]
                    clean = self.control[c] + sum(effect[c, t] for t in name.split("+"))
                    value = grid(clean + rng.normal(0, size, n) if size else self.predictions["net", s, c, name])
                    self.predictions[method, s, c, name] = nothing if (s, c, name) in NOT_PREDICTED[method] else value

    # -- which rows ------------------------------------------------------------------------------------------------
    def part(self, seed: str, context: str, name: str) -> str:
        """Part of the split of a perturbation."""
        return next((p for p, names in PARTS[seed, context].items() if name in names.split()), "unassigned")

    def known(self, context: str, name: str, truth: str = "all") -> bool:
        """Whether a perturbation was observed."""
        return not np.isnan(self.observed(context, name, truth)).any()

    def scored(
        self, parts: Iterable[str] = ("test", "val"), truth: str = "all", seeds: Iterable[str] = SEEDS
    ) -> list[tuple[str, str, str]]:
        """(seed, context, perturbation) of all observed rows of some parts."""
        parts = tuple(parts)
        return [
            (s, c, name)
            for s in seeds
            for c, name in self.rows
            if self.part(s, c, name) in parts and self.known(c, name, truth)
        ]

    def trained(self, seed: str, context: str) -> list[str]:
        """Observed training perturbations of one seed and context."""
        return [name for s, c, name in self.scored(("train",), seeds=(seed,)) if c == context]

    def common(self, rows: Iterable[tuple[str, str, str]], methods: Iterable[str]) -> list[tuple[str, str, str]]:
        """Rows that every method predicts."""
        methods = tuple(methods)
        return [r for r in rows if not any(np.isnan(self.predicted(m, *r)).any() for m in methods)]

    # -- which values ----------------------------------------------------------------------------------------------
    def observed(self, context: str, name: str, truth: str = "all") -> np.ndarray:
        """Observed profile: of all cells, or of half of them."""
        return (self.truth if truth == "all" else self.half_a)[context, name]

    @cache  # noqa: B019
    def mean(self, seed: str, context: str, everything: bool = False) -> np.ndarray:
        """Mean profile of the training perturbations (of all perturbations on request), as stored: single precision."""
        names = [n for n in NAMES if self.known(context, n)] if everything else self.trained(seed, context)
        return np.mean([self.truth[context, n] for n in names], axis=0).astype(np.float32).astype(float)

    def reference(self, kind: str, seed: str, context: str, everything: bool = False) -> np.ndarray:
        """What is subtracted."""
        if kind == "none":
            return np.zeros(len(self.genes))
        return self.control[context] if kind == "control" else self.mean(seed, context, everything)

    @cache  # noqa: B019
    def predicted(self, method: str, seed: str, context: str, name: str) -> np.ndarray:
        """Predicted profile of a method or baseline."""
        if method == "no_change":
            return self.control[context]
        if method == "mean":
            return self.mean(seed, context)
        if method == "duplicate":
            return self.half_b[context, name]
        if method == "interpolated-duplicate":  # p-values of the half that the duplicate is
            weight = 1 - np.where(np.isnan(self.padj["_b"][context, name]), 1, self.padj["_b"][context, name])
            return weight * self.half_b[context, name] + (1 - weight) * self.mean(seed, context)
        if method in ("additive", "half_sum"):
            targets = name.split("+")
            if len(targets) < 2 or not set(targets) <= set(self.trained(seed, context)):
                return np.full(len(self.genes), np.nan)
            total = sum(self.truth[context, t] - self.control[context] for t in targets)
            return self.control[context] + total * (1.0 if method == "additive" else 0.5)
        return self.predictions[method, "" if METHODS[method] == ("",) else seed, context, name]

    def expected(self, context: str, name: str) -> np.ndarray:
        """Sum of the observed singles of a double, whatever part of the split they are in."""
        first, second = name.split("+")
        return self.truth[context, first] + self.truth[context, second] - self.control[context]

    # -- which genes -----------------------------------------------------------------------------------------------
    @cache  # noqa: B019
    def counted(self, key: str, context: str, name: str, truth: str = "all") -> list[str]:
        """Genes of a subset as the command line writes it: all, expressed:N, de:N, own; with -targets without them."""
        word, without, _ = key.partition("-targets")
        kind, _, n = word.partition(":")
        place = {g: i for i, g in enumerate(self.genes)}
        size = {
            "expressed": self.control[context],
            "de": np.abs(self.observed(context, name, truth) - self.control[context]),
        }
        if kind in size:
            order = sorted(self.genes, key=lambda g: (-size[kind][place[g]], place[g]))
        else:
            order = list(self.genes) if kind == "all" else [g for g in dict.fromkeys(OWN) if g in place]
        left = [g for g in order if not (without and g in name.split("+"))]
        return left[: int(n)] if n and kind != "own" else left

    # -- scores ----------------------------------------------------------------------------------------------------
    def value(
        self,
        metric: str,
        reference: str,
        key: str,
        method: str,
        row: tuple[str, str, str],
        candidates: Iterable[tuple[str, str, str]] = (),
        truth: str = "all",
    ) -> float:
        """One value of a metric; ``candidates`` are the scored rows, those of the same seed and context count."""
        others = tuple(n for s, c, n in candidates if (s, c) == row[:2] and n != row[2]) * (metric in RETRIEVAL)
        return self._value(metric, reference, key, method, row, others, truth)

    @cache  # noqa: B019
    def _value(
        self,
        metric: str,
        reference: str,
        key: str,
        method: str,
        row: tuple[str, str, str],
        others: tuple[str, ...],
        truth: str,
    ) -> float:
        seed, context, name = row
        at = [self.genes.index(g) for g in self.counted(key, context, name, truth)]
        minus = self.reference(reference, seed, context)[at]
        y = self.observed(context, name, truth)[at] - minus
        p = self.predicted(method, *row)[at] - minus
        if np.isnan(p).any() or np.isnan(y).any():
            return np.nan
        if metric in ("mse", "l2"):
            total = sum((a - b) ** 2 for a, b in zip(y.tolist(), p.tolist(), strict=True))
            return total / len(at) if metric == "mse" else total**0.5
        if metric in ("pearson_delta", "pearson"):
            return _correlation(y, p)
        if metric == "wmse":
            score = np.abs(self.score["" if truth == "all" else "_a"][context, name])
            weight = (((score - score.min()) / (score.max() - score.min())) ** 2)[at]
            return float(sum(w * (a - b) ** 2 for w, a, b in zip(weight, y, p, strict=True)) / weight.sum())
        assert metric in RETRIEVAL, metric
        profiles = [self.observed(context, n, truth)[at] - minus for n in others]
        if not profiles:
            return np.nan
        if metric == "pds":  # by L1, without the perturbed gene of a single
            left = [i for i, g in enumerate(at) if self.genes[g] != name]
            own, *away = (float(np.sum(np.abs(profile - p)[left])) for profile in (y, *profiles))
            worse = [0.5 if abs(d - own) < 1e-9 else float(d < own) for d in away]
            return 1 - sum(worse) / (len(away) + 1)
        own, *away = (float(np.sum((profile - p) ** 2)) for profile in (y, *profiles))
        return sum(d > own * (1 + 1e-9) for d in away) / len(away)

    def of_data_set(
        self, metric: str, key: str, method: str, seed: str, context: str, rows: Iterable[tuple[str, str, str]]
    ) -> float:
        """A metric over the predicted rows of one seed and context."""
        mine = [r for r in self.common(rows, (method,)) if r[:2] == (seed, context)]
        truths, guesses, errors, correlations = [], [], [], []
        if len(mine) < 3:
            return np.nan
        for i in (self.genes.index(g) for g in self.counted(key, context, NAMES[0])):
            real = [self.truth[c, n][i] for _, c, n in mine]
            guess = [self.predicted(method, *r)[i] for r in mine]
            truths.append(np.var(real, ddof=1))
            guesses.append(np.var(guess, ddof=1))
            errors.append(np.mean([self.se[c, n][i] ** 2 for _, c, n in mine]))
            correlations.append(_correlation(np.array(real), np.array(guess)))
        if metric == "sd_ratio":  # the variance of the truth freed of that of its noise
            left = sum(truths) - sum(errors)
            return float(np.sqrt(sum(guesses) / left)) if left > 0 else np.nan
        assert metric == "gene_correlation", metric
        known = [r for r in correlations if not np.isnan(r)]
        return float(np.mean(known)) if known else np.nan

    # -- the file --------------------------------------------------------------------------------------------------
    @cached_property
    def benchmark(self) -> Benchmark:
        """The benchmark of this world, rows in no order."""
        return Benchmark.from_adata(self.adata())

    def adata(self, title: str = "World") -> AnnData:
        """A new AnnData of this world."""
        rng = np.random.default_rng(7)
        every = [(c, "ctrl") for c in CONTEXTS] + self.rows
        every = [every[i] for i in rng.permutation(len(every))]

        nothing = dict.fromkeys(CONTEXTS, np.full(len(self.genes), np.nan))

        def matrix(of: Mapping[tuple[str, str], np.ndarray], control: Mapping[str, np.ndarray]) -> np.ndarray:
            return np.array([control[c] if n == "ctrl" else of[c, n] for c, n in every], np.float32)

        names = [n for _, n in every]
        obs = pd.DataFrame(
            {
                "condition": names,
                "context": [c for c, _ in every],
                "is_control": [n == "ctrl" for n in names],
                "n_perturbed": [0 if n == "ctrl" else len(n.split("+")) for n in names],
                # control may be called training: it is no perturbation all the same
                "split__1": ["train" if n == "ctrl" else self.part("1", c, n) for c, n in every],
                "split__2": [self.part("2", c, n) if n != "ctrl" else "unassigned" for c, n in every],
            },
            index=[f"{c}::{n}" for c, n in every],
        )
        out = AnnData(matrix(self.truth, self.control), obs=obs, var=pd.DataFrame(index=self.genes))
        out.layers["half_a"], out.layers["half_b"] = (matrix(half, self.control) for half in (self.half_a, self.half_b))
        out.layers["se"] = matrix(self.se, self.se_control)
        for kind in self.score:
            out.layers[f"de_score{kind}"] = matrix(self.score[kind], nothing)
            out.layers[f"de_padj{kind}"] = matrix(self.padj[kind], nothing)
        for method, seeds in METHODS.items():
            for s in seeds:
                of = {(c, n): self.predictions[method, s, c, n] for c, n in self.rows}
                out.layers[f"pred__{method}" + (f"__{s}" if s else "")] = matrix(of, self.control)
        out.varm["control_mean"] = pd.DataFrame({c: v.astype(np.float32) for c, v in self.control.items()}, self.genes)
        known = {m: {"name": f"Method {m}", "kind": "model", "note": ""} for m in METHODS}
        out.uns["perturbviz"] = {
            "schema": 1,
            "value_space": "lognorm",
            "title": title,
            "simulated": True,
            "methods": known,
        }
        return out


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation; NaN where either does not vary (up to single precision)."""
    if np.ptp(a) < 1e-5 or np.ptp(b) < 1e-5:
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])
