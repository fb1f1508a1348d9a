"""The table of interactions: one line per method and (double, gene) pair, with classes and local fdr."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perturbviz.analyses.interactions.classes import PAPER_CLASSES, class_counts
from perturbviz.analyses.interactions.pairs import Pairs, every_pair, make_pairs
from perturbviz.analyses.interactions.summary import takes_part
from perturbviz.analyses.interactions.threshold import Kind, Threshold, fitted, usual_kind
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import parse_subset, unmeasured
from perturbviz.scoring.validity import default_view

RULES: dict[str, Kind] = {"significance": "significance", "size": "effect"}
COLUMNS = [
    "method",
    "seed",
    "context",
    "perturbation",
    "gene",
    "observed_deviation",
    "predicted_deviation",
    "true_class",
    "predicted_class",
    "local_fdr",
]


def interaction_table(
    benchmark: Benchmark,
    parts: tuple[str, ...],
    fdr: float = 0.05,
    genes: str | None = None,
    rule: str | None = None,
    notes: list[str] | None = None,
) -> pd.DataFrame:
    """Deviations from additivity of every double and gene, observed and as each method predicts them.

    Parameters
    ----------
    parts
        Parts of the split whose doubles are written; the threshold is fitted to all doubles.
    fdr
        Local fdr from which a pair is non-additive.
    genes
        ``all``, ``expressed:N`` or ``own:GENE;GENE``; by default what the dashboard opens with.
    rule
        "significance" (deviation over its standard error) or "size"; by default significance where errors are known.

    Raises
    ------
    UserError
        Where no double has two measured singles, or no threshold can be fitted.
    """
    notes = [] if notes is None else notes
    if not 0 < fdr < 1:
        raise UserError(f"fdr {fdr:g}: the level of a local fdr lies between 0 and 1.")
    subset = parse_subset(genes) if genes else default_view(benchmark).subset
    if not genes:
        notes.append("genes: " + subset.key)
    evaluation = Evaluation(benchmark, parts)
    if unknown := unmeasured(subset.own, evaluation):
        notes.append(f"genes: not measured: {', '.join(unknown)}")
    every = every_pair(evaluation, subset)
    if rule is not None and rule not in RULES:
        raise UserError(f"There is no rule {rule!r}; there are: {', '.join(RULES)}.")
    kind = RULES[rule] if rule else usual_kind(every)
    if kind == "significance" and isinstance(every.se, str):
        raise UserError(f"rule significance: {every.se}")
    threshold = fitted(every, subset, kind, fdr)
    if threshold.null is None:
        raise UserError(f"No threshold can be fitted. {threshold.problem}")
    try:
        pairs = make_pairs(evaluation, subset)
    except UserError as error:
        raise UserError(
            f"No double with two measured singles is in the part {','.join(parts)} of the split "
            f"({benchmark.split_origin}): try --split all."
        ) from error
    notes += found(pairs, threshold, evaluation.methods)
    if not np.isnan(false := threshold.false_share(every)):
        notes.append(f"simulated: {false:.1%} of the pairs called non-additive are false")
    return pair_table(pairs, threshold, evaluation.methods)


def pair_table(pairs: Pairs, threshold: Threshold, methods: tuple[str, ...]) -> pd.DataFrame:
    """Long table with the columns of ``COLUMNS``: all pairs of a method, then those of the next.

    Names and classes are categories, which keeps millions of lines small. Genes that do not count in a context and
    pairs without an observation are left out; a double that a method does not predict has an undefined prediction.
    """
    at, (r, g) = pairs.double, (len(pairs.rows), len(pairs.genes))
    known = np.isfinite(pairs.observed()).ravel()
    true = np.broadcast_to(threshold.true_classes(pairs)[at], (r, g)).ravel()[known]
    observed = pairs.observed().ravel()[known]
    judged = threshold.scaled(pairs, pairs.deviation)[at].ravel()[known]
    fdr = threshold.null.fdr(judged) if threshold.null is not None else np.full(len(observed), np.nan)
    line, gene = np.repeat(np.arange(r), g)[known], np.tile(np.arange(g), r)[known]
    shared = {c: _repeated(pairs.rows[c].astype(str), line) for c in ("seed", "context", "perturbation")}
    shared["gene"] = pd.Categorical.from_codes(gene, pairs.genes.astype(str))
    parts = []
    for i, method in enumerate(methods):
        parts.append(
            pd.DataFrame(
                {
                    "method": pd.Categorical.from_codes(np.full(len(line), i), list(methods)),
                    **shared,
                    "observed_deviation": observed,
                    "predicted_deviation": pairs.predicted(method).ravel()[known],
                    "true_class": pd.Categorical.from_codes(true, PAPER_CLASSES),
                    "predicted_class": pd.Categorical.from_codes(
                        threshold.predicted_classes(pairs, method).ravel()[known], PAPER_CLASSES
                    ),
                    "local_fdr": fdr,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _repeated(values: pd.Series, line: np.ndarray) -> pd.Categorical:
    codes, names = pd.factorize(values)
    return pd.Categorical.from_codes(codes[line], names)


def found(pairs: Pairs, threshold: Threshold, methods: tuple[str, ...]) -> list[str]:
    """What was fitted and found, and which methods take no part."""
    null = threshold.null
    counts = class_counts(threshold.true_classes(pairs))
    what = "deviation" if threshold.kind == "effect" else "deviation / standard error"
    out = [f"non-additive: {what} <= {threshold.lower:.4g} or >= {threshold.upper:.4g}"]
    if null is not None:
        out.insert(
            0, f"null: delta {null.delta:.4g}, sigma {null.sigma:.4g}, p0 {null.p0:.4g}, fitted to {null.n:,} pairs"
        )
        out[1] += f" (local fdr {null.level:g})" + (f"; {null.reason}" if null.reason else "")
        if null.doubt:
            out.append(null.doubt)
    out.append(
        f"{len(pairs.doubles):,} doubles x {len(pairs.genes):,} genes: "
        + ", ".join(f"{n:,} {name}" for name, n in zip(PAPER_CLASSES, counts, strict=True))
    )
    for method in methods:
        if why := takes_part(pairs, method):
            out.append(
                f"{method}: {'it predicts the sum itself and names no interaction' if why == 'additive' else why}"
            )
    return out
