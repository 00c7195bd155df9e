"""Tells other servers on the same database what happens here, and hears what happens there.

A hint for those who watch, and nothing else: whatever is answered is asked of the database. What
people do goes with its transaction; what the index learns is gathered, because each message makes
the commits of all servers wait for one another.
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
MAX_PAUSE = 30.0
MAX_PAYLOAD = 7_900
"""In bytes; PostgreSQL takes less than 8,000."""
NOTIFY = "SELECT pg_notify($1, $2)"

_decode = msgspec.json.Decoder(tuple[str, Event]).decode


class Relay:
    """Between `bus` and the other servers, through connections that `connect` opens.

    `failures` is what the driver raises when one is lost.
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
        """What to notify within the transaction that leads to `events`."""
        people = [event for event in events if isinstance(event, CollectionChanged)]
        return [self._payload(event) for event in dict.fromkeys(people)]

    def gather(self, events: Sequence[Event]) -> None:
        """What the index has learned is told soon."""
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
        """Listens and tells, for ever. While a lost connection is opened anew, some is missed."""
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
                await self._attend(connection)
            except self._failures as error:
                logger.warning("the connection to listen on is lost: %s", error)
            finally:
                connection.terminate()
            self._bus.publish(Missed())
            await asyncio.sleep(pause)

    async def _attend(self, connection: Any) -> None:
        is_lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: is_lost.set())
        await connection.add_listener(CHANNEL, self._hear)
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
                told = None if folders is None else tuple(sorted(folders))
                payload = self._payload(ItemsChanged(root_id, told))
                await connection.execute(NOTIFY, CHANNEL, payload)
            await asyncio.sleep(GATHER_SECONDS)

    def _hear(self, _connection: Any, _process: int, _channel: str, payload: str) -> None:
        try:
            sender, event = _decode(payload)
        except msgspec.DecodeError:
            self._bus.publish(Missed())  # of a newer server, perhaps
            return
        if sender != self._sender:
            self._bus.publish(event)
