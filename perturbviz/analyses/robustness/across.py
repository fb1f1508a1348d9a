"""Does the order hold elsewhere? One view, and all defensible views, on several data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from perturbviz.analyses.all_views.defensible import ViewFilter, defensible
from perturbviz.analyses.all_views.engine import Sweep
from perturbviz.analyses.robustness.shares import shares_of_views
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import ranks as ranks_of
from perturbviz.scoring.scores import Scores, score_view
from perturbviz.scoring.validity import view_problem
from perturbviz.scoring.view import View
from perturbviz.stats import average

_FEW = "fewer than two methods have a score in this view, so there is no order to compare."


@dataclass(frozen=True, eq=False)
class Across:
    """Methods on several data sets: those with a score on every one, since a rank depends on who else is there.

    Attributes
    ----------
    names
        Slug -> display name of the methods that are compared; empty where fewer than two can be.
    scores, ranks
        Of one view: compared methods x data sets.
    shares
        Share of the defensible views won; None where no sweeps were given.
    problems
        Data set -> why it cannot be compared, as a sentence.
    left_out
        Slug -> display name of the methods that have a score on some of the compared data sets, not on all.
    """

    names: Mapping[str, str]
    scores: pd.DataFrame
    ranks: pd.DataFrame
    shares: pd.DataFrame | None
    problems: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)


def sweep_across(
    evaluations: Mapping[str, Evaluation],
    view: View,
    sweeps: Mapping[str, Sweep] | None = None,
    choice: ViewFilter | None = None,
) -> Across:
    """Ranks in one view, and shares of views won, side by side.

    Parameters
    ----------
    evaluations
        Data set -> evaluation. Methods are matched by slug. Contexts of one benchmark can stand side by side as
        ``context=...`` views of the same evaluation; see :func:`contexts_across`.
    view
        The view to compare; its fields ``data`` and ``seed`` do not matter.
    sweeps
        Data set -> its sweep, for the shares.
    """
    return _across({name: (e, view.with_(seed="")) for name, e in evaluations.items()}, sweeps, choice)


def contexts_across(evaluation: Evaluation, view: View) -> Across:
    """The contexts (cell lines, donors, ...) of one benchmark side by side in one view."""
    contexts = pd.unique(evaluation.rows["context"])
    return _across({str(c): (evaluation, view.with_(context=str(c))) for c in contexts}, None, None)


def _across(
    data: Mapping[str, tuple[Evaluation, View]], sweeps: Mapping[str, Sweep] | None, choice: ViewFilter | None
) -> Across:
    found: dict[str, Scores] = {}
    problems: dict[str, str] = {}
    for label, (evaluation, view) in data.items():
        scores, problem = _scored(evaluation, view)
        if scores is not None and len(_defined(scores)) >= 2:
            found[label] = scores
        else:
            problems[label] = problem or _FEW
    names = {m: n for one in found.values() for m, n in zip(one.methods, one.names, strict=True) if m in _defined(one)}
    common = [m for m in names if len(found) > 1 and all(m in _defined(one) for one in found.values())]
    if len(common) < 2:
        nothing = pd.DataFrame(index=[], columns=list(found), dtype=float)
        return Across({}, nothing, nothing, None, problems, names)
    # once more among themselves: the rows that all predict, and with them the scores, depend on who takes part
    again = {label: score_view(*data[label], common) for label in found}
    means = {label: average(one.values, data[label][1].avg) for label, one in again.items()}
    ranks = pd.DataFrame(
        {label: ranks_of(mean, again[label].card) for label, mean in means.items()}, common, dtype=float
    )
    order = ranks.mean(axis=1).sort_values(kind="stable").index
    won = {k: shares_of_views(defensible(s, choice))["share"] for k, s in (sweeps or {}).items() if k in found}
    return Across(
        {m: names[m] for m in order},
        pd.DataFrame(means, common, dtype=float).loc[order],
        ranks.loc[order],
        pd.DataFrame(won).reindex(order).astype(float) if won else None,
        problems,
        {m: n for m, n in names.items() if m not in common},
    )


def _scored(evaluation: Evaluation, view: View) -> tuple[Scores | None, str]:
    """Scores of a view, or why there are none."""
    problem = view_problem(view, evaluation)
    try:
        return (None, problem) if problem else (score_view(evaluation, view), "")
    except UserError as error:
        return None, str(error)


def _defined(scores: Scores) -> set[str]:
    """Methods with a score."""
    return {m for m, values in zip(scores.methods, scores.values, strict=True) if not np.isnan(values).all()}


def stability(across: Across) -> float:
    """Mean Kendall's τ-b between the rankings of the data sets; NaN with fewer than two."""
    from perturbviz.analyses.robustness.agreement import kendall_matrix

    tau = kendall_matrix(across.ranks.to_numpy().T)
    pairs = tau[np.triu_indices(len(tau), 1)]
    return float(np.nanmean(pairs)) if (~np.isnan(pairs)).any() else np.nan
