"""The gene axis: one unique name per gene, whatever the file holds."""

from __future__ import annotations

import pandas as pd
from anndata.utils import make_index_unique

ENSEMBL = r"^ENS[A-Z]*G\d+(\.\d+)?$"


def gene_axis(var: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Unique gene names, with symbols and Ensembl ids beside them where the file has them.

    Duplicated names are never averaged. If the file has unique Ensembl ids, these become the names; otherwise the
    second and further occurrences get a suffix ("-1", "-2") and are flagged.

    Parameters
    ----------
    var
        The ``var`` table of the file.

    Returns
    -------
    genes
        Table indexed by unique name with columns ``symbol``, ``symbol_duplicated`` and, where known, ``ensembl``.
    note
        What was done about duplicates, one sentence; "" if there were none.
    """
    names = pd.Index(var.index.astype(str))
    texts = [c for c in var.columns if not pd.api.types.is_numeric_dtype(var[c])]
    ids = next((c for c in texts if var[c].notna().all() and var[c].astype(str).str.match(ENSEMBL).all()), None)
    symbol = names
    if names.str.match(ENSEMBL).all():
        column = next((c for c in texts if "symbol" in c.lower() or c.lower() in ("gene_name", "feature_name")), None)
        symbol = names if column is None else pd.Index(var[column].astype(str))
    frame = pd.DataFrame({"symbol": symbol.to_numpy(object), "symbol_duplicated": symbol.duplicated(keep=False)})
    if ids is not None:
        frame["ensembl"] = var[ids].astype(str).to_numpy(object)
    if names.is_unique:
        frame.index = names
        return frame, ""
    twice = names[names.duplicated()].unique()
    which = (
        f"{len(twice)} gene name(s) occur more than once ({', '.join(twice[:3])}{', ...' if len(twice) > 3 else ''})"
    )
    if ids is not None and frame["ensembl"].is_unique:
        frame.index = pd.Index(frame["ensembl"].to_numpy(object))
        return frame, f"{which}: the Ensembl ids of column {ids!r} are used as names instead."
    frame.index = make_index_unique(names)
    return frame, f"{which}: the second and further ones got a suffix (-1, -2, ...); nothing was averaged."
