"""Source data of Ahlmann-Eltze, Huber & Anders, Nature Methods 2025, Fig. 1c, e, f: reference layers, as published.

Panel C holds TPR–FDP curves, panel E the classes of the truth, panel F the 500 pairs each method sets furthest from
additive over all five splits, with the class of the truth. The singles are not in the workbook, so classes are taken as
printed and nothing here can be computed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from perturbviz.benchmark.perturbations import parse_condition
from perturbviz.errors import UserError
from perturbviz.readers.nature_methods import METHODS, TITLE
from perturbviz.readers.safety import check_file, check_zip

#: Label in the workbook -> class of this package.
LABELS = {
    "Additive": "additive",
    "Buffering": "buffering",
    "Synergy": "synergistic",
    "Opposite": "opposite",
    "Other": "other",
}
_SHEETS = {
    "Panel C": {"method", "fdp", "tpr"},
    "Panel E": {"label", "n"},
    "Panel F": {"perturbation", "gene_name", "seed", "method", "obs_minus_add", "pred_minus_add", "interaction_label"},
}


@dataclass(frozen=True)
class Published:
    """The panels in this package's words.

    Attributes
    ----------
    title
        Where they are from.
    curves
        method (display name), fdp, tpr: mean over five splits.
    classes
        Class -> number of pairs in the truth.
    calls
        method, seed, perturbation, gene, observed and predicted deviation, true_class.
    """

    title: str
    curves: pd.DataFrame = field(repr=False)
    classes: dict[str, int]
    calls: pd.DataFrame = field(repr=False)

    @property
    def n_pairs(self) -> int:
        """Number of pairs classified."""
        return sum(self.classes.values())

    @property
    def n_nonadditive(self) -> int:
        """Number of pairs that are not additive."""
        return self.n_pairs - self.classes.get("additive", 0)

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods with calls, in the order of the paper's methods."""
        named = [name for _, name in METHODS.values()]
        found = list(dict.fromkeys(self.calls["method"]))
        return tuple([n for n in named if n in found] + [f for f in found if f not in named])

    def composition(self) -> pd.DataFrame:
        """Calls per method (rows) and true class (columns)."""
        table = pd.crosstab(self.calls["method"], self.calls["true_class"])
        return table.reindex(index=list(self.methods), columns=list(LABELS.values()), fill_value=0)


def read_published(path: str | Path) -> Published:
    """Read the panels of the workbook; raises :class:`UserError` with one sentence where they are not there."""
    path = Path(path)
    check_file(path)
    check_zip(path)
    try:
        sheets = pd.read_excel(path, sheet_name=list(_SHEETS), engine="openpyxl")
    except Exception as error:  # openpyxl and pandas raise many kinds for a damaged or other workbook
        raise UserError(
            f"{path.name} cannot be read as the paper's workbook ({type(error).__name__}): it must hold the sheets "
            f"{', '.join(_SHEETS)}."
        ) from error
    for name, needed in _SHEETS.items():
        missing = sorted(needed - set(sheets[name].columns))
        if missing:
            raise UserError(f"{path.name}, sheet {name!r} lacks the column(s) {', '.join(missing)}.")
    # the notes beneath the tables fill no numeric cell
    curves = sheets["Panel C"].dropna(subset=["fdp", "tpr"])
    counts = sheets["Panel E"].dropna(subset=["n"])
    calls = sheets["Panel F"].dropna(subset=["obs_minus_add", "pred_minus_add"])
    return Published(
        title=TITLE,
        curves=curves.assign(method=curves["method"].map(_name))[["method", "fdp", "tpr"]].reset_index(drop=True),
        classes={LABELS.get(str(k), str(k).lower()): int(n) for k, n in zip(counts["label"], counts["n"], strict=True)},
        calls=pd.DataFrame(
            {
                "method": calls["method"].map(_name),
                "seed": calls["seed"].astype(int).astype(str),
                "perturbation": calls["perturbation"].map(parse_condition),
                "gene": calls["gene_name"].astype(str),
                "observed": calls["obs_minus_add"].astype(float),
                "predicted": calls["pred_minus_add"].astype(float),
                "true_class": calls["interaction_label"].map(lambda v: LABELS.get(str(v), str(v).lower())),
            }
        ).reset_index(drop=True),
    )


def _name(method: object) -> str:
    return METHODS[str(method)][1] if str(method) in METHODS else str(method)
