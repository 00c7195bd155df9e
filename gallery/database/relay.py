"""Exchange of events between the servers on one database, by LISTEN and NOTIFY.

An event is only a hint for live updates: answers always come from the database. An event of a
collection is sent within its transaction. Events of the index are gathered, because each message
makes the commits of all servers wait for one another.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from gallery.events import Bus, CollectionChanged, Event, ItemsChanged, Missed
from gallery.values.ids import RootId

logger = logging.getLogger(__name__)

CHANNEL = "gallery"
GATHER_SECONDS = 0.25
"""Seconds between two messages about the index."""
MAX_PAUSE = 30.0
"""Seconds between two tries to connect."""
MAX_PAYLOAD = 7_900
"""In bytes. PostgreSQL accepts less than 8,000."""
NOTIFY = "SELECT pg_notify($1, $2)"

_decode = msgspec.json.Decoder(tuple[str, Event]).decode


class Relay:
    """Pass events between `bus` and the other servers, on connections that `connect` opens.

    `failures` are the exceptions that the driver raises for a lost connection.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Any]],
        failures: tuple[type[Exception], ...],
        bus: Bus,
    ) -> None:
        self._connect = connect
        self._failures = failures
        self._bus = bus
        self._sender = secrets.token_hex(8)
        self._gathered: dict[RootId, set[str] | None] = {}
        self._news = asyncio.Event()

    def payloads(self, events: Sequence[Event]) -> list[str]:
        """Return the payloads to send within the transaction that causes `events`."""
        changes = [event for event in events if isinstance(event, CollectionChanged)]
        return [self._payload(event) for event in dict.fromkeys(changes)]

    def gather(self, events: Sequence[Event]) -> None:
        """Queue the events of the index; `run` sends them soon."""
        for event in events:
            if isinstance(event, ItemsChanged):
                folders = self._gathered.setdefault(event.root_id, set())
                if folders is not None and event.folders is not None:
                    folders.update(event.folders)
                else:
                    self._gathered[event.root_id] = None
                self._news.set()

    def _payload(self, event: Event) -> str:
        text = msgspec.json.encode((self._sender, event))
        if len(text) > MAX_PAYLOAD and isinstance(event, ItemsChanged):
            text = msgspec.json.encode((self._sender, ItemsChanged(event.root_id, None)))
        return text.decode()

    async def run(self) -> None:
        """Receive and send until cancelled. Publish `Missed` after each lost connection."""
        pause = GATHER_SECONDS
        while True:
            try:
                connection = await self._connect()
            except self._failures as error:
                logger.debug("no connection to listen on: %s", error)
                pause = min(pause * 2, MAX_PAUSE)
                await asyncio.sleep(pause)
                continue
            pause = GATHER_SECONDS
            try:
                await self._exchange(connection)
            except self._failures as error:
                logger.warning("the connection to listen on is lost: %s", error)
            finally:
                connection.terminate()
            self._bus.publish(Missed())
            await asyncio.sleep(pause)

    async def _exchange(self, connection: Any) -> None:
        is_lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: is_lost.set())
        await connection.add_listener(CHANNEL, self._receive)
        while not is_lost.is_set():
            lost, news = (asyncio.create_task(e.wait()) for e in (is_lost, self._news))
            try:
                await asyncio.wait({lost, news}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                lost.cancel()
                news.cancel()
            self._news.clear()
            gathered, self._gathered = self._gathered, {}
            for root_id, folders in gathered.items():
                changed = None if folders is None else tuple(sorted(folders))
                payload = self._payload(ItemsChanged(root_id, changed))
                await connection.execute(NOTIFY, CHANNEL, payload)
            await asyncio.sleep(GATHER_SECONDS)

    def _receive(self, _connection: Any, _process: int, _channel: str, payload: str) -> None:
        try:
            sender, event = _decode(payload)
        except msgspec.DecodeError:
            self._bus.publish(Missed())  # perhaps from a newer server
            return
        if sender != self._sender:
            self._bus.publish(event)
