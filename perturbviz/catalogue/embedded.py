"""Where the dashboard's own files are: ``app.py``, ``pages/`` and the embedded demo in ``data/``.

In a checkout they stand beside the package. A wheel carries them inside it, in ``perturbviz/dashboard/``, since an
installation must not write files with such names beside other packages.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def home() -> Path:
    """Folder that holds ``app.py``, ``pages/`` and ``data/``."""
    installed = _PACKAGE / "dashboard"
    return installed if installed.is_dir() else _PACKAGE.parent


def data() -> Path:
    """Folder of the embedded demo."""
    return home() / "data"
