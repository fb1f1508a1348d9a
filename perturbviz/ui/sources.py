"""Which benchmarks a session can open, and opening them: embedded, downloaded, offered by the operator, its own."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

import streamlit as st

from perturbviz.benchmark import Benchmark, slugify, storage
from perturbviz.benchmark import benchmark as benchmarks
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.catalogue import embedded as embedded_files
from perturbviz.catalogue.download import cache_folder, digest_notes, fetch, open_dataset
from perturbviz.catalogue.entries import CATALOGUE
from perturbviz.errors import UserError
from perturbviz.ui.memo import memo

Source = Benchmark | ScoreTable
OWN = "_own_data"  # session: content id -> what the user loaded; never shared between sessions
_DATA = embedded_files.data()
_DOWNLOADS: defaultdict[str, Lock] = defaultdict(Lock)  # id of a public data set -> who downloads it
EMBEDDED = {
    "demo": ("Demo screen (simulated)", "demo.h5ad"),
    "demo-b": ("Demo, context B (simulated)", "demo_context_b.h5ad"),
}


def folder() -> Path | None:
    """Folder of benchmarks that the operator offers (``PERTURBVIZ_DATA``), if any."""
    named = os.environ.get("PERTURBVIZ_DATA")
    return Path(named) if named and Path(named).is_dir() else None


def named() -> Path | None:
    """The benchmark that the command line named (``PERTURBVIZ_OPEN``), if any."""
    path = os.environ.get("PERTURBVIZ_OPEN")
    return Path(path) if path else None


def first() -> str:
    """Id of what an address without data opens: the benchmark that the command line named, else the demo."""
    path = named()
    return f"file:{path.name}" if path else "demo"


def choices() -> dict[str, str]:
    """Id -> label of everything this session can open; a label stays as it is whatever has been downloaded."""
    out = {key: label for key, (label, file) in EMBEDDED.items() if (_DATA / file).exists()}
    offered = folder()
    if offered:
        out |= {f"file:{p.name}": p.stem for p in sorted(offered.glob("*.h5ad")) if not p.name.startswith(".")}
    if (path := named()) is not None:
        out = {first(): path.stem} | out
    out |= {key: f"{source.title} (yours)" for key, source in own().items()}
    # a slip in a menu must not start a download of gigabytes: see the Data page
    return out | _public(_downloaded())[0]


def label(data: str) -> str:
    """What a data set is called in menus, also where it cannot be opened."""
    return choices().get(data) or (CATALOGUE[data].title if data in CATALOGUE else f"not here: {data}")


def is_here(data: str) -> bool:
    """Whether a data set opens without a download."""
    entry = CATALOGUE.get(data)
    return entry is None or (cache_folder() / entry.filename).is_file()


def to_download(options: Iterable[str]) -> str:
    """Which data sets are downloaded when they are chosen, and how large they are; "" where none is."""
    sizes = _public(_downloaded())[1]
    missing = [sizes[data] for data in options if data in sizes]
    return f"Downloaded when first chosen: {'; '.join(missing)}." if missing else ""


def _downloaded() -> frozenset[str]:
    """Names of the files that were downloaded; asks for the folder, not for each file."""
    folder = cache_folder()
    return frozenset(entry.name for entry in os.scandir(folder)) if folder.is_dir() else frozenset()


@memo(4)
def _public(downloaded: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Id -> title of the public data sets that open by a choice; id -> title and size of those not downloaded yet."""
    missing = {e.id: f"{e.title} ({e.size})" for e in CATALOGUE.values() if e.filename not in downloaded}
    return {e.id: e.title for e in CATALOGUE.values() if e.opens and not (e.large and e.id in missing)}, missing


def own() -> dict[str, Source]:
    """What this session loaded itself."""
    return st.session_state.setdefault(OWN, {})


def add_own(source: Source, key: str) -> None:
    """Keep something the user loaded, for this session only."""
    st.session_state[OWN] = {**own(), key: source}


def own_file(data: str) -> str:
    """Name of the file that holds something the user loaded, "" for other data: the one a link needs."""
    source = own().get(data)
    if isinstance(source, ScoreTable):  # it is never written again: the file it came from
        return str((source.provenance or {}).get("file", source.title))
    return f"{slugify(source.title)[:60]}-{data[:8]}.h5ad" if source is not None else ""


def missing(data: str) -> bool:
    """Whether an id is that of data which this session would have to be given as a file."""
    if data in own() or data in EMBEDDED or data in CATALOGUE or data == first():
        return False
    offered = folder()
    return not (data.startswith("file:") and offered and (offered / Path(data.removeprefix("file:")).name).exists())


def open_source(data: str) -> Source:
    """The benchmark or score table of an id, as it came; :class:`UserError` saying what to do where there is none.

    ``perturbviz.ui.recipes.open_source`` adds the methods of this session.
    """
    if data in own():
        return own()[data]
    if data in EMBEDDED:
        return embedded(data)
    if (path := named()) is not None and data == first():
        return _file(path)
    if data.startswith("file:") and (offered := folder()) and Path(name := data.removeprefix("file:")).name == name:
        return _file(offered / name)
    if data in CATALOGUE:
        return _catalogued(data)
    raise UserError(
        f"The data of this link are not here (id {data}): they are somebody's own. Ask the sender for their file, or "
        "choose other data in the sidebar."
    )


def embedded(data: str) -> Benchmark:
    """A benchmark that comes with perturbviz, by its id."""
    return _file(_DATA / EMBEDDED[data][1])


def _file(path: Path) -> Benchmark:
    if not path.exists():
        raise UserError(f"{path.name} is no longer there: choose another data set in the sidebar.")
    return _load(path, storage.mark(path))


@memo(6, spinner="Reading the data set …")
def _load(path: Path, mark: storage.Mark) -> Benchmark:
    """One copy for all sessions, mapped where it is large; a file replaced on disk has another mark."""
    return benchmarks.load(path, notes=digest_notes())


def _catalogued(data: str) -> Source:
    """A public data set, downloaded where it is not here."""
    path = cache_folder() / CATALOGUE[data].filename
    with _DOWNLOADS[data]:  # who asks for the same meanwhile waits for it
        if not path.is_file():
            _download(data)
    return _read(data, storage.mark(path))


@memo(6, spinner="Reading the data …")
def _read(data: str, mark: storage.Mark) -> Source:
    """One copy for all sessions; a file that was downloaded anew has another mark."""
    return open_dataset(data)


def _download(data: str) -> None:
    entry = CATALOGUE[data]
    words = f"Getting {entry.title} …" + (" Then it is converted, once. Stay on this page." if entry.published else "")
    bar = st.progress(0.0, words)
    try:
        fetch(data, progress=lambda done, total: bar.progress(min(done / max(total, 1), 1.0)))
    finally:
        bar.empty()
