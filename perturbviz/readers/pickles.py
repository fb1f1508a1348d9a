"""A restricted unpickler: dict, list, tuple, set, text, numbers and arrays of numbers; anything else is refused.

A pickle can run code when it is loaded, so this is for the command line only, never for uploads.
"""

from __future__ import annotations

import gzip
import io
import math
import pickle
import re
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.safety import check_bytes, check_file, limit

_SETS = {("builtins", "set"), ("builtins", "frozenset")}
_NUMPY_CORE = {"_reconstruct", "scalar", "_frombuffer"}
_ADVICE = "save the arrays with numpy.savez (text with dtype=str), or a table as CSV, instead"
_KINDS = re.compile(r"[<>|=]?([fiu][1248]|b1|\?|[SU][0-9]{1,7}|O8?)")
_PIECE = 1 << 24
_MOST = 20_000_000  # containers and values of one pickle


class _DType:
    """Stands for numpy.dtype: takes the name of a kind of numbers or text, nothing else."""

    def __init__(self, name: Any, *_: Any):
        if not isinstance(name, str) or not _KINDS.fullmatch(name):
            raise UserError(f"It holds values of the type {str(name)[:20]!r}, which is refused: {_ADVICE}.")
        self.text, self.order = name, ""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise ValueError("a type without an order")
        self.order = state[1]

    def numpy(self) -> np.dtype:
        """The type itself; object arrays are lists and have none."""
        plain = np.dtype(self.text)
        return plain.newbyteorder("<" if self.order == "<" else ">") if self.order in ("<", ">") else plain

    @property
    def is_object(self) -> bool:
        """Whether the values are Python's."""
        return self.text.lstrip("<>|=").startswith("O")


class _Array:
    """Stands for numpy.ndarray: an empty shell until its state was checked."""

    value: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_column, content = state
        self.value = _array(kind, shape, "F" if by_column else "C", content)


def _array(kind: Any, shape: Any, order: Literal["C", "F"], content: Any) -> Any:
    """Numbers or text of a checked type, shape and number of bytes; a list where they are Python's."""
    if not isinstance(kind, _DType) or not isinstance(shape, tuple):
        raise ValueError("an array without type or shape")
    if not all(isinstance(n, int) and 0 <= n < 2**40 for n in shape) or len(shape) > 4:
        raise ValueError("an array without a shape")
    n = math.prod(shape)
    if kind.is_object:
        if not isinstance(content, list) or len(content) != n or len(shape) > 1:
            raise ValueError("an array of objects that is no list")
        return content
    dtype = kind.numpy()
    if not dtype.itemsize or not isinstance(content, bytes | bytearray) or len(content) != n * dtype.itemsize:
        raise ValueError("an array of another size than it says")
    return np.frombuffer(bytes(content), dtype).reshape(shape, order=order).copy()


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _scalar(kind: Any, content: Any) -> Any:
    if isinstance(kind, _DType) and kind.is_object:
        raise ValueError("an object as a number")
    return _array(kind, (), "C", content)[()]


def _frombuffer(content: Any, kind: Any, shape: Any, order: Any, *_: Any) -> _Array:
    shell = _Array()
    shell.value = _array(kind, shape, "F" if order == "F" else "C", content)
    return shell


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("bytes of an odd encoding")
    return text.encode("latin1")


def _ndarray(*_: Any) -> Any:
    raise UserError(f"It makes an array of its own, which is refused: {_ADVICE}.")


class _Restricted(pickle.Unpickler):
    """Finds only our own stand-ins for what arrays and plain containers need, under the names of NumPy 1 and 2."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) in _SETS:
            return set if name == "set" else frozenset
        if (module, name) == ("_codecs", "encode"):
            return _encode
        if module == "numpy" and name in ("ndarray", "dtype"):
            return _DType if name == "dtype" else _ndarray
        if re.fullmatch(r"numpy\.(?:_core|core)\.(multiarray|numeric)", module) and name in _NUMPY_CORE:
            return {"_reconstruct": _reconstruct, "scalar": _scalar, "_frombuffer": _frombuffer}[name]
        raise UserError(f"It holds {module}.{name}, which is refused: {_ADVICE}.")

    def persistent_load(self, pid: Any) -> Any:
        raise UserError(f"It is a PyTorch file, which is refused: {_ADVICE}.")


def safe_pickle(path: Path) -> Any:
    """Content of a .pkl or .pkl.gz as plain containers and numeric arrays."""
    check_file(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            data = _pieces(file, limit("MB") * 10**6 + 1)  # a .gz may grow without end
    except (OSError, EOFError) as error:
        raise UserError(f"{path.name} cannot be read ({error}).") from error
    check_bytes(path.name, len(data))
    if zipfile.is_zipfile(io.BytesIO(data)):
        raise UserError(f"{path.name} is a PyTorch file, which is refused: {_ADVICE}.")
    return safe_loads(data, path.name)


def _pieces(file: Any, most: int) -> bytes:
    """At most ``most`` bytes, asked for in pieces: a read of the limit would take the limit's memory."""
    out = bytearray()
    while len(out) < most and (piece := file.read(min(_PIECE, most - len(out)))):
        out += piece
    return bytes(out)


def safe_loads(data: bytes, name: str) -> Any:
    """The same for bytes."""
    try:
        return _Plain()(_Restricted(io.BytesIO(data)).load())
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
    except Exception as error:  # unpickling damaged bytes raises anything
        raise UserError(
            f"{name} is damaged or no pickle of plain arrays ({type(error).__name__}): {_ADVICE}."
        ) from error


class _Plain:
    """Shells become arrays, object arrays lists; every container once, and not more of them than a table can need."""

    def __init__(self) -> None:
        self.known: dict[int, Any] = {}
        self.kept: list[Any] = []  # what is known must live on: another object could take its place
        self.count = 0

    def __call__(self, value: Any, depth: int = 0) -> Any:
        self.count += 1
        if depth > 50 or self.count > _MOST:
            raise ValueError("nested too deeply or too large")
        if isinstance(value, _DType) or value is _ndarray:
            raise ValueError("a type in place of a value")
        if isinstance(value, _Array):
            value = value.value
        if not isinstance(value, dict | list | tuple | set | frozenset):
            return value
        if id(value) in self.known:
            return self.known[id(value)]
        self.kept.append(value)
        if isinstance(value, dict):
            made: Any = {self(k, depth + 1): self(v, depth + 1) for k, v in value.items()}
        else:
            kind = list if isinstance(value, list) else tuple if isinstance(value, tuple) else type(value)
            made = kind(self(v, depth + 1) for v in value)
        self.known[id(value)] = made
        return made
