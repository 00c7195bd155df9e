"""The server: uvicorn on a TCP port, and on a socket in the data directory for commands."""

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp

from gallery.api.connections import Connections, connection_limit
from gallery.api.protocol import LimitedProtocol
from gallery.app import create_app, running, started
from gallery.config import Settings
from gallery.domain.sync.library import Library
from gallery.errors import StartRefused
from gallery.model import INDEXING
from gallery.process import data_directory
from gallery.process.progress import Steps
from gallery.process.stopping import EXIT_SECONDS, exit_in

logger = logging.getLogger(__name__)

T = TypeVar("T")

SOCKET = "gallery.sock"
SWITCH_SECONDS = 0.001
"""Seconds after which a busy thread gives way to the event loop."""
PROGRESS_SECONDS = 0.5
STOP_SECONDS = 5
"""Seconds that requests under way may take once the server stops."""

_NO_WRITES = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)
"""Errors of a data directory that takes no new files."""

HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
]
"""Headers of every answer, also of those that uvicorn makes."""


def serve(settings: Settings, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Call `tell` with the library that is served, and with the address once the server answers.
    Raises `StartRefused` if it cannot start.
    """
    settings.check_exposure()
    sys.setswitchinterval(SWITCH_SECONDS)
    data = data_directory.make(settings)
    tell(data_directory.describe(settings, data))
    run(_serve(settings, data, tell))


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine like `asyncio.run`, on uvloop if it is installed."""
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        return runner.run(main)


async def _serve(settings: Settings, data: Path, tell: Callable[[str], None]) -> None:
    # uvicorn would log a refusal as a trace, so the lifespan is entered here. It takes the lock,
    # which decides who owns the data directory, so it comes before the sockets.
    app = create_app(settings, scan_at_start=False, watch=True)
    async with (
        started(app) as running_app,
        running(app.state.stopping, _show_progress(app.state.library)),
    ):
        with _listening(settings, data / SOCKET) as (address, sockets):
            server = Server(
                running_app,
                lambda: tell(f"Serving {address}"),
                app.state.stopping,
                Connections(connection_limit()),
            )
            loop = asyncio.get_running_loop()

            def stop(_number: int, _frame: FrameType | None) -> None:
                loop.call_soon_threadsafe(server.stop)
                exit_in(EXIT_SECONDS, data / SOCKET)

            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, stop)  # called even while the loop hangs
            await server.serve(sockets)


async def _show_progress(library: Library) -> None:
    """Show the progress of listing and reading while one of them is under way."""
    with Steps(INDEXING) as steps:
        while True:
            each = [served.progress for served in library.roots.values()]
            steps.show((it.phase, it.done, it.total) for it in each if it)
            await asyncio.sleep(PROGRESS_SECONDS)


class Server(uvicorn.Server):
    """uvicorn's server, which does not handle signals itself and ends with exit status 0."""

    def __init__(
        self,
        app: ASGIApp,
        tell_started: Callable[[], None],
        stopping: asyncio.Event,
        connections: Connections,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=LimitedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                headers=HEADERS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self._connections = self.server_state = connections
        self._tell_started = tell_started
        self._stopping = stopping

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone: `_serve` handles them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # Objects that exist now stay: the garbage collector need not examine them again.
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        self._tell_started()

    async def on_tick(self, counter: int) -> bool:
        """Check the connections once a second; uvicorn calls this ten times a second."""
        if counter % 10 == 0:
            self._connections.look()
        return await super().on_tick(counter)

    def stop(self) -> None:
        """Stop after the requests under way; at the second call, do not wait for them."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._stopping.set()


@contextmanager
def _listening(settings: Settings, local: Path) -> Generator[tuple[str, list[socket.socket]]]:
    """Open the sockets for the block; yield the URL of the TCP socket, and all sockets."""
    with ExitStack() as stack:
        try:
            family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
            tcp = stack.enter_context(
                socket.create_server((settings.host, settings.port), family=family)
            )
        except OSError as error:
            raise _cannot_listen(f"{settings.host}:{settings.port}", error) from None
        port = tcp.getsockname()[1]
        try:
            unix = [stack.enter_context(_local_socket(local))]
        except OSError as error:
            if error.errno not in _NO_WRITES:
                raise _cannot_listen(str(local), error) from None
            logger.warning("The command line cannot reach this server: %s", error)
            unix = []
        shown = f"[{settings.host}]" if family == socket.AF_INET6 else settings.host
        yield f"http://{shown}:{port}", [tcp, *unix]


@contextmanager
def _local_socket(local: Path) -> Generator[socket.socket]:
    """Open a Unix socket at `local` for the block, then remove it.

    A socket that another server has put there meanwhile stays.
    """
    local.unlink(missing_ok=True)  # left behind by a crash: this process holds the lock
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(local))
        identity = local.stat().st_ino
        try:
            local.chmod(0o600)  # others cannot enter the data directory either
            yield unix
        finally:
            with suppress(OSError):
                if local.stat().st_ino == identity:
                    local.unlink()


def _cannot_listen(where: str, error: OSError) -> StartRefused:
    reason = os.strerror(error.errno) if error.errno else error
    return StartRefused(f"Cannot listen on {where}: {reason}")
