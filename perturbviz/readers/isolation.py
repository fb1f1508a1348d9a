"""Foreign files are read in a process that may die: what a file does there costs the one who brought it one sentence.

The child gets limits before it sees the first byte (memory, processor time, size of what it writes, open files), is
killed when its time is over, works in a temporary folder of its own, and hands back plain numbers and text
(:mod:`perturbviz.readers.plain`), which are looked at only once it is dead. Two ways to have a child at once:

- a process without threads (the command line) forks itself;
- any other (the server) asks a *nursery*: one process with all readers loaded and nothing else, which forks for every
  file. It ends with the process that started it.

In both, the process that forked waits, watches memory and clock, kills and reaps (:func:`_supervise`).

This isolates faults. It is no sandbox: the child has the user's rights. Where the kernel knows no limit of memory
(macOS) the watch on the child's resident size is what holds, twenty times a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import faulthandler
import gc
import importlib
import json
import math
import os
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import psutil

from perturbviz.errors import LOG, UserError, unexpected
from perturbviz.readers import plain
from perturbviz.readers.base import Loaded, Options
from perturbviz.readers.safety import limit, memory_limit

T = TypeVar("T")
#: What every child has loaded before it is asked for.
PRELOADED = ("numpy", "h5py", "anndata", "scipy.sparse", "pandas", "pyarrow.parquet", "orjson", "perturbviz.readers")
PREFIX = "perturbviz-read-"
_PAUSE = 0.05  # seconds between two looks at a child
_SLACK = 256 * 10**6  # bytes a child may need besides what it reads
_FILES = 256
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "ARROW_IO_THREADS")
_SETTINGS = "PERTURBVIZ_"


@dataclass(frozen=True)
class Limits:
    """What a child may take: seconds (inf = any), bytes of memory beyond what it starts with, bytes of one file."""

    seconds: float
    memory: int
    file: int


@dataclass(frozen=True)
class End:
    """How a child ended: why it was killed ("", "clock", "memory", "disk", "left"), its status, what it cost.

    ``status`` is the exit status, or minus the number of the signal that ended it.
    """

    why: str = ""
    status: int = 0


# -- the public side -----------------------------------------------------------------------------------------------
def load_isolated(
    path: str | Path, options: Options | None = None, *, timed: bool = True, trust: bool = False
) -> Loaded:
    """:func:`perturbviz.readers.load` in a child process that may die.

    Parameters
    ----------
    timed
        Whether ``PERTURBVIZ_MAX_SECONDS`` holds where it is not set (then 600 s).
    trust
        Read in this process after all.

    Raises
    ------
    UserError
        One sentence, whatever the file did.
    """
    from perturbviz.readers import load

    path = Path(path)
    if trust:
        return load(path, options)
    return isolated(load, path, options or Options(), name=path.name, source=path, timed=timed)


def isolated(
    function: Callable[..., T],
    *arguments: Any,
    name: str,
    source: Path | None = None,
    timed: bool = True,
    owner: str = "",
    told: Callable[[float, str], object] | None = None,
) -> T:
    """What a function of a module returns, computed in a child process that may die.

    Parameters
    ----------
    function, arguments
        Found in the child by its module and name; arguments and result are plain (:mod:`perturbviz.readers.plain`).
    name
        What a sentence calls the file.
    source
        A file of which large uncompressed matrices are mapped in place instead of being handed over.
    timed
        Whether the usual time limit holds where none is set.
    owner
        Who asks; those with fewer children at work come first.
    told
        Called with the progress that the child tells (:func:`tell`), where this process forks itself.

    Raises
    ------
    UserError
        One sentence, whatever happened in the child.
    """
    limits = _limits(timed)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    descriptor = -1
    try:
        mark_owner(folder)
        if source is not None and source.is_file():
            descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        with _TURNS.turn(owner):
            end = _run(_Request(function, arguments, folder, source, limits), told)
        return _result(end, folder, descriptor, limits, name)
    finally:
        if descriptor >= 0:
            os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def tell(fraction: float, what: str) -> None:
    """Tell the waiting process how far the work in this child is; nothing where there is none."""
    if _TELL >= 0:
        with contextlib.suppress(OSError):
            os.write(_TELL, f"{fraction:.4f} {' '.join(what.split())[:80]}\n".encode())


def mark_owner(folder: Path) -> None:
    """Say in a temporary folder whose it is, so that it can be removed if this process is killed."""
    (folder / "owner").write_text(str(os.getpid()))


def sweep() -> None:
    """Remove temporary folders that processes left which are no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if folder.stat().st_uid == os.getuid() and not psutil.pid_exists(int((folder / "owner").read_text())):
                shutil.rmtree(folder, ignore_errors=True)


