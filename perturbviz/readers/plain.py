"""What readers return, as plain things and back: numbers as raw blocks in files, everything else as bounded JSON.

The writing side runs where a foreign file was read and may have been taken over by it; the reading side believes
nothing: no class, function or object array comes out of these files, only numbers of known types, text, and the few
records that are named in :func:`records`. Whatever does not fit is :class:`NotPlain`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from perturbviz.errors import Choice
from perturbviz.readers.base import Caution

HEADER = "result.json"
#: Types of numbers that a block may hold.
NUMBERS = frozenset(
    [
        "bool",
        *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        "float16",
        "float32",
        "float64",
    ]
)
_NULLABLE = frozenset(["string", "boolean", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"])
_DEPTH = 60
_SMALL = 100_000  # bytes; smaller blocks are copied into memory, larger ones mapped


class NotPlain(ValueError):
    """Something that cannot be handed over, or that is not what was handed over."""


def records() -> dict[str, type]:
    """Frozen records that may be handed over, by name; their own checks run again when they are put together."""
    from perturbviz.benchmark.scoretable import ScoreTable
    from perturbviz.readers.base import Loaded, Options, Profiles

    return {c.__name__: c for c in (Choice, Loaded, Options, Profiles, ScoreTable)}


def choices_of(value: Any) -> tuple[Choice, ...]:
    """The ways out that came back beside a sentence; none where something else came."""
    return tuple(c for c in value if isinstance(c, Choice)) if isinstance(value, tuple) else ()


# -- writing -------------------------------------------------------------------------------------------------------
class Writer:
    """Takes a value apart into one JSON header and raw blocks of numbers in files of a folder.

    Parameters
    ----------
    folder
        Where the blocks are written; None where numbers must not occur.
    source
        A file whose mapped matrices are named by their place in it instead of being copied.
    """

    def __init__(self, folder: Path | None, source: Path | None = None):
        self.folder, self.source = folder, source
        self.blocks = 0

    def write(self, head: Mapping[str, Any], value: Any) -> None:
        """The header file, written whole or not at all: ``head`` and the value."""
        assert self.folder is not None
        text = orjson.dumps({**head, "value": self.plain(value)})
        part = self.folder / f"{HEADER}.part"
        part.write_bytes(text)
        part.replace(self.folder / HEADER)

    def plain(self, value: Any, depth: int = 0) -> Any:
        """The value as JSON: text, whole numbers and truth as they are, everything else as [mark, content]."""
        if depth > _DEPTH:
            raise NotPlain("nested too deeply")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "biufUS":
            return self.plain(value.item(), depth)
        if isinstance(value, Caution):
            return ["caution", [_text(value), self.plain(value.choices, depth + 1)]]
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, int):
            return value if abs(value) < 2**63 else ["int", str(value)]
        if isinstance(value, float):
            return value if math.isfinite(value) else ["float", str(value)]
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return self._compound(value, depth + 1)

    def _compound(self, value: Any, depth: int) -> Any:
        def each(items: Any) -> list[Any]:
            return [self.plain(item, depth) for item in items]

        if isinstance(value, np.ndarray):
            return self._array(value, depth)
        if isinstance(value, pd.DataFrame):
            return ["frame", self._frame(value, depth)]
        if isinstance(value, pd.Index | pd.Series):
            return ["list", each(value.tolist())]
        if isinstance(value, Path):
            return ["path", str(value)]
        if is_dataclass(value):
            return self._record(value, depth)
        if isinstance(value, Mapping):
            return ["dict", each([k, v] for k, v in value.items())]
        if isinstance(value, list):
            return ["list", each(value)]
        if isinstance(value, tuple):
            return ["tuple", each(value)]
        if isinstance(value, set | frozenset):
            return ["set", each(sorted(value, key=str))]
        raise NotPlain(f"a {type(value).__name__}")

    def _record(self, value: Any, depth: int) -> Any:
        name = type(value).__name__
        if name == "Benchmark":
            return ["benchmark", self._benchmark(value, depth)]
        if not isinstance(value, tuple(records().values())):
            raise NotPlain(f"a {name}")
        known: Any = value
        return ["record", [name, {f.name: self.plain(getattr(known, f.name), depth) for f in fields(known)}]]

    def _benchmark(self, value: Any, depth: int) -> dict[str, Any]:
        adata = value.adata
        parts = {"X": adata.X, "layers": dict(adata.layers), "obs": adata.obs, "var": adata.var}
        parts |= {"varm": dict(adata.varm)}
        return {k: self.plain(v, depth) for k, v in parts.items()} | {"uns": self._known(dict(adata.uns), depth)}

    def _known(self, value: Any, depth: int) -> Any:
        """Free entries of a file; those of kinds that nothing here reads are left out."""
        if not isinstance(value, Mapping):
            return self.plain(value, depth)
        pairs = []
        for key, item in value.items():
            try:
                pairs.append(["list", [self.plain(key, depth), self._known(item, depth + 1)]])
            except NotPlain:
                continue
        return ["dict", pairs]

    def _array(self, value: np.ndarray, depth: int) -> Any:
        if value.dtype.kind in "OUS":
            if value.ndim != 1:
                raise NotPlain("a table of text")
            items = [self.plain(item, depth) for item in value.tolist()]
            return ["objects" if value.dtype.kind == "O" else "texts", items]
        value = value.view(np.ndarray)
        if not value.dtype.isnative:
            value = value.astype(value.dtype.newbyteorder("="))
        if value.dtype.name not in NUMBERS:
            raise NotPlain(f"numbers of type {value.dtype}")
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        about = [value.dtype.name, list(value.shape), order]
        if (offset := self._offset(value)) is not None:
            return ["mapped", [offset, *about]]
        if self.folder is None:
            raise NotPlain("numbers")
        number, self.blocks = self.blocks, self.blocks + 1
        with (self.folder / f"{number}.raw").open("wb") as file:
            (value.T if order == "F" else value).tofile(file)
        return ["array", [number, *about]]

    def _offset(self, value: np.ndarray) -> int | None:
        """Where the numbers stand in the source, if they are a map of all of a block of it."""
        base: Any = value
        while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
            base = base.base
        if self.source is None or not isinstance(base, np.memmap) or base.filename is None:
            return None
        same = value.ctypes.data == base.ctypes.data and value.nbytes == base.nbytes and value.flags.c_contiguous
        return int(base.offset) if same and Path(base.filename) == self.source.resolve() else None

    def _frame(self, frame: pd.DataFrame, depth: int) -> dict[str, Any]:
        index = frame.index
        named = ["range", len(index)] if isinstance(index, pd.RangeIndex) else self._column(pd.Series(index), depth)
        about = {"index": [self.plain(index.name, depth), named]}
        if frame.shape[1] > 1 and len(set(frame.dtypes)) == 1 and str(frame.dtypes.iloc[0]) in NUMBERS:
            names = [self.plain(c, depth) for c in frame]
            return {**about, "names": names, "values": self.plain(frame.to_numpy(), depth)}
        return {
            **about,
            "columns": [[self.plain(c, depth), self._column(frame.iloc[:, i], depth)] for i, c in enumerate(frame)],
        }

    def _column(self, column: pd.Series, depth: int) -> Any:
        kind = column.dtype
        if isinstance(kind, pd.CategoricalDtype):
            codes = self.plain(column.cat.codes.to_numpy(np.int64), depth)
            return ["categories", [codes, self.plain(column.cat.categories.tolist(), depth), bool(column.cat.ordered)]]
        if isinstance(kind, np.dtype) and kind.kind in "biuf":
            return self.plain(column.to_numpy(), depth)
        plain_objects = pd.api.types.is_object_dtype(kind)
        items = (column if plain_objects else column.astype(object).where(column.notna(), None)).tolist()
        if plain_objects and len(items) > 1000 and pd.api.types.infer_dtype(items, skipna=False) == "string":
            codes, texts = pd.factorize(np.array(items, dtype=object))
            if len(texts) < len(items) / 2:
                return ["repeated", [self.plain(codes.astype(np.int64), depth), [str(t) for t in texts]]]
        name = str(kind) if str(kind) in _NULLABLE else "object"
        return ["values", [name, [self.plain(item, depth) for item in items]]]


def _text(value: str) -> str:
    """Text as UTF-8 has it: a half of a character, which a file may hold, becomes a question mark."""
    return value.encode("utf-8", "replace").decode() if not value.isascii() else str(value)


# -- reading -------------------------------------------------------------------------------------------------------
class Reader:
    """Puts together what a :class:`Writer` took apart, believing nothing.

    Parameters
    ----------
    folder
        The blocks; nobody may still write to it.
    source
        Open descriptor of the file that mapped matrices are in, -1 where there is none.
    most
        Bytes that all blocks together may have.
    """

    def __init__(self, folder: Path | None, source: int = -1, most: int = 0):
        self.folder, self.source, self.left = folder, source, most
        self.mapped = False

    def read(self, most: int) -> dict[str, Any]:
        """The header, its value put together; at most ``most`` bytes of JSON."""
        assert self.folder is not None
        path = self.folder / HEADER
        if path.is_symlink() or not path.is_file() or path.stat().st_size > most:
            raise NotPlain("no header, or one that is too long")
        with path.open("rb") as file:
            head = orjson.loads(file.read(most + 1))
        if not isinstance(head, dict):
            raise NotPlain("a header that is none")
        return {**head, "value": self.value(head.get("value"))}

    def value(self, plain: Any, depth: int = 0) -> Any:
        """One value."""
        if depth > _DEPTH:
            raise NotPlain("nested too deeply")
        if plain is None or isinstance(plain, bool | int | float | str):
            return plain
        if not isinstance(plain, list) or len(plain) != 2 or not isinstance(plain[0], str):
            raise NotPlain("an unknown form")
        mark, content = plain
        make = getattr(self, f"_{mark}", None) if mark in _MARKS else None
        if make is None:
            raise NotPlain(f"the unknown mark {mark[:20]!r}")
        return make(content, depth + 1)

    def _each(self, items: Any, depth: int) -> list[Any]:
        if not isinstance(items, list):
            raise NotPlain("no list")
        return [self.value(item, depth) for item in items]

    def _int(self, text: Any, depth: int) -> int:
        if not isinstance(text, str) or len(text) > 400:
            raise NotPlain("a number that is none")
        return int(text)

    def _float(self, text: Any, depth: int) -> float:
        if text not in ("nan", "inf", "-inf"):
            raise NotPlain("a number that is none")
        return float(text)

    def _caution(self, content: Any, depth: int) -> Caution:
        if not isinstance(content, list) or len(content) != 2 or not isinstance(content[0], str):
            raise NotPlain("a note that is none")
        return Caution(content[0], choices_of(self.value(content[1], depth)))

    def _path(self, text: Any, depth: int) -> Path:
        return Path(str(text))

    def _list(self, items: Any, depth: int) -> list[Any]:
        return self._each(items, depth)

    def _tuple(self, items: Any, depth: int) -> tuple[Any, ...]:
        return tuple(self._each(items, depth))

    def _set(self, items: Any, depth: int) -> frozenset[Any]:
        return frozenset(self._each(items, depth))

    def _dict(self, items: Any, depth: int) -> dict[Any, Any]:
        return dict(self._each(items, depth))

    def _objects(self, items: Any, depth: int) -> np.ndarray:
        values = self._each(items, depth)
        out = np.empty(len(values), dtype=object)
        out[:] = values
        return out

    def _texts(self, items: Any, depth: int) -> np.ndarray:
        return np.array([str(v) for v in self._each(items, depth)], dtype=str)

    def _array(self, content: Any, depth: int) -> np.ndarray:
        number, *about = _four(content)
        kind, shape, order, size = self._block(about)
        if not isinstance(number, int) or self.folder is None:
            raise NotPlain("a block without a number")
        path = self.folder / f"{number}.raw"
        if path.is_symlink() or not path.is_file() or path.stat().st_size != size:
            raise NotPlain("a block of another size than it says")
        if not size:
            return np.empty(shape, kind)
        flat = np.fromfile(path, kind) if size < _SMALL else np.memmap(path, kind, "c").view(np.ndarray)
        return flat.reshape(shape, order=order)

    def _mapped(self, content: Any, depth: int) -> np.ndarray:
        offset, *about = _four(content)
        kind, shape, order, size = self._block(about, counted=False)
        if self.source < 0 or not isinstance(offset, int) or offset < 0 or order != "C" or not size:
            raise NotPlain("a place in no file")
        with open(self.source, "rb", closefd=False) as file:
            if offset + size > file.seek(0, 2):
                raise NotPlain("a place behind the end of the file")
            self.mapped = True
            return np.memmap(file, kind, "r", offset, shape).view(np.ndarray)

    def _block(self, about: Sequence[Any], counted: bool = True) -> tuple[np.dtype, tuple[int, ...], Any, int]:
        """Type, shape, order and bytes of a block, each checked."""
        name, shape, order = about
        if name not in NUMBERS or order not in ("C", "F") or not isinstance(shape, list) or len(shape) > 4:
            raise NotPlain("a block of an unknown kind")
        if not all(isinstance(n, int) and 0 <= n < 2**40 for n in shape):
            raise NotPlain("a block without a shape")
        kind = np.dtype(name)
        size = math.prod(shape) * kind.itemsize
        self.left -= size if counted else 0
        if self.left < 0:
            raise NotPlain("more numbers than allowed")
        return kind, tuple(shape), order, size

    def _frame(self, content: Any, depth: int) -> pd.DataFrame:
        name, named = content["index"]
        if isinstance(named, list) and named and named[0] == "range":
            index: pd.Index = pd.RangeIndex(_count(named[1]))
        else:
            index = pd.Index(self.value(named, depth))
        if "values" in content:
            names = pd.Index(self._each(content["names"], depth))
            frame = pd.DataFrame(self.value(content["values"], depth), index=index, columns=names)
            frame.index.name = self.value(name, depth)
            return frame
        made = [(self.value(c, depth), pd.Series(self.value(v, depth), index=index)) for c, v in content["columns"]]
        frame = pd.concat([v for _, v in made], axis=1) if made else pd.DataFrame(index=index)
        frame.columns = pd.Index([c for c, _ in made], dtype=object) if made else pd.Index([])
        frame.index.name = self.value(name, depth)
        return frame

    def _categories(self, content: Any, depth: int) -> pd.Categorical:
        codes, categories, ordered = content
        return pd.Categorical.from_codes(self.value(codes, depth), self.value(categories, depth), bool(ordered))

    def _repeated(self, content: Any, depth: int) -> np.ndarray:
        codes, texts = self.value(content[0], depth), self._objects(content[1], depth)
        if codes.ndim != 1 or (len(codes) and not 0 <= codes.min() <= codes.max() < len(texts)):
            raise NotPlain("text that is not in its list")
        return texts[codes]

    def _values(self, content: Any, depth: int) -> Any:
        name, items = content
        values = self._objects(items, depth)
        return values if name not in _NULLABLE else pd.array(values.tolist(), dtype=name)

    def _record(self, content: Any, depth: int) -> Any:
        name, items = content
        kind = records().get(name)
        if kind is None:
            raise NotPlain("an unknown record")
        made = kind(**{k: self.value(v, depth) for k, v in items.items()})
        matrices = [made.values] if name == "Profiles" else [*made.layers.values()] if name == "Loaded" else []
        for matrix in matrices:
            if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
                raise NotPlain("a matrix that is none")
        return made

    def _benchmark(self, content: Any, depth: int) -> Any:
        from anndata import AnnData

        from perturbviz.benchmark.benchmark import Benchmark

        parts = {k: self.value(content[k], depth) for k in ("X", "layers", "obs", "var", "varm", "uns")}
        return Benchmark.from_adata(AnnData(**parts))


_MARKS = frozenset(
    ["int", "float", "caution", "path", "list", "tuple", "set", "dict", "objects", "texts", "array", "mapped"]
    + ["frame", "categories", "repeated", "values", "record", "benchmark"]
)


def _four(content: Any) -> list[Any]:
    if not isinstance(content, list) or len(content) != 4:
        raise NotPlain("a block without a description")
    return content


def _count(n: Any) -> int:
    if not isinstance(n, int) or not 0 <= n < 2**31:
        raise NotPlain("a count that is none")
    return n
