"""How fast is the sweep, against reading the same bytes once and against other people's functions view by view?

    python benchmarks/sweep.py                                         # 9 methods x 62 doubles x 5 seeds x 19,264 genes
    python benchmarks/sweep.py --rows 10000 --genes 8000 --methods 6 --seeds 1 --skip-others

Data are simulated. ``seconds`` is the sweep of every metric that is a sum over genes (all references, gene subsets with
and without targets, about 60 numbers of genes, all splits, mean and median) after loading. ``stream_ratio`` divides it
by the time of one pass over the predictions and truths that it reads. The other ratios say how many times longer the
same views take when scipy's, cell-eval's or scPertEval's own metric functions are called view by view on ready-made
arrays, for the metrics they share with us: their time is measured on a sample of methods and perturbations *in all
views* and scaled to all of them, since every call is independent of the others, and set against a sweep of just those
metrics and views. Choosing and copying the genes of a view, which they leave to the caller, is not counted against
them. The values of the sample must be equal.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the sweep has threads of its own
os.environ.setdefault("TQDM_DISABLE", "1")  # no progress bars of others, which would cost them time
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
from anndata import AnnData

from perturbviz.analyses.all_views import SplitChoice, Sweep, sweep
from perturbviz.benchmark import Benchmark
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import resolve

N_SINGLES = 100


def simulate(rows: int, genes: int, methods: int, seeds: int) -> Benchmark:
    """Singles for training and ``rows`` held-out doubles in each seed; noise of different size for each method."""
    rng = np.random.default_rng(0)
    names = [f"g{i}" for i in range(genes)]
    pairs = [(i, j) for j in range(N_SINGLES + rows) for i in range(min(j, N_SINGLES))]
    pool = pairs[: rows if seeds == 1 else 2 * rows]
    conditions = [*names[:N_SINGLES], *("+".join(sorted((names[i], names[j]))) for i, j in pool)]
    control = rng.gamma(0.3, 1, genes).astype(np.float32)
    shape = len(conditions), genes
    shared = rng.normal(0, 0.05, genes).astype(np.float32)
    truth = control + shared + np.float32(0.1) * rng.standard_normal(shape, np.float32)
    frame = pd.DataFrame({"condition": conditions, "context": "cells", "is_control": False}, index=conditions)
    for s in range(seeds):
        part = np.full(len(conditions), "train", object)
        held_out = N_SINGLES + rng.choice(len(pool), rows, replace=False)
        part[held_out], part[held_out[: rows // 2]] = "test", "val"
        frame[f"split__{s}"] = part
    layers = {}
    for m in range(methods):
        for s in range(seeds):
            noise = rng.standard_normal(shape, np.float32) * np.float32(0.02 * (m + 1))
            layers[f"pred__m{m}" + (f"__{s}" if seeds > 1 else "")] = truth + noise
    adata = AnnData(
        truth,
        obs=frame,
        var=pd.DataFrame(index=names),
        layers=layers,
        varm={"control_mean": pd.DataFrame({"cells": control}, index=names)},
        uns={"perturbviz": {"schema": 1, "value_space": "lognorm", "title": "Simulated", "simulated": True}},
    )
    return Benchmark.from_adata(adata)


def timed(function, repeats: int = 1):
    """Result and the shortest of some runs in seconds."""
    best, result = np.inf, None
    for _ in range(repeats):
        result = None
        start = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - start)
    return result, best


class Silence:
    """Longest time without news of progress, in seconds; a sweep's ``progress``."""

    def __init__(self) -> None:
        self.longest, self._last = 0.0, time.perf_counter()

    def __call__(self, share: float) -> None:
        """Told the share that is done."""
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now


def stream(evaluation: Evaluation, methods: tuple[str, ...]) -> None:
    """Read every predicted and observed value that is scored once."""
    rows = evaluation.rows
    for seed, obs in zip(rows["seed"], rows["obs"], strict=True):
        evaluation.observed[obs].sum()
        for method in methods:
            evaluation.matrix(method, seed)[obs].sum()


class Views:
    """Values of one method on some rows in all views of a sweep, and ready-made arrays for other people's functions."""

    def __init__(self, swept: Sweep, method: str, rows: np.ndarray):
        self.swept, self.evaluation, self.rows = swept, swept.evaluation, rows
        self.method, self.position = method, swept.methods.index(method)

    def __iter__(self):
        """(setting, truth, prediction, our values); references subtracted. Settings on the same genes are together."""
        for setting in sorted(self.swept.settings, key=lambda s: (s.subset.key, s.reference)):
            (block,) = resolve(setting.subset, self.evaluation, self.rows)
            truth = self.evaluation.truth(block.rows, block.genes)
            prediction = self.evaluation.prediction(self.method, block.rows, block.genes)
            reference = self.evaluation.reference(setting.reference, block.rows, block.genes)
            ours = self.swept.values(setting)[self.position, block.rows]
            yield setting, truth - reference, prediction - reference, ours


def compare(views: Views, functions: dict[str, object]) -> float:
    """Seconds that functions (truth, prediction) -> value take for all views; their values must be ours."""
    seconds = 0.0
    for setting, truth, prediction, ours in views:
        function = functions[setting.metric]
        start = time.perf_counter()
        theirs = [function(t, p) for t, p in zip(truth, prediction, strict=True)]
        seconds += time.perf_counter() - start
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9, err_msg=str(setting))
    return seconds


def scipy_functions() -> dict[str, object]:
    """Plain calls of scipy (and of numpy where scipy has no function)."""
    from scipy.spatial import distance
    from scipy.stats import pearsonr

    return {
        "l2": distance.euclidean,
        "mse": lambda t, p: distance.sqeuclidean(t, p) / len(t),
        "mae": lambda t, p: distance.cityblock(t, p) / len(t),
        "pearson": lambda t, p: pearsonr(t, p).statistic,
        "pearson_delta": lambda t, p: pearsonr(t, p).statistic,
        "cosine": lambda t, p: 1 - distance.cosine(t, p),
    }


