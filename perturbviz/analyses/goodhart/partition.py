"""Which held-out rows a setting may be tuned on, and which it is reported on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbviz.benchmark.splits import fold_of
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation

LEAST = 4  # perturbations of a seed, on either side


@dataclass(frozen=True, eq=False)
class Partition:
    """Rows to tune on and rows to report on, a seed: no perturbation of a seed is in both.

    Attributes
    ----------
    tune, report
        Seed -> positions in ``evaluation.rows``.
    how
        What the two are, for the screen.
    """

    tune: dict[str, np.ndarray]
    report: dict[str, np.ndarray]
    how: str

    @property
    def seeds(self) -> tuple[str, ...]:
        """Seeds in order."""
        return tuple(self.tune)

    @property
    def reported(self) -> np.ndarray:
        """All rows reported on, seed after seed."""
        return np.concatenate(list(self.report.values()))


def partition(evaluation: Evaluation, rows: np.ndarray, most: int = 0) -> Partition:
    """Divide scored rows, each seed by itself, since the validation rows of one seed may be test rows of another.

    Parameters
    ----------
    evaluation
        With held-out parts.
    rows
        Positions in ``evaluation.rows``.
    most
        At most so many rows a seed on either side, chosen by a hash of the name; 0 for all.

    Returns
    -------
    Validation rows to tune on and test rows to report on; where a seed lacks either, halves by a hash of the name.

    Raises
    ------
    UserError
        Where too few perturbations are held out.
    """
    frame, b = evaluation.rows.iloc[rows], evaluation.benchmark
    names, seeds, obs = (frame[c].to_numpy() for c in ("perturbation", "seed", "obs"))
    part = np.array([b.splits[s][o] for s, o in zip(seeds, obs, strict=True)], object)
    half = np.array([fold_of(n, 2) for n in names], int)
    every = list(dict.fromkeys(seeds))
    by_part = {s: (rows[(seeds == s) & (part == "val")], rows[(seeds == s) & (part == "test")]) for s in every}
    how = "tuned on the validation perturbations, reported on the test perturbations"
    if not every or min(len(side) for pair in by_part.values() for side in pair) < LEAST:
        by_part = {s: (rows[(seeds == s) & (half == 0)], rows[(seeds == s) & (half == 1)]) for s in every}
        how = (
            "no validation perturbations here: tuned on half of the held-out perturbations (by a hash of the name), "
            "reported on the other half"
        )
    if not every or min(len(side) for pair in by_part.values() for side in pair) < LEAST:
        raise UserError(
            f"Tuning needs at least {LEAST} held-out perturbations to tune on and as many to report on; "
            "widen the perturbation set in the sidebar."
        )
    if most:
        order = {int(r): fold_of(f"{n}|few", 1 << 32) for r, n in zip(rows, names, strict=True)}
        few = {s: [sorted(side, key=lambda r: order[int(r)])[:most] for side in pair] for s, pair in by_part.items()}
        by_part = {s: (np.sort(tune), np.sort(report)) for s, (tune, report) in few.items()}
    return Partition({s: t for s, (t, _) in by_part.items()}, {s: r for s, (_, r) in by_part.items()}, how)
