"""Limits for files from strangers: size, shape, nesting, archives, time. What breaks one is refused in a sentence.

The limits are settings: ``PERTURBVIZ_MAX_MB`` (bytes of one file and of what an archive unpacks to, in MB),
``PERTURBVIZ_MAX_ROWS``, ``PERTURBVIZ_MAX_COLUMNS``, ``PERTURBVIZ_MAX_FILES`` (entries of one archive) and
``PERTURBVIZ_MAX_SECONDS`` (reading in the browser; the command line takes its time). Nothing is ever cut to a limit.
"""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path, PurePosixPath

from perturbviz.benchmark.numbers import whole
from perturbviz.errors import UserError
from perturbviz.readers.memory import default_mb

_DEFAULTS = {"ROWS": 5_000_000, "COLUMNS": 200_000, "FILES": 10_000, "SECONDS": 600}
_DEADLINE: ContextVar[float] = ContextVar("deadline", default=float("inf"))
#: An archive that grows more than this while unpacking is a trap, not data (real expression data stays below 50).
MAX_RATIO = 300
_NO_TEXT = bytes([*range(9), 11, 12, *range(14, 32), 127])  # all controls but tabs and ends of lines
_ALLOWED_RATIO_BELOW = 50_000_000  # bytes; a small file of zeros may shrink very well


def limit(what: str) -> int:
    """Value of one limit: "MB", "ROWS", "COLUMNS", "FILES" or "SECONDS"."""
    if not (text := os.environ.get(f"PERTURBVIZ_MAX_{what}", "")):
        return default_mb()[0] if what == "MB" else _DEFAULTS[what]
    if (value := whole(text, 0, 10**12)) is None:
        raise UserError(f"The setting PERTURBVIZ_MAX_{what} is {text[:40]!r}: it must be a whole number.")
    return value


def memory_limit() -> str:
    """The limit of megabytes in words, with where it comes from."""
    origin = "" if os.environ.get("PERTURBVIZ_MAX_MB") else f", by default {default_mb()[1]}"
    return f"{limit('MB'):,} MB (PERTURBVIZ_MAX_MB{origin})"


@contextmanager
def time_limit() -> Iterator[None]:
    """Give what is read inside ``PERTURBVIZ_MAX_SECONDS``; :func:`check_time` refuses it when they are over."""
    before = _DEADLINE.set(min(_DEADLINE.get(), time.monotonic() + limit("SECONDS")))
    try:
        yield
    finally:
        _DEADLINE.reset(before)


def check_time(name: str) -> None:
    """Refuse to go on reading after the time limit; called between blocks: no thread can be stopped from outside."""
    if time.monotonic() > _DEADLINE.get():
        raise UserError(
            f"{name} takes more than {limit('SECONDS'):,} seconds to read (PERTURBVIZ_MAX_SECONDS): keep fewer "
            "genes or cells, or use `python -m perturbviz convert`, which may take longer."
        )


def check_file(path: Path) -> None:
    """Refuse what is missing, empty, too big or not a regular file."""
    check_time(path.name)
    if not path.exists():
        raise UserError(f"{path.name}: there is no such file or folder.")
    if path.is_dir():
        return
    if not path.is_file():
        raise UserError(f"{path.name} is not a regular file.")
    size = path.stat().st_size
    if size == 0:
        raise UserError(f"{path.name} is empty (0 bytes): the run that should have written it was skipped or failed.")
    check_bytes(path.name, size)


