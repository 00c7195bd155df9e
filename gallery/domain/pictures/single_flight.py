"""Work that several wait for, done once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from gallery.errors import Unavailable

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Results by key, worked out so many `hands` at a time, while at most `most` are not ready.

    Whoever leaves stops waiting, not the others. What nobody waits for any more is not begun; what
    has begun goes on.
    """

    def __init__(self, hands: int, most: int, refusal: str) -> None:
        self._hands = asyncio.Semaphore(hands)
        self._most = most
        self._refusal = refusal
        self._jobs: dict[K, _Job[T]] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    async def get(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work`, or of that which is under way for this key already.

        Raises what it raises, and `Unavailable` with the `refusal` if there are too many.
        """
        job = self._jobs.get(key)
        if job is None:
            if len(self._jobs) >= self._most:
                raise Unavailable(self._refusal)
            job = self._jobs[key] = _Job()
            self._idle.clear()
            job.task = asyncio.create_task(self._run(job, work))
            job.task.add_done_callback(lambda task: self._done(key, job, task))
        job.waiting += 1
        try:
            return await asyncio.shield(job.task)
        finally:
            job.waiting -= 1
            if not job.waiting and not job.has_begun:
                self._forget(key, job)
                job.task.cancel()

    async def rest(self) -> None:
        """Waits until nobody waits for anything."""
        await self._idle.wait()

    async def _run(self, job: "_Job[T]", work: Callable[[], Awaitable[T]]) -> T:
        async with self._hands:
            job.has_begun = True
            return await work()

    def _done(self, key: K, job: "_Job[T]", task: asyncio.Task[T]) -> None:
        self._forget(key, job)
        if not task.cancelled():
            task.exception()  # perhaps nobody waits for it any more

    def _forget(self, key: K, job: "_Job[T]") -> None:
        if self._jobs.get(key) is job:
            del self._jobs[key]
        if not self._jobs:
            self._idle.set()


class _Job(Generic[T]):
    """What is to be done, and how many wait for it."""

    def __init__(self) -> None:
        self.waiting = 0
        self.has_begun = False
        self.task: asyncio.Task[T]
