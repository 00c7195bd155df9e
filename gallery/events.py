"""What happened, told after it was committed."""

import logging
from collections.abc import Callable

import msgspec

from gallery.values.ids import AccountId, CollectionId, RootId

logger = logging.getLogger(__name__)


class CollectionChanged(msgspec.Struct, frozen=True, tag="collection"):
    """A person made, changed or deleted a collection; `is_public` if others could or can see it."""

    collection_id: CollectionId
    owner_id: AccountId
    is_public: bool


class ItemsChanged(msgspec.Struct, frozen=True, tag="items"):
    """The index of a root learned something about files of these folders; None: of many."""

    root_id: RootId
    folders: tuple[str, ...] | None


class RootChanged(msgspec.Struct, frozen=True, tag="library"):
    """A scan of a root began or ended, or the root went offline or came back."""

    root_id: RootId


class Missed(msgspec.Struct, frozen=True, tag="resync"):
    """There were changes that nobody was told of."""


Event = CollectionChanged | ItemsChanged | RootChanged | Missed


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
