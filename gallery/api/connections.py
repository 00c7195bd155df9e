"""The connections of a server: their number, and how long each may make no progress.

Every second each connection is checked by its present state, so that no order of events keeps one
open. A connection without a request under way may wait 10 s for the next head. A connection whose
client takes less than 64 KiB of its answer in 60 s is cut.
"""

import asyncio
import resource
import socket

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gallery.domain.budget import STUCK_SECONDS

MAX_CONNECTIONS = 1_000
MAX_DESCRIPTORS = 8_192
"""Descriptors that the server requests; macOS begins with 256, many systems with 1,024."""
RESERVED_DESCRIPTORS = 200
"""For the database, the watcher, child processes and the command line."""
MIN_CONNECTIONS = 10
HEAD_SECONDS = 10.0
"""Seconds that a head may take, and that a connection may wait for one."""
SEND_SECONDS = 60.0
MIN_TAKEN = 64 << 10
"""Bytes that a client must take in `SEND_SECONDS`, unless fewer are left."""
YOUNG_SECONDS = 1.0
"""A connection that began or was answered this recently is not closed for another one."""


def connection_limit() -> int:
    """Raise the limit of descriptors and return how many connections it allows.

    Each connection may have a file open beside its socket.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, (soft - RESERVED_DESCRIPTORS) // 2))


class Connections(ServerState):
    """The open connections of one server, at most `limit` beside those of the command line."""

    def __init__(self, limit: int = MAX_CONNECTIONS) -> None:
        super().__init__()
        self.limit = limit
        self.head_seconds = HEAD_SECONDS
        self.send_seconds = SEND_SECONDS
        self.young_seconds = YOUNG_SECONDS
        self.stuck_seconds = STUCK_SECONDS

    def admits(self, newcomer: "TimedProtocol") -> bool:
        """Return whether there is a place for a new connection; close another one if necessary.

        The connection that has waited longest for a request is closed. If all have requests under
        way, it is the one whose client has been stuck for the longest time, at least 5 s.
        """
        if len(self.connections) <= self.limit or newcomer.is_local:
            return True
        others = [one for one in self._open() if one is not newcomer and not one.is_local]
        idle = max(others, key=lambda one: one.idle(), default=None)
        if idle is not None and idle.idle() >= self.young_seconds:
            idle.transport.abort()
            return True
        stuck = max(others, key=lambda one: one.stuck(), default=None)
        if stuck is not None and stuck.stuck() >= self.stuck_seconds:
            stuck.cut()
            return True
        return False

    def look(self) -> None:
        """Check every connection. The server calls this about once a second."""
        for one in self.connections:
            assert isinstance(one, TimedProtocol)
            one.look()

    def _open(self) -> list["TimedProtocol"]:
        return [
            one
            for one in self.connections
            if isinstance(one, TimedProtocol) and not one.transport.is_closing()
        ]


class TimedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which measures how long it has made no progress."""

    server_state: Connections
    is_local = False
    """True for a connection over the socket in the data directory."""
    is_in_head = True
    _waiting_since = 0.0
    _stuck: tuple[float, int] | None = None
    """When the client began to take too little, and the bytes that were left then."""

    @property
    def is_under_way(self) -> bool:
        """Return whether a request is not answered completely. The newest is answered last."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        own = transport.get_extra_info("socket")
        self.is_local = own is not None and own.family == socket.AF_UNIX

    def connection_lost(self, exc: Exception | None) -> None:
        if self.scope is not None:
            self.scope.pop("extensions", None)  # which refers to this object
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"gallery": {"connection": self}}
        self._waiting_since = self.loop.time()
        self.is_in_head = True

    def on_headers_complete(self) -> None:
        self.is_in_head = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._waiting_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stuck = None

    def idle(self) -> float:
        """Return the seconds it has waited for a request; below 0 if one is under way."""
        return -1.0 if self.is_under_way else self.loop.time() - self._waiting_since

    def stuck(self) -> float:
        """Return the seconds for which its client has taken too little of an answer."""
        return 0.0 if self._stuck is None else self.loop.time() - self._stuck[0]

    def cut(self) -> None:
        """End the connection at once, without sending the rest of an answer."""
        self.transport.abort()
        if self.cycle is not None:
            self.cycle.disconnected = True  # else uvicorn logs that the answer is not complete

    def is_lost(self) -> bool:
        """Return whether nothing more can be sent."""
        return self.transport.is_closing()

    def look(self) -> None:
        """End the connection if it has made no progress for too long."""
        left = self.transport.get_write_buffer_size()
        if not left:
            self._stuck = None
        elif self._stuck is None or left <= self._stuck[1] - MIN_TAKEN:
            self._stuck = self.loop.time(), left
        if self.stuck() > self.server_state.send_seconds:
            self.cut()
        elif self.idle() > self.server_state.head_seconds and not self.transport.is_closing():
            if self.is_in_head:
                self.refuse_late_head()
            else:
                self.transport.close()

    def refuse_late_head(self) -> None:
        """Answer that the head did not come in time."""
        raise NotImplementedError


def connection_of(scope: Scope) -> TimedProtocol | None:
    """Return the connection of a request; None for a request inside this process."""
    found: TimedProtocol | None = (
        (scope.get("extensions") or {}).get("gallery", {}).get("connection")
    )
    return found
