"""What one listener is told of changes, while it listens."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from gallery.events import Bus, CollectionChanged, Event, Missed
from gallery.model import Actor

MAX_WAITING = 256
"""Events that wait for a slow listener; it is told to look at everything anew in place of more."""


class Feed:
    """The events that `actor` may know of, from the beginning of the block to its end."""

    def __init__(self, bus: Bus, actor: Actor) -> None:
        self._bus = bus
        self._actor = actor
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()

    def __enter__(self) -> Self:
        self._forget = self._bus.listen(self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._forget()

    async def next(self) -> Event:
        """The next event, as soon as there is one."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    def _hear(self, event: Event) -> None:
        if not self._may_know(event) or (self._waiting and self._waiting[-1] == event):
            return
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.clear()
            event = Missed()
        self._waiting.append(event)
        self._news.set()

    def _may_know(self, event: Event) -> bool:
        """Of a private collection nobody but its owner learns anything."""
        return (
            not isinstance(event, CollectionChanged)
            or event.is_public
            or event.owner_id == self._actor.id
        )
