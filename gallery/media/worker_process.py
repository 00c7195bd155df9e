"""One worker process and its connection, on the side of the server."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from gallery.config import worker_environment
from gallery.media.jobs import LENGTH_BYTES, Request, framed

T = TypeVar("T")

_MAIN = "from gallery.media.child import main; main()"
_PART_BYTES = 1 << 18
_BUFFER_BYTES = 1 << 20


class WorkerFailed(Exception):
    """The process died, exceeded its time, or sent an invalid answer."""


class WorkerProcess:
    """A worker process. It ends with the thread that started it. `kill` it after any failure."""

    def __init__(self) -> None:
        """Start the process. Raises `OSError` if the system refuses."""
        self.idle_since = 0.0
        self._received = bytearray()
        self._connection, theirs = socket.socketpair()
        with theirs:
            try:
                self._connection.setblocking(False)
                for end in (self._connection, theirs):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
                self._process = _started(theirs.fileno())
            except BaseException:
                self._connection.close()
                raise

    @property
    def id(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process at once. `receive` then raises `WorkerFailed`."""
        self._process.kill()

    def reap(self) -> None:
        """Wait until the killed process has ended. It blocks."""
        self._process.wait()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def send(self, request: Request, files: Sequence[int], seconds: float) -> None:
        """Send a request with descriptors. Raises `WorkerFailed` if that exceeds `seconds`."""
        message = framed(request)
        try:
            sent = socket.send_fds(self._connection, [message], files)
            if sent < len(message):
                rest = memoryview(message)[sent:]
                async with asyncio.timeout(seconds):
                    await asyncio.get_running_loop().sock_sendall(self._connection, rest)
        except TimeoutError:
            raise WorkerFailed(f"took longer than {seconds:.0f} s") from None
        except OSError as error:
            raise WorkerFailed(f"accepts no request: {error.strerror}") from error

    async def receive(self, decoder: msgspec.msgpack.Decoder[T], most: int, seconds: float) -> T:
        """Return the next message, of at most `most` bytes.

        Raises `WorkerFailed` if none arrives within `seconds`, or if it is invalid.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._fill(LENGTH_BYTES)
                length = int.from_bytes(self._received[:LENGTH_BYTES])
                if length > most:
                    raise WorkerFailed(f"answered with {length:,} bytes")
                end = LENGTH_BYTES + length
                await self._fill(end)
            with memoryview(self._received) as received, received[LENGTH_BYTES:end] as content:
                message = decoder.decode(content)
        except TimeoutError:
            raise WorkerFailed(f"took longer than {seconds:.0f} s") from None
        except msgspec.MsgspecError as error:
            raise WorkerFailed(f"sent an invalid answer: {error}") from error
        except OSError as error:
            raise WorkerFailed("died") from error
        del self._received[:end]
        return message

    async def _fill(self, count: int) -> None:
        """Wait until `count` bytes have been received."""
        loop = asyncio.get_running_loop()
        while len(self._received) < count:
            part = await loop.sock_recv(self._connection, _PART_BYTES)
            if not part:
                raise WorkerFailed("died")
            self._received += part


def _started(connection: int) -> subprocess.Popen[bytes]:
    """Start a worker. `-P` keeps the current directory, maybe the library, out of `sys.path`."""
    return subprocess.Popen(  # noqa: S603  (our own program)
        [sys.executable, "-P", "-c", _MAIN, str(connection), str(os.getpid())],
        pass_fds=[connection],
        env=worker_environment(),
        start_new_session=True,  # Ctrl-C must reach the server only
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
