"""Layouts of .h5ad files: what a system calls its columns and slots is said once, as data, and read one way.

A system that keeps its numbers in an AnnData is a :class:`Layout` in ``perturbviz.readers.layouts``. What a person
names (``Options``) goes before what the layout says. Where a column tells predicted from measured rows, these are
taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from perturbviz.benchmark import scale
from perturbviz.benchmark.labels import SEPARATORS
from perturbviz.benchmark.perturbations import CONTROL, is_control
from perturbviz.benchmark.rows import differing, differing_sentence, predicted_rows
from perturbviz.errors import Choice, UserError
from perturbviz.readers.base import INDEX, NO_CONTEXT, Caution, Loaded, Options, Profiles, Reader
from perturbviz.readers.cells import (
    CONTEXTS,
    LABELS,
    Means,
    Rows,
    gene_names,
    labels_of,
    mean_rows,
    other_slots,
    predicted_elsewhere,
    split_of,
    values_of,
)
from perturbviz.readers.hdf5 import H5ad, peek


@dataclass(frozen=True)
class Layout:
    """How one system lays out its numbers in an .h5ad.

    Attributes
    ----------
    marks
        Slots that tell the system: "layers/X_recon", "obs/pair_key", "uns/*_baseline". Several joined by " & " must all
        be there; one entry is enough.
    slots
        Where the values are: the first that the file has.
    truth_slot
        Where measured values lie beside predicted ones; "" = nowhere.
    labels
        Usual names of the column with the perturbation, most specific first.
    label_key
        Slot that holds the name of that column; "" = none does.
    contexts
        Usual names of the column with the context, of which the first with several values counts.
    control_column
        Column of yes and no that marks control, whatever the label says.
    control
        Further labels that mean control.
    separators
        Marks between the targets in a label.
    space
        What the values are; "" = the file does not say.
    counts
        What is done about counts of which nothing is said.
    role
        What rows are where no column tells.
    splits
        Columns with the part of the split, the first that there is.
    note
        What a person should know.
    """

    marks: tuple[str, ...] = ()
    slots: tuple[str, ...] = ("X",)
    truth_slot: str = ""
    labels: tuple[str, ...] = LABELS
    label_key: str = ""
    contexts: tuple[str, ...] = CONTEXTS
    control_column: str = "is_control"
    control: tuple[str, ...] = ()
    separators: tuple[str, ...] = SEPARATORS
    space: str = ""
    counts: scale.Counts = "ask"
    role: Literal["truth", "prediction"] = "truth"
    splits: tuple[str, ...] = ("split",)
    note: str = ""


@dataclass(frozen=True, eq=False)
class Found:
    """What one .h5ad says under a layout.

    Attributes
    ----------
    measured, predicted
        Means of the rows of either kind; None where there are none.
    slot
        Where the predicted values (or the only ones) come from.
    notes
        What was found; without what the means themselves say.
    splits
        Seed -> {label: part}.
    """

    measured: Means | None
    predicted: Means | None
    slot: str
    notes: tuple[str, ...] = ()
    splits: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)

    @property
    def means(self) -> Means:
        """The predicted rows, or the only ones."""
        found = self.predicted or self.measured
        assert found is not None
        return found


Finish = Callable[[H5ad, Found, Options, Loaded], Loaded]


def fits(file: Mapping[str, Any], layout: Layout) -> bool:
    """Whether an opened .h5ad has one of the marks."""
    return any(all(_has(file, slot) for slot in mark.split(" & ")) for mark in layout.marks)


def _has(file: Mapping[str, Any], slot: str) -> bool:
    group, _, name = slot.rpartition("/")
    if group == "obs":
        obs = file.get("obs")
        names = getattr(getattr(obs, "dtype", None), "names", None)  # anndata before 0.7
        return name in (names or obs or ())
    if name.startswith("*"):
        return any(str(k).endswith(name[1:]) for k in file.get(group, {}))
    return slot in file


def reader(
    id: str,
    name: str,
    summary: str,
    layout: Layout,
    *,
    pick: Callable[[H5ad], str] | None = None,
    finish: Finish | None = None,
    value_space: str = "",
    granularity: Literal["means", "cells", "means or cells"] = "cells",
    gene_ids: str = "as in var",
) -> Reader:
    """The reader of a layout.

    Parameters
    ----------
    pick
        The slot of the values, where which one it is depends on what it holds.
    finish
        What truly differs: from the opened file, what was found and what would be handed over, to what is.
    """

    def recognise(path: Path) -> bool:
        with peek(path) as file:
            return fits(file, layout)

    def read(path: Path, options: Options) -> Loaded:
        with H5ad(path) as h5:
            found = rows_of(h5, layout, options, pick(h5) if pick else "")
            loaded = as_loaded(found, layout, path.stem)
            return finish(h5, found, options, loaded) if finish else loaded

    return Reader(
        id,
        name,
        summary,
        separator_words(layout.separators),
        value_space or layout.space or "the truth's unless declared",
        granularity,
        gene_ids,
        recognise,
        read,
    )


def separator_words(separators: Sequence[str]) -> str:
    """The separators of a system, for the list of systems."""
    if separators == SEPARATORS:
        return '"+", or "_" between known names'
    return "none: labels are never split" if separators == ("",) else " or ".join(f'"{s}"' for s in separators)


def as_loaded(found: Found, layout: Layout, title: str, **more: Any) -> Loaded:
    """What is handed over of one file."""
    notes = [*found.notes]
    notes += [n for means in (found.measured, found.predicted) if means is not None for n in means.notes]
    return Loaded(
        truth=None if found.measured is None else found.measured.profiles,
        layers={} if found.measured is None else found.measured.layers,
        predictions={} if found.predicted is None else {("", ""): found.predicted.profiles},
        splits=found.splits,
        value_space=layout.space,
        separators=layout.separators,
        control_labels=layout.control,
        notes=tuple(dict.fromkeys([*notes, *([layout.note] if layout.note else [])])),
        title=title,
        **more,
    )


def rows_of(h5: H5ad, layout: Layout, options: Options, slot: str = "") -> Found:
    """Mean rows of the values of one .h5ad: measured and predicted ones apart.

    Parameters
    ----------
    slot
        Where the values are, where another rule than the layout's decides.
    """
    obs, file = h5.obs, h5.path.name
    slot = slot or next((s for s in layout.slots if h5.has(s)), layout.slots[0])
    told = predicted_rows(obs, (options.condition, options.context))
    name, labels, notes = labels_in(h5, layout, options, told[0] if told else "")
    context, contexts, more = _contexts(obs, layout, options, file)
    x, var, slot = values_of(h5, slot, options)
    if x.shape[0] != len(obs):
        raise UserError(f"{file}: {slot!r} has {x.shape[0]} rows for {len(obs)} rows of obs.")
    genes, symbols = gene_names(var, x.shape[1], slot)
    if genes is None and slot.startswith("obsm/"):
        genes = _names_of_columns(h5, slot, x.shape[1])
    rows = Rows(
        x,
        labels,
        contexts,
        genes,
        symbols,
        [*map(str, obs.index)],
        obs.get("n_cells"),
        f"{file}: {slot!r}",
        other_slots(h5, slot),
    )
    notes += more
    notes += predicted_elsewhere(h5, slot) if not options.layer else []
    notes += [] if not options.layer else [f"Values are those of {slot!r}, as you say."]
    control = np.array([v is not None and is_control(str(v), options.control, options.not_control) for v in labels])
    if len({*zip(labels, contexts or labels, strict=True)}) < len(labels):
        told_by = (told[0],) if told else ()
        seen = obs.drop(columns=[c for c in told_by if c in obs])
        if apart := differing(seen, name, context, control):
            first = next(iter(apart))
            choice = Choice("context", first, f"Keep {first} apart")
            notes.append(Caution(differing_sentence(file, apart), (choice,)))
    predicted = _which_predicted(told, layout, len(labels))
    if told and (kind := predicted.sum()):
        words = "all rows are predicted" if predicted.all() else f"{kind:,} of {len(predicted):,} rows are predicted"
        notes.append(f"By obs column {told[0]!r} {words}" + ("." if predicted.all() else ", the others measured."))
    logged = h5.has("uns/log1p")
    sides = [
        mean_rows(rows.kept(which), options.value_space, layout.counts, logged) if which.any() else None
        for which in (~predicted, predicted)
    ]
    if layout.truth_slot and h5.has(layout.truth_slot) and not options.layer:
        kept = replace(rows, x=h5.matrix(layout.truth_slot), what=f"{file}: {layout.truth_slot!r}")
        kept = replace(
            kept, genes=gene_names(h5.var, kept.x.shape[1])[0], symbols=gene_names(h5.var, kept.x.shape[1])[1]
        )
        sides[0] = mean_rows(kept, options.value_space, layout.counts, logged)
    return Found(sides[0], sides[1], slot, tuple(notes), split_of(obs, labels, layout.splits))


def _which_predicted(told: tuple[str, np.ndarray] | None, layout: Layout, n: int) -> np.ndarray:
    return told[1] if told else np.full(n, layout.role == "prediction")


def _names_of_columns(h5: H5ad, slot: str, n: int) -> list[str] | None:
    """Names of the columns of an array in obsm, where the file keeps a list of them or it spans the whole gene axis."""
    for key in (f"uns/{slot.removeprefix('obsm/')}_var_names", f"uns/{slot.removeprefix('obsm/')}_names"):
        if h5.has(key):
            names = [*map(str, h5.read(key))]
            if len(names) == n:
                return names
    if len(h5.var) == n:
        return gene_names(h5.var, n)[0]
    if "highly_variable" in h5.var and slot == "obsm/X_hvg":
        chosen = h5.var["highly_variable"].astype(bool).to_numpy()
        if int(chosen.sum()) == n:
            return [*map(str, h5.var.index[chosen])]
    return None


def labels_in(h5: H5ad, layout: Layout, options: Options, flag: str = "") -> tuple[str, list[Any], list[str]]:
    """The column of the labels ("" = the index), the label of each row, and what there is to say.

    Parameters
    ----------
    flag
        A column that tells predicted from measured rows: it names no perturbation.
    """
    obs, file = h5.obs, h5.path.name
    usual = [str(h5.read(layout.label_key))] if layout.label_key and h5.has(layout.label_key) else []
    usual += [n for n in layout.labels if n != flag]
    if options.condition == INDEX and INDEX not in obs:
        labels: list[Any] = [*map(str, obs.index)]
        return "", labels, ["Labels are the names of the rows, as you say."]
    name = options.condition or next((n for n in usual if n in obs), "")
    if not name or name not in obs:
        raise no_column(obs, name, file)
    labels = labels_of(obs[name])
    if layout.control_column and layout.control_column in obs:
        marked = obs[layout.control_column].astype(str).str.lower().isin(["true", "1", "1.0"]).to_numpy()
        labels = [CONTROL if c else v for c, v in zip(marked, labels, strict=True)]
    return name, labels, [f"Labels are taken from obs column {name!r}."]


def no_column(obs: pd.DataFrame, wanted: str, file: str) -> UserError:
    """What a file has in place of a column with the perturbation, and how it is named."""
    have = ", ".join(map(str, obs.columns)) or "none"
    n = len(obs)
    text = [c for c in obs if 1 < obs[c].astype(str).nunique() <= max(n // 2, 2) and obs[c].dtype.kind not in "f"]
    choices = [Choice("condition", str(c), f"Take {c}") for c in text[:3]]
    if not wanted:
        some = ", ".join(map(str, obs.index[:3]))
        choices.append(Choice("condition", INDEX, "Take the names of the rows"))
        return UserError(
            f"{file} has no obs column that usually names the perturbation: name the one that does "
            f"(--condition COLUMN); it has: {have}. Or take the names of the rows ({some}, ...), with "
            f"--condition {INDEX}.",
            choices,
        )
    return UserError(
        f"{file} has no obs column {wanted!r}; it has: {have}. Truth and predictions may name their columns apart "
        "(--truth-condition, --truth-context).",
        choices,
    )


def _contexts(
    obs: pd.DataFrame, layout: Layout, options: Options, file: str
) -> tuple[str, list[str] | None, list[str]]:
    """Column of the context ("" = none), the context of each row, and what there is to say."""
    if options.context == NO_CONTEXT and NO_CONTEXT not in obs:
        return "", None, []
    if options.context:
        if options.context not in obs:
            raise no_column(obs, options.context, file)
        return options.context, [str(v) for v in obs[options.context]], []
    name = next((c for c in layout.contexts if c in obs and obs[c].astype(str).nunique() > 1), "")
    if not name:
        return "", None, []
    note = f"The context of each row is taken from obs column {name!r}."
    return name, [str(v) for v in obs[name]], [note]


def named_genes(means: Means, genes: Sequence[str] | None) -> Means:
    """Means with a list of names for their columns, where it has as many."""
    p: Profiles = means.profiles
    if genes is None or len(genes) != p.values.shape[1]:
        return means
    return replace(means, profiles=replace(p, genes=genes))
