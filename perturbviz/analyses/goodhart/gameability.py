"""How far each metric can be moved by somebody who knows nothing, or little, about the perturbations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.analyses.goodhart.candidates import SIZE_ONLY, empty_tricks, weak_tricks
from perturbviz.analyses.goodhart.effects import better, empty_scores, on_scale, score_table
from perturbviz.analyses.goodhart.knobs import DEFAULT, Knobs
from perturbviz.analyses.goodhart.partition import Partition
from perturbviz.analyses.goodhart.transform import Arena, unavailable
from perturbviz.metrics import parse_metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.prepared import Prepared, Setting
from perturbviz.scoring.view import metric_label, metric_name
from perturbviz.stats import average

#: Makes an informative prediction weak: noise as large as a typical training change.
WEAKEN = Knobs(noise=1.0)
DE_GENES = 100
Progress = Callable[[float, str], object]


@dataclass(frozen=True)
class Start:
    """Where the gaming starts from.

    Attributes
    ----------
    id, label
        "empty" or "weak", and its name on screen.
    method, before
        Whose prediction, and what is done to it first.
    """

    id: str
    label: str
    method: str
    before: Knobs = DEFAULT


@dataclass(frozen=True, eq=False)
class Gameability:
    """Result of :func:`gameability`.

    Attributes
    ----------
    table
        One line a metric setting and column of the table (see ``COLUMNS``): column, metric, reference, genes, label,
        name, better, start, reached (scores on the rows reported on), way (share of the way from start to perfect),
        passed (other methods overtaken), others (methods it is compared with), knobs (of the first seed, with its
        own ``link``), improved, worsened (other settings), elsewhere (better, worse on the view's genes, for DE rows).
    tried
        Every setting tried: column, knobs link, metric, reference, genes, tuned and reported score, for tests and CSV.
    starts, how
        What was started from, and what was tuned and reported on.
    """

    table: pd.DataFrame
    tried: pd.DataFrame
    starts: dict[str, Start]
    how: str


COLUMNS = {
    "empty": "Empty start: any knob",
    "size": "Weak start: only its size",
    "weak": "Weak start: any knob",
}


def empty_start(evaluation: Evaluation) -> Start:
    """No change; the training mean where control is unknown."""
    method = "no_change" if "no_change" in evaluation.methods else "mean"
    return Start("empty", evaluation.name(method), method)


def weak_start(evaluation: Evaluation, method: str = "") -> Start:
    """A chosen method as it is; by default half the sum of the singles (or the first model) buried in noise."""
    if method:
        return Start("weak", evaluation.name(method), method)
    method = "half_sum" if "half_sum" in evaluation.methods else evaluation.methods[0]
    return Start("weak", f"{evaluation.name(method)} with noise", method, WEAKEN)


def gameability(
    evaluation: Evaluation,
    settings: Sequence[Setting],
    subset: GeneSubset,
    parts: Partition,
    starts: Sequence[Start],
    others: Sequence[str],
    *,
    how: str = "mean",
    include_held_out: bool = False,
    progress: Progress | None = None,
) -> Gameability:
    """Best gain per metric among a fixed list of settings, chosen on the rows to tune on, seed by seed.

    Parameters
    ----------
    settings, subset
        The metrics; two errors are added on the genes of largest observed change only, where that means something.
    parts
        Rows to choose on and rows to report on.
    starts
        An empty and a weak start.
    others
        Methods that may be overtaken.
    """
    panels = _panels(evaluation, settings, subset)
    keys = [(panel.key, s) for panel, own in panels for s in own]
    plans = {start.id: _plan(evaluation, start) for start in starts}
    total, done = sum(len(p) for p in plans.values()) * 2 + 1, 0

    def prepare(rows: np.ndarray) -> list[Prepared]:
        return [Prepared(evaluation, rows, own, panel, include_held_out) for panel, own in panels]

    sides = {"tune": np.concatenate(list(parts.tune.values())), "report": parts.reported}
    seeds = {side: evaluation.rows["seed"].to_numpy()[rows] for side, rows in sides.items()}
    by_seed = {side: _BySeed(prepare, rows, seeds[side]) for side, rows in sides.items()}
    values: dict[tuple[str, str], np.ndarray] = {}  # (start, side) -> settings tried x keys x seeds
    for start in starts:
        for side, rows in sides.items():
            arena = Arena(evaluation, start.method, rows, start.before)
            lines = []
            for knobs in plans[start.id]:
                lines.append(by_seed[side].scores(arena.transform(knobs), how))
                done += 1
                if progress:
                    progress(done / total, f"{start.label}: {knobs.words()}")
            values[start.id, side] = np.array(lines)
    report = prepare(sides["report"])
    rest = pd.concat([score_table(one, tuple(others), how) for one in report], axis=1).to_numpy(float)
    empty = [v for one in report for v in empty_scores(one, how).values()]
    played = [_Played(s.id, plans[s.id], values[s.id, "tune"], values[s.id, "report"]) for s in starts]
    table = [
        line
        for one in played
        for column, pool in one.columns.items()
        for line in _lines(one, column, pool, keys, rest, np.array(empty))
    ]
    tried = [line for one in played for line in one.tried(keys)]
    return Gameability(pd.DataFrame(table), pd.DataFrame(tried), {s.id: s for s in starts}, parts.how)


#: Genes and the settings scored on them, and one of those settings with the key of its genes.
_Panel = tuple[GeneSubset, tuple[Setting, ...]]
_Key = tuple[str, Setting]


def _panels(evaluation: Evaluation, settings: Sequence[Setting], subset: GeneSubset) -> list[_Panel]:
    """The settings on the view's genes, and two errors on the genes of largest observed change where there are such."""
    panels: list[_Panel] = [(subset, tuple(settings))]
    if evaluation.benchmark.has_control and subset.kind != "de":
        n = min(DE_GENES, max(evaluation.benchmark.adata.n_vars // 5, 1))
        panels.append((GeneSubset("de", n, subset.targets), (("mse", "none"), ("mae", "none"))))
    return panels


def _plan(evaluation: Evaluation, start: Start) -> list[Knobs]:
    """What is tried from a start: nothing turned, then every trick whose knobs mean something here."""
    tricks = (empty_tricks if start.id == "empty" else weak_tricks)(evaluation.benchmark.adata.n_vars)
    missing = set(unavailable(evaluation))
    return [DEFAULT, *(k for k in tricks if not set(k.turned) & missing)]


class _BySeed:
    """One side, a seed each, so that tuning never mixes seeds."""

    def __init__(self, prepare: Callable[[np.ndarray], list[Prepared]], rows: np.ndarray, seeds: np.ndarray) -> None:
        self.seeds = tuple(dict.fromkeys(seeds))
        self.at = [np.flatnonzero(seeds == s) for s in self.seeds]
        self.prepared = [prepare(rows[at]) for at in self.at]

    def scores(self, prediction: np.ndarray, how: str) -> np.ndarray:
        """Averages: keys x seeds."""
        out = []
        for at, mine in zip(self.at, self.prepared, strict=True):
            part = prediction[at]
            out.append([float(average(v, how)) for one in mine for v in one.values(part).values()])
        return np.array(out).T


@dataclass(frozen=True, eq=False)
class _Played:
    """One start: what was tried, and the scores on both sides (settings tried x keys x seeds)."""

    start: str
    plan: list[Knobs]
    tuned: np.ndarray
    reported: np.ndarray

    @property
    def columns(self) -> dict[str, list[int]]:
        """Column of the table -> what may be chosen from."""
        every = list(range(len(self.plan)))
        size = [c for c, k in enumerate(self.plan) if k == DEFAULT or k in SIZE_ONLY]
        return {"empty": every} if self.start == "empty" else {"size": size, "weak": every}

    def tried(self, keys: Sequence[_Key]) -> list[dict[str, object]]:
        """Every setting tried with its tuned and reported scores."""
        return [
            {
                "start": self.start,
                "knobs": knobs.link,
                "metric": setting[0],
                "reference": setting[1],
                "genes": genes,
                "tuned": float(average(self.tuned[c, k], "mean")),
                "reported": float(average(self.reported[c, k], "mean")),
            }
            for c, knobs in enumerate(self.plan)
            for k, (genes, setting) in enumerate(keys)
        ]


def _lines(
    one: _Played, column: str, pool: list[int], keys: Sequence[_Key], rest: np.ndarray, empty: np.ndarray
) -> Iterator[dict[str, object]]:
    """One column of the table: for every metric setting what its best choice reaches, on it and on the others.

    ``rest`` are scores of the other methods (methods x keys), ``empty`` those of a prediction that knows nothing
    (keys).
    """
    home = {s: i for i, (g, s) in enumerate(keys) if g == keys[0][0]}
    before = average(one.reported[0], "mean")
    n_seeds = one.reported.shape[-1]
    for k, (genes, setting) in enumerate(keys):
        card = parse_metric(setting[0])[0].card
        chosen = [pool[c] for c in _choose(_ordered(card.goodness(one.tuned[pool, k])))]
        after = np.array([average(one.reported[chosen, i, range(n_seeds)], "mean") for i in range(len(keys))])
        moved = [better(keys[i][1], before[i], after[i], empty[i]) for i in home.values() if i != k]
        here = home.get(setting)
        elsewhere = 0 if here is None or here == k else better(setting, before[here], after[here], empty[here])
        others = _ordered(card.goodness(rest[:, k]))
        ahead_before, ahead = (_ordered(card.goodness(v)) > others for v in (before[k], after[k]))
        gain = better(setting, before[k], after[k], empty[k]) > 0 or np.isnan(before[k]) > np.isnan(after[k])
        best = one.plan[max(set(chosen), key=chosen.count)]
        yield {
            "column": column,
            "metric": setting[0],
            "reference": setting[1],
            "genes": genes,
            "label": metric_label(*setting),
            "name": metric_name(*setting),
            "better": card.better,
            "start": before[k],
            "reached": after[k],
            "way": on_scale(setting, after[k], before[k]),
            "gain": bool(gain),
            "passed": int(gain and (ahead & ~ahead_before).sum()),
            "others": len(rest),
            "ahead": int(ahead.sum()),
            "knobs": best.words(),
            "improved": moved.count(1),
            "worsened": moved.count(-1),
            "elsewhere": elsewhere,
            "link": best.link,
        }


def _ordered(goodness: np.ndarray) -> np.ndarray:
    """Undefined is worse than anything."""
    return np.nan_to_num(goodness, nan=-np.inf)


def _choose(goodness: np.ndarray) -> list[int]:
    """Best of the settings tried (rows; the first turns nothing) for each seed; the first unless clearly beaten."""
    first, best = goodness[0], goodness.max(axis=0)
    known = np.nan_to_num(first, neginf=0.0)
    least = np.where(np.isfinite(first), known + 1e-5 * (1 + np.abs(known)), first)
    return [int(b) for b in np.where(best > least, goodness.argmax(axis=0), 0)]
