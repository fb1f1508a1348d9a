"""Gene subsets: which genes count. All, the n most expressed, the n most changed, or the user's own list.

A subset resolves to blocks of scored rows that use equally many genes, so that metrics always see full rectangles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perturbviz.benchmark.numbers import whole
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation

GeneKind = Literal["all", "expressed", "de", "own"]
KINDS: tuple[GeneKind, ...] = ("all", "expressed", "de", "own")
_RANKED: dict[str, GeneKind] = {"expressed": "expressed", "de": "de"}  # the kinds that take the first n of an order

LABELS = {"all": "all genes", "expressed": "highly expressed", "de": "differentially expressed", "own": "own list"}
PRO = {
    "all": "Comprehensive.",
    "expressed": "Informative.",
    "de": "Emphasises affected genes.",
    "own": "Answers your own question.",
}
CON = {
    "all": "Noise can dominate signal.",
    "expressed": "Not always relevant.",
    "de": "Lacks all negative examples: predicting too much costs nothing.",
    "own": "Whoever chooses the genes chooses the winner.",
}
DEFINITION = {
    "all": "Every gene of the data set.",
    "expressed": "The n genes with the highest mean in control cells, ties in file order.",
    "de": "For each perturbation the n genes with the largest |observed − control|, ties in file order. It depends on "
    "the truth, so it may choose genes for scoring but never for fitting.",
    "own": "The genes you list, as far as they are measured.",
}


@dataclass(frozen=True)
class GeneSubset:
    """A rule that chooses genes.

    Attributes
    ----------
    kind, n
        Which genes; ``n`` matters for "expressed" and "de" (clipped to the number of genes).
    targets
        Whether the perturbed genes themselves count. Without them the next genes in order take their place.
    own
        Gene names of kind "own".
    """

    kind: GeneKind = "all"
    n: int = 1000
    targets: bool = True
    own: tuple[str, ...] = ()

    @property
    def differs_between_perturbations(self) -> bool:
        """Whether two perturbations may be scored on different genes."""
        return self.kind == "de" or not self.targets

    @property
    def key(self) -> str:
        """``all``, ``expressed:1000``, ``de:50``, ``own:3``; ``-targets`` where the perturbed genes are left out."""
        count = {"all": "", "own": f":{len(self.own)}"}.get(self.kind, f":{self.n}")
        return f"{self.kind}{count}" + ("" if self.targets else "-targets")


def parse_subset(text: str) -> GeneSubset:
    """Subset of a word: all, expressed:N, de:N, own:GENE;GENE, each with ``-targets`` to leave targets out.

    Raises
    ------
    UserError
        If the word is none of these.
    """
    word, minus, _ = text.partition("-targets")
    kind, _, rest = word.partition(":")
    if kind == "own" and rest:
        return GeneSubset("own", targets=not minus, own=tuple(g for g in rest.split(";") if g))
    if kind == "all" and not rest:
        return GeneSubset("all", targets=not minus)
    if (ranked := _RANKED.get(kind)) and (n := whole(rest, 1, 10**7 - 1)):
        return GeneSubset(ranked, n, targets=not minus)
    raise UserError(
        f"{text!r} is no gene subset: use all, expressed:N, de:N or own:GENE;GENE (N a whole number above 0)."
    )


def key_in_words(key: str) -> str:
    """A subset's key as it is said on screen: "highly expressed, 1,000"; "as published" where a table says no more."""
    word, minus, _ = key.partition("-targets")
    kind, _, n = word.partition(":")
    number = whole(n, 0, 10**12)
    said = LABELS.get(kind, "as published") + ("" if number is None else f", {number:,}")
    return said + (" without the perturbed ones" if minus else "")


@dataclass(frozen=True, eq=False)
class GeneBlock:
    """Scored rows and the genes they use: ``genes`` is None (all), (n,) shared, or (len(rows), n)."""

    rows: np.ndarray
    genes: np.ndarray | None
    n: int


def expression_order(evaluation: Evaluation) -> np.ndarray:
    """Columns from most to least expressed in control, ties in file order: (contexts in ``benchmark.contexts``, G)."""
    b = evaluation.benchmark
    return np.stack([np.argsort(-b.control(c), kind="stable") for c in b.contexts])


def descending(values: np.ndarray) -> np.ndarray:
    """Positions from the largest to the smallest of non-negative float32 values, ties in order: (G,) intp.

    Equals ``np.argsort(-values, kind="stable")``. The bits of non-negative floats are ordered like the floats, so value
    and position fit one 64-bit integer, and integers are sorted several times faster than positions.
    """
    if values.dtype != np.float32 or np.isnan(values).any():
        return np.argsort(-values, kind="stable")
    keys = (np.uint32(0xFFFFFFFF) - values.view(np.uint32)).astype(np.uint64) << np.uint64(32)
    keys |= np.arange(len(values), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.intp)


