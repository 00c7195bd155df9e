"""Work in threads that may hang: a disk or a network share may keep a thread for good."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")
Args = TypeVarTuple("Args")

_hanging: set[asyncio.Task[Any]] = set()


async def within(
    seconds: float, limiter: CapacityLimiter, work: Callable[[*Args], T], *args: *Args
) -> T:
    """Return what `work` gives in a thread. Raises `TimeoutError` after `seconds`.

    A thread that hangs goes on, and keeps its place in the limiter until it ends; also if the
    caller is cancelled.
    """
    has_begun = False

    def begin() -> T:
        nonlocal has_begun
        has_begun = True
        return work(*args)

    task = asyncio.create_task(to_thread.run_sync(begin, limiter=limiter))
    try:
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
        raise TimeoutError("the disk does not answer")
    finally:
        if not task.done() and not has_begun:
            task.cancel()
        elif not task.done():
            _hanging.add(task)
            task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _hanging.discard(task)
    if not task.cancelled():
        task.exception()  # its caller has left
