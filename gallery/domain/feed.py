"""The changes that one client may see, while it listens."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from gallery.events import Bus, CollectionChanged, Event, Missed
from gallery.model import Actor

MAX_WAITING = 256
"""Events that wait for a slow client; one `Missed` event replaces them if there would be more."""


class Feed:
    """The events that `actor` may see, from the beginning of the block to its end."""

    def __init__(self, bus: Bus, actor: Actor) -> None:
        self._bus = bus
        self._actor = actor
        self._waiting: deque[Event] = deque()
        self._arrival = asyncio.Event()

    def __enter__(self) -> Self:
        self._stop_listening = self._bus.listen(self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_listening()

    async def next(self) -> Event:
        """Wait for the next event and return it."""
        while not self._waiting:
            self._arrival.clear()
            await self._arrival.wait()
        return self._waiting.popleft()

    def _receive(self, event: Event) -> None:
        if not self._may_see(event) or (self._waiting and self._waiting[-1] == event):
            return
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.clear()
            event = Missed()
        self._waiting.append(event)
        self._arrival.set()

    def _may_see(self, event: Event) -> bool:
        """Return whether the actor may see an event. Only its owner sees a private collection."""
        return (
            not isinstance(event, CollectionChanged)
            or event.is_public
            or event.owner_id == self._actor.id
        )
