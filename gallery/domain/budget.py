"""A limited amount that requests share: bytes of memory, or places."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from gallery.errors import Unavailable

WAIT_SECONDS = 10.0
"""How long a request waits for its share before it is refused."""
STUCK_SECONDS = 5.0
"""A client that has received nothing for this long loses its share if another request waits."""
LOOK_SECONDS = 0.5


class Holder(Protocol):
    """The user of a share, as the budget sees it."""

    def stuck(self) -> float:
        """Return for how many seconds the client has received nothing."""
        ...

    def cut(self) -> None:
        """End the answer, so that the share is returned."""
        ...


class Budget:
    """An amount of at most `size`, shared in the order of the requests."""

    def __init__(self, size: int, refusal: str) -> None:
        self.size = size
        self.used = 0
        self.holders: dict[Share, Holder] = {}
        self._refusal = refusal
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, amount: int, holder: Holder | None = None) -> "Share":
        """Return a share of `amount`, which the caller must give back.

        An amount above `size` counts as `size`. Raises `Unavailable` if it is not free within 10 s.
        While a request waits, the holder that is stuck for the longest time, and for at least 5 s,
        is cut.
        """
        share = Share(self)
        await share.grow(amount)
        if holder is not None:
            self.holders[share] = holder
        return share

    async def acquire(self, amount: int) -> None:
        """Wait until `amount` is free, and count it as used."""
        if not self._waiting and self.used + amount <= self.size:
            self.used += amount
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        place = (amount, turn)
        self._waiting.append(place)
        deadline = loop.time() + WAIT_SECONDS
        try:
            while not turn.done() and loop.time() < deadline:
                self._cut_one()
                await asyncio.wait({turn}, timeout=LOOK_SECONDS)
        except asyncio.CancelledError:
            if turn.done():
                self.release(amount)
            raise
        finally:
            if not turn.done():
                self._waiting.remove(place)
                self.release(0)  # the next request may need less
        if not turn.done():
            raise Unavailable(self._refusal)

    def release(self, amount: int) -> None:
        """Count `amount` as free, and serve the requests that wait for it."""
        self.used -= amount
        while self._waiting:
            more, turn = self._waiting[0]
            if self.used + more > self.size:
                break
            self._waiting.popleft()
            self.used += more
            turn.set_result(None)

    def _cut_one(self) -> None:
        stuck = max(self.holders.values(), key=lambda holder: holder.stuck(), default=None)
        if stuck is not None and stuck.stuck() >= STUCK_SECONDS:
            stuck.cut()


class Share:
    """The part of a budget that one request holds until the end of the block."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.amount = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give_back()

    async def grow(self, amount: int) -> None:
        """Hold at least `amount`. Raises as `Budget.take`; the share then stays as it was."""
        more = min(amount, self._budget.size) - self.amount
        if more > 0:
            await self._budget.acquire(more)
            self.amount += more

    def resize(self, amount: int) -> None:
        """Hold `amount` from now on, without waiting: the memory is already in use."""
        released, self.amount = self.amount - amount, amount
        self._budget.release(released)

    def give_back(self) -> None:
        """Release the whole share. A second call does nothing."""
        self._budget.holders.pop(self, None)
        self.resize(0)
