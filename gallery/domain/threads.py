"""Work in threads that may hang: a disk or network share may never answer."""

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")
Args = TypeVarTuple("Args")

_hanging: set[asyncio.Task[Any]] = set()


async def within(
    seconds: float,
    limiter: CapacityLimiter,
    work: Callable[[*Args], T],
    *args: *Args,
    discard: Callable[[T], object] | None = None,
) -> T:
    """Return the result of `work`, which runs in a thread. Raises `TimeoutError` after `seconds`.

    A thread that hangs keeps its place in the limiter until it ends, also if the caller is
    cancelled. Its late result goes to `discard`, which closes the files that `work` opened.
    """
    call = _Call(lambda: work(*args), discard)
    task = asyncio.create_task(to_thread.run_sync(call.run, limiter=limiter))
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TimeoutError("the disk does not answer")
        task.result()
        return call.take()
    finally:
        call.leave()
        if not task.done() and not call.has_begun:
            task.cancel()
        elif not task.done():
            _hanging.add(task)
            task.add_done_callback(_forget)


class _Call(Generic[T]):
    """One call in a thread. Its result is either taken or discarded."""

    def __init__(self, work: Callable[[], T], discard: Callable[[T], object] | None) -> None:
        self.has_begun = False
        self._work = work
        self._discard = discard
        self._results: list[T] = []
        self._is_left = False
        self._lock = Lock()

    def run(self) -> None:
        """Do the work, in the thread."""
        self.has_begun = True
        result = self._work()
        with self._lock:
            self._results.append(result)
            if self._is_left:
                self._discard_results()

    def take(self) -> T:
        """Return the result of a call that has ended."""
        with self._lock:
            return self._results.pop()

    def leave(self) -> None:
        """Discard the result, now or when it arrives: the caller does not wait any more."""
        with self._lock:
            self._is_left = True
            self._discard_results()

    def _discard_results(self) -> None:
        while self._results:
            result = self._results.pop()
            if self._discard is not None:
                self._discard(result)


def _forget(task: asyncio.Task[Any]) -> None:
    _hanging.discard(task)
    if not task.cancelled():
        task.exception()  # mark it as retrieved: its caller has left
