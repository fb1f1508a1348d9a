"""Where the Dask tasks run: threads of this process, or a cluster; progress and cancelling in both cases."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Protocol

from dask.delayed import Delayed

from perturbviz.cells.errors import AggregateCancelledError, AggregateError

#: Fraction done (0 to 1) and what is being done. Called on the thread that called ``aggregate``.
Progress = Callable[[float, str], None]
#: Called by a task after each block, with the number of the block.
Tick = Callable[[int], object]

_POLL_SECONDS = 0.2
_CONNECT_SECONDS = 15
_TASKS_PER_THREAD = 4


class Cancel(Protocol):
    """Anything with ``is_set``, such as ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether to stop."""


class Executor:
    """Runs one Dask graph after another; asks between polls whether to go on.

    Parameters
    ----------
    progress, cancel
        Callback for progress (it may raise, which cancels) and a flag to cancel by; both optional.
    """

    def __init__(self, progress: Progress | None = None, cancel: Cancel | None = None) -> None:
        self._progress = progress
        self._cancel = cancel

    @property
    def threads(self) -> int:
        """Threads that share the work on one block."""
        raise NotImplementedError

    def n_tasks(self, n_blocks: int) -> int:
        """Number of tasks to cut ``n_blocks`` into, each of which holds a set of sums."""
        raise NotImplementedError

    def tick(self, task: int) -> Tick:
        """A callback for one task, fit to travel to wherever the task runs."""
        raise NotImplementedError

    def run(self, graph: Delayed, n_blocks: int, what: str) -> Any:
        """Compute a graph whose tasks tick ``n_blocks`` times."""
        raise NotImplementedError

    def check(self, what: str) -> None:
        """Stop here if the run was cancelled."""
        self._poll(1, 1, what)

    def _poll(self, done: int, n_blocks: int, what: str) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise AggregateCancelledError("Cancelled; nothing was written.")
        if self._progress is not None:
            self._progress(min(done / n_blocks, 1.0), what)


class LocalExecutor(Executor):
    """Threads of this process (or, synchronous, one)."""

    def __init__(self, synchronous: bool, progress: Progress | None, cancel: Cancel | None) -> None:
        super().__init__(progress, cancel)
        self._threads = 1 if synchronous else os.cpu_count() or 1
        self._done: set[int] = set()
        self._stop = threading.Event()

    @property
    def threads(self) -> int:
        """All of them: there is one block at a time."""
        return self._threads

    def n_tasks(self, n_blocks: int) -> int:
        """One, so that one set of sums and one block are in memory."""
        return 1

    def tick(self, task: int) -> Tick:
        """Note the block, and stop the task where the run has been given up."""

        def note(block: int) -> None:
            self._done.add(block)
            if self._stop.is_set():
                raise AggregateCancelledError("Cancelled; nothing was written.")

        return note

    def run(self, graph: Delayed, n_blocks: int, what: str) -> Any:
        """Compute in a thread of its own, so that this one stays free to report progress."""
        self._done.clear()
        self._poll(0, n_blocks, what)
        with ThreadPoolExecutor(1, thread_name_prefix="aggregate") as pool:
            job = pool.submit(graph.compute, scheduler="synchronous")
            try:
                while not wait([job], _POLL_SECONDS).done:
                    self._poll(len(self._done), n_blocks, what)
                result = job.result()
                self._poll(n_blocks, n_blocks, what)
            except BaseException:  # also KeyboardInterrupt: the other threads must end
                self._stop.set()
                raise
        return result


class ClusterExecutor(Executor):
    """A Dask cluster, through a connected ``distributed.Client``."""

    def __init__(self, client: Any, progress: Progress | None, cancel: Cancel | None) -> None:
        super().__init__(progress, cancel)
        self._client = client
        self._topic = f"perturbviz-aggregate-{uuid.uuid4().hex}"

    @property
    def threads(self) -> int:
        """One: every thread of a worker has a task of its own."""
        return 1

    def n_tasks(self, n_blocks: int) -> int:
        """Several tasks per worker thread, so that the loss of a worker costs little."""
        threads = sum(self._client.nthreads().values())
        if threads == 0:
            raise AggregateError("The Dask cluster has no workers: start some and try again.")
        return max(1, min(n_blocks, _TASKS_PER_THREAD * threads))

    def tick(self, task: int) -> Tick:
        """Tell the scheduler, which tells whoever subscribes."""
        return _ClusterTick(self._topic)

    def run(self, graph: Delayed, n_blocks: int, what: str) -> Any:
        """Compute on the cluster; a task whose worker dies is run again by the scheduler."""
        done: set[int] = set()
        self._poll(0, n_blocks, what)
        self._client.subscribe_topic(self._topic, lambda event: done.add(event[1]))
        future = self._client.compute(graph)
        try:
            while not future.done():
                self._poll(len(done), n_blocks, what)
                threading.Event().wait(_POLL_SECONDS)
            result = future.result()
            self._poll(n_blocks, n_blocks, what)
        except (AggregateError, AggregateCancelledError):
            raise
        except Exception as error:
            if future.status == "error":  # the scheduler gave up: KilledWorker, memory, a missing package
                raise AggregateError(
                    f"The Dask cluster could not finish ({type(error).__name__}): do its workers see the file, "
                    "have enough memory, and run the same versions?"
                ) from error
            raise
        finally:
            if not future.done():
                future.cancel()
            self._client.unsubscribe_topic(self._topic)
        return result


class _ClusterTick:
    """Reports a block from a worker."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def __call__(self, block: int) -> None:
        from distributed import get_worker

        get_worker().log_event(self.topic, int(block))


@contextmanager
def make_executor(scheduler: Any, progress: Progress | None, cancel: Cancel | None) -> Iterator[Executor]:
    """Executor for a scheduler: None or "threads", "synchronous", an address, or a connected Dask client.

    Raises
    ------
    AggregateError
        If the scheduler is none of these or cannot be reached.
    """
    if scheduler in (None, "threads", "synchronous"):
        yield LocalExecutor(scheduler == "synchronous", progress, cancel)
        return
    if not isinstance(scheduler, str):
        yield ClusterExecutor(scheduler, progress, cancel)
        return
    if "://" not in scheduler:
        raise AggregateError(
            f"Unknown scheduler {scheduler!r}: give the address of a Dask scheduler such as tcp://host:8786, or none."
        )
    try:
        from distributed import Client
    except ImportError as error:
        raise AggregateError("A cluster needs the package distributed: pip install 'dask[distributed]'.") from error
    try:
        client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise AggregateError(
            f"No Dask scheduler answers at {scheduler} ({type(error).__name__}): is it running and reachable?"
        ) from error
    try:
        yield ClusterExecutor(client, progress, cancel)
    finally:
        client.close()
