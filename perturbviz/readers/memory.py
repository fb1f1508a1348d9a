"""How much memory this process may count on: what the machine has, its control group, and its own limit."""

from __future__ import annotations

import resource
from functools import cache
from pathlib import Path

import psutil

LEAST_MB = 200
_SHARE = 4  # a file may take a quarter
_GROUPS = Path("/sys/fs/cgroup")


def sources() -> dict[str, int]:
    """Bytes of memory by what says so; what knows no limit is left out."""
    found = {"the memory of this machine": psutil.virtual_memory().total}
    for name in ("memory.max", "memory.high"):  # version 2, of this group and all above it
        for folder in _own_groups():
            found |= _number(folder / name, f"the control group's {name}")
    found |= _number(_GROUPS / "memory" / "memory.limit_in_bytes", "the control group's memory.limit_in_bytes")
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        found["the limit of address space (ulimit -v)"] = soft
    return found


@cache
def default_mb() -> tuple[int, str]:
    """Megabytes that one file may take where nothing is set, and where the figure comes from."""
    origin, least = min(sources().items(), key=lambda item: item[1])
    return max(least // _SHARE // 10**6, LEAST_MB), f"a quarter of {origin}"


def _own_groups() -> list[Path]:
    """The control group of this process and those above it; just the root where that cannot be told."""
    try:
        own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):
        return [_GROUPS]
    folder = _GROUPS / own.strip("/")
    return [folder, *(p for p in folder.parents if p.is_relative_to(_GROUPS))]


def _number(path: Path, what: str) -> dict[str, int]:
    try:
        text = path.read_text().strip()
    except OSError:
        return {}
    return {what: int(text)} if text.isascii() and text.isdecimal() and 0 < int(text) < 2**60 else {}