def de_order(evaluation: Evaluation, rows: np.ndarray) -> np.ndarray:
    """Columns from most to least changed in the observed data, for the given scored rows: (len(rows), G).

    Order of |Y - c| (Ahlmann-Eltze et al. 2025), ties in file order. Sorted once per observed condition.
    """
    obs = evaluation.rows["obs"].to_numpy()[rows]
    unique, first, inverse = np.unique(obs, return_index=True, return_inverse=True)
    b = evaluation.benchmark
    out = np.empty((len(unique), b.adata.n_vars), np.int32)
    for i, o in enumerate(unique):
        out[i] = descending(np.abs(evaluation.observed[o] - b.control(b.row_contexts[o])))
    return out[inverse]


def resolve(subset: GeneSubset, evaluation: Evaluation, rows: np.ndarray | None = None) -> list[GeneBlock]:
    """Blocks of scored rows with the genes they are scored on.

    Raises
    ------
    UserError
        Where the subset means nothing on this benchmark; the sentence says why.
    """
    problem = subset_problem(subset, evaluation)
    if problem:
        raise UserError(problem)
    rows = np.arange(len(evaluation.rows)) if rows is None else np.asarray(rows)
    g = evaluation.benchmark.adata.n_vars
    if subset.kind == "all" or (subset.kind in ("expressed", "de") and subset.n >= g):
        if subset.targets:
            return [GeneBlock(rows, None, g)]
        return _without_targets(evaluation, rows, np.broadcast_to(np.arange(g), (len(rows), g)), None)
    if subset.kind == "own":
        columns = evaluation.benchmark.genes.get_indexer(list(dict.fromkeys(subset.own)))
        columns = columns[columns >= 0]
        if subset.targets:
            return [GeneBlock(rows, columns, len(columns))]
        return _without_targets(evaluation, rows, np.broadcast_to(columns, (len(rows), len(columns))), None)
    if subset.kind == "expressed":
        order = expression_order(evaluation)
        context = evaluation.rows["context"].to_numpy()[rows]
        if subset.targets and len(order) == 1:
            return [GeneBlock(rows, order[0, : subset.n], subset.n)]
        which = np.searchsorted(np.arange(len(order)), [evaluation.benchmark.contexts.index(c) for c in context])
        if subset.targets:
            return [GeneBlock(rows[which == k], order[k, : subset.n], subset.n) for k in np.unique(which)]
        spare = max((len(t) for t in evaluation.target_columns), default=0)
        return _without_targets(evaluation, rows, order[which, : subset.n + spare], subset.n)
    order = de_order(evaluation, rows)
    if subset.targets:
        return [GeneBlock(rows, order[:, : subset.n], subset.n)]
    return _without_targets(evaluation, rows, order, subset.n)


def _without_targets(evaluation: Evaluation, rows: np.ndarray, order: np.ndarray, n: int | None) -> list[GeneBlock]:
    """Drop each row's own targets from its ordered genes, keep the first ``n`` (all where None), group by length."""
    kept = []
    for row, genes in zip(rows, order, strict=True):
        mine = genes[~np.isin(genes, evaluation.target_columns[row])]
        kept.append(mine if n is None else mine[:n])
    lengths = np.array([len(k) for k in kept], dtype=int)
    return [
        GeneBlock(rows[lengths == k], np.stack([kept[i] for i in np.flatnonzero(lengths == k)]), int(k))
        for k in np.unique(lengths)
    ]


def subset_problem(subset: GeneSubset, evaluation: Evaluation) -> str:
    """Why the subset means nothing here, as a sentence; "" where it does mean something."""
    b = evaluation.benchmark
    if subset.kind == "expressed" and not b.has_expression:
        why = "it holds changes, not expression" if b.value_space != "lognorm" else "it has no control mean"
        return f"Highly expressed genes are not defined on this data set: {why}. Use all genes or your own list."
    if subset.kind == "de" and not b.has_control:
        return "Differentially expressed genes need a control mean, and this data set has none. Use all genes."
    if subset.kind in ("expressed", "de"):
        for context in dict.fromkeys(evaluation.rows["context"]):
            if np.isnan(b.control(context)).any():
                return f"Context {context!r} has no control mean, which these genes are chosen by. Use all genes."
    if subset.kind == "own" and not (b.genes.get_indexer(list(subset.own)) >= 0).any():
        return "None of the genes of your list is measured in this data set: enter gene names as the data set has them."
    return ""


def unmeasured(own: Sequence[str], evaluation: Evaluation) -> list[str]:
    """Genes of an own list that the benchmark does not hold."""
    known = set(evaluation.benchmark.genes)
    return [g for g in own if g not in known]
