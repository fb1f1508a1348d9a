"""Which group and which half every cell belongs to: conditions x contexts, and two disjoint random halves of each."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from perturbviz.benchmark.labels import (
    SEPARATORS,
    LabelRules,
    control_like,
    doubts,
    genes_named_control,
    patterns_of,
    vocabulary_of,
)
from perturbviz.benchmark.perturbations import CONTROL, is_control, parse_condition, targets, whole_number
from perturbviz.cells.errors import AggregateError

ONE_CONTEXT = "all"
#: Cells of control sampled for each one of a perturbation.
CONTROL_SAMPLE = 5
_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Groups:
    """Cells sorted into groups, a group being one condition in one context.

    Attributes
    ----------
    condition, context
        Canonical name and context of every group, (groups,) object arrays sorted by context, then condition.
    code
        Group of every cell, -1 for dropped cells; (cells,) int32.
    notes
        What was dropped, merged or missing, in sentences.
    shared_control
        Whether the control cells there are serve the contexts that have none.
    """

    condition: np.ndarray
    context: np.ndarray
    code: np.ndarray
    notes: tuple[str, ...]
    shared_control: bool = False

    @property
    def contexts(self) -> tuple[str, ...]:
        """Contexts in the order of the groups."""
        return tuple(dict.fromkeys(self.context))

    @property
    def is_control(self) -> np.ndarray:
        """True for control groups, (groups,) bool."""
        return self.condition == CONTROL

    def control_of(self, context: str) -> np.ndarray:
        """The control groups that a context is compared with; none where it has none and none is shared."""
        here = np.flatnonzero(self.is_control & (self.context == context))
        return here if here.size or not self.shared_control else np.flatnonzero(self.is_control)

    @property
    def size(self) -> np.ndarray:
        """Cells per group, (groups,) int."""
        return np.bincount(self.code[self.code >= 0], minlength=len(self.condition))


def make_groups(
    condition: pd.Series,
    control: str | Sequence[str],
    context: pd.Series | None = None,
    sep: str | None = None,
    genes: Collection[str] = (),
    not_control: Collection[str] = (),
    shared_control: bool = False,
) -> Groups:
    """Sort cells into conditions and contexts by their labels.

    Parameters
    ----------
    condition, context
        One label per cell; missing ones drop the cell.
    control
        The labels of unperturbed cells in ``condition``; "NT-*" stands for all that begin so.
    sep
        Separator between targets within a label; "" = labels are never split; None = "+", or "_" between known names.
    genes
        Names of measured genes: "_" splits between them too.
    not_control
        Labels that do not mean control, although they usually do.
    shared_control
        Whether the control cells of one context serve those that have none.

    Raises
    ------
    AggregateError
        If no cell carries the control label, or none carries any.
    """
    named = (control,) if isinstance(control, str) else tuple(control)
    raw_code, raw = pd.factorize(condition.astype(object), use_na_sentinel=True)
    raw = [whole_number(str(r)) for r in raw]
    separators = SEPARATORS if sep is None else (sep,)
    apart = genes_named_control(raw, named, genes)
    known_names = vocabulary_of(raw, separators) | frozenset(genes)
    rules = LabelRules(separators, known_names, named, not_control=frozenset(not_control) | apart)
    names = [rules(r) for r in raw]
    if not any(is_control(r, named) and _is_named(r, named) for r in raw):
        raise _no_control(raw, raw_code, names, named, _offered(raw, rules, genes))
    known = sorted({n for n in names if n is not None})
    number = {n: i for i, n in enumerate(known)}
    # the last entry serves code -1, the cells whose label is missing
    cond_code = np.array([*(number.get(n or "", -1) for n in names), -1])[raw_code]
    context_names, context_code, notes = _contexts(context, len(cond_code))
    unknown = (cond_code < 0) | (context_code < 0)
    present, code = _numbered(np.where(unknown, -1, context_code * len(known) + cond_code))
    if present.size == 0:
        raise AggregateError("Not one cell has both a condition and a context: there is nothing to aggregate.")
    groups = Groups(
        np.array(known, dtype=object)[present % len(known)],
        np.array(context_names, dtype=object)[present // len(known)],
        code,
        (),
        shared_control,
    )
    notes += _group_notes(groups, int(unknown.sum()))
    notes += _label_notes(raw, names, rules, named, genes, apart)
    return replace(groups, notes=tuple(notes))


def _numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values that occur, ascending and without -1, and for every cell which of them it has (-1: none)."""
    present, inverse = np.unique(values, return_inverse=True)
    shift = int(present[0] == -1)
    return present[shift:], (inverse - shift).astype(np.int32)


def _no_control(
    raw: Sequence[str], code: np.ndarray, names: Sequence[str | None], named: Sequence[str], offered: str
) -> AggregateError:
    """The sentence where no cell carries a label of control: which labels there are, the likely ones first."""
    likely = [r for r, n in zip(raw, names, strict=True) if n == CONTROL]
    counts = np.bincount(code[code >= 0], minlength=len(raw))
    frequent = [raw[i] for i in np.argsort(-counts, kind="stable")]
    shown = ", ".join(repr(r) for r in list(dict.fromkeys([*likely, *frequent]))[:_SHOWN])
    more = f" and {len(raw) - _SHOWN} more" if len(raw) > _SHOWN else ""
    return AggregateError(
        f"No cell is labelled {' or '.join(map(repr, named))} in the condition column, so there is no control: "
        f"its labels are {shown or 'all missing'}{more}.{offered}"
    )


def _is_named(label: str, named: Sequence[str]) -> bool:
    """Whether a label is one of those a person named, not one of the usual words."""
    return any(fnmatchcase(label.strip().lower(), whole_number(str(n).strip()).lower()) for n in named)