# -- how it ended --------------------------------------------------------------------------------------------------
def _limits(timed: bool) -> Limits:
    seconds = limit("SECONDS") if timed or os.environ.get("PERTURBVIZ_MAX_SECONDS") else math.inf
    bytes_ = limit("MB") * 10**6
    return Limits(seconds, 2 * bytes_ + _SLACK, max(bytes_, 10**6))


def _result(end: End, folder: Path, descriptor: int, limits: Limits, name: str) -> Any:
    """What the child handed over, or the sentence for the way it ended."""
    if end.why or end.status:
        raise _sentence(end, name, limits, folder)
    try:
        reader = plain.Reader(folder, descriptor, most=limits.memory + 2 * limits.file)
        found = reader.read(most=limits.file)
    except MemoryError:
        raise
    except Exception as error:  # a hostile header can make anything fail
        said = f"what came back is not plain: {type(error).__name__}: {error}\n{_log_of(folder)}"
        raise unexpected(name, said) from error
    if (problem := found.get("problem")) is not None:
        raise UserError(" ".join(str(problem)[:2000].split()), plain.choices_of(found["value"]))
    if (why := found.get("why")) is not None:
        raise _sentence(End(str(why), 1), name, limits, folder)
    if (trace := found.get("error")) is not None:
        raise unexpected(name, str(trace)[:20_000])
    return found["value"]


def _sentence(end: End, name: str, limits: Limits, folder: Path) -> UserError:
    """One sentence for a child that was ended."""
    ended_by = max(-end.status, 0)
    if end.why == "clock" or ended_by == signal.SIGXCPU:
        return UserError(
            f"{name} takes more than {limits.seconds:,.0f} seconds to read (PERTURBVIZ_MAX_SECONDS): keep fewer "
            "genes or cells, or use `python -m perturbviz convert`, which may take longer."
        )
    if end.why == "memory":
        return UserError(
            f"{name} needs more than {limits.memory / 1e6:,.0f} MB of memory to read, twice {memory_limit()}: "
            "keep fewer genes or cells, use a bigger machine, or, for a file of your own, --trust on the "
            "command line."
        )
    if end.why == "disk" or ended_by == signal.SIGXFSZ:
        return UserError(f"{name} unpacks to more than the limit of {memory_limit()}: keep fewer genes or cells.")
    if ended_by == signal.SIGKILL:
        return UserError(
            f"{name} cannot be read: the system ended the process that read it, most likely for lack of memory."
        )
    if ended_by:
        LOG.error("%s: the child ended by signal %s: %s", name, ended_by, _log_of(folder))
        return UserError(
            f"{name} cannot be read: the process that read it crashed (signal {ended_by}), so the file is "
            "damaged or made up."
        )
    return unexpected(name, f"the child ended with status {end.status} ({end.why}): {_log_of(folder)}")


def _log_of(folder: Path) -> str:
    with contextlib.suppress(OSError), (folder / "log").open("rb") as file:
        return file.read(4000).decode("utf-8", "replace")
    return ""


# -- turns ---------------------------------------------------------------------------------------------------------
class _Turns:
    """As many at once as there are places; of those who wait, the one with the fewest at work comes first."""

    def __init__(self, places: int):
        self.places, self.free = places, threading.Condition()
        self.waiting: list[tuple[str, object]] = []
        self.working: Counter[str] = Counter()

    @contextmanager
    def turn(self, owner: str) -> Iterator[None]:
        """Wait for one's turn, and have it."""
        ticket = (owner, object())
        with self.free:
            self.waiting.append(ticket)
            try:
                self.free.wait_for(lambda: self.working.total() < self.places and self._next() is ticket)
                self.working[owner] += 1
            finally:
                self.waiting.remove(ticket)
        try:
            yield
        finally:
            with self.free:
                self.working[owner] -= 1
                self.free.notify_all()

    def _next(self) -> tuple[str, object]:
        return min(self.waiting, key=lambda waiting: self.working[waiting[0]])  # of equals the first that came


_TURNS = _Turns(os.cpu_count() or 1)


