"""What happened, told after it was committed."""

import logging
from collections.abc import Callable

import msgspec

logger = logging.getLogger(__name__)


class CollectionChanged(msgspec.Struct, frozen=True):
    """A person made, changed or deleted a collection."""

    collection_id: int
    owner_id: int


class ItemsChanged(msgspec.Struct, frozen=True):
    """The index of a root learned something about its files."""

    root_id: int


Event = CollectionChanged | ItemsChanged


class Bus:
    """Hands each event to every listener, in order. A listener must not wait."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """From now on `listener` is told of every event; what comes back ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, event: Event) -> None:
        """Tells all. The event has happened already, so a listener's failure is only logged."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                logger.exception("a listener failed on %r", event)
