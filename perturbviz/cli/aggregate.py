"""``python -m perturbviz aggregate``: cells in, benchmark out."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from anndata import AnnData

from perturbviz.benchmark.files import replacing
from perturbviz.benchmark.labels import NEVER
from perturbviz.benchmark.numbers import whole
from perturbviz.cells.pipeline import aggregate
from perturbviz.cells.report import read_report
from perturbviz.cells.source import INDEX
from perturbviz.cli.output import check_output
from perturbviz.cli.reading import add_trust
from perturbviz.readers.base import NO_CONTEXT
from perturbviz.readers.isolation import isolated, tell


def register(subparsers: Any) -> None:
    """Add the command to the ``subparsers`` of an ``argparse`` parser; its function is in ``func``."""
    parser = subparsers.add_parser(
        "aggregate",
        help="make a benchmark (means, standard errors, halves, DE) from single cells",
        description="Make a benchmark from single cells; the file may be larger than memory. "
        "Interrupted, it leaves nothing behind and starts anew the next time.",
    )
    parser.add_argument("cells", metavar="CELLS", help=".h5ad or .zarr, counts or log-normalised, sparse or dense")
    parser.add_argument(
        "--condition",
        required=True,
        metavar="COLUMN",
        help=f"obs column with the perturbation, or {INDEX}: the names of the cells",
    )
    parser.add_argument(
        "--control",
        required=True,
        action="append",
        metavar="LABEL",
        help="label of the unperturbed cells, 'NT-*' for all that begin so; may be repeated",
    )
    parser.add_argument(
        "--not-control",
        action="append",
        default=[],
        metavar="LABEL",
        help="label that does not, though it usually does",
    )
    parser.add_argument(
        "--shared-control", action="store_true", help="control of one context (dose 0) serves those that have none"
    )
    parser.add_argument("--context", metavar="COLUMN", help="obs column that keeps cells apart, e.g. the cell line")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler, e.g. tcp://host:8786 (default: here)")
    parser.add_argument("--value-space", choices=("counts", "lognorm"), help="what the values are (default: look)")
    parser.add_argument("--layer", metavar="NAME", help="layer to use instead of X, or raw")
    parser.add_argument(
        "--separator",
        "--sep",
        metavar="SIGN",
        help=f"sign between targets, or {NEVER}: never split (default: +, or _ between known names)",
    )
    parser.add_argument(
        "--rest",
        choices=("all", "perturbed"),
        default="all",
        help="whom de_score and de_padj compare a condition with: all other cells of its context, control included "
        "(default, scanpy's rest), or the other perturbed cells only (the weights of Miller et al. 2025)",
    )
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="decides which cells form which half")
    parser.add_argument(
        "--energy",
        action="store_true",
        help="add obs column energy_distance (to control): how strong; "
        "from a random sample of at most 100 cells a perturbation and 500 of control, so with sampling error",
    )
    add_trust(parser)
    parser.add_argument("-o", "--out", required=True, metavar="BENCH.h5ad", help="where to write the benchmark")
    parser.set_defaults(func=run)


def _seed(text: str) -> int:
    """A seed that every generator takes."""
    found = whole(text, 0, 2**32 - 1)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from 0 to 4,294,967,295")
    return found


def run(arguments: argparse.Namespace) -> int:
    """Aggregate as the arguments say; what was understood goes to stderr. Errors are left to the caller.

    A polite kill ends the command as Ctrl-C does: nothing is left behind, neither the output nor a part of it.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    request = {
        name: getattr(arguments, name)
        for name in ("condition", "control", "seed", "energy", "value_space", "layer", "rest", "shared_control")
    }
    request |= {
        "context": None if arguments.context in (None, NO_CONTEXT) else arguments.context,
        "sep": "" if arguments.separator == NEVER else arguments.separator,
        "not_control": arguments.not_control,
    }
    progress = _progress_bar() if sys.stderr.isatty() else None
    if arguments.scheduler or arguments.trust:  # workers elsewhere open the file themselves
        result = aggregate(
            arguments.cells, **request, out=arguments.out, scheduler=arguments.scheduler, progress=progress
        )
        said = _sentences(result)
    else:
        out, cells = check_output(arguments.out, (".h5ad",)), Path(arguments.cells)
        part = out.with_name(f".{out.name}-{secrets.token_hex(4)}.part")
        try:
            said = isolated(aggregate_to, cells, request, part, name=cells.name, timed=False, told=progress)
            with replacing(out) as temporary:
                part.replace(temporary)
        finally:
            part.unlink(missing_ok=True)
    for sentence in said:
        print(sentence, file=sys.stderr)
    return 0


def aggregate_to(cells: Path, request: dict[str, Any], out: Path) -> list[str]:
    """In a child process: aggregate and write; returns what was understood, a sentence each."""
    result = aggregate(cells, **request, progress=tell)
    result.write_h5ad(out, convert_strings_to_categoricals=False)
    return _sentences(result)


def _sentences(result: AnnData) -> list[str]:
    report = read_report(result)
    return list(report.sentences()) if report else []


def _progress_bar(width: int = 30) -> Any:
    """A callback that draws one line on a terminal, with the time left."""
    start = time.monotonic()

    def draw(fraction: float, what: str) -> None:
        filled = round(width * fraction)
        left = (time.monotonic() - start) * (1 - fraction) / fraction if fraction > 0 else float("nan")
        ending = "\n" if fraction >= 1 else ""
        remaining = f"{left:.0f} s left" if left == left else ""
        print(f"\r[{'#' * filled}{'.' * (width - filled)}] {what}: {remaining:<14}", end=ending, file=sys.stderr)

    return draw
