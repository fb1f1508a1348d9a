"""Which rows of a table of cells belong together: columns that differ within a label, and rows that were predicted."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

#: Columns whose values make another experiment of the same label. Batch, replicate, guide and quality of cells do not.
_APART = re.compile(
    r"(^|[_ .-])(dose|conc(entration)?|time(point)?|hours?|days?|cell[_ .-]?(line|type)|celltype|cellline|tissue|organ|"
    r"disease|species|organism|stage|treatment|stimul\w*|condition|source|mode|expcategory|nperts|moi)",
    re.IGNORECASE,
)
_FEW = 50
#: Words of a column that tells predicted from measured rows, lower case.
_PREDICTED = frozenset(
    ["pred", "predicted", "prediction", "predictions", "imputed", "generated", "simulated", "counterfactual", "model"]
)
_MEASURED = frozenset(
    ["real", "truth", "true", "ground_truth", "groundtruth", "observed", "measured", "stimulated", "stim", "ctrl"]
    + ["control", "train", "training", "test", "val", "valid", "validation", "ood", "original", "data"]
)


def differing(obs: pd.DataFrame, label: str, context: str, control: np.ndarray) -> dict[str, tuple[str, ...]]:
    """Columns other than label and context in which rows of one label differ, with their values.

    Parameters
    ----------
    label, context
        Columns of the perturbation ("" = the index) and of the context ("" = none).
    control
        (rows,) rows that do not count, since control cells are pooled over everything.
    """
    rows = obs.loc[~control].copy()
    labels = np.asarray(rows.get(label, rows.index), dtype=object).astype(str)
    keys = [labels] if context not in rows else [labels, rows[context].astype(str).to_numpy()]
    out: dict[str, tuple[str, ...]] = {}
    for name in map(str, obs.columns):
        if name in (label, context) or not tells_apart(name):
            continue
        given = rows[name].notna().to_numpy()
        values = rows[name].astype(object)[given].astype(str)
        kinds = sorted(set(values), key=_by_number)
        if not 2 <= len(kinds) <= _FEW:
            continue
        if (values.groupby([k[given] for k in keys]).nunique() > 1).any():
            out[name] = tuple(kinds)
    return out


def tells_apart(name: str) -> bool:
    """Whether a column of this name may hold another experiment of the same label: dose, time, cell line, ..."""
    return _APART.search(name) is not None


def _by_number(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return np.inf, text


def predicted_rows(obs: pd.DataFrame, but: Sequence[str] = ()) -> tuple[str, np.ndarray] | None:
    """The column that tells predicted from measured rows, and (rows,) which are predicted; None where there is none."""
    for name in map(str, obs.columns):
        if name in but:
            continue
        values = obs[name]
        if not (
            isinstance(values.dtype, pd.CategoricalDtype) or values.dtype.kind in "OUTS" or values.dtype == "string"
        ):
            continue
        words = values.astype(object).map(lambda v: str(v).strip().lower())
        kinds = set(words.unique())
        if len(kinds) > 12 or not kinds & _PREDICTED or not kinds - _PREDICTED <= _MEASURED:
            continue
        return name, words.isin(_PREDICTED).to_numpy()
    return None


def differing_sentence(file: str, found: dict[str, tuple[str, ...]]) -> str:
    """What a person should know before rows of one label are averaged."""
    (first, values), *more = found.items()
    some = ", ".join(values[:6]) + (", ..." if len(values) > 6 else "")
    others = f" (so do {', '.join(name for name, _ in more)})" if more else ""
    return (
        f"{file}: rows of one label differ in {first} ({some}){others} and are averaged all the same: to keep them "
        f"apart take it as the context (--context {first})."
    )
