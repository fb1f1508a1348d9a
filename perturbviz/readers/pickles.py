"""A restricted unpickler: dict, list, tuple, set, text, numbers and arrays of numbers; anything else is refused.

A pickle can run code when it is loaded, so this is for the command line only, never for uploads.
"""

from __future__ import annotations

import gzip
import importlib
import io
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.safety import check_bytes, check_file, limit

_PLAIN = {("collections", "OrderedDict"), ("builtins", "set"), ("builtins", "frozenset"), ("_codecs", "encode")}
_NUMPY = {"ndarray", "dtype"}
_NUMPY_CORE = {"_reconstruct", "scalar", "_frombuffer"}
_ADVICE = "save the arrays with numpy.savez (text with dtype=str), or a table as CSV, instead"


class _Restricted(pickle.Unpickler):
    """Finds only what arrays of numbers and plain containers need, under the names of NumPy 1 and 2."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        if module == "numpy" and name in _NUMPY:
            return getattr(np, name)
        core = re.fullmatch(r"numpy\.(?:_core|core)\.(multiarray|numeric)", module)
        if core and name in _NUMPY_CORE:
            return getattr(importlib.import_module(f"numpy._core.{core.group(1)}"), name)
        raise UserError(f"It holds {module}.{name}, which is refused: {_ADVICE}.")

    def persistent_load(self, pid: Any) -> Any:
        raise UserError(f"It is a PyTorch file, which is refused: {_ADVICE}.")


def safe_pickle(path: Path) -> Any:
    """Content of a .pkl or .pkl.gz as plain containers and numeric arrays."""
    check_file(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            data = file.read(limit("MB") * 10**6 + 1)  # a .gz may grow without end
    except (OSError, EOFError) as error:
        raise UserError(f"{path.name} cannot be read ({error}).") from error
    check_bytes(path.name, len(data))
    if zipfile.is_zipfile(io.BytesIO(data)):
        raise UserError(f"{path.name} is a PyTorch file, which is refused: {_ADVICE}.")
    return safe_loads(data, path.name)


def safe_loads(data: bytes, name: str) -> Any:
    """The same for bytes."""
    try:
        return _plain(_Restricted(io.BytesIO(data)).load())
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
    except Exception as error:  # unpickling damaged bytes raises anything
        raise UserError(
            f"{name} is damaged or no pickle of plain arrays ({type(error).__name__}): {_ADVICE}."
        ) from error


def _plain(value: Any) -> Any:
    """Object arrays become lists, so that nothing but numbers and text is left in arrays."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.tolist()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return tuple(_plain(v) for v in value) if isinstance(value, tuple) else value
