"""Shared fixtures: a real folder, a real database, and a client of the application."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from gallery.api.connections import Connections
from gallery.app import Limits, create_app, started
from gallery.config import Settings
from gallery.database.engine import Database
from gallery.database.open import open_database
from gallery.demo import write_demo_library
from gallery.events import Bus
from gallery.server import Server
from tests.support import postgres as postgres_server
from tests.support.application import Clock, client_of
from tests.support.library import TRIP, Tree, read, scanned


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo library, which is drawn once per test process."""
    progress: list[tuple[int, int]] = []
    folder = tmp_path_factory.mktemp("demo") / "library"
    count = write_demo_library(folder, lambda done, total: progress.append((done, total)))
    assert progress == [(number, count) for number in range(1, count + 1)]
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Tree:
    """Return a folder with the four files of a trip."""
    tree = Tree(tmp_path / "library")
    tree.write(*TRIP)
    return tree


@pytest.fixture
def old_files(library: Tree) -> None:
    """Make the files look old, so that they are read at once."""
    library.age()


@pytest.fixture
async def at_rest(old_files: None, app: ASGIApp, settings: Settings) -> None:
    """Wait until every file is read; nothing changes collections or their ETags after that.

    Without `old_files` they would be read two seconds after they were written, during the test.
    """
    await read(settings)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres_server.Server]:
    """Yield a PostgreSQL server, one per test process."""
    with postgres_server.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest) -> str:
    """Return the database setting, of an empty database; such tests run on both engines."""
    if request.param == "sqlite":
        return ""
    server: postgres_server.Server = request.getfixturevalue("postgres")
    await postgres_server.empty(server.url)
    return server.url


@pytest.fixture
def settings(tmp_path: Path, library: Tree, database: str) -> Settings:
    return Settings((str(library.folder),), data=str(tmp_path / "data"), database=database)


@pytest.fixture
async def db(tmp_path: Path, database: str) -> AsyncGenerator[Database]:
    """Yield an open database without an application."""
    async with open_database(database, tmp_path, Bus()) as opened:
        yield opened


@pytest.fixture
def statements() -> list[str]:
    """Return the list that collects the SQL statements of the application."""
    return []


@pytest.fixture
def limits() -> Limits:
    """Return the limits of the application; tests override them by parametrizing this fixture."""
    return Limits()


@pytest.fixture
def connections() -> Connections:
    """Return the connections of the real server; a test may change their limits."""
    return Connections()


@pytest.fixture
async def app(
    settings: Settings, clock: Clock, statements: list[str], limits: Limits
) -> AsyncGenerator[ASGIApp]:
    """Yield the application after it has scanned `library`."""
    app = create_app(settings, clock=clock, trace=statements.append, limits=limits)
    async with started(app) as running:
        async with client_of(running) as client:
            await scanned(client)
        yield running


@pytest.fixture
async def client(app: ASGIApp) -> AsyncGenerator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def port(app: ASGIApp, connections: Connections) -> AsyncGenerator[int]:
    """Yield the free port on which the application is served over real HTTP."""
    is_up = asyncio.Event()
    server = Server(app, is_up.set, asyncio.Event(), connections)
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        task = asyncio.create_task(server.serve([tcp]))
        await is_up.wait()
        try:
            yield int(tcp.getsockname()[1])
        finally:
            server.stop()
            server.stop()
            await task
