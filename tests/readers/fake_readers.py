"""Functions that stand for readers of hostile files: each ends its process in another way. Run only in a child."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers import plain


def good(n: int) -> dict:
    return {"values": np.arange(n, dtype=np.float64).reshape(-1, 2), "names": ["a", "Ü", None], "n": n}


def half_a_character() -> list:
    return ["Ü\udc80"]


def loaded_modules() -> list:
    return sorted(sys.modules)


def process() -> list:
    return [os.getpid(), os.getppid(), tempfile.gettempdir(), os.getcwd()]


def user_error() -> None:
    raise UserError("x.csv is bad:\nthe second line is \udcff odd.")


def exception() -> None:
    raise KeyError("/secret/path")


def crash() -> None:
    ctypes.string_at(0)


def abort() -> None:
    os.abort()


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def loop() -> None:
    while True:
        pass


def loop_in_c() -> None:
    """Never returns to the interpreter, and lets no other thread of its process in."""
    ctypes.PyDLL(None).pause()


def sleep_with_grandchild() -> None:
    if os.fork() == 0:
        time.sleep(60)
    time.sleep(60)


def allocate() -> None:
    kept = []
    while True:
        kept.append(np.ones(10**7))


def allocate_at_once() -> None:
    np.ones(10**12)


def write() -> None:
    with open(Path(tempfile.gettempdir()).parent / "endless", "wb") as file:
        while True:
            file.write(bytes(10**6))


def write_many() -> None:
    folder = Path(tempfile.gettempdir()).parent
    for i in range(10**6):
        (folder / f"{i}.raw").write_bytes(bytes(10**6))


def leave_quietly() -> None:
    os._exit(0)


def leave_with_status() -> None:
    os._exit(7)


def close_all_and_go_on() -> None:
    os.closerange(3, 256)
    time.sleep(60)


def _header(text: str, **blocks: bytes) -> None:
    folder = Path(tempfile.gettempdir()).parent
    for name, data in blocks.items():
        (folder / f"{name.strip('b')}.raw").write_bytes(data)
    (folder / plain.HEADER).write_text(text)
    os._exit(0)


def lying_header(text: str, size: int) -> None:
    """A header of its own and a block 0 of ``size`` bytes."""
    _header(text, b0=bytes(size))


def linked_block(target: str) -> None:
    folder = Path(tempfile.gettempdir()).parent
    os.symlink(target, folder / "0.raw")
    _header(f'{{"value": ["array", [0, "uint8", [{os.path.getsize(target)}], "C"]]}}')


def executes(marker: str) -> None:
    """A pickle in place of the header."""
    import pickle

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    folder = Path(tempfile.gettempdir()).parent
    (folder / plain.HEADER).write_bytes(pickle.dumps(Evil()))
    (folder / "0.raw").write_bytes(pickle.dumps(Evil()))
    os._exit(0)


def temporary() -> None:
    """Leaves files behind and crashes."""
    for i in range(3):
        Path(tempfile.mkdtemp(), f"{i}").write_text("x")
    crash()


def open_files() -> list[str]:
    """What is open besides the standard streams (the listing of the folder is closed again when it comes)."""
    return [n for n in os.listdir("/dev/fd") if int(n) > 2 and os.path.lexists(f"/dev/fd/{n}")]
