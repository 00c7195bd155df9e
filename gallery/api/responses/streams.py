"""Answers that are sent in parts, so that a slow client takes the memory of one part."""

import logging
from collections.abc import AsyncGenerator, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from gallery.api.connections import connection_of
from gallery.disk.originals import Replaced
from gallery.errors import printable

logger = logging.getLogger(__name__)

LARGE = 256 << 10
"""Bytes. A larger answer is sent in parts of this size."""


class InParts(Response):
    """A body in memory, sent in parts; `close` is called in every case.

    The parts are views, so the body exists once, however many clients it is sent to.
    """

    def __init__(
        self,
        body: bytes,
        status: int,
        headers: Mapping[str, str] | None,
        media_type: str,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(body, status, headers, media_type)
        self.close = close

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            await send(_start(self))
            whole = memoryview(self.body)
            for at in range(0, len(whole), LARGE):
                more = at + LARGE < len(whole)
                part = whole[at : at + LARGE]
                await send({"type": "http.response.body", "body": part, "more_body": more})
        finally:
            self.close()


class Streamed(Response):
    """Sends `parts`, and calls `close` in every case; the `headers` contain the length.

    It ends when the client leaves. If a file changes meanwhile or cannot be read, the connection
    is cut. So the client notices that bytes are missing, and never gets parts of two versions.
    """

    def __init__(
        self,
        parts: AsyncGenerator[bytes],
        close: Callable[[], None],
        status: int,
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        super().__init__(None, status, headers, media_type)
        self._parts = parts
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        try:
            await send(_start(self))
            async for part in self._parts:
                if connection is not None and connection.is_lost():
                    await _disconnected(receive)
                    return
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except (Replaced, OSError) as error:
            path = printable(scope["path"])
            if isinstance(error, Replaced):
                logger.warning("%s was changed while it was sent", path)
            else:
                logger.warning("%s cannot be read: %s", path, error)
            if connection is not None:
                connection.cut()
                await _disconnected(receive)
        finally:
            try:
                await self._parts.aclose()
            finally:
                self._close()


class Endless(StreamingResponse):
    """Sends `parts` until the client leaves, and calls `close` in every case."""

    def __init__(
        self, parts: AsyncGenerator[bytes], close: Callable[[], None], headers: Mapping[str, str]
    ) -> None:
        super().__init__(parts, headers=headers, media_type="text/event-stream")
        self._parts = parts
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            try:
                await self._parts.aclose()
            finally:
                self._close()


def _start(response: Response) -> Message:
    return {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": response.raw_headers,
    }


async def left(request: Request) -> None:
    """Wait until the client has left."""
    await _disconnected(request.receive)


async def _disconnected(receive: Receive) -> None:
    """Wait until the server notices that the connection is lost: then an answer may end early."""
    while (await receive())["type"] != "http.disconnect":
        pass