def _offered(raw: Sequence[str], rules: LabelRules, genes: Collection[str]) -> str:
    """The labels that look like control, and the words that name them all."""
    like = control_like(raw, rules, genes)
    words = patterns_of(like, raw)
    return f" These look like control: --control {' --control '.join(map(repr, words[:4]))}." if like else ""


def _label_notes(
    raw: list[str],
    names: list[str | None],
    rules: LabelRules,
    named: Sequence[str],
    genes: Collection[str],
    apart: Collection[str],
) -> list[str]:
    """Sentences about labels: which became control, which look like it, where a separator is in doubt."""
    notes = []
    controls = sorted({r for r, n in zip(raw, names, strict=True) if n == CONTROL and not _is_named(r, named)})
    if controls:
        notes.append(
            f"Also read as control: {_listed(controls)}. If one is none, say so (--not-control {controls[0]})."
        )
    if apart:
        notes.append(
            f"Kept as a perturbation, since it names a measured gene: {_listed(sorted(apart))}. If it is control, name "
            "it (--control)."
        )
    if like := control_like(raw, rules, genes):
        words = " ".join(f"--control '{w}'" for w in patterns_of(like, raw)[:4])
        many = f"{len(like):,} labels look like control and are counted as perturbations"
        one = "1 label looks like control and is counted as a perturbation"
        notes.append(f"{many if len(like) > 1 else one} ({_listed(like)}): if they are control, name them ({words}).")
    alone = {n for n in names if n not in (None, CONTROL) and len(targets(n)) == 1}
    for doubt in doubts(raw, rules, alone | set(genes)):
        notes.append(
            f"{doubt.text} ({_listed(list(doubt.items))}): say how targets are separated "
            f"(--separator '{doubt.separator}')."
        )
    merged = len([n for n in names if n not in (None, CONTROL)]) - len(set(names) - {None, CONTROL})
    if merged:
        notes.append(f"{merged} labels name a condition that another label names too (A+B and B+A): they were merged.")
    return notes


def _contexts(context: pd.Series | None, n_cells: int) -> tuple[list[str], np.ndarray, list[str]]:
    """Sorted context names, code per cell and notes; "/" cannot be part of a name in an HDF5 file."""
    if context is None:
        return [ONE_CONTEXT], np.zeros(n_cells, dtype=np.int64), []
    code, raw = pd.factorize(context.astype(object), use_na_sentinel=True)
    clean = [None if parse_condition(r, sep="") is None else str(r).strip() for r in raw]
    safe = [None if c is None else c.replace("/", "_") for c in clean]
    names = sorted({s for s in safe if s is not None})
    number = {n: i for i, n in enumerate(names)}
    notes = []
    if safe != clean:
        notes.append("Slashes in the names of contexts were replaced by underscores: a file cannot hold them.")
    return names, np.array([*(number.get(s or "", -1) for s in safe), -1])[code], notes


def _group_notes(groups: Groups, n_dropped: int) -> list[str]:
    """Sentences about cells that were dropped and groups that lack something."""
    notes = []
    if n_dropped:
        notes.append(
            f"{n_dropped:,} of {len(groups.code):,} cells have no condition or context label and were dropped."
        )
    single = groups.size == 1
    if single.any():
        who = [display_name(groups, i) for i in np.flatnonzero(single).tolist()]
        notes.append(f"Only one cell, hence no standard error, halves or DE: {_listed(who)}.")
    without = [c for c in groups.contexts if not (groups.is_control & (groups.context == c)).any()]
    if without and groups.shared_control:
        notes.append(f"The control cells of other contexts serve those without any: {_listed(without)}.")
    elif without:
        notes.append(
            f"No control cells, hence no comparison with control: {_listed(without)}. If those of "
            f"{_listed(list(dict.fromkeys(groups.context[groups.is_control])))} serve them too, say so "
            "(--shared-control)."
        )
    return notes


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def display_name(groups: Groups, i: int) -> str:
    """Row name of group ``i``: the condition, after its context where there are several."""
    return groups.condition[i] if len(groups.contexts) == 1 else f"{groups.context[i]}::{groups.condition[i]}"


def random_halves(groups: Groups, seed: int, n_sample: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Split every group at random into two disjoint halves and, if asked, draw a sample of its cells.

    The generator of a group is seeded by ``seed`` and the group's name, so a split depends on nothing but these and
    the order of the group's cells in the file: not on blocks, schedulers, or the other groups.

    Parameters
    ----------
    seed
        Any non-negative integer.
    n_sample
        Cells to sample per group, five times as many of control.

    Returns
    -------
    half
        0 for half A (the first ``n // 2`` cells of the permutation), 1 for half B; (cells,) int8. The cell of a
        group of one is in B here; such a group has no halves.
    sampled
        True for sampled cells, (cells,) bool.
    """
    half = np.ones(len(groups.code), dtype=np.int8)
    sampled = np.zeros(len(groups.code), dtype=bool)
    order = np.argsort(groups.code, kind="stable")[int((groups.code < 0).sum()) :]
    for i, cells in enumerate(np.split(order, np.cumsum(groups.size)[:-1])):
        name = f"{groups.context[i]}::{groups.condition[i]}"
        digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
        rng = np.random.default_rng([seed, int.from_bytes(digest, "little")])
        half[rng.permutation(cells)[: len(cells) // 2]] = 0
        if n_sample:
            cap = n_sample * (CONTROL_SAMPLE if groups.is_control[i] else 1)
            sampled[rng.permutation(cells)[:cap]] = True
    return half, sampled
