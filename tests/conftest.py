"""What nearly every test needs: a real folder, a real database, and a client of the application."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from gallery.app import create_app, started
from gallery.config import Settings
from gallery.database.engine import Database
from gallery.database.open import open_database
from gallery.demo import write_demo_library
from gallery.events import Bus
from gallery.server import Server
from tests import postgres as postgres_server
from tests.library import Tree, scanned

TRIP = (
    "photos/2025/trip/day1/beach.jpg",
    "photos/2025/trip/day1/sunset.jpg",
    "photos/2025/trip/day2/market.jpg",
    "photos/2025/trip/day2/harbour.jpg",
)


class Clock:
    """Time as tests want it: milliseconds that only move when they are told to, or read."""

    def __init__(self) -> None:
        self.now = 1_775_239_864_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo library. Drawing it takes a while, once for each worker."""
    told: list[tuple[int, int]] = []
    folder = tmp_path_factory.mktemp("demo") / "library"
    count = write_demo_library(folder, lambda done, total: told.append((done, total)))
    assert told == [(number, count) for number in range(1, count + 1)]
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Tree:
    """A folder with the four files of a trip."""
    tree = Tree(tmp_path / "library")
    tree.write(*TRIP)
    return tree


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres_server.Server]:
    """A PostgreSQL server, one for each worker."""
    with postgres_server.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest) -> str:
    """The setting of an empty database: every test that has one runs on both engines."""
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
    """An open database, without an application around it."""
    async with open_database(database, tmp_path, Bus()) as opened:
        yield opened


@pytest.fixture
def statements() -> list[str]:
    """Every SQL statement that the application has run."""
    return []


@pytest.fixture
async def app(settings: Settings, clock: Clock, statements: list[str]) -> AsyncGenerator[ASGIApp]:
    """The application on `library`, which it has scanned."""
    async with started(create_app(settings, clock=clock, trace=statements.append)) as running:
        async with client_of(running) as client:
            await scanned(client)
        yield running


@pytest.fixture
async def client(app: ASGIApp) -> AsyncGenerator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def port(app: ASGIApp) -> AsyncGenerator[int]:
    """The application behind a real server, on a free port."""
    is_up = asyncio.Event()
    server = Server(app, is_up.set, asyncio.Event())
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        task = asyncio.create_task(server.serve([tcp]))
        await is_up.wait()
        try:
            yield int(tcp.getsockname()[1])
        finally:
            server.stop()
            server.stop()
            await task


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
