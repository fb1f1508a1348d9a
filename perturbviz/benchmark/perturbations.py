"""Names of perturbations: "A", "A+B", control; parsing what systems write into one canonical form.

The canonical name of a perturbation is its targets in code-point order joined by "+"; control is ``CONTROL``.
Context (cell line, donor, dose, ...) is never part of the name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
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
#: Stands for a "+" that belongs to a name, where it would else be taken for the sign between two targets.
PLUS = "\N{FULLWIDTH PLUS SIGN}"
#: Names of genes that tell the kind of name: two parts of a label are split at "_" only where they are of one kind.
ENSEMBL_ID = re.compile(r"ENS[A-Z]*G\d{6,}(\.\d+)?")
_OPENING, _CLOSING = "([{", ")]}"


def is_control(label: str, further: Iterable[str] = (), but: Collection[str] = ()) -> bool:
    """Whether a label means control: one of the usual words, or one of ``further`` ("NT-*" stands for many).

    Parameters
    ----------
    but
        Labels that do not, whatever the usual words say.
    """
    text = whole_number(label.strip())
    if text in but:
        return False
    return text.lower() in CONTROL_LABELS or any(
        fnmatchcase(text.lower(), whole_number(str(word).strip()).lower()) for word in further
    )


def whole_number(text: str) -> str:
    """A label without the ".0" that a column of numbers gets where one of them is missing: 591.0 is 591."""
    number, dot, rest = text.partition(".")
    return number if dot and rest and not rest.strip("0") and number.lstrip("-").isdecimal() else text


def split_label(text: str, sep: str) -> list[str]:
    """Parts of a label at a separator, without blanks around them.

    A separator inside brackets or at the edge does not split, and no part is left without a letter or digit:
    "(+)-JQ1" and "CD4+" are one name each.
    """
    if not sep or sep not in text:
        return [text.strip()]
    depth, start, parts = 0, 0, []
    balanced = sum(map(text.count, _OPENING)) == sum(map(text.count, _CLOSING))
    i = 0
    while i < len(text):
        if (depth == 0 or not balanced) and text.startswith(sep, i):
            parts.append(text[start:i])
            i = start = i + len(sep)
            continue
        depth += (text[i] in _OPENING) - (text[i] in _CLOSING)
        i += 1
    parts.append(text[start:])
    return [part.strip() for part in _with_letters(parts, sep)]


def _with_letters(parts: list[str], sep: str) -> list[str]:
    """Parts that hold no letter or digit joined to the one before them, or to the one after them at the beginning."""
    out: list[str] = []
    for part in parts:
        bare = not any(map(str.isalnum, part))
        if out and (bare or not any(map(str.isalnum, out[-1]))):
            out[-1] += sep + part
        else:
            out.append(part)
    return out


def parse_condition(
    label: Any,
    sep: str = "+",
    vocab: Collection[str] | None = None,
    extra_control: Iterable[str] = (),
    not_control: Collection[str] = (),
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
        Further labels that mean control in this file; "NT-*" stands for all that begin so.
    not_control
        Labels that do not mean control, whatever the usual words say.

    Returns
    -------
    The canonical name, ``CONTROL``, or None where the label does not say what the condition is.
    """
    if not isinstance(label, str) and pd.isna(label):
        return None
    text = whole_number(str(label).strip())
    control = tuple(extra_control)
    if is_control(text, control, not_control):
        return CONTROL
    if text.lower() in UNKNOWN_LABELS:
        return None
    if vocab is not None and text in vocab:
        return _as_one(text)
    parts = [p for p in split_label(text, sep) if p]
    if sep == "_" and vocab is not None and not _all_known(parts, vocab, control, not_control):
        parts = [text]
    named = sorted({_as_one(p) for p in parts if not is_control(p, control, not_control)})
    if any(p.lower() in UNKNOWN_LABELS for p in named):
        return None
    return "+".join(named) if named else CONTROL


def _all_known(parts: list[str], vocab: Collection[str], control: Iterable[str], but: Collection[str]) -> bool:
    """Whether every part is a target or control, and no part the id of another."""
    named = [p for p in parts if not is_control(p, control, but)]
    kinds = {ENSEMBL_ID.fullmatch(p) is not None for p in named}
    return all(p in vocab for p in named) and len(kinds) < 2


def _as_one(part: str) -> str:
    """A name in which no "+" would be read as the sign between two targets."""
    return part.replace("+", PLUS) if len(split_label(part, "+")) > 1 else part


def targets(name: str) -> tuple[str, ...]:
    """Perturbed genes of a canonical name; none for control."""
    return () if name == CONTROL else tuple(split_label(name, "+"))


def n_perturbed(name: str) -> int:
    """Number of perturbed genes of a canonical name."""
    return len(targets(name))
