"""Files from the browser or the operator's folder: read in a folder of their own, checked, never kept on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.benchmark.storage import mark
from perturbviz.errors import UserError
from perturbviz.models.embedding_files import ReadEmbedding, read_plain
from perturbviz.models.recipe import MAX_DIMS
from perturbviz.readers import isolation, load, load_all
from perturbviz.readers.assemble import Incoming, add_prediction, assemble
from perturbviz.readers.assemble.shared import file_findings
from perturbviz.readers.base import Loaded, Options
from perturbviz.readers.check import Finding, Report
from perturbviz.readers.safety import time_limit
from perturbviz.ui.upload_totals import uploads_off


def refused() -> bool:
    """Say that this server takes no files, where that is so: True where a page need not ask for any."""
    if uploads_off():
        st.info(
            "This public demo takes no files. On your own machine perturbviz does, and sends nothing anywhere: "
            "`pip install` it from its repository.",
            icon=":material/block:",
        )
    return uploads_off()


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a set of files became: a benchmark or score table ready to use, and what was understood on the way."""

    source: Benchmark | ScoreTable
    reports: tuple[Report, ...]

    @property
    def added(self) -> tuple[str, ...]:
        """Slugs of the methods that were added."""
        return tuple(dict.fromkeys(m for report in self.reports for m in report.methods))


def key_of(files: Sequence[Any], paths: Sequence[Path], options: Options) -> str:
    """Mark of what would be read, so that a page that runs again need not read it again."""
    parts = [p for path in paths for p in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return repr(([f.file_id for f in files], [*map(str, paths)], [mark(p) for p in parts if p.is_file()], options))


def read_uploads(files: Sequence[Any], options: Options, owner: str = "") -> list[Loaded]:
    """Read uploaded files: as one folder where a system's folder is recognised, otherwise one by one.

    They are read in a child process that may die; ``owner`` is the session, whose turn comes where others have had
    more.
    """
    with tempfile.TemporaryDirectory(prefix=isolation.PREFIX) as name:
        folder = Path(name) / "upload"
        folder.mkdir()
        isolation.mark_owner(Path(name))
        paths = tuple(_write(folder, file) for file in files)
        called = paths[0].name + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
        return isolation.isolated(load_all, paths, options, name=called, owner=owner)


def read_embedding(content: bytes, filename: str, known: Collection[str], owner: str = "") -> ReadEmbedding:
    """An uploaded embedding, read in a child process; see :func:`perturbviz.models.embedding_files.read_any`."""
    with tempfile.TemporaryDirectory(prefix=isolation.PREFIX) as name:
        isolation.mark_owner(Path(name))
        path = Path(name) / "embedding"
        path.write_bytes(content)
        arguments = (path, filename, tuple(sorted(map(str, known))), MAX_DIMS)
        found = isolation.isolated(read_plain, *arguments, name=filename, owner=owner)
    table: pd.DataFrame = found["table"]
    table.attrs["name"] = found["name"]
    return ReadEmbedding(table, found["report"], found["n_known"])


def read_paths(paths: Sequence[Path], options: Options) -> list[Loaded]:
    """Read the operator's files or folders, each by the reader that recognises or is named, within the time limit."""
    with time_limit():
        return [load(path, options) for path in paths]


def add_to(benchmark: Benchmark, loaded: Sequence[Loaded], options: Options, name: str) -> Outcome:
    """Predictions added to a benchmark; the benchmark itself is not touched."""
    reports = []
    for one in loaded:
        if one.scores is not None:
            raise UserError(
                f"{one.title or 'This file'} holds scores, not predictions: load it as a data set of its own."
            )
        benchmark, report = add_prediction(benchmark, one, options, name if len(loaded) == 1 else "")
        reports.append(report)
    return Outcome(benchmark, tuple(reports))


def as_source(loaded: Sequence[Loaded], options: Options) -> Outcome:
    """A benchmark or score table of its own: the first file with a truth, and the others as its predictions."""
    table = next((one for one in loaded if one.scores is not None), None)
    if table is not None and table.scores is not None:
        if len(loaded) > 1:
            raise UserError(f"{table.title or 'One of these files'} holds scores: open it alone.")
        findings = file_findings(table, options)
        if table.truth is not None:
            findings.append(Finding("file", "Its profiles are left out, its scores are opened."))
        return Outcome(table.scores, (Report(table.title, table.system, tuple(findings)),))
    truth = next((one for one in loaded if one.benchmark or one.truth), None)
    if truth is None:
        raise UserError(
            "None of these files holds observed values: add them to an open data set as predictions instead."
        )
    benchmark, reports = assemble(truth, [Incoming(one) for one in loaded if one is not truth], options=options)
    return Outcome(benchmark, reports)


def _write(folder: Path, file: Any) -> Path:
    """One uploaded file under its own base name; whatever path a browser claims is dropped."""
    name = PurePosixPath(str(file.name).replace("\\", "/")).name.lstrip(".") or "upload"
    path = folder / name
    if len(name) <= 255 and path.exists():
        raise UserError(f"Two of these files are called {name}: add them one after the other, or rename one.")
    try:
        path.write_bytes(file.getbuffer())
    except (OSError, ValueError) as error:  # a name that no file system takes
        raise UserError(f"{name[:60]!r} cannot be stored: give the file a shorter, plainer name.") from error
    return path