# -- running a child -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Request:
    """What a child is to do."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    folder: Path
    source: Path | None
    limits: Limits

    def to_json(self) -> bytes:
        """As it travels to the nursery."""
        writer = plain.Writer(None)
        return json.dumps(
            {
                "function": [self.function.__module__, self.function.__qualname__],
                "arguments": writer.plain(self.arguments),
                "folder": str(self.folder),
                "source": str(self.source) if self.source else None,
                "limits": {k: str(v) for k, v in asdict(self.limits).items()},
                "settings": {k: v for k, v in os.environ.items() if k.startswith(_SETTINGS)},
                "cwd": os.getcwd(),
            }
        ).encode()

    @classmethod
    def from_json(cls, data: bytes) -> _Request:
        """In the nursery's child: the settings of the process that asks become its own."""
        said = json.loads(data)
        for key in [k for k in os.environ if k.startswith(_SETTINGS)]:
            del os.environ[key]
        os.environ.update(said["settings"])
        with contextlib.suppress(OSError):
            os.chdir(said["cwd"])
        module, name = said["function"]
        seconds, memory, file = said["limits"].values()
        return cls(
            getattr(importlib.import_module(module), name),
            plain.Reader(None).value(said["arguments"]),
            Path(said["folder"]),
            Path(said["source"]) if said["source"] else None,
            Limits(float(seconds), int(memory), int(file)),
        )


def _run(request: _Request, told: Callable[[float, str], object] | None) -> End:
    """The end of a child that does what is requested."""
    if threading.active_count() == 1 and sys.platform == "linux":
        return _supervise(request, told=told)
    return _nursery().ask(request)


