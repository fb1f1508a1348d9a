"""Names of perturbations: "A", "A+B", control; parsing what systems write into one canonical form.

The canonical name of a perturbation is its targets in code-point order joined by "+"; control is ``CONTROL``.
Context (cell line, donor, dose, ...) is never part of the name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

CONTROL = "ctrl"

#: Labels that mean "unperturbed", lower case.
CONTROL_LABELS = frozenset(
    {
        "ctrl",
        "control",
        "non-targeting",
        "non_targeting",
        "nt",
        "ntc",
        "negctrl",
        "dmso",
        "dmso_tf",
        "dimethyl sulfoxide",
        "vehicle",
        "[('dmso_tf', 0.0, 'um')]",
    }
)
#: Labels that mean "not known", lower case. A cell without an identified guide is not a control cell.
UNKNOWN_LABELS = frozenset({"", "nan", "none", "na", "<na>", "no_reads_found"})


def parse_condition(
    label: Any, sep: str = "+", vocab: Collection[str] | None = None, extra_control: Iterable[str] = ()
) -> str | None:
    """Canonical name of one label.

    Parameters
    ----------
    label
        What the file says: "A+ctrl", "ctrl+A", "B+A", "A_B", " A ", NaN, ...
    sep
        Separator between targets, a property of the system that wrote the file; "" means labels are never split.
    vocab
        Known targets. A label that is itself a known target is never split, and "_" splits only where every
        part is known, since gene symbols may contain it ("TBCE_ENSG00000116957").
    extra_control
        Further labels that mean control in this file.

    Returns
    -------
    The canonical name, ``CONTROL``, or None where the label does not say what the condition is.
    """
    if not isinstance(label, str) and pd.isna(label):
        return None
    text = str(label).strip()
    control = CONTROL_LABELS | {str(c).strip().lower() for c in extra_control}
    if text.lower() in control:
        return CONTROL
    if text.lower() in UNKNOWN_LABELS:
        return None
    if vocab is not None and text in vocab:
        return text
    parts = [p.strip() for p in text.split(sep)] if sep else [text]
    if sep == "_" and vocab is not None and not all(p in vocab or p.lower() in control for p in parts):
        parts = [text]
    named = sorted({p for p in parts if p and p.lower() not in control})
    if any(p.lower() in UNKNOWN_LABELS for p in named):
        return None
    return "+".join(named) if named else CONTROL


def targets(name: str) -> tuple[str, ...]:
    """Perturbed genes of a canonical name; none for control."""
    return () if name == CONTROL else tuple(name.split("+"))


def n_perturbed(name: str) -> int:
    """Number of perturbed genes of a canonical name."""
    return len(targets(name))
