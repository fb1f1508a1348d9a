"""Which combinations of metric, reference and genes a sweep covers: only what means something on the benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from perturbviz.analyses.all_views.formulas import FORMULAS
from perturbviz.analyses.all_views.grid import DIRECT_SIZES, gene_counts, has_targets
from perturbviz.metrics import CATALOGUE, Card, canonical, parse_metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneKind, GeneSubset, subset_problem
from perturbviz.scoring.references import Reference
from perturbviz.scoring.validity import genes_problem, metric_problem, reference_problem

KINDS: tuple[GeneKind, ...] = ("all", "expressed", "de")
#: Metrics whose default is slow for many perturbations, and what a sweep takes instead unless told otherwise.
QUICK = {"pds": "pds@l2"}


@lru_cache(maxsize=256)
def _card(metric: str) -> Card:
    return parse_metric(metric)[0].card


@dataclass(frozen=True)
class Setting:
    """Metric (``id`` or ``id@value``), reference ("none" for a metric without one) and gene subset."""

    metric: str
    reference: Reference
    subset: GeneSubset

    @property
    def card(self) -> Card:
        """The metric's card."""
        return _card(self.metric)

    @property
    def accumulates(self) -> bool:
        """Whether the metric follows from sums over genes, so that every number of genes comes at once."""
        return self.card.id in FORMULAS


def default_metrics() -> tuple[str, ...]:
    """Every metric of the catalogue with its default parameter, L1 retrieval replaced by L2."""
    return tuple(QUICK.get(m, m) for m in CATALOGUE)


def offered_subsets(
    evaluation: Evaluation,
    sizes: Iterable[int],
    kinds: Sequence[GeneKind] = KINDS,
    targets: Sequence[bool] = (True, False),
) -> list[GeneSubset]:
    """Gene subsets that mean something here, all genes first; without targets only where targets are measured."""
    targets = [t for t in targets if t or has_targets(evaluation)]
    sizes = [int(n) for n in sizes]
    kinds = [k for k in KINDS if k in kinds and not subset_problem(GeneSubset(k), evaluation)]  # whatever n
    subsets = [GeneSubset("all", targets=t) for t in targets] if "all" in kinds else []
    return subsets + [GeneSubset(k, n, t) for k in kinds if k != "all" for t in targets for n in sizes]


def offered_settings(
    evaluation: Evaluation,
    metrics: Sequence[str] | None = None,
    references: Sequence[Reference] = ("control", "perturbation"),
    kinds: Sequence[GeneKind] = KINDS,
    targets: Sequence[bool] = (True, False),
    sizes: Sequence[int] | None = None,
    direct_sizes: Sequence[int] | None = None,
    include_held_out: bool = False,
) -> list[Setting]:
    """Every valid combination; parameters as of :func:`perturbviz.analyses.all_views.sweep`.

    Raises
    ------
    UserError
        Where a metric that was asked for by name does not exist.
    """
    b = evaluation.benchmark
    g = b.adata.n_vars
    sizes = tuple(gene_counts(g) if sizes is None else np.unique(np.clip(sizes, 1, g)))
    if direct_sizes is None:
        direct_sizes = [*(n for n in DIRECT_SIZES if n < g), g]
    direct_sizes = tuple(np.unique(np.clip(direct_sizes, 1, g)))
    subsets = {grid: offered_subsets(evaluation, grid, kinds, targets) for grid in (sizes, direct_sizes)}
    out = []
    for metric in dict.fromkeys(canonical(m) for m in (metrics or default_metrics())):
        card = parse_metric(metric)[0].card
        if metric_problem(metric, b, evaluation.truth_from):
            continue
        mine = subsets[sizes if card.id in FORMULAS else direct_sizes]
        shapes = {(s.kind, s.targets): s for s in mine}  # what is valid does not depend on n
        valid = {shape for shape, s in shapes.items() if not genes_problem(metric, s, evaluation)}
        mine = [s for s in mine if (s.kind, s.targets) in valid]
        for reference in references if card.reference == "delta" else ("none",):
            if not reference_problem(metric, reference, b, include_held_out):
                out += [Setting(metric, reference, subset) for subset in mine]
    return out
