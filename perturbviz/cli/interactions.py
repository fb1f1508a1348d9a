"""``interactions``: a benchmark in, one line per method and (double, gene) pair out."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from perturbviz.analyses.interactions.table import RULES
from perturbviz.analyses.tables import interactions
from perturbviz.cli.output import TABLES, check_output, write_table
from perturbviz.cli.reading import add_trust, read_benchmark
from perturbviz.panels.captions import who_saw_the_truth


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser(
        "interactions", help="deviations from additivity of doubles, true and predicted, by class"
    )
    p.add_argument("benchmark", metavar="BENCH", help="benchmark file (.h5ad)")
    p.add_argument(
        "--fdr", type=float, default=0.05, metavar="LEVEL", help="local fdr of the thresholds; default: 0.05"
    )
    p.add_argument(
        "--rule",
        choices=tuple(RULES),
        help="what makes a pair non-additive: its deviation over its standard error (significance; default where "
        "standard errors are known), or the deviation alone (size)",
    )
    p.add_argument("--genes", metavar="SUBSET", help="all, expressed:N or own:GENE;GENE; default: as for evaluate")
    p.add_argument(
        "--split", default="test,val", metavar="PARTS", help="parts to write, e.g. test,val (default) or all"
    )
    add_trust(p)
    p.add_argument("-o", "--out", required=True, metavar="PAIRS.csv", help="where to write (.csv or .parquet)")
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Classify and write."""
    out = check_output(arguments.out, TABLES)
    notes: list[str] = []
    benchmark = read_benchmark(arguments.benchmark, arguments.trust)
    table = interactions(benchmark, arguments.fdr, arguments.genes, arguments.split, arguments.rule, notes=notes)
    write_table(table, out)
    print("\n".join(filter(None, [*notes, who_saw_the_truth(benchmark, str), f"wrote {out}"])), file=sys.stderr)
    return 0
