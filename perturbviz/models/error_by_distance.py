"""Error against distance to training: is a perturbation predicted worse that resembles none of the training ones?

After PertEval-scFM, which makes training and test sets more and more dissimilar and takes the area under the error as
a score (AUSPC, metrics §2.21). Here nothing is split anew: the perturbations nearest to training are left out of the
average step by step.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from perturbviz.models.compete import Predictions
from perturbviz.models.lookup import PerturbationRows
from perturbviz.models.neighbours import distance_to_training

#: Shares of the perturbations nearest to training that are left out, as PertEval's sparsification probabilities.
LEFT_OUT = tuple(np.round(np.arange(0, 0.71, 0.1), 1).tolist())


def by_distance(rows: pd.DataFrame, found: Predictions, errors: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Distance to the nearest training perturbation, and errors, of every scored perturbation (means over splits).

    Parameters
    ----------
    rows
        (R,) scored rows with ``seed``, ``context`` and ``perturbation``.
    found
        What was fitted to each seed and context; its embedding gives the (cosine) distance.
    errors
        Method -> (R,) score of each row.

    Returns
    -------
    Indexed by perturbation (with its context where there are several): ``distance``, ``nearest``, and a column a
    method. Empty where the competitor has no embedding of perturbations. Rows without distance or error are left out.
    """
    several = rows["context"].nunique() > 1
    parts = []
    for (seed, context), block in rows.assign(at=np.arange(len(rows))).groupby(["seed", "context"], sort=False):
        embedding = getattr(found.fits.get((seed, context)), "rows", None)
        if not isinstance(embedding, PerturbationRows):
            continue
        names, at = list(block["perturbation"]), block["at"].to_numpy()
        apart = distance_to_training(names, found.fits[seed, context].fitted_on, embedding)  # type: ignore[attr-defined]
        labels = [f"{name} · {context}" for name in names] if several else names
        parts.append(apart.set_axis(labels).assign(**{m: values[at] for m, values in errors.items()}))
    if not parts:
        return pd.DataFrame(columns=["distance", "nearest", *errors])
    together = pd.concat(parts).dropna(subset=["distance", *errors])
    means = together[["distance", *errors]].astype(float).groupby(level=0).mean()
    return means.assign(nearest=together["nearest"].groupby(level=0).first())


def leaving_out_the_nearest(table: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """Mean error of the perturbations that remain when a share of those nearest to training is left out.

    Returns
    -------
    Indexed by the share left out (``LEFT_OUT``): ``distance`` (of the nearest that remains), ``n``, a column a method.
    """
    ordered = table.sort_values("distance", kind="stable")
    out = []
    for share in LEFT_OUT:
        kept = ordered.iloc[round(share * len(ordered)) :]
        line = {"left_out": share, "distance": kept["distance"].min(), "n": len(kept)}
        out.append(line | {m: kept[m].mean() for m in methods})
    return pd.DataFrame(out).set_index("left_out")


def area(curve: pd.DataFrame, method: str) -> float:
    """Area under the error from no to 70% of the nearest left out, divided by 0.7: an error like any other of them."""
    return float(np.trapezoid(curve[method], curve.index) / (LEFT_OUT[-1] - LEFT_OUT[0]))
