"""Real folders of files for tests, and waiting until the index knows them."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from PIL import Image

from gallery.config import Settings


class Tree:
    """A folder that tests write into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, *paths: str, content: bytes = b"a picture") -> None:
        """Files at the paths, whose bytes are no picture: most rules do not look inside."""
        for path in paths:
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def draw(self, path: str, size: tuple[int, int], *, still: bool = True) -> None:
        """A real picture, by default one that was not changed a moment ago."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, "teal").save(file)
        if still:
            os.utime(file, (1_700_000_000, 1_700_000_000))

    def age(self) -> None:
        """All files look as if nobody had written to them for long, each at another time."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        for number, file in enumerate(files):
            os.utime(file, (1_700_000_000 + number, 1_700_000_000 + number))

    def move(self, former: str, path: str) -> None:
        """A rename, as `mv` does it."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / former).rename(self.folder / path)

    def swap(self, one: str, other: str) -> None:
        """Two files change places."""
        self.move(one, ".aside")
        self.move(other, one)
        self.move(".aside", other)

    def remove(self, *paths: str) -> None:
        for path in paths:
            (self.folder / path).unlink()


async def scanned(client: httpx.AsyncClient) -> None:
    """Waits until every root was scanned and nothing is under way."""
    async with asyncio.timeout(90):
        while True:
            roots = (await client.get("/api/library")).json()["roots"]
            if all(_is_at_rest(root) for root in roots):
                return
            await asyncio.sleep(0.005)


def _is_at_rest(root: dict[str, Any]) -> bool:
    """Drawing goes on by itself and changes nothing that is listed."""
    is_listed = not root["progress"] or root["progress"]["phase"] == "drawing"
    return is_listed and (root["lastScan"] is not None or root["state"] == "offline")


async def rescan(client: httpx.AsyncClient, *, accept_missing: bool = False) -> None:
    """Asks for a scan and waits until it has ended."""
    answer = await client.post("/api/library/scan", json={"acceptMissing": accept_missing})
    assert answer.status_code == 202
    await scanned(client)


async def read(settings: Settings) -> None:
    """Waits until every file that the index knows was read."""
    waiting = "SELECT COUNT(*) FROM item WHERE probed_at IS NULL AND missing_since = 0"
    async with asyncio.timeout(90):
        while await ask(settings, waiting):
            await asyncio.sleep(0.02)


async def ask(settings: Settings, sql: str) -> object:
    """The one value that a query of the database gives."""
    if settings.database:
        postgres = await asyncpg.connect(settings.database)
        try:
            return await postgres.fetchval(sql)
        finally:
            await postgres.close()
    with closing(sqlite3.connect(Path(settings.data) / "gallery.db")) as sqlite:
        return sqlite.execute(sql).fetchone()[0]


class Process:
    """`gallery serve` as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=30)


def arguments(settings: Settings) -> list[str]:
    """The settings as the command line takes them."""
    return [*settings.library, "--data", settings.data, "--database", settings.database]


@asynccontextmanager
async def serving(
    settings: Settings,
    *more: str,
    before: tuple[str, ...] = (),
    python: str = sys.executable,
    program: tuple[str, ...] = ("-m", "gallery"),
) -> AsyncGenerator[Process]:
    """A server process on a free port; it is killed at the end if it still runs.

    `before` is a command that runs it, `program` what the interpreter `python` is given.
    """
    process = await asyncio.create_subprocess_exec(
        *(*before, python, *program),
        *("serve", *arguments(settings), "--port", "0"),
        *more,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while line := (await process.stdout.readline()).decode():
                if line.startswith("Serving "):
                    break
        assert line, "the server did not start"
        yield Process(process, line.split()[1])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
