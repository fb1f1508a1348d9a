"""What a reader is and what it hands over: rows with the labels, genes and numbers of the file, and nothing more.

A reader does not canonicalise names, align genes or convert scales; ``readers.assemble`` does that, the same way for
every system, once truth and predictions are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.labels import SEPARATORS
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.benchmark.sense import check_names
from perturbviz.errors import Choice, UserError

Space = Literal["", "lognorm", "delta", "signed_logp", "counts", "embedding"]
SPACES: tuple[str, ...] = ("lognorm", "delta", "signed_logp", "counts")


#: What a person says in place of a column: the names of the rows, or no context at all.
INDEX, NO_CONTEXT = "index", "none"


class Caution(str):
    """A note that asks for a decision or a second look; ``choices`` are ways to decide that a click can take."""

    choices: tuple[Choice, ...] = ()

    def __new__(cls, text: str, choices: Sequence[Choice] = ()) -> Caution:
        """A text with choices."""
        self = super().__new__(cls, text)
        self.choices = tuple(choices)
        return self


@dataclass(frozen=True)
class Options:
    """What a person says about files that do not say it themselves; each is a flag of ``convert``.

    Attributes
    ----------
    system
        Id of the reader; "" = recognise it.
    control
        Further labels that mean control; "NT-*" stands for all that begin so.
    not_control
        Labels that do not mean control, although they usually do.
    separator
        Mark between the targets in a label; "none" = labels are never split, "" = as the system does.
    shared_control
        Whether the control cells of one context (vehicle at dose 0) serve those contexts that have none.
    context
        Column that holds the context (cell line, donor, dose, ...); "none" = there is one context.
    condition
        Column that holds the perturbation, where it has an unusual name; "index" = the names of the rows.
    value_space
        What the numbers are, where the file does not say; overrides the reader.
    layer
        Slot that holds the values, where it is not the usual one: "X", "raw", the name of a layer, "obsm/NAME".
    genes
        Names of the columns of a file without gene names, in order.
    rename
        Names in the file -> names to use, for perturbations (whole labels or their parts) and genes.
    without
        Methods of a file of several methods that are left out, by id or display name.
    allow_pickle
        Read pickles with the restricted unpickler. Command line only, never for uploads.
    """

    system: str = ""
    control: tuple[str, ...] = ()
    not_control: tuple[str, ...] = ()
    separator: str = ""
    shared_control: bool = False
    context: str = ""
    condition: str = ""
    value_space: str = ""
    layer: str = ""
    genes: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    allow_pickle: bool = False


@dataclass(frozen=True, eq=False)
class Profiles:
    """One matrix as a file has it.

    Attributes
    ----------
    values
        Rows x genes; an all-NaN row says nothing about its condition.
    labels
        What the file calls the condition of each row.
    genes
        Column names in the file, possibly repeated; None where it has none.
    symbols
        A second name for every column (symbols beside Ensembl ids, or the reverse).
    contexts
        Context of each row; None where there is one.
    n_cells
        (rows,) cells behind each row; None where unknown.
    value_space
        What these rows are after the reader converted them (counts, cell by cell); "" where it did not.
    """

    values: np.ndarray
    labels: Sequence[Any]
    genes: Sequence[str] | None = None
    symbols: Sequence[str] | None = None
    contexts: Sequence[str] | None = None
    n_cells: np.ndarray | None = None
    value_space: Space = ""

    def __post_init__(self) -> None:
        """Refuse labels, genes or contexts that do not fit the matrix, and names that do not read as they are."""
        rows, columns = self.values.shape
        for what, of, names, n in [
            ("condition labels", "condition", self.labels, rows),
            ("contexts", "context", self.contexts, rows),
            ("gene names", "gene", self.genes, columns),
            ("second gene names", "gene", self.symbols, columns),
        ]:
            if names is not None and len(names) != n:
                raise UserError(
                    f"There are {len(names)} {what} for {n} {'rows' if n == rows else 'columns'} of values: "
                    "they must be as many. The file may belong to another list of genes or conditions."
                )
            check_names(names if names is not None else (), of)


@dataclass(frozen=True, eq=False)
class Loaded:
    """What the files of one system say.

    Attributes
    ----------
    truth
        Observed means (control among the rows), where the files hold them.
    layers
        Further matrices of the truth's shape: se, half_a, half_b, de_score, de_padj, ...
    predictions
        (method, seed) -> predicted rows; method "" = not named in the file, seed "" = for all seeds.
    names
        Method -> display name.
    splits
        Seed -> {label or (context, label): train, val or test}.
    value_space
        What the numbers are; "" = the file does not say.
    separators
        Marks between targets in a label, tried in turn: the property of a system, never guessed from one label;
        "_" only between known names.
    control_labels
        Further labels that mean control in files of this system.
    vocabulary
        Targets the file itself declares (pairs with "_" are split only into these and those of the truth).
    notes
        Sentences about what was found and dropped while reading; a :class:`Caution` among them is a warning.
    left_out
        Prediction of the files that cannot be used -> why; the others are.
    benchmark, scores
        A whole benchmark or a table of scores, where the file is one.
    title, source
        Name for people; provenance (file, licence, address, ...).
    system
        Id of the reader, filled in by :func:`perturbviz.readers.load`.
    """

    truth: Profiles | None = None
    layers: Mapping[str, np.ndarray] = field(default_factory=dict)
    predictions: Mapping[tuple[str, str], Profiles] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    value_space: str = ""
    separators: tuple[str, ...] = SEPARATORS
    control_labels: tuple[str, ...] = ()
    vocabulary: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    benchmark: Benchmark | None = None
    scores: ScoreTable | None = None
    title: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""


def run_name(display: str, seed: str) -> str:
    """What a sentence calls one prediction: the method, and the split where there is one."""
    return f"{display}, split {seed}" if seed else display


@dataclass(frozen=True)
class Reader:
    """One system: how its files look and how to read them.

    Attributes
    ----------
    id, name, summary
        Id of ``--system``; name on screen; one sentence on which files it reads.
    separator, value_space, granularity, gene_ids
        The system's conventions in words, shown in the report and by ``systems``.
    recognise
        Whether a file or folder looks like this system's; reads as little as possible and never fails.
    read
        (path, options) -> :class:`Loaded`; raises :class:`UserError` with one sentence.
    pickle
        Whether the system's files are pickles, which only the command line reads.
    """

    id: str
    name: str
    summary: str
    separator: str
    value_space: str
    granularity: Literal["means", "cells", "means or cells", "scores"]
    gene_ids: str
    recognise: Callable[[Path], bool] = field(repr=False)
    read: Callable[[Path, Options], Loaded] = field(repr=False)
    pickle: bool = False
