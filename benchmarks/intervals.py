"""How often intervals hold and two equal methods are told apart, by simulation; all figures are printed.

    python benchmarks/intervals.py [--repetitions 4000] [--data FOLDER]

Coverage: differences are sums of effects of the targets and noise, ``share`` of their variance from the targets. Beside
the interval of the program stands the percentile bootstrap over perturbations taken as independent, for comparison.
``FOLDER`` holds pseudobulk files of Norman and CaRPool whose combinations are used too, where given.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from perturbviz import stats
from perturbviz.benchmark import load as load_benchmark
from perturbviz.benchmark.perturbations import targets
from perturbviz.scoring.evaluation import Evaluation

FILES = {"CaRPool": "carpool_thp1_pseudobulk.npz", "Norman": "norman_pseudobulk.npz"}


def pairs_of(n: int) -> tuple[tuple[str, ...], ...]:
    return tuple(combinations([f"T{i}" for i in range(n)], 2))


def designs(folder: Path | None) -> dict[str, tuple[tuple[str, ...], ...]]:
    out = {f"all pairs of {n}": pairs_of(n) for n in (10, 20, 30)}
    demo = Evaluation(load_benchmark(Path(__file__).parents[1] / "data" / "demo.h5ad")).rows["perturbation"]
    out["the demo's"] = tuple(map(targets, demo.unique()))
    for name, file in FILES.items() if folder is not None else ():
        from perturbviz.readers import load
        from perturbviz.readers.assemble import assemble

        rows = Evaluation(assemble(load(folder / file))[0]).rows["perturbation"]
        out[f"{name}'s"] = tuple(map(targets, rows.unique()))
    return out


def coverage(sets: tuple[tuple[str, ...], ...], share: float, repetitions: int) -> tuple[float, float]:
    """(independent bootstrap, interval of the program)."""
    shared, rng, n = stats.share_targets(sets), np.random.default_rng(0), len(sets)
    member = shared.member.toarray()
    effects = rng.normal(size=(repetitions, member.shape[1])) @ member.T / np.sqrt(member.sum(axis=1))
    values = np.sqrt(share) * effects + np.sqrt(1 - share) * rng.normal(size=effects.shape)
    found = stats.estimate(values, np.arange(n), shared)
    low, high = stats.quantiles(stats.bootstrap(values[: repetitions // 4], np.arange(n), n=1000))
    return float(((low <= 0) & (high >= 0)).mean()), float(((found.low <= 0) & (found.high >= 0)).mean())


def apart(n: int, how: str, steps: bool, repetitions: int) -> float:
    """Share of data sets in which two exchangeable methods are told apart."""
    shared, rng, count = stats.share_targets(tuple((f"T{i}",) for i in range(n))), np.random.default_rng(n), 0
    for _ in range(repetitions):
        values = rng.binomial(20, 0.3, (2, n)) / 20 if steps else rng.normal(5, 1, (2, n))
        found = stats.paired(values, 0, np.arange(n), shared, how)
        count += bool(found.low[1] > 0 or found.high[1] < 0)
    return count / repetitions


def speed(n: int, methods: int = 12) -> None:
    rng = np.random.default_rng(0)
    sets = tuple(tuple(f"T{t}" for t in rng.choice(400, 2, replace=False)) for _ in range(n))
    values, unit = rng.normal(size=(methods, n)), np.arange(n)
    for what in ("first time", "again"):
        start = time.perf_counter()
        shared = stats.share_targets(sets)
        found = stats.estimate(values, unit, shared)
        stats.ranks(stats.draws(found))
        for i in range(methods):
            stats.paired(values, i, unit, shared)
        took = time.perf_counter() - start
        print(f"{methods} methods, {n:,} combinations, intervals, draws and all pairs, {what}: {took:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=4000)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    print("Coverage of nominal 95% intervals of a difference: independent bootstrap -> program")
    for name, sets in designs(arguments.data).items():
        for share in (0.0, 0.5):
            old, new = coverage(sets, share, arguments.repetitions)
            print(f"  {name:16} share {share:.1f}: {old:.3f} -> {new:.3f}")
    print("Share of data sets in which two equal methods are told apart")
    for how, steps in (("mean", False), ("mean", True), ("median", False)):
        repetitions = arguments.repetitions if how == "mean" else arguments.repetitions // 8
        line = ", ".join(f"n = {n}: {apart(n, how, steps, repetitions):.3f}" for n in (2, 3, 5, 8, 10, 20, 50))
        print(f"  {how}, {'steps of 1/20' if steps else 'normal'}: {line}")
    speed(10_000)


if __name__ == "__main__":
    main()
