"""The only way in which tests wait: for a condition, never for time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")
SECONDS = 30.0
"""Much longer than any step takes on a busy machine: only a failing test waits this long."""
_PAUSE = 0.005


@overload
async def eventually(
    condition: Callable[[], Awaitable[T]], what: str = ..., *, seconds: float = ...
) -> T: ...
@overload
async def eventually(condition: Callable[[], T], what: str = ..., *, seconds: float = ...) -> T: ...
async def eventually(
    condition: Callable[[], Any], what: str = "the condition", *, seconds: float = SECONDS
) -> Any:
    """Call `condition`, plain or async, until it returns something true; return that.

    Raises `AssertionError`, which names `what`, if it is not true within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s, last: {found!r}"
        await asyncio.sleep(_PAUSE)


def eventually_in_thread(
    condition: Callable[[], T], what: str = "the condition", *, seconds: float = SECONDS
) -> T:
    """Do what `eventually` does, in a test without an event loop."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s, last: {found!r}"
        time.sleep(_PAUSE)
    return found


async def others_have_run() -> None:
    """Let each task that is ready run once."""
    await asyncio.sleep(0)


async def pause(seconds: float) -> None:
    """Let time pass where time is the input of the test: the moment of a kill, a rate of requests.

    No result may depend on how much has happened during the pause.
    """
    await asyncio.sleep(seconds)
