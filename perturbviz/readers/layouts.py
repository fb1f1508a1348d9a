"""The table of layouts: each system that keeps its numbers in an .h5ad, and what of it truly differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.benchmark import scale
from perturbviz.readers.base import Caution, Loaded, Options
from perturbviz.readers.cells import Means, labels_of
from perturbviz.readers.hdf5 import H5ad
from perturbviz.readers.layout import Found, Layout, labels_in, reader

#: How each system names its columns and slots. Systems of several files use the same table for each of them.
LAYOUTS: dict[str, Layout] = {
    "cellflow": Layout(
        marks=("layers/X_recon",),
        slots=("layers/X_recon",),
        role="prediction",
        space="lognorm",
        note="Values are layers['X_recon']; X is not read, it may never have been filled.",
    ),
    "cpa": Layout(
        marks=("obsm/CPA_pred", "layers/CPA_pred"),
        slots=("obsm/CPA_pred", "layers/CPA_pred"),
        truth_slot="layers/X_true",
        labels=("cond_harm", "condition", "perturbation"),
        contexts=(),
        control_column="",
        role="prediction",
        space="lognorm",
        note="CPA predicts on its training scale, which need not sum to the truth's total.",
    ),
    "cellsimbench": Layout(
        marks=("obs/pair_key", "uns/*_baseline"),
        labels=("condition",),
        contexts=("covariate", "donor_id", "cell_type"),
        control_column="",
        space="lognorm",
    ),
    "cz-benchmarks": Layout(
        marks=("uns/control_cells_map",),
        label_key="uns/config/condition_key",
        contexts=(),
        control_column="",
        note="Conditions are compared as means over all their cells; the system itself pairs each treated cell with "
        "one control cell and scores only the masked genes of each condition.",
    ),
    "perturbench": Layout(labels=("condition",), control_column="", role="prediction", space="lognorm"),
    "pereggrn": Layout(
        marks=("obs/expression_level_after_perturbation",),
        labels=("perturbation",),
        contexts=(),
        separators=(",",),
        space="lognorm",
    ),
    "state": Layout(control_column="", space="lognorm"),
    "cell-eval": Layout(
        marks=("obs/target_gene",),
        labels=("target_gene", "target", "perturbation", "condition"),
        control_column="",
        space="lognorm",
    ),
    "scperturb": Layout(
        marks=("obs/perturbation & obs/nperts",),
        labels=("perturbation",),
        contexts=(),
        control_column="",
        space="lognorm",
        counts="normalise",
    ),
    "gears-truth": Layout(
        marks=("obs/condition & obs/condition_name & uns/rank_genes_groups_cov_all",),
        labels=("condition",),
        contexts=(),
        control_column="",
        space="lognorm",
    ),
    "embedding": Layout(contexts=(), counts="never", role="prediction", space="embedding"),
    "anndata": Layout(marks=("obs & X", "obs & layers", "obs & raw")),
}


# -- what truly differs --------------------------------------------------------------------------------------------
def _cpa_slot(h5: H5ad) -> str:
    """In both places the layer is the obsm, normalised and log1p-transformed."""
    there = [s for s in LAYOUTS["cpa"].slots if h5.has(s)]
    if len(there) == 2 and scale.look(h5.matrix(there[1]), h5.has("uns/log1p")).surely_log:
        return there[1]
    return there[0] if there else LAYOUTS["cpa"].slots[0]


def _cpa(h5: H5ad, found: Found, options: Options, loaded: Loaded) -> Loaded:
    """One method of that name; X is never the truth."""
    notes = [f"Predictions are taken from {found.slot!r}.", *loaded.notes]
    if not h5.has(LAYOUTS["cpa"].truth_slot):
        notes.append("X is not used as truth: CPA's tutorial overwrites it with control cells.")
    return replace(loaded, predictions={("CPA", ""): loaded.predictions["", ""]}, notes=tuple(notes))


_FIRST, _SECOND = "technical_duplicate_first_half_baseline", "technical_duplicate_second_half_baseline"
_SYNTHETIC = "ctrl_synthetic_mean"


def _cellsimbench(h5: H5ad, found: Found, options: Options, loaded: Loaded) -> Loaded:
    """Halves of the truth are data frames in uns, folds are columns; rows of synthetic control are no perturbation."""
    means, notes = _without_synthetic(found.means)
    loaded = replace(loaded, notes=(*loaded.notes, *notes))
    if not h5.has(f"uns/{_FIRST}"):
        return replace(loaded, truth=None, layers={}, predictions={("", ""): means.profiles}, splits={})
    layers = {
        name: _half(means, h5.read(f"uns/{key}"))
        for name, key in (("half_a", _FIRST), ("half_b", _SECOND))
        if h5.has(f"uns/{key}")
    }
    _, labels, _ = labels_in(h5, LAYOUTS["cellsimbench"], options)
    splits: dict[str, Any] = {}
    for fold in sorted(c for c in h5.obs if str(c).startswith("split_fold_")):
        pairs = dict(zip(labels, h5.obs[fold].astype(str), strict=True))
        splits[f"fold{fold.removeprefix('split_fold_')}"] = {k: v for k, v in pairs.items() if k != _SYNTHETIC}
    note = (
        "The truth is the mean of all cells; the system itself takes the first half (half_a, here a choice of "
        "the view) as truth and the second half as technical duplicate."
    )
    return replace(
        loaded,
        truth=means.profiles,
        layers=means.layers | layers,
        splits=splits or loaded.splits,
        notes=(*loaded.notes, note),
    )


def _without_synthetic(means: Means) -> tuple[Means, list[str]]:
    """Means without the rows that CellSimBench made up from control cells."""
    p = means.profiles
    keep = np.array([label != _SYNTHETIC for label in p.labels])
    if keep.all():
        return means, []
    at = np.flatnonzero(keep).tolist()
    profiles = replace(
        p,
        values=p.values[at],
        labels=[p.labels[i] for i in at],
        contexts=None if p.contexts is None else [p.contexts[i] for i in at],
        n_cells=None if p.n_cells is None else p.n_cells[at],
    )
    note = f"Rows labelled {_SYNTHETIC!r}, which CellSimBench makes from control cells, are left out."
    return replace(means, profiles=profiles, se=None if means.se is None else means.se[at]), [note]


def _half(means: Means, frame: pd.DataFrame) -> np.ndarray:
    """Rows of a frame with index "{covariate}_{condition}" in the order of the means; NaN where it has none."""
    p = means.profiles
    out = np.full(p.values.shape, np.nan, np.float32)
    frame = frame.reindex(columns=list(p.genes or ()))
    for i, label in enumerate(p.labels):
        keys = [k for k in frame.index if k == label or str(k).endswith(f"_{label}")]
        if p.contexts is not None:
            keys = [k for k in keys if str(k) == f"{p.contexts[i]}_{label}"]
        if len(keys) == 1:
            out[i] = frame.loc[keys[0]].to_numpy(np.float32)
    return out


def _scperturb(h5: H5ad, found: Found, options: Options, loaded: Loaded) -> Loaded:
    """Labels such as A_B are split where nperts says two, since symbols may hold "_"."""
    if loaded.truth is None or "nperts" not in h5.obs:
        return loaded
    sizes = dict(zip(labels_of(h5.obs["perturbation"]), pd.to_numeric(h5.obs["nperts"], errors="coerce"), strict=True))
    labels = [_joined(label, sizes.get(label, np.nan)) for label in loaded.truth.labels]
    return replace(loaded, truth=replace(loaded.truth, labels=labels), splits={})


def _joined(label: Any, n: float) -> Any:
    """Give "A+B" for the label "A_B" of two targets; other labels as they are."""
    if label is None or not n >= 2 or str(label).count("_") != n - 1:
        return label
    return str(label).replace("_", "+")


def _plain(h5: H5ad, found: Found, options: Options, loaded: Loaded) -> Loaded:
    """Nothing is known of the file but what it says."""
    first, *rest = loaded.notes or ("",)
    if found.slot == "X" and not options.layer:
        first = f"{first.rstrip('.')}, values from X."
    return replace(loaded, notes=(Caution(first) if isinstance(loaded.notes[0], Caution) else first, *rest))


# -- the readers ---------------------------------------------------------------------------------------------------
CELLFLOW = reader(
    "cellflow", "CellFlow", 'An .h5ad with layers["X_recon"] and obs condition, is_control.', LAYOUTS["cellflow"]
)
CPA = reader(
    "cpa",
    "CPA",
    'An .h5ad with obsm["CPA_pred"] (or that layer); truth in layers["X_true"]; obs cond_harm, split.',
    LAYOUTS["cpa"],
    pick=_cpa_slot,
    finish=_cpa,
    value_space="lognorm, or counts if declared",
    gene_ids="symbols",
)
CELLSIMBENCH = reader(
    "cellsimbench",
    "CellSimBench (Miller et al.)",
    "predictions.h5ad (obs condition, pair_key), or *_processed_complete.h5ad with half-cell means in uns.",
    LAYOUTS["cellsimbench"],
    finish=_cellsimbench,
    granularity="means or cells",
    gene_ids="symbols",
)
CZ_BENCHMARKS = reader(
    "cz-benchmarks",
    "cz-benchmarks",
    'Cells with uns["control_cells_map"] and uns["config"]["condition_key"]; any scale that is declared.',
    LAYOUTS["cz-benchmarks"],
)
SCPERTURB = reader(
    "scperturb",
    "scPerturb",
    "Cells of counts with obs perturbation and nperts (truth); normalised per cell, then averaged.",
    LAYOUTS["scperturb"],
    finish=_scperturb,
    value_space="counts, normalised here",
    gene_ids="symbols with Ensembl",
)
ANNDATA = reader(
    "anndata",
    "AnnData of cells or means",
    "Any .h5ad with a label column (condition, perturbation, target_gene, ...; --condition names another).",
    LAYOUTS["anndata"],
    finish=_plain,
    granularity="means or cells",
)
