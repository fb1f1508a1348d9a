"""``perturbviz`` alone, or with a benchmark: opens the dashboard in the browser."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from perturbviz.catalogue.embedded import home
from perturbviz.errors import UserError


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser("dashboard", help="open the dashboard; the same as `perturbviz` alone")
    p.add_argument("file", nargs="?", metavar="BENCH.h5ad", help="benchmark to open on (default: the embedded demo)")
    p.add_argument("--port", type=int, metavar="N", help="port on this machine (default: 8501 or the next free one)")
    p.add_argument("--data", metavar="FOLDER", help="folder of benchmarks to offer, as PERTURBVIZ_DATA")
    p.add_argument("--no-browser", action="store_true", help="do not open the browser, only print the address")
    p.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the server; returns 0 after Ctrl+C, else the status it ended with."""
    command, environment = invocation(arguments.file, arguments.port, arguments.data, arguments.no_browser)
    # Streamlit reads the app's settings and theme from the folder it is started in.
    with subprocess.Popen(command, cwd=home(), env=environment) as server:
        stopped = False
        while True:
            try:
                status = server.wait()
                return 0 if stopped else status
            except KeyboardInterrupt:  # the server got it too, and ends in its own time
                stopped = True


def invocation(
    file: str | None = None, port: int | None = None, data: str | None = None, no_browser: bool = False
) -> tuple[list[str], dict[str, str]]:
    """The server's command line and environment; raises :class:`UserError` where a path or port is unusable."""
    environment = dict(os.environ)
    if file is not None:
        environment["PERTURBVIZ_OPEN"] = str(_benchmark(Path(file)))
    if data is not None:
        if not Path(data).is_dir():
            raise UserError(f"{data} is not a folder: --data takes a folder of benchmarks.")
        environment["PERTURBVIZ_DATA"] = str(Path(data).resolve())
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    if port is not None:
        if not 1 <= port <= 65535:
            raise UserError(f"--port takes a number from 1 to 65535, not {port}.")
        command.append(f"--server.port={port}")
    if no_browser:
        command.append("--server.headless=true")
    return command, environment


def _benchmark(path: Path) -> Path:
    """The absolute path of a benchmark; raises :class:`UserError` where the file is none."""
    from perturbviz.readers import canonical  # seconds of imports, for a file only

    if not path.is_file():
        raise UserError(f"There is no file {path}: name a benchmark, or nothing to open the demo.")
    if not canonical.recognise(path):
        raise UserError(
            f"{path} is no benchmark of perturbviz: make one with `perturbviz convert`, or add it on the Data page."
        )
    return path.resolve()
