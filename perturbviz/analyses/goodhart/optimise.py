"""Find the setting of the knobs that makes one metric as good as possible, and report it where it was not tuned."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from perturbviz.analyses.goodhart.candidates import screening
from perturbviz.analyses.goodhart.knobs import CARD, DEFAULT, Knobs
from perturbviz.analyses.goodhart.partition import Partition
from perturbviz.analyses.goodhart.transform import Arena, unavailable
from perturbviz.errors import UserError
from perturbviz.metrics import Card, parse_metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.prepared import Prepared, Setting
from perturbviz.stats import average

CONTINUOUS = ("amplify", "blend", "shift", "small", "clip", "noise")  # tuned by Nelder-Mead, the others by trying
OFF_AT_ZERO = ("blend", "clip", "noise")  # moved only from a starting point that turns them
STARTS = 2
Progress = Callable[[float, str], object]


@dataclass(frozen=True, eq=False)
class Tuned:
    """What was found for one seed.

    Attributes
    ----------
    knobs
        The best setting on the rows tuned on.
    tune, report
        (before, after) scores on the rows tuned on and on those reported on.
    path
        (tried settings,) best tuned score so far: the climb.
    """

    seed: str
    knobs: Knobs
    tune: tuple[float, float]
    report: tuple[float, float]
    path: np.ndarray


@dataclass(frozen=True, eq=False)
class Optimum:
    """Result of :func:`optimise`.

    Attributes
    ----------
    card, setting, method, how
        What was optimised, from which prediction, tuned and reported on what (words).
    seeds
        One result a seed.
    complete
        Whether the search ended by itself; False where time ran out.
    """

    card: Card
    setting: Setting
    method: str
    how: str
    seeds: tuple[Tuned, ...]
    complete: bool
    seconds: float

    @property
    def knobs(self) -> dict[str, Knobs]:
        """Seed -> setting."""
        return {t.seed: t.knobs for t in self.seeds}

    @property
    def best(self) -> Tuned:
        """The seed whose tuned score is best: its setting is what a single person would submit."""
        return max(self.seeds, key=lambda t: np.nan_to_num(self.card.goodness(t.tune[1]), nan=-np.inf))


class _OutOfTimeError(Exception):
    """The search has used its time."""


class _Search:
    """Tries settings on the rows of one seed and remembers the best."""

    def __init__(self, arena: Arena, prepared: Prepared, setting: Setting, how: str, deadline: float) -> None:
        self.arena, self.prepared, self.setting, self.how, self.deadline = arena, prepared, setting, how, deadline
        self.card = parse_metric(setting[0])[0].card
        self.best, self.goodness = DEFAULT, -np.inf
        self.path: list[float] = []

    def score(self, knobs: Knobs) -> float:
        values = self.prepared.values(self.arena.transform(knobs), [self.setting])[self.setting]
        return float(average(values, self.how))

    def __call__(self, knobs: Knobs) -> float:
        """Goodness (higher is better), -inf where undefined."""
        if time.perf_counter() > self.deadline:
            raise _OutOfTimeError
        goodness = float(np.nan_to_num(self.card.goodness(self.score(knobs)), nan=-np.inf))
        if goodness > self.goodness:
            self.best, self.goodness = knobs, goodness
        self.path.append(self.goodness)
        return goodness


def optimise(
    evaluation: Evaluation,
    method: str,
    setting: Setting,
    subset: GeneSubset,
    parts: Partition,
    *,
    names: Collection[str] = ("copy", "blend", "top", "small", "clip", "amplify", "shift", "positive"),
    blend_to: Sequence[str] = ("mean",),
    how: str = "mean",
    include_held_out: bool = False,
    seconds: float = 8.0,
    progress: Progress | None = None,
) -> Optimum:
    """Tune the knobs on the rows to tune on, seed by seed, and score the result on the rows to report on.

    Parameters
    ----------
    evaluation, method
        Whose predictions are transformed.
    setting, subset
        What is optimised: (metric, reference) and the genes.
    parts
        Rows to tune and to report on.
    names, blend_to
        Knobs that may be turned, and what may be blended in.
    how
        "mean" or "median" over perturbations.
    seconds
        Time limit over all seeds; what was found by then is returned.
    progress
        Called with the share done and what is being done.

    Raises
    ------
    UserError
        Where no permitted knob means anything on this benchmark.
    """
    started = time.perf_counter()
    names = set(names) - set(unavailable(evaluation))
    if not names:
        raise UserError("None of the permitted knobs means anything on this data set: permit others.")
    card = parse_metric(setting[0])[0].card
    starts = screening(evaluation.benchmark.adata.n_vars, names, blend_to if "blend" in names else ())
    found, complete = [], True
    for i, seed in enumerate(parts.seeds):
        deadline = started + seconds * (i + 1) / len(parts.seeds)
        tune, report = (
            _Search(arena, Prepared(evaluation, rows, (setting,), subset, include_held_out), setting, how, deadline)
            for rows in (parts.tune[seed], parts.report[seed])
            for arena in [Arena(evaluation, method, rows)]
        )
        complete &= _tune(tune, starts, names)
        found.append(_tuned(seed, tune, report))
        if progress:
            progress((i + 1) / len(parts.seeds), f"{i + 1} of {len(parts.seeds)} seeds tuned")
    return Optimum(card, setting, method, parts.how, tuple(found), complete, time.perf_counter() - started)


def _tuned(seed: str, tune: _Search, report: _Search) -> Tuned:
    """What a search has found, and its scores before and after on both sides."""
    tuned, reported = ((side.score(DEFAULT), side.score(tune.best)) for side in (tune, report))
    return Tuned(seed, tune.best.effective, tuned, reported, np.array(tune.path))


def _tune(search: _Search, starts: Sequence[Knobs], names: set[str]) -> bool:
    """Try the starting points, then climb from the best ones; whether the time sufficed."""
    try:
        ranked = sorted(starts, key=search, reverse=True)
        for start in ranked[:STARTS]:
            _climb(
                search,
                start,
                [n for n in CONTINUOUS if n in names and (n not in OFF_AT_ZERO or getattr(start, n))],
            )
    except _OutOfTimeError:
        return False
    return True


def _climb(search: _Search, start: Knobs, names: list[str]) -> None:
    """Nelder-Mead over continuous knobs, within their ranges."""
    if not names:
        return
    low, high = (np.array([getattr(CARD[n], side) for n in names], float) for side in ("low", "high"))
    at = np.array([getattr(start, n) for n in names], float)
    step = np.where(at + 0.15 * (high - low) <= high, 0.15, -0.15) * (high - low)
    simplex = np.vstack([at, at + np.diag(step)])

    def cost(x: np.ndarray) -> float:
        value = -search(
            start.with_(**{n: round(float(v), 2) for n, v in zip(names, np.clip(x, low, high), strict=True)})
        )
        return value if np.isfinite(value) else 1e12

    minimize(
        cost,
        at,
        method="Nelder-Mead",
        bounds=list(zip(low, high, strict=True)),
        options={"initial_simplex": simplex, "maxfev": 60 * len(names), "xatol": 0.01, "fatol": 1e-5},
    )
