"""Events, which are published after the transaction was committed."""

import logging
from collections.abc import Callable

import msgspec

from gallery.values.ids import AccountId, CollectionId, RootId

logger = logging.getLogger(__name__)


class CollectionChanged(msgspec.Struct, frozen=True, tag="collection"):
    """A collection was made, changed or deleted; `is_public` if others could or can see it."""

    collection_id: CollectionId
    owner_id: AccountId
    is_public: bool


class ItemsChanged(msgspec.Struct, frozen=True, tag="items"):
    """Items directly inside these folders of a root changed; None stands for many folders."""

    root_id: RootId
    folders: tuple[str, ...] | None


class RootChanged(msgspec.Struct, frozen=True, tag="library"):
    """A scan of a root began or ended, or the root went offline or came back."""

    root_id: RootId


class Missed(msgspec.Struct, frozen=True, tag="resync"):
    """The listener did not receive some events."""


Event = CollectionChanged | ItemsChanged | RootChanged | Missed


class Bus:
    """Passes each event to every listener, in order. A listener must not block."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with every event from now on; return a function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, event: Event) -> None:
        """Pass the event to every listener. An error of a listener is only logged."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                logger.exception("a listener failed on %r", event)
