"""What truth and predictions share on their way into a benchmark."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from perturbviz.benchmark.labels import LabelRules, separators_of
from perturbviz.errors import UserError
from perturbviz.readers import SYSTEMS
from perturbviz.readers.base import Caution, Loaded, Options, Profiles
from perturbviz.readers.check import Finding, plural

SPACE_WORDS = {
    "lognorm": "log-normalised expression",
    "delta": "changes against control",
    "counts": "counts",
    "signed_logp": "signed -log10 p-values",
    "embedding": "an embedding",
}


def single_matrix(loaded: Loaded) -> Profiles:
    """Return the one matrix of a file that is to be the truth."""
    if loaded.truth is not None:
        return loaded.truth
    if len(loaded.predictions) == 1:
        return next(iter(loaded.predictions.values()))
    if loaded.scores is not None:
        raise UserError(
            f"{loaded.title or 'The file'} is a table of scores: it holds no observed values to be the truth."
        )
    raise UserError("The file given as the truth holds no observed values." + " ".join(["", *loaded.notes]))


def gene_names(profiles: Profiles, options: Options, loaded: Loaded) -> list[str]:
    """Names of the columns: the file's, or the given list where it has none and the lengths agree."""
    if profiles.genes is not None:
        return list(map(str, profiles.genes))
    n = profiles.values.shape[1]
    if not options.genes:
        raise UserError(
            f"{loaded.title or 'The file'} has no gene names: give the list of its {n:,} genes in its order "
            "(--genes FILE)."
        )
    if len(options.genes) != n:
        raise UserError(
            f"The gene list has {len(options.genes):,} names, but the file {n:,} columns: it belongs to other values."
        )
    return list(options.genes)


def label_rules(
    loaded: Loaded, options: Options, vocabulary: Collection[str], not_control: Collection[str] = ()
) -> LabelRules:
    """How labels of this file become canonical names; ``vocabulary`` are all known targets and measured genes."""
    return LabelRules(
        separators_of(options.separator) or loaded.separators,
        vocabulary,
        (*loaded.control_labels, *options.control),
        dict(options.rename),
        frozenset((*options.not_control, *not_control)),
    )


def check_finite(values: np.ndarray, names: Sequence[str], genes: Sequence[str], who: str) -> None:
    """Refuse infinities, and rows of which only some genes are missing."""
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        i, j = infinite[0]
        raise UserError(f"{who}: {plural(len(infinite), 'infinite value')}, the first for {names[i]}, gene {genes[j]}.")
    nan = np.isnan(values)
    partly = np.flatnonzero(nan.any(axis=1) & ~nan.all(axis=1))
    if len(partly):
        i = partly[0]
        j = np.flatnonzero(nan[i])[0]
        raise UserError(
            f"{who}: {plural(len(partly), 'condition')} with some but not all genes missing, the first "
            f"{names[i]}, gene {genes[j]}: a condition must be whole or empty."
        )


def file_findings(loaded: Loaded, options: Options) -> list[Finding]:
    """What the file was taken for, and the reader's notes."""
    reader = SYSTEMS.get(loaded.system)
    how = "as you said" if options.system else "recognised by its layout"
    out = [Finding("file", f"read as {reader.name} ({how}).")] if reader else []
    return out + [
        Finding("file", str(n), isinstance(n, Caution), choices=n.choices if isinstance(n, Caution) else ())
        for n in loaded.notes
    ]