def _supervise(
    request: _Request,
    told: Callable[[float, str], object] | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> End:
    """Fork a child, watch it, and come back when it is reaped; whatever ends this ends the child.

    Parameters
    ----------
    wanted
        Whether somebody still waits for the result.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _child(request, writing, parent)
    os.close(writing)
    reaped = False
    try:
        end, reaped = _watch(pid, reading, request, told, wanted)
        return end
    finally:
        os.close(reading)
        if not reaped:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # whatever the child started


def _watch(pid: int, reading: int, request: _Request, told: Any, wanted: Callable[[], bool]) -> tuple[End, bool]:
    """How the child ended by itself (and is reaped), or why it must be ended."""
    limits, begun = request.limits, time.monotonic()
    child = psutil.Process(pid)
    most = psutil.Process().memory_info().rss + limits.memory
    alive = True
    while True:
        if alive:
            ready, _, _ = select.select([reading], [], [], _PAUSE)
            if ready and not (said := os.read(reading, 4096)):
                alive = False  # the child has ended, or has closed what it tells by
            elif ready and told:
                _tell_on(said, told)
        else:
            time.sleep(0.001)
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return End("", os.waitstatus_to_exitcode(status)), True
        if time.monotonic() - begun > limits.seconds:
            return End("clock"), False
        if not wanted():
            return End("left"), False
        with contextlib.suppress(psutil.Error):
            if child.memory_info().rss > most:
                return End("memory"), False
        if _size(request.folder) > limits.memory + 2 * limits.file:
            return End("disk"), False


def _tell_on(said: bytes, told: Callable[[float, str], object]) -> None:
    last = said.decode("ascii", "replace").strip().rpartition("\n")[2]
    if match := re.fullmatch(r"([01]\.\d{4}) ([\w ,.%:()-]*)", last):
        told(float(match[1]), match[2])


def _size(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))
    return 0


# -- the child -----------------------------------------------------------------------------------------------------
_TELL = -1


def _child(request: _Request, writing: int, parent: int) -> NoReturn:
    """In the child: limits, work, result; never returns."""
    global _TELL
    status = 1
    try:
        os.setsid()
        _die_with(parent)
        _keep_only(writing)
        _confine(request)
        _TELL = writing
        os.set_blocking(writing, False)
        status = _work(request)
    except BaseException:
        with contextlib.suppress(BaseException):
            traceback.print_exc()
            sys.stderr.flush()
    finally:
        os._exit(status)


def _work(request: _Request) -> int:
    writer = plain.Writer(request.folder, request.source)
    try:
        value = request.function(*request.arguments)
        writer.write({}, value)
    except UserError as error:
        said = str(error).encode("utf-8", "replace").decode()
        plain.Writer(request.folder).write({"problem": said}, error.choices)
    except MemoryError:
        plain.Writer(request.folder).write({"why": "memory"}, None)
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.ENOSPC)
        said = traceback.format_exc()[-20_000:].encode("utf-8", "replace").decode()
        plain.Writer(request.folder).write({"why": "disk"} if full else {"error": said}, None)
    return 0


def _keep_only(descriptor: int) -> None:
    """Close what the child inherited: it must not read it, and it counts against how many files it may open."""
    gc.freeze()  # an object collected later would close a number that stands for another file by then
    for number in map(int, os.listdir("/dev/fd")):
        if number > 2 and number != descriptor:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(number)


def _confine(request: _Request) -> None:
    """Everything that keeps the child from doing harm, before it sees the file."""
    for known in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(known, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)
    for descriptor in {nothing, log} - {0, 1, 2}:  # one of these where a standard stream had been closed
        os.close(descriptor)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    faulthandler.enable(sys.stderr)  # where it crashed, for the log
    tempfile.tempdir = str(request.folder / "tmp")
    os.mkdir(tempfile.tempdir)
    limits = request.limits
    mapped = psutil.Process().memory_info().vms
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        _at_most(kind, mapped + limits.memory)
    if math.isfinite(limits.seconds):
        _at_most(resource.RLIMIT_CPU, math.ceil(limits.seconds) + 1, more=2)
    _at_most(resource.RLIMIT_FSIZE, limits.file)
    _at_most(resource.RLIMIT_CORE, 0)
    _at_most(resource.RLIMIT_NOFILE, _FILES)


def _at_most(kind: int, value: int, more: int = 0) -> None:
    """Lower one limit; a system that does not know it (macOS) is watched instead."""
    _, hard = resource.getrlimit(kind)
    soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
    top = soft + more if hard == resource.RLIM_INFINITY else min(soft + more, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (soft, top))


def _die_with(parent: int) -> None:
    """Linux ends the child with the process that forked it; elsewhere the one that forked it looks after it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it has ended already
            os._exit(1)


# -- the nursery ---------------------------------------------------------------------------------------------------
_LENGTH = struct.Struct("!I")
_NURSERY: _Nursery | None = None
_NURSERY_LOCK = threading.Lock()


def prepare() -> None:
    """Start the nursery now, so that the first file need not wait for it; and remove what dead processes left."""
    sweep()
    _nursery()


def _nursery() -> _Nursery:
    global _NURSERY
    with _NURSERY_LOCK:
        if _NURSERY is None or _NURSERY.process.poll() is not None or _NURSERY.pid != os.getpid():
            _NURSERY = _Nursery()
        return _NURSERY


class _Nursery:
    """The process that forks children for one with threads."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.control, there = socket.socketpair()
        self.lock = threading.Lock()
        paths = [os.path.abspath(p) for p in sys.path]
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": os.pathsep.join(paths)}
        code = f"from perturbviz.readers.isolation import nurse; nurse({there.fileno()})"
        with there:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )

    def ask(self, request: _Request) -> End:
        """The end of a child that does what is requested; closing the connection ends the child."""
        here, there = socket.socketpair()
        data = request.to_json()
        with here:
            with there, self.lock:
                socket.send_fds(self.control, [b"."], [there.fileno()])
            try:
                here.sendall(_LENGTH.pack(len(data)) + data)
                # the clock is the nursery's; this one is for a nursery that hangs
                here.settimeout(None if math.isinf(request.limits.seconds) else request.limits.seconds + 60)
                answer = _receive(here)
            except OSError:
                answer = b""
        if not answer:
            return End("lost", 1)
        said = json.loads(answer)
        return End(str(said["why"]), int(said["status"]))


def _receive(connection: socket.socket) -> bytes:
    """One message; nothing where the other side has gone."""
    head = _exactly(connection, _LENGTH.size)
    return _exactly(connection, _LENGTH.unpack(head)[0]) if head else b""


def _exactly(connection: socket.socket, n: int) -> bytes:
    parts = []
    while n:
        part = connection.recv(min(n, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def nurse(number: int) -> None:
    """In the nursery: load everything, then fork for every connection that comes, until the process outside ends."""
    for module in PRELOADED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the processes that watch are not waited for
    with socket.socket(fileno=number) as control:
        while True:
            _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not descriptors:
                return
            nursery = os.getpid()
            if os.fork() == 0:
                control.close()
                _attend(descriptors[0], nursery)
            os.close(descriptors[0])


def _attend(descriptor: int, nursery: int) -> NoReturn:
    """In a process of its own: take one request, supervise its child, and say how it ended."""
    status = 1
    try:
        _die_with(nursery)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with socket.socket(fileno=descriptor) as connection:
            request = _Request.from_json(_receive(connection))
            end = _supervise(request, wanted=lambda: _is_open(connection))
            data = json.dumps(asdict(end)).encode()
            connection.sendall(_LENGTH.pack(len(data)) + data)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _is_open(connection: socket.socket) -> bool:
    """Whether the process that asked is still there: it says nothing more, it only closes."""
    ready, _, _ = select.select([connection], [], [], 0)
    return not ready
