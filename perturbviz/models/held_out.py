"""Other ways to hold perturbations out of a benchmark: unseen singles, combinations seen 0/1/2, random, unseen context.

A benchmark split anew has no methods of its file: they were trained on another split and may have seen what is now
held out. Baselines and competitors are fitted again to the new training parts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.models.cross_validation import (
    Split,
    combo_seen,
    folds,
    leave_one_context_out,
    random_split,
    unseen_singles,
)

#: Ways to split, in the order offered.
SPLITS = {
    "file": "As in the data set",
    "folds": "Unseen singles: 5 folds × 5 seeds",
    "unseen": "Unseen singles, trained on combinations too",
    "seen0": "Combinations, no target seen",
    "seen1": "Combinations, one target seen",
    "seen2": "Combinations, both targets seen",
    "random": "Random fifth of all",
    "context": "Unseen context",
}
N_SEEDS = 5


def resplit(benchmark: Benchmark, how: str, n_seeds: int = N_SEEDS) -> Benchmark:
    """The benchmark with other perturbations held out, and without the methods of its file.

    Parameters
    ----------
    how
        One of ``SPLITS``; "file" gives the benchmark itself.
    n_seeds
        Repeats with other seeds.

    Raises
    ------
    UserError
        Where the benchmark has not what the split is about; the sentence says what is missing.
    """
    if how == "file":
        return benchmark
    if how not in SPLITS:
        raise UserError(f"There is no split {how!r}; there are: {', '.join(SPLITS)}.")
    problem = split_problem(benchmark, how)
    if problem:
        raise UserError(problem)
    if how == "context":
        splits = _contexts(benchmark)
    elif how == "folds":
        singles = benchmark.conditions[benchmark.n_perturbed == 1]
        splits = {
            f"{seed + 1}.{i + 1}": _parts(benchmark, split)
            for seed in range(n_seeds)
            for i, split in enumerate(folds(singles, seed=seed))
        }
    else:
        names = benchmark.conditions[~benchmark.is_control]
        draw: dict[str, Callable[[int], Split]] = {
            "unseen": lambda seed: unseen_singles(names, seed=seed),
            "random": lambda seed: random_split(names, seed=seed),
            "seen0": lambda seed: combo_seen(names, 0, seed=seed),
            "seen1": lambda seed: combo_seen(names, 1, seed=seed),
            "seen2": lambda seed: combo_seen(names, 2, seed=seed),
        }
        splits = _drawn(benchmark, draw[how], n_seeds)
    return benchmark.resplit(splits, f"{SPLITS[how]}, by hashes of the names")


def _drawn(benchmark: Benchmark, draw: Callable[[int], Split], n_seeds: int) -> dict[str, np.ndarray]:
    """The first ``n_seeds`` draws that leave both parts something, of at most ten times as many."""
    out: dict[str, np.ndarray] = {}
    problem = UserError("No split was drawn.")
    for seed in range(10 * n_seeds):
        try:
            out[str(seed + 1)] = _parts(benchmark, draw(seed))
        except UserError as error:
            problem = error
        if len(out) == n_seeds:
            return out
    if not out:
        raise problem
    return out


def split_problem(benchmark: Benchmark, how: str) -> str:
    """Why a benchmark cannot be split like this; "" where it can."""
    singles, doubles = (benchmark.n_perturbed == 1).sum(), (benchmark.n_perturbed == 2).sum()
    if how in ("folds", "unseen") and singles < 5:
        return f"Holding out singles needs at least 5 of them; this data set has {singles}."
    if how.startswith("seen") and doubles < 5:
        return f"Holding out combinations needs at least 5 of them; this data set has {doubles}."
    if how == "unseen" and not doubles:
        return "There are no combinations here to train on besides singles: use the folds."
    if how == "context" and len(benchmark.contexts) < 2:
        return f"There is one context only ({benchmark.contexts[0]}): none can be held out."
    return ""


def _parts(benchmark: Benchmark, split: Split) -> np.ndarray:
    """Part of every row; what the split does not name is in neither part."""
    out = np.full(benchmark.adata.n_obs, "unassigned", dtype=object)
    for part in ("train", "test"):
        out[np.isin(benchmark.conditions, split[part]) & ~benchmark.is_control] = part
    return out


def _contexts(benchmark: Benchmark) -> dict[str, np.ndarray]:
    pairs = [*zip(benchmark.conditions, benchmark.row_contexts, strict=True)]
    out = {}
    for context in benchmark.contexts:
        test = set(leave_one_context_out(pairs, context)["test"])
        part = ["test" if pair in test else "train" for pair in pairs]
        out[context] = np.where(benchmark.is_control, "unassigned", part).astype(object)
    return out
