"""``evaluate``: a benchmark in, a table of scores out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from perturbviz.benchmark import Benchmark, load
from perturbviz.commands.output import TABLES, check_output, write_tables
from perturbviz.errors import UserError
from perturbviz.evaluation import Evaluation
from perturbviz.explain import who_saw_the_truth
from perturbviz.genesets import GeneSubset, parse_subset, unmeasured
from perturbviz.metrics import parse_metric
from perturbviz.readers.hdf5 import check_declared
from perturbviz.references import REFERENCES
from perturbviz.scores import COLUMNS, score
from perturbviz.validity import default_view
from perturbviz.view import SPLITS


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser("evaluate", help="score the predictions and baselines of a benchmark")
    p.add_argument("benchmark", metavar="BENCH", help="benchmark file (.h5ad)")
    p.add_argument("--metric", action="append", default=[], metavar="ID", help="id or id@parameter; default: l2")
    p.add_argument("--reference", choices=REFERENCES, help="what is subtracted; default: control where one is needed")
    p.add_argument(
        "--genes",
        action="append",
        default=[],
        metavar="SUBSET",
        help="all, expressed:N, de:N, own:GENE;GENE (-targets)",
    )
    p.add_argument(
        "--split", default="test,val", metavar="PARTS", help="parts to score, e.g. test,val (default) or all"
    )
    p.add_argument("--all-views", action="store_true", help="every metric, reference and gene subset that makes sense")
    p.add_argument("-o", "--out", required=True, metavar="SCORES.csv", help="where to write (.csv or .parquet)")
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Score and write."""
    out = check_output(arguments.out, TABLES)
    metrics = arguments.metric or ["l2"]
    for metric in metrics:
        parse_metric(metric)
    subsets = [parse_subset(text) for text in arguments.genes]
    parts = parse_parts(arguments.split)
    check_declared(Path(arguments.benchmark))
    benchmark = load(arguments.benchmark)
    evaluation = Evaluation(benchmark, parts)
    if evaluation.rows.empty:
        raise UserError(
            f"No perturbation of this benchmark is in the part {arguments.split!r} of its split ({benchmark.split_origin})."
        )
    notes: list[str] = []  # said only once everything went well: what goes wrong is one line
    if arguments.all_views:
        if subsets:
            raise UserError("--all-views goes through all gene subsets: leave --genes out.")
        rows = write_tables(_all_views(evaluation, arguments.metric, arguments.reference), out)
    else:
        subsets = subsets or [_default_genes(benchmark, notes)]
        rows = write_tables([_scores(evaluation, metrics, arguments.reference, subsets, notes)], out)
    said = [*notes, who_saw_the_truth(benchmark, str), f"wrote {out}: {rows:,} rows"]
    print("\n".join(filter(None, said)), file=sys.stderr)
    return 0


def parse_parts(text: str) -> tuple[str, ...]:
    """Parts of the split of ``test,val`` or ``all``."""
    if text == "all":
        return SPLITS["all"]
    parts = tuple(dict.fromkeys(p.strip() for p in text.split(",") if p.strip()))
    unknown = [p for p in parts if p not in SPLITS["all"]]
    if unknown or not parts:
        raise UserError(f"--split {text!r}: use all, or parts among train, val, test joined by commas.")
    return parts


def _default_genes(benchmark: Benchmark, notes: list[str]) -> GeneSubset:
    subset = default_view(benchmark).subset
    why = "" if benchmark.has_expression else " (no expression in control to order the genes by)"
    notes.append(f"genes: {subset.key}{why}")
    return subset


def _scores(
    evaluation: Evaluation, metrics: list[str], reference: str | None, subsets: list[GeneSubset], notes: list[str]
) -> pd.DataFrame:
    """Long table over metrics and subsets; a metric without a reference writes "none" whatever was asked."""
    if reference is None:
        reference = default_view(evaluation.benchmark).ref
        if any(parse_metric(m)[0].card.reference == "delta" for m in metrics):
            notes.append(f"reference: {reference}")
    for subset in subsets:
        if unknown := unmeasured(subset.own, evaluation):
            notes.append(f"genes: not measured: {', '.join(unknown)}")
    tables: list[pd.DataFrame] = []
    reasons: dict[str, str] = {}
    for metric in dict.fromkeys(metrics):
        for subset in dict.fromkeys(subsets):
            scores = score(evaluation, metric, reference, subset)
            tables.append(scores.to_frame())
            reasons |= {f"{metric} of {m}": why for m, why in scores.reasons.items()}
    notes += [f"{what}: {why}" for what, why in reasons.items()]
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def _all_views(evaluation: Evaluation, metrics: list[str], reference: str | None) -> Iterator[pd.DataFrame]:
    """Tables of every setting that makes sense; of the given metrics and reference only, where some are given."""
    from perturbviz.sweep import sweep_frame  # heavy, and not needed for a few scores

    references = tuple(r for r in REFERENCES if r != "none" and reference in (None, "none", r))
    empty = True
    for table in sweep_frame(evaluation, metrics=metrics or None, references=references):
        empty = False
        yield table[COLUMNS]
    if empty:
        raise UserError("None of the metrics makes sense on this benchmark: nothing was scored.")