def check_text(path: Path) -> None:
    """Refuse a table of text that holds other bytes than text does: a parser would end a label or a number there."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while block := file.read(1 << 20):
                if len(block.translate(None, _NO_TEXT)) != len(block):
                    odd = next(byte for byte in block if byte in _NO_TEXT)
                    raise UserError(
                        f"{path.name} is not a text table in UTF-8: it holds the byte 0x{odd:02x}. It is damaged, or "
                        "of another format or encoding; save it anew as CSV in UTF-8."
                    )
                check_time(path.name)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path.name} is not a text table in UTF-8 ({type(error).__name__}).") from error


def check_bytes(name: str, size: int) -> None:
    """Refuse more bytes than the limit."""
    if size > limit("MB") * 10**6:
        raise UserError(
            f"{name} holds {size / 10**6:,.0f} MB, more than the limit of {memory_limit()}: "
            "convert it on the command line of a bigger machine, or keep fewer genes or cells."
        )


def check_shape(name: str, rows: int, columns: int, itemsize: int = 4) -> None:
    """Refuse a matrix with more rows, columns or bytes than the limits."""
    if rows > limit("ROWS"):
        raise UserError(
            f"{name} declares {rows:,} rows, more than the limit of {limit('ROWS'):,} (PERTURBVIZ_MAX_ROWS)."
        )
    if columns > limit("COLUMNS"):
        raise UserError(
            f"{name} declares {columns:,} columns, more than the limit of {limit('COLUMNS'):,} "
            "(PERTURBVIZ_MAX_COLUMNS); rows must be conditions and columns genes."
        )
    check_bytes(name, rows * columns * itemsize)


#: Packages that take apart what a file holds; what they raise says that it is not as its format wants it.
_PARSERS = frozenset(
    ["anndata", "codecs", "csv", "gzip", "h5py", "json", "lzma", "numpy", "orjson", "pandas", "pyarrow", "scipy"]
    + ["tarfile", "xlrd", "openpyxl", "xml", "zipfile", "zlib", "zstandard", "_codecs", "encodings"]
)


@contextmanager
def damage_in_words(name: str) -> Iterator[None]:
    """What a parser raises about a file becomes a sentence; what our own lines raise stays what it is."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        module = str(last.tb_frame.f_globals.get("__name__", "")) if last is not None else ""
        if module.partition(".")[0] not in _PARSERS and not isinstance(error, zlib.error | UnicodeDecodeError):
            raise
        said = " ".join(str(error).split())[:150]
        raise UserError(
            f"{name} is damaged or cut short ({said or type(error).__name__}): write or download it again."
        ) from error


def check_zip(path: Path) -> None:
    """Refuse a zip (or .npz, .xlsx) whose contents would be too big, too many or absurdly compressed."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UserError(
            f"{path.name} cannot be opened ({error}): it is damaged, cut short, or another format."
        ) from error
    check_entries(path.name, entries, path.stat().st_size)


def check_entries(name: str, entries: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Refuse the contents of an archive of ``size`` bytes that would be too big, too many or absurdly compressed."""
    if len(entries) > limit("FILES"):
        raise UserError(f"{name} holds {len(entries):,} files, more than the limit of {limit('FILES'):,}.")
    total = sum(e.file_size for e in entries)
    check_bytes(f"{name}, unpacked,", total)
    if total > _ALLOWED_RATIO_BELOW and total > MAX_RATIO * max(size, 1):
        raise UserError(f"{name} would grow {total / size:,.0f}-fold when unpacked: it is refused as a zip bomb.")


def unpack(path: Path, folder: Path) -> Path:
    """Unpack a zip of files into ``folder`` and return where its content starts.

    Entries that would land outside, links and encrypted entries are refused; hidden files of archivers are left out.
    """
    check_zip(path)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            target = _inside(path.name, folder, entry.filename)
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise UserError(f"{path.name} holds a link ({entry.filename!r}): pack the files themselves.")
            if entry.flag_bits & 1:
                raise UserError(f"{path.name} is encrypted: unpack it first.")
            if entry.is_dir() or target.name.startswith(".") or "__MACOSX" in target.parts:
                continue
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if target.exists():
                    raise UserError(f"{path.name} holds {entry.filename[:60]!r} twice: pack it once.")
                with archive.open(entry) as source, target.open("wb") as sink:
                    _copy(path.name, source, sink, entry.file_size)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError) as error:
                raise UserError(f"{path.name}: {entry.filename[:60]!r} cannot be unpacked ({error}).") from error
    inner = list(folder.iterdir()) if folder.is_dir() else []
    if not inner:
        raise UserError(f"{path.name} holds no files: pack what the model wrote.")
    return inner[0] if len(inner) == 1 else folder


def _inside(name: str, folder: Path, entry: str) -> Path:
    parts = PurePosixPath(entry.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in (parts.parts or ("",))[0] or "\0" in entry:
        raise UserError(f"{name} holds an entry that would be written outside its folder ({entry!r}): it is refused.")
    return folder / parts


def _copy(name: str, source, sink, declared: int) -> None:
    """Copy at most what the entry declares: its header may lie about the size."""
    left = declared
    while block := source.read(min(1 << 20, left + 1)):
        left -= len(block)
        if left < 0:
            raise UserError(f"{name} holds more than its table of contents says: it is refused.")
        check_time(name)
        sink.write(block)


def tar_members(path: Path, archive: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """Regular files of a tar by name; links, devices and paths that lead outside are refused."""
    found: dict[str, tarfile.TarInfo] = {}
    total = 0
    for member in archive:
        if member.isdir():
            continue
        _inside(path.name, Path(), member.name)
        if not member.isfile():
            raise UserError(f"{path.name} holds {member.name!r}, which is a link or device: it is refused.")
        total += member.size
        check_bytes(path.name, total)
        if len(found) >= limit("FILES"):
            raise UserError(f"{path.name} holds more than {limit('FILES'):,} files: it is refused.")
        found[member.name.removeprefix("./")] = member
    return found
