"""Labels of files to names of perturbations: one vocabulary, one parser for every file, and what is in doubt."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from perturbviz.benchmark.perturbations import (
    CONTROL,
    CONTROL_LABELS,
    ENSEMBL_ID,
    PLUS,
    is_control,
    parse_condition,
    split_label,
    targets,
    whole_number,
)

#: Where nobody says how targets are separated: "+", or "_" where every part is a known name.
SEPARATORS = ("+", "_")
#: What a person says where labels hold no separator.
NEVER = "none"
_SYMBOL = re.compile(r"[A-Za-z][\w.-]+")
_SIGNS = ("+", "_", "|", ",", ";", "&")
#: Words that often mean control, with a number or more behind them; lower case.
_LIKE = re.compile(
    r"(ntc?|no[nt]?[-_ .]?target\w*|neg(ative)?[-_ .]?(ctrl|control)?|(neg|pos|empty|mock)?[-_ .]?(ctrl|control)s?|"
    r"intergenic|scrambled?|safe[-_ .]?(harbou?r|target\w*)|mock|untreated|unperturbed|unstimulated|unmodified|vehicle|"
    r"dmso|pbs|empty([-_ .]?vector)?|aavs1|rosa26|luciferase|lacz|egfp|gfp)([-_ .#:].*|\d+[a-z]?)?"
)


def separators_of(said: str) -> tuple[str, ...]:
    """Separators a person means: nothing where nothing is said, ("",) for never."""
    return () if not said else ("",) if said == NEVER else (said,)


@dataclass(frozen=True)
class LabelRules:
    """How labels of one file become canonical names.

    Attributes
    ----------
    separators
        Tried in turn: the first that splits a label is used; "_" only between known targets; "" never splits.
    vocabulary
        Known targets, None where none are known.
    control
        Further labels that mean control ("" among them where the system writes it for control).
    rename
        Name in the file -> name to use, for whole labels or single targets.
    not_control
        Labels that do not mean control, whatever the usual words say.
    """

    separators: tuple[str, ...] = ("+",)
    vocabulary: Collection[str] | None = None
    control: tuple[str, ...] = ()
    rename: Mapping[str, str] | None = None
    not_control: frozenset[str] = frozenset()

    def __call__(self, label: Any) -> str | None:
        """Canonical name; None where the label does not say what the condition is."""
        rename = self.rename or {}
        if isinstance(label, str):
            label = rename.get(label, rename.get(label.strip(), label))
            if not label.strip():
                return CONTROL if "" in self.control else None
        separator = next((s for s in self.separators if len(split_label(str(label), s)) > 1), self.separators[0])
        name = parse_condition(label, separator, self.vocabulary, self.control, self.not_control)
        if name is None or not rename:
            return name
        return "+".join(sorted(rename.get(t, t) for t in targets(name))) or CONTROL


def vocabulary_of(labels: Iterable[Any], separators: Sequence[str]) -> frozenset[str]:
    """Targets a list of labels declares: parts at unambiguous separators, and labels without any separator."""
    found: set[str] = set()
    sure = [s for s in separators if s and s != "_"]
    for label in labels:
        if not isinstance(label, str):
            continue
        parts = next((p for s in sure if len(p := split_label(label, s)) > 1), [whole_number(label.strip())])
        if len(parts) > 1 or "_" not in label or "_" not in separators:
            found |= set(parts)
    return frozenset(t for t in found if t and t.lower() not in CONTROL_LABELS)


# -- control -------------------------------------------------------------------------------------------------------
def control_like(labels: Iterable[Any], rules: LabelRules, genes: Collection[str] = ()) -> list[str]:
    """Labels that are no control by the rules and look like one: numbered non-targeting guides, scramble, ...

    Parameters
    ----------
    genes
        Measured genes; a label that names one of them is none of these.
    """
    out = []
    for label in dict.fromkeys(str(v).strip() for v in labels if v is not None):
        if label in genes or rules(label) in (CONTROL, None):
            continue
        if any(_LIKE.fullmatch(part.lower()) for part in re.split(r"[|+,;&]|__", label)):
            out.append(label)
    return out


def patterns_of(labels: Sequence[str], others: Iterable[Any]) -> list[str]:
    """Words that name all these labels and none of the others: "NT-*" for NT-1, NT-2, ..."""
    rest = {str(o).strip() for o in others} - set(labels)
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(re.sub(r"(?<=[-_ .#:a-zA-Z])\d.*$", "", label), []).append(label)
    out: list[str] = []
    for stem, members in groups.items():
        alone = len(members) > 1 and stem and not any(r.lower().startswith(stem.lower()) for r in rest)
        out += [f"{stem}*"] if alone else members
    return out


def genes_named_control(labels: Iterable[Any], named: Sequence[str], genes: Collection[str]) -> frozenset[str]:
    """Usual words for control that are measured genes, beside a control that a person named and the file has."""
    found = {str(v).strip() for v in labels if v is not None}
    if not any(is_control(f, named) and (f.lower() not in CONTROL_LABELS or _named(f.lower(), named)) for f in found):
        return frozenset()
    return frozenset(f for f in found if f in genes and f.lower() in CONTROL_LABELS and not _named(f, named))


def _named(label: str, named: Sequence[str]) -> bool:
    return any(label in (whole_number(n.strip()), n.strip().lower()) for n in named)


# -- separators ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Doubt:
    """A second look that labels ask for: the sentence, the labels, and the separator that would settle it."""

    text: str
    items: tuple[str, ...]
    separator: str = ""


def doubts(labels: Iterable[Any], rules: LabelRules, known: Collection[str]) -> list[Doubt]:
    """Labels that hold two known names unsplit, and parts that are no known name while the others are.

    Parameters
    ----------
    known
        Targets seen alone, and measured genes.
    """
    kept: dict[str, list[str]] = {}
    odd: dict[str, str] = {}
    used: dict[str, int] = {}
    names = {str(v): n for v in labels if v is not None and (n := rules(v)) not in (None, CONTROL)}
    for name in set(names.values()):
        for part in targets(name):
            used[part] = used.get(part, 0) + 1
    for label, name in names.items():
        parts = targets(name)
        if len(parts) > 1:
            strange = [p for p in parts if p not in known and used[p] == 1 and not _SYMBOL.fullmatch(p)]
            if strange and len(strange) < len(parts):
                odd[label] = strange[0]
        elif name not in known or any(sign in name for sign in (*_SIGNS, PLUS)):
            sign = next((s for s in _SIGNS if _two_known(name.replace(PLUS, "+"), s, known)), "")
            if sign:
                kept.setdefault(sign, []).append(label)
    out = [
        Doubt(f"{len(v):,} label{'s hold' if len(v) > 1 else ' holds'} two known names joined by {s!r}", tuple(v), s)
        for s, v in kept.items()
    ]
    if odd:
        text = f"{len(odd):,} label{'s were' if len(odd) > 1 else ' was'} split into a known name and an unknown one"
        out.append(Doubt(text, tuple(f"{label}: {part}" for label, part in odd.items()), NEVER))
    return out


def _two_known(label: str, sign: str, known: Collection[str]) -> bool:
    parts = [p for p in split_label(label, sign) if not is_control(p)]
    return (
        len(set(parts)) > 1
        and all(p in known for p in parts)
        and len({bool(ENSEMBL_ID.fullmatch(p)) for p in parts}) < 2
    )


# -- the same name, spelled otherwise --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Spellings:
    """Names that are the same to a reader: case, blanks, ".0", the separator, or an id in place of a symbol.

    Attributes
    ----------
    aliases
        Second names of targets (ids of genes) -> the first.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)

    def key(self, name: str) -> tuple[str, ...]:
        """What two spellings of one name have in common."""
        parts = [p.strip() for p in re.split(r"[+_,|;&]|" + PLUS, name) if p.strip()]
        parts = [self.aliases.get(p, self.aliases.get(p.upper(), p)) for p in parts]
        return tuple(sorted(re.sub(r"\s+", "", whole_number(p)).lower() for p in parts))

    def same(self, theirs: Iterable[str], ours: Iterable[str]) -> dict[str, str]:
        """Their name -> our name, where each is the only one of its side with that spelling and they differ."""
        mine: dict[tuple[str, ...], set[str]] = {}
        for name in ours:
            mine.setdefault(self.key(name), set()).add(name)
        known = {n for names in mine.values() for n in names}
        others: dict[tuple[str, ...], set[str]] = {}
        for name in theirs:
            others.setdefault(self.key(name), set()).add(name)
        return {
            name: next(iter(mine[key]))
            for key, names in others.items()
            if len(names) == 1 and len(mine.get(key, ())) == 1
            for name in names
            if name not in known
        }
