"""Embeddings for a session's linear models: files, gene descriptions, and other benchmarks to pre-train on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from perturbviz.benchmark import Benchmark, storage
from perturbviz.benchmark.perturbations import targets
from perturbviz.catalogue.download import cache_folder
from perturbviz.catalogue.entries import CATALOGUE, Dataset
from perturbviz.errors import UserError
from perturbviz.models.compete import all_perturbations, shared
from perturbviz.models.embedding_files import FORMATS, ReadEmbedding, read_any
from perturbviz.models.embeddings import pretrained
from perturbviz.models.recipe import MAX_DIMS, data_of, data_source, file_source, missing_words
from perturbviz.ui import sources, uploads
from perturbviz.ui.memo import memo

FILES = "_embedding_files"  # session: source name -> (file name, content); never shared between sessions
FOLDER = "embeddings"  # inside PERTURBVIZ_DATA: files that every session may use
ENDINGS = (".json", *FORMATS)


def add_file(filename: str, content: bytes) -> str:
    """Keep an uploaded file for this session; returns the name it has in recipes."""
    source = file_source(filename, content)
    st.session_state[FILES] = {**own_files(), source: (filename, content)}
    return source


def offered(data: str) -> dict[str, str]:
    """Source name -> label of every table this session can use for a benchmark: files, and other benchmarks."""
    out = {source: f"text or file: {name}" for source, (name, _) in _files().items()}
    return out | {data_source(d): f"pre-trained on {label}" for d, label in sources.choices().items() if d != data}


def texts() -> list[Dataset]:
    """Descriptions of genes in the catalogue of public data."""
    return [entry for entry in CATALOGUE.values() if entry.kind == "texts"]


def own_files() -> dict[str, tuple[str, bytes]]:
    """Source name -> (file name, content) of the files that this session was given."""
    return st.session_state.get(FILES, {})


def _files() -> dict[str, tuple[str, bytes]]:
    folder = sources.folder()
    paths = [p for entry in texts() if (p := cache_folder() / entry.filename).is_file()]
    paths += sorted((folder / FOLDER).glob("*")) if folder else []
    found = dict(_on_disk(p, storage.mark(p)) for p in paths if p.suffix.lower() in ENDINGS)
    return {**found, **own_files()}


@memo(20)
def _on_disk(path: Path, mark: storage.Mark) -> tuple[str, tuple[str, bytes]]:
    content = path.read_bytes()
    return file_source(path.name, content), (path.name, content)


def table(source: str, benchmark: Benchmark) -> ReadEmbedding:
    """The table of a source name, read for a benchmark; raises :class:`UserError` where there is none.

    Pre-training is refused where the other benchmark shares no perturbation, and where it holds the very same
    measurements, which would let held-out perturbations in.
    """
    data = data_of(source)
    if data is not None:
        other = sources.open_source(data)
        if not isinstance(other, Benchmark):
            raise UserError(f"“{other.title}” holds scores only: there is nothing to pre-train on.")
        return _pretrained(benchmark, other, data)
    if source not in _files():
        raise UserError(f"The {missing_words(source)} is not here: add it under “Embedding from a file”.")
    return _read(benchmark, source, source in own_files())


def known_targets(data: str, benchmark: Benchmark) -> tuple[dict[str, int], int]:
    """File -> how many perturbed genes of a benchmark it knows (0 where it cannot be used), and how many there are."""
    files = [source for source in offered(data) if source.startswith("f-")]
    return {source: _n_known(benchmark, source) for source in files}, len(_perturbed(benchmark))


@memo(8)
def _perturbed(benchmark: Benchmark) -> set[str]:
    return {t for name in benchmark.conditions for t in targets(name)}


@memo(64)
def _n_known(benchmark: Benchmark, source: str) -> int:
    try:
        return len(_perturbed(benchmark) & set(table(source, benchmark).table.index))
    except UserError:  # the sentence is shown to whoever chooses the file
        return 0


def key(source: str) -> str:
    """Content of a source name, for caches; raises :class:`UserError` where it is not here."""
    data = data_of(source)
    return source if data is None else f"{source}:{sources.open_source(data).content_id}"


@memo(16, spinner="Reading the embedding …")
def _read(benchmark: Benchmark, source: str, given: bool) -> ReadEmbedding:
    """``source`` names the content; ``given``: to this session, by somebody who may not be trusted."""
    filename, content = _files()[source]
    perturbed = _perturbed(benchmark)
    known = {*map(str, benchmark.genes), *perturbed}
    read = uploads.read_embedding if given else partial(read_any, dims=MAX_DIMS)
    found = read(content, filename, known)
    report = f"{found.report} It has {len(perturbed & set(found.table.index))} of {len(perturbed)} perturbed genes."
    return replace(found, report=report)


@memo(16, spinner="Pre-training …")
def _pretrained(benchmark: Benchmark, other: Benchmark, data: str) -> ReadEmbedding:
    common = shared(benchmark, other)
    mine, theirs = f"“{benchmark.title}”", f"“{other.title}”"
    if common.same_measurements:
        raise UserError(
            f"{theirs} holds the same measurements as {mine} (such as those of {common.same_measurements}): "
            "pre-training on it would let held-out perturbations in. Choose another data set."
        )
    if not common.targets:
        raise UserError(
            f"{theirs} and {mine} share no target, so nothing learnt about the perturbations of one says anything "
            "about those of the other. Choose another data set, or an embedding made from text."
        )
    found = pretrained(all_perturbations(other), MAX_DIMS)
    found.attrs["name"] = data
    report = (
        f"{other.title}: {len(found)} perturbations, {common.perturbations} of them and {common.targets} targets "
        f"shared with {mine}; {common.genes:,} genes in common (not needed: only the perturbations' scores are used)."
    )
    return ReadEmbedding(found, report, common.perturbations)
