"""HTTP/1.1 with limits on what comes before the body: uvicorn and httptools have none.

A request line of at most 8 KiB (414), at most 100 header lines and 32 KiB of them (431), complete
within 10 s of the connection's or the request's beginning (408).
"""

import asyncio
import http

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_REQUEST_LINE = 8 << 10
LARGEST_HEAD = 32 << 10
MOST_HEADERS = 100
HEAD_SECONDS = 10.0
_AROUND_TARGET = len(" HTTP/1.1") + 1


class _Refused(Exception):
    """Stops the parser; the status to answer stands in the protocol."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which stops listening to a client that goes over a limit."""

    _status = 400
    _head_bytes = 0
    _in_head = True
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_in_head = self._in_head
        super().data_received(data)
        # A header that is still coming has not reached `on_header`, however long it is by now.
        if (
            was_in_head
            and self._in_head
            and self.parser is not None
            and not self.transport.is_closing()
        ):
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_REQUEST_LINE + LARGEST_HEAD:
                self._status = 431
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._header_bytes = 0
        if not self._in_head:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        method = self.parser.get_method()
        if len(method) + len(self.url) + _AROUND_TARGET > LONGEST_REQUEST_LINE:
            self._refuse(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value) + 4
        if len(self.headers) > MOST_HEADERS or self._header_bytes > LARGEST_HEAD:
            self._refuse(431)

    def on_headers_complete(self) -> None:
        self._head_came()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """The refusal that a callback asked for, else uvicorn's own 400."""
        phrase = msg if self._status == 400 else http.HTTPStatus(self._status).phrase
        body = phrase.encode()
        head = [
            f"HTTP/1.1 {self._status} {http.HTTPStatus(self._status).phrase}",
            "content-type: text/plain; charset=utf-8",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        self.transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self.transport.close()

    def _refuse(self, status: int) -> None:
        self._status = status
        raise _Refused

    def _await_head(self) -> None:
        self._in_head = True
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _head_came(self) -> None:
        self._in_head = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self._status = 408
            self.send_400_response("")
