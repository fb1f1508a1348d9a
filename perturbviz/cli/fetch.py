"""``fetch``: a data set of the catalogue to this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from perturbviz.catalogue.download import DownloadError, fetch
from perturbviz.catalogue.entries import dataset
from perturbviz.errors import UserError


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser("fetch", help="download a public data set of the catalogue")
    p.add_argument("dataset", metavar="DATASET", help="id; `perturbviz datasets` lists them")
    p.add_argument("--mirror", metavar="URL", help="fetch URL/FILE instead of the public address")
    p.add_argument(
        "-o", "--out", metavar="FOLDER", help="where to put it (default: PERTURBVIZ_CACHE or the user's cache)"
    )
    p.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="METHOD",
        help="leave a method out of a file that is converted, such as one that costs all others genes; may be repeated",
    )
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Download; the path goes to stdout, everything else to stderr. Status 1 where a method of the file was lost."""
    entry = dataset(arguments.dataset)
    if arguments.out:
        Path(arguments.out).mkdir(parents=True, exist_ok=True)
    progress = _draw if sys.stderr.isatty() else None
    try:
        path = fetch(entry, arguments.out, arguments.mirror, progress, arguments.without)
    except DownloadError as error:
        raise UserError(f"{error} {error.by_hand}") from error
    print(f"{entry.title}: {entry.size}, {entry.licence}. Cite: {entry.citation}.", file=sys.stderr)
    left_out: list[str] = []
    if entry.published:
        from perturbviz.catalogue.published import said_of

        left_out, done = said_of(path)
        print("\n".join([*([done] if done else []), *(f"warning: {line}" for line in left_out)]), file=sys.stderr)
    print(path)
    return 1 if left_out else 0


def _draw(done: int, total: int) -> None:
    end = "\n" if done >= total else ""
    print(f"\r{done / 1e6:8.1f} of {total / 1e6:.1f} MB", end=end, file=sys.stderr, flush=True)
