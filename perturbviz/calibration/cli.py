"""``calibrate``: which metrics can tell a replicate from an empty prediction on a benchmark."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from perturbviz.benchmark import load
from perturbviz.calibration.controls import CONTROL_NAMES
from perturbviz.calibration.table import calibration_map, table
from perturbviz.commands.output import TABLES, check_output, write_table
from perturbviz.evaluation import Evaluation
from perturbviz.genesets import GeneSubset, parse_subset, subset_problem


def default_subsets(evaluation: Evaluation) -> list[GeneSubset]:
    """All genes, the 1,000 most expressed, the 100 most changed: those that mean something here."""
    wanted = [GeneSubset("all"), GeneSubset("expressed", 1000), GeneSubset("de", 100)]
    return [s for s in wanted if not subset_problem(s, evaluation)]


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser("calibrate", help="judge every metric by a replicate and an empty prediction")
    p.add_argument("benchmark", metavar="BENCH", help="benchmark file (.h5ad) with half-cell means or standard errors")
    p.add_argument(
        "--genes", action="append", default=[], metavar="SUBSET", help="default: all, expressed:1000, de:100"
    )
    p.add_argument("-o", "--out", required=True, metavar="CALIBRATION.csv", help="where to write (.csv or .parquet)")
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge and write."""
    out = check_output(arguments.out, TABLES)
    evaluation = Evaluation(load(arguments.benchmark))
    subsets = [parse_subset(g) for g in arguments.genes] or default_subsets(evaluation)
    found = calibration_map(evaluation, subsets)
    write_table(table(found), out)
    positive = CONTROL_NAMES[found[0].positive] if found else "none"
    print(f"positive control: {positive.lower()}; wrote {out}: {len(found)} metric settings", file=sys.stderr)
    return 0
