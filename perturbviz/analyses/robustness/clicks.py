"""What one click would overturn the current first place?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from perturbviz.analyses.all_views.engine import Sweep
from perturbviz.metrics import parse_metric
from perturbviz.scoring.rankings import ranks
from perturbviz.scoring.references import REFERENCES
from perturbviz.scoring.view import View
from perturbviz.stats import first


def first_places(sweep: Sweep, view: View) -> tuple[str, ...] | None:
    """Methods that lead a view (several where tied); None where the sweep does not hold it or nobody has a score."""
    score = sweep.score_of(view)
    if score is None or np.isnan(score).all():
        return None
    leads = first(ranks(score, parse_metric(view.metric)[0].card))
    return tuple(m for m, yes in zip(sweep.methods, leads, strict=True) if yes)


def one_click(sweep: Sweep, view: View, leaders: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Who leads after changing a single field of a view.

    Parameters
    ----------
    leaders
        Methods that lead now; looked up in the sweep where None (needed for a view the sweep does not hold).

    Returns
    -------
    One line per other value of a field that makes a valid view: field, value, view, leaders (tuple of slugs), overturns
    (none of those who lead now still does).
    """
    leaders = first_places(sweep, view) if leaders is None else leaders
    lines = []
    for field, values in alternatives(sweep, view).items():
        for value in values:
            changed = view.with_(**{field: value})
            now = first_places(sweep, changed)
            if now is not None:
                lines.append((field, value, changed, now, leaders is not None and not set(now) & set(leaders)))
    return pd.DataFrame(lines, columns=["field", "value", "view", "leaders", "overturns"])


def alternatives(sweep: Sweep, view: View) -> dict[str, list[Any]]:
    """Other values of each field among what the sweep holds."""
    settings = sweep.settings
    delta = parse_metric(view.metric)[0].card.reference == "delta"
    sizes = sorted({s.subset.n for s in settings if s.subset.kind == view.genes and s.metric == view.metric})
    every: dict[str, list[Any]] = {
        "metric": list(dict.fromkeys(s.metric for s in settings)),
        "ref": [r for r in REFERENCES if r != "none"] if delta else [],
        "genes": list(dict.fromkeys(s.subset.kind for s in settings)),
        "n": [] if view.genes == "all" else sizes,
        "targets": [True, False],
        "split": list(dict.fromkeys(s.split for s in sweep.splits)),
        "seed": list(dict.fromkeys(s.seed for s in sweep.splits)),
        "avg": list(sweep.hows),
    }
    return {field: [v for v in values if v != getattr(view, field)] for field, values in every.items()}
