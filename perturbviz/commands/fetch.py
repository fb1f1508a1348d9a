"""``fetch``: a data set of the catalogue to this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from perturbviz.datasets.catalogue import dataset
from perturbviz.datasets.download import fetch


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser("fetch", help="download a public data set of the catalogue")
    p.add_argument("dataset", metavar="DATASET", help="id; `perturbviz datasets` lists them")
    p.add_argument("--mirror", metavar="URL", help="fetch URL/FILE instead of the public address")
    p.add_argument(
        "-o", "--out", metavar="FOLDER", help="where to put it (default: PERTURBVIZ_CACHE or the user's cache)"
    )
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Download; the path goes to stdout, everything else to stderr."""
    entry = dataset(arguments.dataset)
    if arguments.out:
        Path(arguments.out).mkdir(parents=True, exist_ok=True)
    path = fetch(entry, arguments.out, arguments.mirror, _draw if sys.stderr.isatty() else None)
    print(f"{entry.title}: {entry.size}, {entry.licence}. Cite: {entry.citation}.", file=sys.stderr)
    print(path)
    return 0


def _draw(done: int, total: int) -> None:
    end = "\n" if done >= total else ""
    print(f"\r{done / 1e6:8.1f} of {total / 1e6:.1f} MB", end=end, file=sys.stderr, flush=True)
