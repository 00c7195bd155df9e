"""HTTP/1.1 with limits on the head of a request: uvicorn and httptools have none.

A request line has at most 8 KiB (414). Headers have at most 100 lines and 32 KiB (431). The head
is complete within 10 s of the beginning of the connection or request (408). At most 20 requests
wait for the answer to an earlier one (429). The number of connections is limited (503).
"""

import asyncio
import http
from collections.abc import Iterator

from gallery.api.connections import TimedProtocol

MAX_REQUEST_LINE = 8 << 10
MAX_HEAD = 32 << 10
MAX_HEADERS = 100
MAX_PIPELINED = 20
_AROUND_TARGET = len(" HTTP/1.1") + 1
_VERSIONS = ("1.0", "1.1")
_MORE = {503: ("Retry-After: 2",)}


class _Refused(Exception):
    """Stops the parser; the protocol holds the status of the answer."""


class LimitedProtocol(TimedProtocol):
    """uvicorn's protocol, which stops reading from a client that exceeds a limit."""

    _status = 400
    _head_bytes = 0
    _refusal: bytes | None = None
    """The answer to send after those under way; once it is set, nothing more is read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if not self.server_state.admits(self):
            self._status = 503
            self.send_400_response("")

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        was_in_head = self.is_in_head
        super().data_received(data)
        # An incomplete header has not reached `on_header` yet, however long it is.
        if (
            was_in_head
            and self.is_in_head
            and self._refusal is None
            and self.parser is not None
            and not self.transport.is_closing()
        ):
            self._head_bytes += len(data)
            if self._head_bytes > MAX_REQUEST_LINE + MAX_HEAD:
                self._status = 431
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        method = self.parser.get_method()
        if len(method) + len(self.url) + _AROUND_TARGET > MAX_REQUEST_LINE:
            self._refuse(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value) + 4
        if len(self.headers) > MAX_HEADERS or self._header_bytes > MAX_HEAD:
            self._refuse(431)

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() not in _VERSIONS:
            self._refuse(400)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(429)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refusal is not None and not self.is_under_way:
            self._end(self._refusal)

    def send_400_response(self, msg: str) -> None:
        """Send the refusal that a callback requested, else uvicorn's own 400, and close.

        Answers under way are completed first. If the body of a request is refused after its answer
        has begun, the connection is cut, because no other answer can be sent.
        """
        refusal = "\r\n".join(self._head_and_body(msg)).encode()
        if not self.is_under_way:
            self._end(refusal)
        elif not self.cycle.more_body:
            self._refusal = refusal
            self.flow.pause_reading()
        elif self.cycle.response_started or self.pipeline:
            self.cut()
        else:
            self._end(refusal)

    def refuse_late_head(self) -> None:
        """Answer that the head did not come in time."""
        self._status = 408
        self.send_400_response("")

    def _head_and_body(self, msg: str) -> Iterator[str]:
        phrase = http.HTTPStatus(self._status).phrase
        body = msg if self._status == 400 else phrase
        yield f"HTTP/1.1 {self._status} {phrase}"
        for name, value in self.server_state.default_headers:
            yield f"{name.decode()}: {value.decode()}"
        yield from _MORE.get(self._status, ())
        yield "content-type: text/plain; charset=utf-8"
        yield f"content-length: {len(body)}"
        yield "connection: close"
        yield ""
        yield body

    def _end(self, last: bytes) -> None:
        self.transport.write(last)
        self.transport.close()

    def _refuse(self, status: int) -> None:
        self._status = status
        raise _Refused
