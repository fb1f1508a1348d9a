"""Plain arrays in an .npz, and PertEval: labels and values with or without genes, truth and value space.

PertEval's network predicts perturbed minus control per cell; its arrays are read as changes.
"""

from __future__ import annotations

from pathlib import Path

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.cells import Rows, mean_rows
from perturbviz.readers.npz import npz_names, read_npz

_VALUES = ("pred", "prediction", "predictions", "pert_effect", "values", "X")
_LABELS = ("conditions", "condition", "labels", "perturbations", "perturbation")
_GENES = ("genes", "gene_names", "var_names")
_OTHER = ("contexts", "n_cells", "value_space")


def _first(names: tuple[str, ...], have: frozenset[str]) -> str:
    return next((n for n in names if n in have), "")


def recognise(path: Path) -> bool:
    """An .npz with one array of labels and one of values."""
    have = npz_names(path)
    return bool(_first(_VALUES, have) and _first(_LABELS, have))


def read(path: Path, options: Options) -> Loaded:
    """Means by label; the value space is the file's or the truth's."""
    return _read(path, options, "")


def read_perteval(path: Path, options: Options) -> Loaded:
    """Means by label, as changes."""
    return _read(path, options, "delta")


def _read(path: Path, options: Options, space: str) -> Loaded:
    have = npz_names(path)
    value, label, gene = (_first(names, have) for names in (_VALUES, _LABELS, _GENES))
    if not value or not label:
        raise UserError(f"{path.name} needs an array of labels ('conditions') and one of values ('pred').")
    z = read_npz(path, (value, label), tuple(n for n in (gene, "truth", *_OTHER) if n))
    labels = [*map(str, z[label].ravel())]
    genes = [*map(str, z[gene])] if gene else None
    contexts = [*map(str, z["contexts"])] if "contexts" in z else None
    space = str(z["value_space"]) if "value_space" in z else space
    sides = {}
    for name in (value, "truth"):
        if name in z:
            if z[name].ndim != 2 or len(z[name]) != len(labels):
                raise UserError(f"{path.name}: {name!r} has the shape {z[name].shape} for {len(labels)} labels.")
            rows = Rows(z[name], labels, contexts, genes, n_cells=z.get("n_cells"), what=f"{path.name}: {name!r}")
            sides[name] = mean_rows(rows, options.value_space or space)
    main: Profiles = sides[value].profiles
    notes = tuple(dict.fromkeys(note for means in sides.values() for note in means.notes))
    if "truth" in sides:
        return Loaded(
            truth=sides["truth"].profiles,
            layers=sides["truth"].layers,
            predictions={("", ""): main},
            value_space=space,
            notes=notes,
            title=path.stem,
        )
    return Loaded(truth=main, layers=sides[value].layers, value_space=space, notes=notes, title=path.stem)


READER = Reader(
    id="arrays",
    name="Plain arrays (.npz)",
    summary="An .npz with conditions, pred (rows x genes), and optional genes, contexts, n_cells, truth, value_space.",
    separator='"+"',
    value_space="stated, or the truth's",
    granularity="means or cells",
    gene_ids="array 'genes'",
    recognise=recognise,
    read=read,
)
PERTEVAL = Reader(
    id="perteval",
    name="PertEval-scFM",
    summary="The same arrays holding perturbed minus control per cell (never recognised: name the system).",
    separator='"+"',
    value_space="delta",
    granularity="cells",
    gene_ids="array 'genes'",
    recognise=lambda path: False,
    read=read_perteval,
)
