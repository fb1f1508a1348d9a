"""Methods on the calibrated scale: 0 = empty prediction, 1 = replicate of the experiment, not clipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.analyses.calibration.fractions import calibrated_scale
from perturbviz.analyses.calibration.table import NEGATIVES
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import score, view_rows
from perturbviz.scoring.view import View


@dataclass(frozen=True, eq=False)
class Scaled:
    """A ranking with its calibrated scale.

    Attributes
    ----------
    ranking
        Of the methods, the truth being the one that leaves the controls cells of their own.
    table
        ``ranking.table`` with score, low and high on the calibrated scale and the column ``raw``; all NaN where the
        replicate is not better than the empty prediction.
    positive, negative
        Controls: (method, average raw score).
    """

    ranking: Ranking
    table: pd.DataFrame
    positive: tuple[str, float]
    negative: tuple[str, float]

    @property
    def defined(self) -> bool:
        """Whether there is a scale: the replicate is better than the empty prediction."""
        return bool(self.table["score"].notna().any())


def scaled(
    controlled: Evaluation, view: View, methods: Sequence[str], positive: str, negatives: Sequence[str] = NEGATIVES
) -> Scaled:
    """Average scores of methods on the calibrated scale, with 95% intervals of the methods alone.

    Parameters
    ----------
    controlled
        See :func:`perturbviz.analyses.calibration.table.control_evaluation`.
    view
        Metric, reference, genes, rows and average; the truth is the one of ``controlled``.
    negatives
        Empty predictions in order of preference: the first with a defined score marks 0.
    """
    negatives = [m for m in negatives if m in controlled.methods]
    every = list(dict.fromkeys([*methods, positive, *negatives]))
    ref = view.ref if view.reference != "none" else "control"
    rows = view_rows(controlled, view, [*methods, positive])
    scores = score(
        controlled,
        view.metric,
        ref,
        view.subset,
        every,
        rows=rows,
        include_held_out_in_reference=view.ref_from == "all",
    )
    averages = rank(scores, view.avg).table["score"]
    negative = next((m for m in negatives if not np.isnan(averages[m])), positive)
    ranking = rank(scores.select(list(methods)), view.avg)
    table = ranking.table.assign(raw=ranking.table["score"])
    ends = [
        calibrated_scale(ranking.table[c].to_numpy(), averages[positive], averages[negative], scores.card)
        for c in ("score", "low", "high")
    ]
    # "closest to 1" folds the scale: an interval may then lie on one side of its score, so the three are ordered
    table["score"], table["low"], table["high"] = ends[0], np.min(ends, axis=0), np.max(ends, axis=0)
    return Scaled(ranking, table, (positive, float(averages[positive])), (negative, float(averages[negative])))
