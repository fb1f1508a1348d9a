"""Reading R's serialised lists (.RDS, XDR, gzip) as a stream: bounded memory however large the file.

Only what lists of named vectors need: NULL, lists, pairlists, text, logical, integer and real vectors with names. A
file of thousands of vectors repeats the same thousands of gene names in each; a block of names that equals the one
before is recognised as bytes and not parsed again. Layout: R Internals, section "Serialization Formats".
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.safety import check_bytes, check_shape, check_time

_NIL, _REFERENCE, _SYMBOL, _PAIRS, _TEXT = 254, 255, 1, 2, 9
_LOGICAL, _INTEGER, _REAL, _STRINGS, _LIST = 10, 13, 14, 16, 19
_BLOCK = 1 << 20
MAX_DEPTH = 50
_ITEM = 64  # bytes that Python needs for a value besides its letters or numbers


@dataclass(frozen=True, eq=False)
class RVector:
    """A vector or list of R with its names (None where it has none)."""

    values: Any
    names: tuple[str, ...] | None = None

    def get(self, name: str) -> Any:
        """Element of a named list; None where there is no such name."""
        return self.values[self.names.index(name)] if self.names and name in self.names else None


class _Stream:
    """Bytes in order with a way to give some back."""

    def __init__(self, file: BinaryIO | gzip.GzipFile):
        self.file, self.back = file, b""

    def take(self, n: int) -> bytes:
        if n < 0:
            raise ValueError("negative length")
        out = self.back[:n]
        self.back = self.back[n:]
        parts = [out]
        left = n - len(out)
        while left:  # in pieces: a length that lies fails at the end of the file, not in memory
            piece = self.file.read(min(left, _BLOCK))
            if not piece:
                raise EOFError
            parts.append(piece)
            left -= len(piece)
        return b"".join(parts)

    def integer(self) -> int:
        return int.from_bytes(self.take(4), "big", signed=True)

    def starts_with(self, block: bytes) -> bool:
        """Whether the next bytes equal ``block``; they are taken if so."""
        self.back += self.file.read(max(len(block) - len(self.back), 0))
        if not self.back.startswith(block):
            return False
        self.back = self.back[len(block) :]
        return True


class _Parser:
    """Values one after the other; ``kept`` counts the bytes of what is in memory since it was last set to 0."""

    def __init__(self, stream: _Stream, name: str):
        self.stream, self.name, self.kept, self.checked = stream, name, 0, 0
        self.symbols: list[str] = []
        self.block: tuple[int, bytes, tuple[str, ...]] = (0, b"", ())

    def top(self) -> Iterator[Any]:
        """The elements of the list that the file holds, each forgotten here once it is handed over."""
        if self.stream.integer() & 0xFF != _LIST:
            raise NotImplementedError("something else than a list")
        for _ in range(self.stream.integer()):
            self.kept = 0
            yield self.item(1)

    def item(self, depth: int = 0) -> Any:
        """One value with its names."""
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        self.count(_ITEM)
        flags = self.stream.integer()
        kind, attributed = flags & 0xFF, bool(flags & 0x200)
        if kind == _NIL:
            return None
        if kind == _SYMBOL:
            self.symbols.append(self.item(depth + 1))
            return self.symbols[-1]
        if kind == _REFERENCE:
            return self.symbols[(flags >> 8 or self.stream.integer()) - 1]
        if kind == _TEXT:
            return self.text()
        if kind == _PAIRS:
            return self.pairs(flags, depth)
        if kind not in (_LOGICAL, _INTEGER, _REAL, _STRINGS, _LIST):
            raise NotImplementedError(f"R type {kind}")
        n = self.stream.integer()
        check_time(self.name)
        if kind == _LIST:
            values: Any = [self.item(depth + 1) for _ in range(n)]
        elif kind == _STRINGS:
            values = self.strings(n)
        else:
            check_shape(self.name, 1, n)
            values = np.frombuffer(self.stream.take(n * (8 if kind == _REAL else 4)), ">f8" if kind == _REAL else ">i4")
            with np.errstate(invalid="ignore"):  # R's NA is a NaN that signals
                values = values.astype(np.float64 if n <= 100 else np.float32)  # profiles are kept by the thousand
            if kind != _REAL:
                values[values == -(2**31)] = np.nan
            self.count(values.nbytes)
        attributes = self.item(depth + 1) if attributed else None
        return RVector(values, (attributes or {}).get("names"))

    def count(self, size: int) -> None:
        """Count what is kept in memory: nothing, in great number, is much too."""
        self.kept += size
        if self.kept - self.checked > _BLOCK or self.kept < self.checked:
            check_time(self.name)
            check_bytes(self.name, self.kept)
            self.checked = self.kept

    def text(self) -> str | None:
        n = self.stream.integer()
        self.count(max(n, 0))
        return None if n == -1 else self.stream.take(n).decode("utf-8", "replace")

    def strings(self, n: int) -> tuple[str, ...]:
        known, block, names = self.block
        if n == known and self.stream.starts_with(block):
            return names
        parts: list[bytes] = []
        out: list[str] = []
        for _ in range(n):
            head = self.stream.take(8)
            size = int.from_bytes(head[4:], "big", signed=True)
            self.count(_ITEM + 2 * max(size, 0))
            body = self.stream.take(max(size, 0))
            parts += (head, body)
            out.append("NA" if size < 0 else body.decode("utf-8", "replace"))
        if n > 10:  # gene names; short vectors differ anyway
            self.block = (n, b"".join(parts), tuple(out))
        return tuple(out)

    def pairs(self, flags: int, depth: int) -> dict[str, Any]:
        """Tag -> value of a pairlist; names as a tuple."""
        out: dict[str, Any] = {}
        while flags & 0xFF == _PAIRS:
            if flags & 0x200:
                self.item(depth + 1)
            tag = self.item(depth + 1) if flags & 0x400 else ""
            value = self.item(depth + 1)
            out[str(tag)] = value.values if isinstance(value, RVector) and tag == "names" else value
            flags = self.stream.integer()
        if flags & 0xFF != _NIL:
            raise NotImplementedError("pairlist with an odd end")
        return out


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_Parser, BinaryIO]]:
    """The file and a parser at the first value; whatever is wrong with the file becomes a sentence."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            stream = _Stream(file)
            if stream.take(2) != b"X\n":
                raise UserError(f"{path.name} is no binary .RDS file (gzip or uncompressed): save it with saveRDS().")
            version = stream.integer()
            stream.take(8)
            if version == 3:
                stream.take(stream.integer())
            elif version != 2:
                raise UserError(f"{path.name} has the serialisation version {version}: save it with version 2 or 3.")
            yield _Parser(stream, path.name), raw
    except UserError:
        raise
    except NotImplementedError as error:
        raise UserError(
            f"{path.name} holds {error}: only lists of named vectors are read. An object of "
            "Seurat or SingleCellExperiment is saved as .h5ad in R: zellkonverter::writeH5AD or anndataR::write_h5ad."
        ) from error
    except (EOFError, OSError, ValueError, IndexError, zlib.error) as error:
        raise UserError(f"{path.name} is damaged or cut short ({type(error).__name__}).") from error


def read_rds(path: Path) -> Any:
    """Content of an .RDS of lists and vectors; :class:`UserError` where it is damaged or holds something else."""
    with _opened(path) as (parser, _):
        return parser.item()


def iterate_rds(path: Path, progress: Callable[[int], object] | None = None) -> Iterator[Any]:
    """Elements of the list in an .RDS, one in memory at a time; the checksum of the gzip is verified at its end.

    Parameters
    ----------
    progress
        Called with the bytes of the file read so far.
    """
    with _opened(path) as (parser, raw):
        for element in parser.top():
            if progress:
                progress(raw.tell())
            yield element
        while parser.stream.file.read(_BLOCK):  # the attributes of the list, and then gzip's own check of what was read
            pass
