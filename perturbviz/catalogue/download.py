"""Downloads of catalogued files: checked by SHA-256 where known, atomic, repeated where the network stumbles.

``PERTURBVIZ_CACHE`` names the folder of downloads, ``PERTURBVIZ_MIRROR`` an address (``URL/filename``) to fetch from
instead of the public ones.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pooch

from perturbviz.benchmark import Benchmark, slugify
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.catalogue.demo import DATA, DEMO
from perturbviz.catalogue.entries import Dataset, dataset
from perturbviz.catalogue.resume import Resuming
from perturbviz.errors import UserError

Progress = Callable[[int, int], object]  # bytes so far, bytes in all


class DownloadError(UserError):
    """A download that failed; ``by_hand`` says what the owner of this machine can do instead."""

    def __init__(self, sentence: str, by_hand: str) -> None:
        super().__init__(sentence)
        self.by_hand = by_hand


def cache_folder() -> Path:
    """Where downloads are kept: ``PERTURBVIZ_CACHE`` or the user's cache folder."""
    return Path(os.environ.get("PERTURBVIZ_CACHE") or pooch.os_cache("perturbviz"))


def digest_notes() -> Path:
    """Where the digests of large files are remembered."""
    return cache_folder() / "digests"


def cached(name: str, folder: str | Path | None = None) -> Path | None:
    """Path of a data set that was downloaded before and is whole; None where it is not."""
    entry = dataset(name)
    path = Path(folder or cache_folder()) / entry.filename
    if entry.filename and path.is_file() and (entry.published or pooch.file_hash(str(path)) == entry.sha256):
        return path
    return None


def fetch(
    name: str | Dataset,
    folder: str | Path | None = None,
    mirror: str | None = None,
    progress: Progress | None = None,
    leave_out: Sequence[str] = (),
) -> Path:
    """Download a catalogued file unless it is there already; returns its path.

    A download that was cut goes on where it stopped. Files that are published in another format are converted once;
    what is kept and returned is the benchmark.

    Parameters
    ----------
    name
        Id of the catalogue, or an entry.
    folder
        Where to; :func:`cache_folder` where None.
    mirror
        Address under which the file lies by its ``filename``; ``PERTURBVIZ_MIRROR`` where None.
    progress
        Called with the bytes so far and in all, of the download and then of the conversion.
    leave_out
        Methods that are not wanted in a converted file, which then has a name of its own.

    Raises
    ------
    UserError
        For entries that must be fetched by hand, without a network, or where the bytes are not the expected ones.
    """
    entry = name if isinstance(name, Dataset) else dataset(name)
    if not entry.downloadable:
        raise UserError(f"{entry.title} is not downloaded for you ({entry.size}): {entry.url}. {entry.todo}")
    folder = Path(folder or cache_folder())
    if not entry.published:
        if leave_out:
            raise UserError(f"{entry.title} is kept as it was published: no method can be left out of it.")
        return _download(entry.url, entry.filename, entry, folder, mirror, progress, entry.bytes)
    done = folder / entry.filename
    if leave_out:
        done = done.with_stem("_".join([done.stem, "without", *sorted(slugify(m) for m in leave_out)]))
    return done if done.is_file() else _convert(entry, done, mirror, progress, leave_out)


