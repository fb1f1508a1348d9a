"""``report``: benchmarks and views in, one HTML file out that opens offline."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.files import replacing
from perturbviz.catalogue.demo import CONTEXT_B, DATA, DEMO
from perturbviz.cli.output import check_output
from perturbviz.cli.reading import add_trust, read_benchmark
from perturbviz.errors import UserError
from perturbviz.guide.named import USUAL
from perturbviz.report.content import Item
from perturbviz.report.page import build
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.validity import default_view, view_problem
from perturbviz.scoring.view import View

_SHIPPED = {DATA / DEMO: "demo", DATA / CONTEXT_B: "demo-b"}


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser("report", help="chosen views as one HTML file that opens offline")
    p.add_argument("benchmark", nargs="+", metavar="BENCH", help="benchmark file (.h5ad)")
    p.add_argument(
        "--view", action="append", default=[], metavar="QUERY", help="a link of the app, or what follows its ?"
    )
    p.add_argument("--app", default="", metavar="URL", help="address of a running app, for the links")
    add_trust(p)
    p.add_argument("-o", "--out", required=True, metavar="REPORT.html", help="where to write")
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute and write."""
    out = check_output(arguments.out, (".html",))
    if arguments.app and not arguments.app.startswith(("http://", "https://")):
        raise UserError(f"--app {arguments.app!r}: give the address of an app, http://… or https://….")
    changes = [parse_view(text) for text in arguments.view]
    items = []
    for path in arguments.benchmark:
        benchmark = read_benchmark(path, arguments.trust)
        data = _SHIPPED.get(Path(path).resolve(), benchmark.content_id)
        items += _items(benchmark, data, changes)
    words = ["python", "-m", "perturbviz", "report", *map(os.path.basename, arguments.benchmark)]
    words += [w for text in arguments.view for w in ("--view", text)] + ["-o", out.name]
    page = build(items, arguments.app, command=shlex.join(words))
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    print(f"wrote {out}: {len(items)} views, {out.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    return 0


def parse_view(text: str) -> dict[str, Any]:
    """Fields of the view that a link or query names; raises :class:`UserError` where one does not exist."""
    query = parse_qs(text.partition("?")[2] if "?" in text else text, keep_blank_values=True)
    view, default = View.from_query(query), View()
    known = {f.name for f in fields(View)}
    if not query:
        raise UserError(f"--view {text!r} names nothing: write for instance metric=pearson_delta&ref=perturbation.")
    changes = {}
    for name in known & set(query):
        value = getattr(view, name)
        if (
            value == getattr(default, name)
            and query[name][-1].lower() != str(value).lower()
            and name not in ("show", "own")
        ):
            raise UserError(f"--view {text!r}: {query[name][-1]!r} is no {name}.")
        changes[name] = value
    if "=" in text and not changes:
        raise UserError(f"--view {text!r}: no part of a view; those are {', '.join(sorted(known))}.")
    changes.pop("data", None)
    return changes


def _items(benchmark: Benchmark, data: str, changes: list[dict[str, Any]]) -> list[Item]:
    """The views asked for, each on top of what the benchmark opens on; the usual ones where none is."""
    start = default_view(benchmark, data)
    if changes:
        views = [start.with_(**c) for c in changes]
        for view in views:
            _check_shown(benchmark, view)
        return [Item(benchmark, view) for view in views]
    usual = dict.fromkeys(named.view(benchmark, data) for named in USUAL)
    return [Item(benchmark, view) for view in usual if not view_problem(view, Evaluation(benchmark, view.parts))]


def _check_shown(benchmark: Benchmark, view: View) -> None:
    """Refuse a view of methods that are not there."""
    there = Evaluation(benchmark, view.parts).methods
    if unknown := [method for method in view.show if method not in there]:
        raise UserError(f"--view show={unknown[0][:60]}: there is no such method; there are: {', '.join(there)}.")
