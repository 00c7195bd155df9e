"""Decoders run in child processes that can be killed: a bomb costs a worker, not the server."""

import asyncio
import os
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TypeVar, TypeVarTuple

import anyio
from anyio import to_process

T = TypeVar("T")
Args = TypeVarTuple("Args")

MEMORY = 2 << 30
"""Bytes of address space a worker may have."""


TRIES = 2
"""Children that may turn out to be dead before a new one has to live."""


class WorkerFailed(Exception):
    """The child died, or took longer than it was given and was killed."""


async def run(
    seconds: float,
    work: Callable[[*Args], T],
    *args: *Args,
    limiter: anyio.CapacityLimiter | None = None,
) -> T:
    """`work(*args)` in a child process, for at most `seconds`; else `WorkerFailed`.

    How many children are at work at a time says `limiter`, else there is one for each processor.

    `work` is a function of a module, and everything that goes in or out can be pickled. That no
    child can be begun is another matter: `BrokenWorkerProcess` or `OSError`.
    """
    await _ended(asyncio.ensure_future(_begin(limiter)), cancels=False)
    return await _ended(asyncio.ensure_future(_call(seconds, work, args, limiter)), cancels=True)


async def _begin(limiter: anyio.CapacityLimiter | None) -> None:
    """Sees to it that there is a child. One that was idle may have been killed by somebody."""
    for _ in range(TRIES):
        with suppress(anyio.BrokenWorkerProcess):
            return await to_process.run_sync(_confine, limiter=limiter)
    return await to_process.run_sync(_confine, limiter=limiter)


async def _call(
    seconds: float,
    work: Callable[..., T],
    args: tuple[object, ...],
    limiter: anyio.CapacityLimiter | None,
) -> T:
    try:
        with anyio.fail_after(seconds):
            return await to_process.run_sync(
                _confined, work, args, cancellable=True, limiter=limiter
            )
    except (TimeoutError, anyio.BrokenWorkerProcess) as error:
        raise WorkerFailed(type(error).__name__) from error


async def _ended(task: asyncio.Future[T], *, cancels: bool) -> T:
    """What a task gives. Whoever is cancelled meanwhile leaves when it has ended, not before.

    Whether that `cancels` the task, too: anyio forgets a child that is just beginning, and one that
    is being killed when somebody cancels a second time.
    """
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if cancels:
            task.cancel()
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # nobody else asks for it
        raise


def _confined(work: Callable[..., T], args: tuple[object, ...]) -> T:
    _confine()
    return work(*args)


@cache
def _confine() -> None:
    """Once a child: a bound on its memory, and people's requests go first.

    What a decoder has to say goes nowhere: anyio reads none of it, and a full pipe would stop it.
    """
    os.dup2(sys.stdout.fileno(), 2)  # which goes nowhere here
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(10)
