"""The calibrator: the cost of the same stack without Starlette, a database or rules.

It is a bare ASGI app on uvicorn, httptools and uvloop, as our server is. `PUT` stores bytes at a
path and `GET` sends them. Any `If-None-Match` is answered with a bare 304. The body of a `POST` is
decoded as `{"paths": [...]}` and encoded again. It sends the same headers as our server, because
the client needs time to read them. Run as `python -m tests.bench.calibrator`.
"""

import socket

import click
import msgspec
import uvicorn
from starlette.types import Receive, Scope, Send

from gallery.server import HEADERS
from tests.bench.client import HOST

_STATE = [(b"etag", b'"1-0"'), (b"cache-control", b"private, no-cache")]


class Paths(msgspec.Struct):
    """The body of a lookup of memberships."""

    paths: list[str]


class Calibrator:
    """The app. It receives requests for the same addresses as our server."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, bytes], bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = (scope["path"], scope["query_string"])
        if scope["method"] == "POST":
            await _send(send, 200, _echo(await _body(receive)))
        elif scope["method"] == "PUT":
            self._bodies[address] = await _body(receive)
            await _send(send, 200, b"")
        elif any(name == b"if-none-match" for name, _value in scope["headers"]):
            await send({"type": "http.response.start", "status": 304, "headers": _STATE})
            await send({"type": "http.response.body"})
        else:
            await _send(send, 200, self._bodies[address])


def _echo(body: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(body, type=Paths))


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-length", b"%d" % len(body)),
        (b"content-type", b"application/json"),
        *_STATE,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve on a free port, printed as our server prints it, until SIGTERM."""
    config = uvicorn.Config(
        Calibrator(),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        headers=HEADERS,
    )
    with socket.create_server((HOST, 0)) as listening:
        click.echo(f"Serving http://{HOST}:{listening.getsockname()[1]}")
        uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main()