def scperteval_functions() -> dict[str, object]:
    """scPertEval's own metrics of pseudobulk profiles."""
    from scperteval.protocols import metrics as spe

    def call(function):
        return lambda t, p: function(t, p, None)

    names = {"l2": "l2", "mse": "mse", "pearson": "pearson", "pearson_delta": "pearson", "r2": "r2", "r2_delta": "r2"}
    return {ours: call(getattr(spe, theirs)) for ours, theirs in names.items()}


def compare_cell_eval(swept: Sweep, method: str, seed: str) -> float:
    """Seconds that cell-eval's own metrics take in all views for one method and seed; their values must be ours."""
    from cell_eval._types import PerturbationAnndataPair
    from cell_eval.metrics import _anndata as ce

    functions = {"mse": ce.mse, "mae": ce.mae, "pearson_delta": ce.pearson_delta}
    evaluation, m, seconds, pairs = swept.evaluation, swept.methods.index(method), 0.0, {}
    rows = np.flatnonzero((evaluation.rows["seed"] == seed).to_numpy())
    names = evaluation.rows["perturbation"].to_numpy()[rows]
    obs = pd.DataFrame({"perturbation": [*names, "ctrl"]}, index=[str(i) for i in range(len(rows) + 1)])
    control = evaluation.reference("control", rows[:1])
    profiles = [np.vstack([v, control]) for v in (evaluation.truth(rows), evaluation.prediction(method, rows))]
    for setting in sorted(swept.settings, key=lambda s: s.subset.key):
        if setting.subset not in pairs:
            (block,) = resolve(setting.subset, evaluation, rows)
            genes = slice(None) if block.genes is None else block.genes
            var = pd.DataFrame(index=evaluation.benchmark.genes[genes])
            pair = PerturbationAnndataPair(*(AnnData(v[:, genes], obs, var) for v in profiles), "perturbation", "ctrl")
            next(iter(pair.iter_bulk_arrays()))  # it averages cells once, which is not what is compared
            pairs = {setting.subset: pair}
        start = time.perf_counter()
        theirs = functions[setting.metric](pairs[setting.subset])
        seconds += time.perf_counter() - start
        ours = swept.values(setting)[m, rows]
        np.testing.assert_allclose(ours, [theirs[n] for n in names], rtol=1e-6, atol=1e-9, err_msg=str(setting))
    return seconds


def main() -> None:
    """Simulate, sweep, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("rows", 62), ("genes", 19264), ("methods", 9), ("seeds", 5), ("sample", 2), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--threads", type=int, help="threads of the sweep; one per processor where not given")
    parser.add_argument("--skip-others", action="store_true", help="no comparison with other people's functions")
    a = parser.parse_args()
    benchmark = simulate(a.rows, a.genes, a.methods, a.seeds)
    size = benchmark.adata.X.nbytes * (1 + len(benchmark.adata.layers))
    evaluation = Evaluation(benchmark)
    methods = benchmark.methods
    r = len(evaluation.rows)
    print(f"{len(methods)} methods x {r} rows x {a.genes:,} genes, benchmark {size / 1e6:,.0f} MB")
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    def run(**arguments) -> Sweep:
        fresh = Evaluation(benchmark)  # nothing kept from an earlier run
        return sweep(fresh, methods=methods, accumulated_only=True, threads=a.threads, **arguments)

    swept, seconds = timed(run, a.repeats)
    run(progress=(silence := Silence()))
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # that of the simulation, where it is larger
    _, streamed = timed(lambda: stream(evaluation, methods), a.repeats)
    print(
        f"{len(swept.settings):,} settings x {len(swept.splits)} splits x {len(swept.hows)} averages: {seconds:.2f} s, "
        f"never longer than {silence.longest:.2f} s without progress"
    )
    print(f"one pass over the values: {streamed:.2f} s; memory at most {(peak - before) / size:.2f} x benchmark more")
    last = f"sweep seconds={seconds:.2f} stream_ratio={seconds / streamed:.1f}"
    if a.skip_others:
        print(last)
        return
    del swept
    sample = np.sort(np.random.default_rng(0).choice(r, min(a.sample, r), replace=False))
    pooled = (SplitChoice("held-out"),)
    for name, functions in (("scipy", scipy_functions()), ("scperteval", scperteval_functions())):
        part, ours = timed(lambda f=functions: run(metrics=list(f), hows=("mean",), splits=pooled), a.repeats)
        theirs = compare(Views(part, methods[0], sample), functions) * len(methods) * r / len(sample)
        print(f"{name}: {len(part.settings):,} settings, {theirs:,.0f} s against {ours:.2f} s")
        if name == "scipy":
            last += f" scipy_ratio={theirs / ours:.0f}"
        else:
            spe = f" scperteval_ratio={theirs / ours:.0f}"
    shared = {
        "metrics": ["mse", "mae", "pearson_delta"],
        "references": ("control",),
        "kinds": ("all", "expressed"),
        "targets": (True,),
        "hows": ("mean",),
        "splits": pooled,
    }
    part, ours = timed(lambda: run(**shared), a.repeats)
    theirs = compare_cell_eval(part, methods[0], benchmark.seeds[0]) * len(methods) * len(benchmark.seeds)
    print(f"cell-eval: {len(part.settings):,} settings, {theirs:,.0f} s against {ours:.2f} s")
    print(f"{last} cell_eval_ratio={theirs / ours:.0f}{spe}")


if __name__ == "__main__":
    main()
