"""``rank``: a benchmark or score table in, one line per method out."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from perturbviz.analyses.tables import load, rank
from perturbviz.benchmark import Benchmark
from perturbviz.cli.output import add_output, where_to, write
from perturbviz.cli.reading import about, add_trust, read
from perturbviz.cli.report import parse_view
from perturbviz.errors import UserError
from perturbviz.panels.captions import who_saw_the_truth
from perturbviz.scoring.references import REFERENCES
from perturbviz.scoring.validity import default_view
from perturbviz.scoring.view import AVERAGES, View


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser("rank", help="order the methods of a benchmark, with intervals and tiers")
    p.add_argument("benchmark", metavar="BENCH", help="benchmark (.h5ad), or a published table of scores")
    p.add_argument(
        "--view", metavar="QUERY", help="a link of the app, or what follows its ?, in place of the options below"
    )
    p.add_argument("--metric", metavar="ID", help="id or id@parameter; default: l2, of a table its first")
    p.add_argument("--reference", choices=REFERENCES, help="what is subtracted; default: control where one is needed")
    p.add_argument("--genes", metavar="SUBSET", help="all, expressed:N, de:N, own:GENE;GENE (-targets)")
    p.add_argument("--split", metavar="PARTS", help="parts to score, e.g. test,val (default) or all")
    p.add_argument("--average", choices=list(AVERAGES), help="over perturbations; default: mean")
    add_trust(p)
    add_output(p, "RANKING")
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Rank and write."""
    out = where_to(arguments)
    options = {n: getattr(arguments, n) for n in ("metric", "reference", "genes", "split", "average")}
    named = {name: value for name, value in options.items() if value is not None}
    if arguments.view and named:
        raise UserError(f"--view holds every choice: leave out --{' and --'.join(named)}.")
    changes = parse_view(arguments.view) if arguments.view else None
    source = read(load, arguments.benchmark, trust=arguments.trust)
    notes: list[str] = []
    if changes is not None:
        start = default_view(source) if isinstance(source, Benchmark) else View()
        named = {"view": start.with_(**changes), "metric": changes.get("metric")}
    table = rank(source, **named, notes=notes)
    marked = who_saw_the_truth(source, str) if isinstance(source, Benchmark) else ""
    notes = [*notes, *filter(None, [marked])]
    asked = {**about(source), "choices": {"view": arguments.view} if arguments.view else options}
    write([table], out, arguments.json, asked, notes)
    print("\n".join([*notes, f"wrote {out or 'to stdout'}: {len(table)} methods"]), file=sys.stderr)
    return 0
