"""From group sums to the benchmark: means, standard errors, halves, DE and the control mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from anndata import AnnData
from dask import compute
from dask.delayed import delayed

from perturbviz.benchmark.perturbations import n_perturbed, targets
from perturbviz.cells.de import benjamini_hochberg, mean_variance, welch_overestimated
from perturbviz.cells.labels import Groups, display_name
from perturbviz.cells.sums import GroupSums

#: Rows treated at once: a dozen temporary arrays of this many rows should stay in the processor's cache.
_ROWS = 16
#: Suffix of a layer -> its slots (both halves or one).
PARTS = {"": (0, 1), "_a": (0,), "_b": (1,)}


def de_layers(parts: tuple[str, ...] = tuple(PARTS)) -> list[str]:
    """Names of the DE layers, e.g. ``de_score``, ``de_padj_b``, ``de_score_ctrl_a``."""
    return [f"de_{what}{against}{part}" for against in ("", "_ctrl") for part in parts for what in ("score", "padj")]


def build(
    sums: GroupSums, groups: Groups, genes: pd.DataFrame, rest: str = "all", threads: int | None = None
) -> AnnData:
    """Conditions x genes with everything that follows from the sums.

    Parameters
    ----------
    sums
        Sums per slot; group g has slots 2g (half A) and 2g + 1 (half B).
    groups
        The groups, in row order.
    genes
        Table of the genes, in column order.
    rest
        Whom a group is compared with in ``de_score``: "all" other cells of its context, control included (scanpy's
        "rest"), or the other "perturbed" ones only.
    threads
        Threads to use; None for one per processor.

    Returns
    -------
    AnnData
        float32 ``X`` and layers; no ``uns`` yet.
    """
    n_groups, n_genes = len(groups.condition), len(genes)
    layers = {k: np.empty((n_groups, n_genes), np.float32) for k in ["X", "se", "half_a", "half_b", *de_layers()]}
    slot_n = np.zeros((n_groups, 2), dtype=np.int64)
    slot_n.ravel()[sums.slots] = sums.n
    tasks = [
        delayed(_fill, pure=False)(layers, rows, *arguments) for rows, arguments in _batches(sums, groups, slot_n, rest)
    ]
    compute(*tasks, scheduler="threads", num_workers=threads)
    halves = np.where(slot_n.sum(axis=1, keepdims=True) > 1, slot_n, 0)  # a single cell has no halves
    size = [n_perturbed(c) for c in groups.condition]
    obs = pd.DataFrame(
        {
            "condition": groups.condition,
            "context": groups.context,
            "is_control": groups.is_control,
            "n_perturbed": size,
            "perturbed": ["|".join(targets(c)) for c in groups.condition],
            "n_cells": slot_n.sum(axis=1),
            "n_cells_a": halves[:, 0],
            "n_cells_b": halves[:, 1],
            "split": "unassigned",
        },
        index=[display_name(groups, i) for i in range(n_groups)],
    )
    result = AnnData(layers.pop("X"), obs=obs, var=genes.copy(), layers=layers)
    control = {c: _control_mean(result.X, slot_n.sum(axis=1), groups.control_of(c)) for c in groups.contexts}
    result.varm["control_mean"] = pd.DataFrame(control, index=result.var_names)
    if len(control) == 1:
        result.var["ctrl_mean"] = next(iter(control.values()))
    return result


def _control_mean(x: np.ndarray, n_cells: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Mean of control groups weighted by their cells, (genes,) float32; NaN where there is none."""
    if not len(rows):
        return np.full(x.shape[1], np.nan, np.float32)
    if len(rows) == 1:
        return x[rows[0]]
    return np.average(x[rows].astype(np.float64), axis=0, weights=n_cells[rows]).astype(np.float32)


def _batches(sums: GroupSums, groups: Groups, slot_n: np.ndarray, rest: str) -> Iterator[tuple[np.ndarray, tuple]]:
    """Runs of rows of one context, with what "rest" (sums) and "control" (mean and variance) need, per part."""
    for context in groups.contexts:
        members = np.flatnonzero(groups.context == context)
        control = groups.control_of(context)
        counted = members if rest == "all" else members[~groups.is_control[members]]
        singles = slot_n.sum(axis=1) == 1
        totals, controls = {}, {}
        for part, halves in PARTS.items():
            among = counted if part == "" else counted[~singles[counted]]
            totals[part] = _add_up(sums, among, halves)
            control_n, of_control = _add_up(sums, control, halves)
            controls[part] = control_n, mean_variance(control_n, of_control)
        for start in range(0, len(members), _ROWS):
            rows = members[start : start + _ROWS]
            in_rest = np.isin(rows, counted)
            yield rows, (sums, in_rest, groups.is_control[rows], totals, controls)


def _part(sums: GroupSums, rows: np.ndarray, halves: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Cells and sums of groups, over one half or both."""
    parts = [sums.rows(2 * rows + h) for h in halves]
    return (parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]) if len(parts) == 2 else parts[0]


def _add_up(sums: GroupSums, rows: np.ndarray, halves: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Cells (1,) and sums (1, genes, 2) of many groups together."""
    n, total = np.zeros(1, dtype=np.int64), np.zeros((1, *sums.sums.shape[1:]))
    for start in range(0, len(rows), _ROWS):
        some_n, some = _part(sums, rows[start : start + _ROWS], halves)
        n += some_n.sum()
        total += some.sum(axis=0)
    return n, total


def _fill(
    layers: dict[str, np.ndarray],
    rows: np.ndarray,
    sums: GroupSums,
    in_rest: np.ndarray,
    is_control: np.ndarray,
    totals: dict[str, tuple[np.ndarray, np.ndarray]],
    controls: dict[str, tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]],
) -> None:
    """Write the rows of all layers; rows of different tasks do not overlap."""
    single = _part(sums, rows, PARTS[""])[0] < 2
    for part, halves in PARTS.items():
        n, of_group = _part(sums, rows, halves)
        if part and single.any():  # a single cell has no halves
            n, of_group = np.where(single, 0, n), of_group * ~single[:, None, None]
        group = mean, variance = mean_variance(n, of_group)
        layers[f"half{part}" if part else "X"][rows] = mean
        if not part:
            with np.errstate(divide="ignore", invalid="ignore"):
                layers["se"][rows] = np.sqrt(variance / n[:, None])
        total_n, total = totals[part]
        n_rest = total_n - n * in_rest
        of_group *= in_rest[:, None, None]
        rest = mean_variance(n_rest, np.subtract(total, of_group, out=of_group))
        control_n, control = controls[part]
        n_control = np.where(is_control, 0, control_n)
        for against, n_other, other in (("", n_rest, rest), ("_ctrl", n_control, control)):
            t, p = welch_overestimated(n, group, n_other, other)
            layers[f"de_score{against}{part}"][rows] = t
            layers[f"de_padj{against}{part}"][rows] = benjamini_hochberg(p)