def _convert(
    entry: Dataset, out: Path, mirror: str | None, progress: Progress | None, leave_out: Sequence[str]
) -> Path:
    """Download the published files, convert them once, and keep the result only."""
    from perturbviz.catalogue.published import NoSuchMethod, convert

    files: list[Path] = []
    for url in entry.published:
        report = progress if not files else None
        files.append(_download(url, url.rpartition("/")[2], entry, out.parent, mirror, report, entry.bytes))
    try:
        size = files[0].stat().st_size
        found = f"{files[0].name}: {size:,} bytes, SHA-256 {pooch.file_hash(str(files[0]))}."
        source = {"title": entry.title, **provenance(entry), "file": found}
        convert(files[0], out, source, (lambda done: progress(done, size)) if progress else None, leave_out)
    except OSError as error:  # a full disk: what was downloaded stays for the next try
        raise UserError(
            f"{entry.title} could not be converted in {out.parent} ({error.strerror or error}): it needs about "
            f"three times {entry.size} of free space while it works (another folder: PERTURBVIZ_CACHE)."
        ) from error
    except NoSuchMethod:
        raise
    except UserError:  # damaged: a new try gets new ones
        _remove(files)
        raise
    _remove(files)
    return out


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def provenance(entry: Dataset) -> dict[str, str]:
    """What a benchmark keeps of its catalogue entry."""
    return {
        "catalogue": entry.id,
        "url": entry.url,
        "licence": entry.licence,
        "citation": entry.citation,
        "provenance": entry.provenance,
        "lacks": entry.lacks,
    }


def _download(
    url: str, filename: str, entry: Dataset, folder: Path, mirror: str | None, report: Progress | None, expected: int
) -> Path:
    """One file, atomically; checked by its SHA-256 where one is known."""
    mirror = mirror if mirror is not None else os.environ.get("PERTURBVIZ_MIRROR", "")
    url = f"{mirror.rstrip('/')}/{filename}" if mirror else url
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url!r} is no address to fetch from: it must start with http:// or https://.")
    pooch.get_logger().setLevel(logging.ERROR)
    known = f"sha256:{entry.sha256}" if entry.sha256 else None
    try:
        while True:
            downloader = Resuming(folder / filename, report, expected)
            try:
                return Path(pooch.retrieve(url, known_hash=known, fname=filename, path=folder, downloader=downloader))
            except ValueError:  # the hash differs: pooch has removed the file
                if not downloader.resumed:  # else the parts did not fit: once more from the beginning
                    raise
    except ValueError as error:
        raise UserError(
            f"What came from {url} is not the catalogued file (its SHA-256 differs): it was thrown away. Try again, or "
            "use another mirror."
        ) from error
    except OSError as error:  # connection, HTTP status, disk
        if isinstance(error, PermissionError | FileExistsError | NotADirectoryError):
            raise UserError(
                f"The folder {folder} cannot be written to: choose another one (PERTURBVIZ_CACHE)."
            ) from error
        kept = f" The first {downloader.kept / 1e6:,.1f} MB are kept: the next try goes on there." * (
            downloader.kept > 0
        )
        raise DownloadError(
            f"{entry.title} could not be downloaded from {url.split('/')[2]} ({type(error).__name__}): is there "
            f"a network?{kept}",
            f"You can download {url} elsewhere and put it into {folder} as {filename}.",
        ) from error


def open_dataset(
    name: str, folder: str | Path | None = None, mirror: str | None = None, progress: Progress | None = None
) -> Benchmark | ScoreTable:
    """The embedded demo or a catalogued data set, downloaded if need be, ready to use."""
    from perturbviz.benchmark import load as load_benchmark
    from perturbviz.readers import load
    from perturbviz.readers.assemble import assemble

    if name == "demo":
        return load_benchmark(DATA / DEMO)
    entry = dataset(name)
    if entry.kind in ("cells", "texts"):
        raise UserError(f"{entry.title}: {entry.todo}")
    path = fetch(entry, folder, mirror, progress)
    if entry.published:
        return load_benchmark(path, notes=digest_notes())
    loaded = load(path)
    if entry.kind == "scores":
        if loaded.scores is None:
            raise UserError(f"{entry.title}: the file holds no table of scores.")
        return loaded.scores
    benchmark, _ = assemble(loaded)
    meta = dict(benchmark.meta) | {"title": entry.title}
    meta["source"] = dict(meta.get("source", {})) | provenance(entry)
    benchmark.adata.uns["perturbviz"] = meta
    return benchmark
