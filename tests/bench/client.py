"""A keep-alive HTTP client that does next to nothing, the same for both sides.

What a client costs is added to both sides and pulls every ratio towards 1. A comfortable one takes
longer than the server needs for a 304; this one writes prepared bytes and cuts the answer in two.
"""

import re
import socket
from typing import NamedTuple, Self

import msgspec

HOST = "127.0.0.1"
SECONDS = 60.0
"""How long an answer may take before the run fails."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNK = 1 << 18


class Request(NamedTuple):
    """A request, whoever sends it; `etag` is what the client has already (If-None-Match)."""

    method: str
    path: str
    body: bytes = b""
    etag: str | None = None

    @classmethod
    def with_json(cls, method: str, path: str, content: object) -> Self:
        return cls(method, path, msgspec.json.encode(content))

    def headers(self) -> dict[str, str]:
        given = {"If-None-Match": self.etag, "Content-Type": self.body and "application/json"}
        return {name: value for name, value in given.items() if value}

    def encoded(self) -> bytes:
        """What goes over the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {HOST}"]
        lines += [f"{name}: {value}" for name, value in self.headers().items()]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Answer(NamedTuple):
    """An answer, taken apart only as far as its end has to be known."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """The value of a header that must be there."""
        found = re.search(rf"\r\n{name}: *([^\r]*)".encode(), self.head, re.IGNORECASE)
        assert found, f"no {name} in {self.head!r}"
        return found[1].decode()

    def json(self) -> object:
        return msgspec.json.decode(self.body)


class Connection:
    """One connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()

    def exchange(self, request: bytes) -> Answer:
        """Sends an encoded request and reads its answer: this is what is timed."""
        self._socket.sendall(request)
        received = self._more()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = received[: end + 2]
        length = _LENGTH.search(head)
        whole = end + 4 + (int(length[1]) if length else 0)
        parts, size = [received[end + 4 :]], len(received)
        while size < whole:
            parts.append(self._more())
            size += len(parts[-1])
        return Answer(int(head[9:12]), head, b"".join(parts))

    def ask(self, request: Request, expected: int = 200) -> Answer:
        """An exchange that must have the expected status."""
        answer = self.exchange(request.encoded())
        assert answer.status == expected, (answer.status, answer.body[:300])
        return answer

    def _more(self) -> bytes:
        part = self._socket.recv(_CHUNK)
        if not part:
            raise ConnectionError("The server closed the connection")
        return part
