"""Files given to a command: read in a child process that may die, unless they are one's own or trusted."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.catalogue import embedded
from perturbviz.catalogue.download import cache_folder
from perturbviz.readers import Loaded, Options, load
from perturbviz.readers.canonical import load_checked
from perturbviz.readers.isolation import isolated

T = TypeVar("T")


def add_trust(parser: argparse.ArgumentParser) -> None:
    """The option that reads files in this process."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="read the files in this process: for files of your own that are larger than memory allows a child, and "
        "for debuggers. By default a child process reads them, which a damaged or hostile file may end",
    )


def read(function: Callable[..., T], path: str | Path, *arguments: Any, trust: bool = False) -> T:
    """``function(path, ...)`` in a child process, or in this one where the file is trusted or the operator's."""
    path = Path(path)
    if trust or is_own(path):
        return function(path, *arguments)
    return isolated(function, path, *arguments, name=path.name, source=path, timed=False)


def about(source: Benchmark | ScoreTable) -> dict[str, Any]:
    """What data are, for programs that read what a command writes."""
    return {"data_set": source.title, "content": source.content_id, "simulated": bool(source.simulated)}


def read_files(path: str | Path, options: Options, trust: bool) -> Loaded:
    """A file or folder of any known system."""
    return read(load, path, options, trust=trust)


def read_benchmark(path: str | Path, trust: bool) -> Benchmark:
    """A benchmark of the project's own format."""
    return read(load_checked, path, trust=trust)


def is_own(path: Path) -> bool:
    """Whether a file is embedded, offered by the operator (``PERTURBVIZ_DATA``) or was verified when it was fetched."""
    offered = os.environ.get("PERTURBVIZ_DATA")
    folders = [embedded.data(), cache_folder(), *([Path(offered)] if offered else [])]
    return any(path.resolve().is_relative_to(folder.resolve()) for folder in folders)
