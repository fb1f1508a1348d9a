"""``evaluate``: a benchmark in, a table of scores out."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from perturbviz.analyses.tables import every_view_tables, parse_parts, score
from perturbviz.cli.output import add_output, where_to, write
from perturbviz.cli.reading import about, add_trust, read_benchmark
from perturbviz.errors import UserError
from perturbviz.metrics import parse_metric
from perturbviz.panels.captions import who_saw_the_truth
from perturbviz.scoring.genesets import parse_subset
from perturbviz.scoring.references import REFERENCES


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
    add_trust(p)
    add_output(p, "SCORES")
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Score and write."""
    out = where_to(arguments)
    metrics = arguments.metric or ["l2"]
    for metric in metrics:
        parse_metric(metric)
    subsets = [parse_subset(text) for text in arguments.genes]
    parse_parts(arguments.split)
    if arguments.all_views and subsets:
        raise UserError("--all-views goes through all gene subsets: leave --genes out.")
    benchmark = read_benchmark(arguments.benchmark, arguments.trust)
    notes: list[str] = []  # said only once everything went well: what goes wrong is one line
    if arguments.all_views:
        tables = every_view_tables(benchmark, arguments.metric, arguments.reference, arguments.split)
    else:
        tables = iter([score(benchmark, metrics, arguments.reference, arguments.genes, arguments.split, notes=notes)])
    notes = [*notes, *filter(None, [who_saw_the_truth(benchmark, str)])]
    names = ("metric", "reference", "genes", "split", "all_views")
    asked = {**about(benchmark), "choices": {n: getattr(arguments, n) or None for n in names}}
    rows = write(tables, out, arguments.json, asked, notes)
    print("\n".join([*notes, f"wrote {out or 'to stdout'}: {rows:,} rows"]), file=sys.stderr)
    return 0
