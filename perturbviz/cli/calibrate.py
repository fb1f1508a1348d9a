"""``calibrate``: which metrics can tell a replicate from an empty prediction on a benchmark."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from perturbviz.analyses.tables import calibrate
from perturbviz.cli.output import TABLES, check_output, write_table
from perturbviz.cli.reading import add_trust, read_benchmark


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser("calibrate", help="judge every metric by a replicate and an empty prediction")
    p.add_argument("benchmark", metavar="BENCH", help="benchmark file (.h5ad) with half-cell means or standard errors")
    p.add_argument(
        "--genes", action="append", default=[], metavar="SUBSET", help="default: all, expressed:1000, de:100"
    )
    add_trust(p)
    p.add_argument("-o", "--out", required=True, metavar="CALIBRATION.csv", help="where to write (.csv or .parquet)")
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge and write."""
    out = check_output(arguments.out, TABLES)
    found = calibrate(read_benchmark(arguments.benchmark, arguments.trust), arguments.genes)
    write_table(found, out)
    said = f"replicate: {found['replicate'].iloc[0] if len(found) else 'none'}"
    if len(found) and (other := found["other_replicate"].iloc[0]):
        said += f"; by the {other} {int(found['disputed'].sum())} of {len(found)} verdicts are others"
    print(f"{said}; wrote {out}: {len(found)} metric settings", file=sys.stderr)
    return 0
