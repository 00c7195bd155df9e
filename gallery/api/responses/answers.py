"""Large bodies: made within a budget, once for all concurrent requests, and sent in parts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from gallery.api.connections import TimedProtocol, connection_of
from gallery.api.responses.streams import LARGE, InParts
from gallery.domain.budget import Budget, Share

T = TypeVar("T")

MAX_BYTES = 256 << 20
"""Bytes of all large answers that are being made or sent."""
ROW_BYTES = 2_500
"""Memory of a row of a list while it is made: as a row, as a struct and as JSON."""
REFUSAL = "Too many large answers are under way"


class MadeAnswer(Generic[T]):
    """A body, `about` it, and the function that ends its use."""

    def __init__(self, body: bytes, about: T, close: Callable[[], None] = lambda: None) -> None:
        self.body = body
        self.about = about
        self.close = close

    def response(
        self, headers: Mapping[str, str], media_type: str = "application/json"
    ) -> Response:
        """Return the answer; it is closed once it is sent."""
        if len(self.body) > LARGE:
            return InParts(self.body, 200, headers, media_type, self.close)
        self.close()
        return Response(self.body, 200, headers, media_type)


class Answers:
    """The large bodies that are being made or sent, each once, in at most `budget` bytes."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._jobs: dict[bytes, _Job] = {}

    async def get(
        self,
        request: Request,
        key: bytes,
        cost: int,
        make: Callable[[], Awaitable[tuple[bytes, T]]],
    ) -> MadeAnswer[T]:
        """Return the result of `make`, shared with other requests that have the same key.

        The budget gives `cost` bytes while the body is made, and its length while it is sent. A
        small body never waits. Raises what `make` raises, and `Unavailable` if there is no room.
        """
        if cost <= LARGE:
            body, about = await make()
            return MadeAnswer(body, about)
        job = self._jobs.get(key)
        if job is None:
            job = self._jobs[key] = _Job()
            job.task = asyncio.create_task(self._run(job, cost, make))
            job.task.add_done_callback(_retrieve)
        connection = connection_of(request.scope)
        job.users.append(connection)

        def leave() -> None:
            job.users.remove(connection)
            if not job.users:
                if self._jobs.get(key) is job:
                    del self._jobs[key]
                job.end()

        try:
            body, about = await asyncio.shield(job.task)
        except BaseException:
            leave()
            raise
        return MadeAnswer(body, about, leave)

    async def _run(
        self, job: "_Job", cost: int, make: Callable[[], Awaitable[tuple[bytes, T]]]
    ) -> tuple[bytes, T]:
        job.share = await self._budget.take(cost, job)
        body, about = await make()
        job.share.resize(len(body) if len(body) > LARGE else 0)
        return body, about


class _Job:
    """A body that is being made or sent; it is stuck if all its clients are stuck."""

    def __init__(self) -> None:
        self.users: list[TimedProtocol | None] = []
        self.share: Share | None = None
        self.task: asyncio.Task[tuple[bytes, Any]]

    def stuck(self) -> float:
        return min((0.0 if user is None else user.stuck() for user in self.users), default=0.0)

    def cut(self) -> None:
        for user in self.users:
            if user is not None:
                user.cut()

    def end(self) -> None:
        """Cancel the work, and return its share to the budget."""
        self.task.cancel()
        if self.share is not None:
            self.share.give_back()


def _retrieve(task: asyncio.Task[tuple[bytes, Any]]) -> None:
    if not task.cancelled():
        task.exception()  # else asyncio warns if no request waits for it any more
