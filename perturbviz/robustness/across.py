"""Does the order hold elsewhere? One view, and all defensible views, on several data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.evaluation import Evaluation
from perturbviz.rankings import ranks as ranks_of
from perturbviz.robustness.shares import shares_of_views
from perturbviz.scores import score_view
from perturbviz.stats import average
from perturbviz.sweep.engine import Sweep
from perturbviz.validity import view_problem
from perturbviz.view import View
from perturbviz.views import ViewFilter, defensible


@dataclass(frozen=True, eq=False)
class Across:
    """Methods on several data sets; all tables are methods x data sets, NaN where undefined or absent.

    Attributes
    ----------
    names
        Method slug -> display name.
    scores, ranks
        Of one view.
    shares
        Share of the defensible views won; None where no sweeps were given.
    problems
        Data set -> why the view cannot be computed there.
    """

    names: Mapping[str, str]
    scores: pd.DataFrame
    ranks: pd.DataFrame
    shares: pd.DataFrame | None
    problems: Mapping[str, str]


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
    names: dict[str, str] = {}
    scores, ranks, shares, problems = {}, {}, {}, {}
    for label, (evaluation, view) in data.items():
        names |= {m: evaluation.name(m) for m in evaluation.methods if m not in names}
        problem = view_problem(view, evaluation)
        try:
            found = None if problem else score_view(evaluation, view)
        except UserError as error:
            found, problem = None, str(error)
        if found is None:
            problems[label] = problem
            scores[label] = ranks[label] = pd.Series(dtype=float)
        else:
            mean = average(found.values, view.avg)
            scores[label] = pd.Series(mean, found.methods)
            ranks[label] = pd.Series(ranks_of(mean, found.card), found.methods)
        if sweeps is not None and label in sweeps:
            shares[label] = shares_of_views(defensible(sweeps[label], choice))["share"]
    table = {k: pd.DataFrame(v).reindex(names).astype(float) for k, v in (("s", scores), ("r", ranks), ("w", shares))}
    order = table["r"].mean(axis=1).sort_values(kind="stable", na_position="last").index
    return Across(
        {m: names[m] for m in order},
        table["s"].loc[order],
        table["r"].loc[order],
        table["w"].loc[order] if shares else None,
        problems,
    )


def stability(across: Across) -> float:
    """Mean Kendall's τ-b between the rankings of the data sets; NaN with fewer than two."""
    from perturbviz.robustness.agreement import kendall_matrix

    tau = kendall_matrix(across.ranks.to_numpy().T)
    pairs = tau[np.triu_indices(len(tau), 1)]
    return float(np.nanmean(pairs)) if (~np.isnan(pairs)).any() else np.nan
