"""``explore``: a benchmark in, one HTML file out in which every choice stays live, without a network."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from perturbviz.analyses.tables import load
from perturbviz.cli.output import check_output
from perturbviz.cli.reading import add_trust, read
from perturbviz.report.explore import explore


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser(
        "explore", help="one offline HTML file in which metric, reference, genes and average stay live"
    )
    p.add_argument("benchmark", metavar="BENCH", help="benchmark (.h5ad), or a published table of scores")
    add_trust(p)
    p.add_argument("-o", "--out", required=True, metavar="PAGE.html", help="where to write")
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Rank everything that is offered, and write."""
    out = check_output(arguments.out, (".html",))
    page = explore(read(load, arguments.benchmark, trust=arguments.trust), out, progress=_progress())
    print(f"wrote {out}: {page.n_views:,} views, {out.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    return 0


def _progress() -> Any:
    """Tell the share that is done on a terminal; elsewhere stay silent, so that stderr holds what matters."""
    if not sys.stderr.isatty():
        return None
    return lambda done: print(f"\r{done:4.0%}", end="\r" if done >= 1 else "", file=sys.stderr, flush=True)
