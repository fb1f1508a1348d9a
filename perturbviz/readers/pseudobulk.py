"""The two public pseudobulk bundles: Norman 2019 (changes only) and CaRPool-seq 2023 (control and two halves)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perturbviz.benchmark.perturbations import CONTROL
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.npz import npz_names, read_npz

_NORMAN = ("lfc_s", "lfc_d", "sing_labels", "doub_labels", "genes_hvg")
_CARPOOL = ("atoms", "single_genes", "genes", "ctrl", "doubles", "double_eff", "double_m1", "double_m2")


def recognise_norman(path: Path) -> bool:
    """The bundle's array names."""
    return npz_names(path) >= set(_NORMAN)


def recognise_carpool(path: Path) -> bool:
    """The bundle's array names."""
    return npz_names(path) >= set(_CARPOOL)


def read_norman(path: Path, options: Options) -> Loaded:
    """Log fold changes against control of 104 singles and 130 doubles on 2,000 genes; no control, no replicates."""
    z = read_npz(path, _NORMAN)
    labels = [*map(str, z["sing_labels"]), *map(str, z["doub_labels"])]
    return Loaded(
        truth=Profiles(
            np.vstack([z["lfc_s"], z["lfc_d"]]), labels, [*map(str, z["genes_hvg"])], contexts=["K562"] * len(labels)
        ),
        value_space="delta",
        title="Norman 2019 (K562, CRISPRa), changes",
        notes=(
            "Changes only: no control mean, no numbers of cells, no replicates. Raw correlations and highly "
            "expressed genes are not defined.",
        ),
    )


def read_carpool(path: Path, options: Options) -> Loaded:
    """Control mean plus effects of 28 singles and 158 doubles; means of two halves of the cells for each double."""
    z = read_npz(path, _CARPOOL)
    singles, doubles = [*map(str, z["single_genes"])], [*map(str, z["doubles"])]
    labels = [CONTROL, *singles, *doubles]
    values = z["ctrl"] + np.vstack([np.zeros_like(z["ctrl"])[None], z["atoms"], z["double_eff"]])
    unknown = np.full((1 + len(singles), len(z["ctrl"])), np.nan, np.float32)
    return Loaded(
        truth=Profiles(values, labels, [*map(str, z["genes"])], contexts=["THP1"] * len(labels)),
        layers={half: np.vstack([unknown, z[key]]) for half, key in (("half_a", "double_m1"), ("half_b", "double_m2"))},
        value_space="lognorm",
        title="CaRPool-seq 2023 (THP1, Cas13d knock-down)",
        notes=("The halves of the cells are unequal in size and exist for doubles only.",),
    )


NORMAN = Reader(
    id="norman-npz",
    name="Norman pseudobulk bundle",
    summary="norman_effect_bundle.npz: log fold changes of singles and doubles.",
    separator='"+"',
    value_space="delta",
    granularity="means",
    gene_ids="symbols",
    recognise=recognise_norman,
    read=read_norman,
)
CARPOOL = Reader(
    id="carpool-npz",
    name="CaRPool-seq pseudobulk bundle",
    summary="carpool_substrate.npz: control mean, effects, and two half-cell means of every double.",
    separator='"+"',
    value_space="lognorm",
    granularity="means",
    gene_ids="symbols",
    recognise=recognise_carpool,
    read=read_carpool,
)
