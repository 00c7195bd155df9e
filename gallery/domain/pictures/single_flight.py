"""Work that several callers wait for and that is done once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from gallery.errors import Unavailable

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Results by key. At most `concurrency` are made at once, and at most `most` are not ready.

    A caller that is cancelled does not cancel the work for the others. Work is dropped if it has
    not begun and its last caller leaves; work that has begun is finished.
    """

    def __init__(self, concurrency: int, most: int, refusal: str) -> None:
        self._hands = asyncio.Semaphore(concurrency)
        self._most = most
        self._refusal = refusal
        self._jobs: dict[K, _Job[T]] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    async def get(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, or of the work that is already under way for this key.

        Raises what the work raises, and `Unavailable` with the `refusal` if `most` keys are
        waiting.
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
        """Wait until all work is done."""
        await self._idle.wait()

    async def _run(self, job: "_Job[T]", work: Callable[[], Awaitable[T]]) -> T:
        async with self._hands:
            job.has_begun = True
            return await work()

    def _done(self, key: K, job: "_Job[T]", task: asyncio.Task[T]) -> None:
        self._forget(key, job)
        if not task.cancelled():
            task.exception()  # mark it as retrieved: there may be no caller left

    def _forget(self, key: K, job: "_Job[T]") -> None:
        if self._jobs.get(key) is job:
            del self._jobs[key]
        if not self._jobs:
            self._idle.set()


class _Job(Generic[T]):
    """The work for one key, and how many callers wait for it."""

    def __init__(self) -> None:
        self.waiting = 0
        self.has_begun = False
        self.task: asyncio.Task[T]
