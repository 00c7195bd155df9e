"""Answers of a known length that are made while they are sent."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gallery.disk.originals import Replaced

logger = logging.getLogger(__name__)

SEND_SECONDS = 60.0
"""So long a client may take for the next part; one that reads nothing must not hold it for ever."""


class Streamed(Response):
    """Sends `parts` and calls `close` whatever happens; the `headers` tell the length.

    It ends when the client leaves, or reads nothing for a minute. If a file changes meanwhile, the
    connection is cut: the client sees that something is missing, and never gets half of one version
    and half of another.
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
        leaving = asyncio.ensure_future(left(receive))
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            async for part in self._parts:
                if leaving.done():
                    return
                async with asyncio.timeout(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except Replaced:
            logger.warning("%s was changed while it was sent", scope["path"])
        except TimeoutError:
            logger.info("%s was not read by the client", scope["path"])
        finally:
            try:
                leaving.cancel()
                await self._parts.aclose()
            finally:
                self._close()


async def left(receive: Receive) -> None:
    """Waits until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
