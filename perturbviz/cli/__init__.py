"""The command line: one parser, one line for what goes wrong, one module a command.

A command is a module with ``register(subparsers)`` that adds its parser and sets ``func`` (arguments -> exit status or
None); bad input raises :class:`UserError`. Add the module to ``COMMANDS``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import logging
import os
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from perturbviz import __version__
from perturbviz.errors import LOG, UserError, fault

#: Command -> module; only the module of the command that is called is imported.
COMMANDS: dict[str, str] = {
    "dashboard": "perturbviz.cli.dashboard",
    "convert": "perturbviz.cli.convert",
    "aggregate": "perturbviz.cli.aggregate",
    "evaluate": "perturbviz.cli.evaluate",
    "rank": "perturbviz.cli.rank",
    "interactions": "perturbviz.cli.interactions",
    "calibrate": "perturbviz.cli.calibrate",
    "fetch": "perturbviz.cli.fetch",
    "report": "perturbviz.cli.report",
    "explore": "perturbviz.cli.explore",
    "systems": "perturbviz.cli.listing",
    "metrics": "perturbviz.cli.listing",
    "datasets": "perturbviz.cli.listing",
}


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        said = " ".join(message.split())  # an argument may hold ends of lines
        self.exit(2, f"{self.prog}: {said} ({self.prog} --help shows what it takes)\n")


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def make_parser(only: str = "") -> argparse.ArgumentParser:
    """The parser with all commands, or with the one of ``only`` where it is a command."""
    parser = _Parser(
        prog="perturbviz",
        description="How rankings of perturbation predictions depend on the measure. Alone it opens the dashboard; "
        "with a benchmark (`perturbviz bench.h5ad`) it opens on that.",
    )
    parser.add_argument("--version", action="version", version=f"perturbviz {__version__}")
    subparsers: Any = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    modules = [COMMANDS[only]] if only in COMMANDS else list(dict.fromkeys(COMMANDS.values()))
    for module in modules:
        if _exists(module):
            importlib.import_module(module).register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 where a prediction was lost, or 2 after one line on stderr."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if _opens_dashboard(argv):
        argv.insert(0, "dashboard")
    _keep_log()
    try:
        arguments = make_parser(argv[0] if argv else "").parse_args(argv)
        return int(arguments.func(arguments) or 0)
    except UserError as error:
        return _fail(str(error))
    except BrokenPipeError:  # the reader of our output went away (`| head`)
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 0
    except OSError as error:  # a folder that is not writable, a full disk, a path that is a folder
        return _fail(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))
    except MemoryError:
        return _fail("there is not enough memory for this file: use fewer genes, or one context at a time.")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception:  # foreign files are read in a process of their own, which says what is wrong with them
        return _fail(str(fault(f"`perturbviz {argv[0]}`", traceback.format_exc())))


class _Log(logging.Handler):
    """Writes to ``errors.log`` in the folder of downloads, looked for only when there is something to write."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):  # a log that cannot be written must not hide what it is about
            from perturbviz.catalogue.download import cache_folder

            path = cache_folder() / "errors.log"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(f"{time.strftime('%F %T')} {record.getMessage()}\n")


def _keep_log() -> None:
    """Errors go to a file: what is printed is one line."""
    if not LOG.hasHandlers():
        LOG.addHandler(_Log())
        LOG.propagate = False


def _opens_dashboard(argv: Sequence[str]) -> bool:
    """Whether no command is named: nothing at all, an option of the dashboard, or a benchmark."""
    if not argv:
        return True
    first = argv[0]
    return first not in COMMANDS and (first.startswith(("--port", "--data", "--no-browser")) or first.endswith(".h5ad"))


def _fail(message: str) -> int:
    print(f"perturbviz: {' '.join(message.split())}", file=sys.stderr)
    return 2
