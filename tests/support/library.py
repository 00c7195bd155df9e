"""Real folders of files for tests, and waiting until they are indexed."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from PIL import Image

from gallery.config import Settings
from tests.support.waiting import eventually

TRIP = (
    "photos/2025/trip/day1/beach.jpg",
    "photos/2025/trip/day1/sunset.jpg",
    "photos/2025/trip/day2/market.jpg",
    "photos/2025/trip/day2/harbour.jpg",
)
BEACH, SUNSET, MARKET, HARBOUR = TRIP
ODD_NAMES = (
    "new\nline.jpg",
    "ends with a newline\n.jpg",
    "100%.jpg",
    "%41.jpg",
    "a%2Fb.jpg",
    "hash#tag?query=1&x.jpg",
    "quote'\"quote.jpg",
    "back\\slash.jpg",
    "-rf.jpg",
    "Été à la mer.jpg",
    "e\u0301te\u0301.jpg",
    "日本語.jpg",
    "🏖️.jpg",
    "\u202egpj.exe.jpg",
    "tab\tand\x07bell.jpg",
    "a;b=c,d.jpg",
    "+plus and space.jpg",
    "x" * 250 + ".jpg",
)


class Tree:
    """A folder that tests write into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, *paths: str, content: bytes = b"a picture") -> None:
        """Write files whose bytes are no picture: most rules do not depend on the content."""
        for path in paths:
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def draw(self, path: str, size: tuple[int, int], *, still: bool = True) -> None:
        """Write a real picture; unless `still` is False it looks old."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, "teal").save(file)
        if still:
            os.utime(file, (1_700_000_000, 1_700_000_000))

    def age(self) -> None:
        """Make all files look old, each with a time of its own."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        for number, file in enumerate(files):
            os.utime(file, (1_700_000_000 + number, 1_700_000_000 + number))

    def move(self, former: str, path: str) -> None:
        """Rename a file, as `mv` does."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / former).rename(self.folder / path)

    def swap(self, one: str, other: str) -> None:
        """Exchange two files."""
        self.move(one, ".aside")
        self.move(other, one)
        self.move(".aside", other)

    def remove(self, *paths: str) -> None:
        for path in paths:
            (self.folder / path).unlink()


async def scanned(client: httpx.AsyncClient) -> None:
    """Wait until every root is scanned and nothing is in progress."""

    async def is_so() -> bool:
        roots = (await client.get("/api/library")).json()["roots"]
        return all(_is_at_rest(root) for root in roots)

    await eventually(is_so, "every root is scanned", seconds=90)


def _is_at_rest(root: dict[str, Any]) -> bool:
    """Return whether the listing is final. Drawing in the background does not change it."""
    is_listed = not root["progress"] or root["progress"]["phase"] == "drawing"
    return is_listed and (root["lastScan"] is not None or root["state"] == "offline")


async def rescan(client: httpx.AsyncClient, *, accept_missing: bool = False) -> None:
    """Request a scan and wait until it ends."""
    answer = await client.post("/api/library/scan", json={"acceptMissing": accept_missing})
    assert answer.status_code == 202
    await scanned(client)


async def read(settings: Settings) -> None:
    """Wait until every indexed file is read."""
    waiting = "SELECT COUNT(*) FROM item WHERE probed_at IS NULL AND missing_since = 0"

    async def is_so() -> bool:
        return not await ask(settings, waiting)

    await eventually(is_so, "every file is read", seconds=90)


async def ask(settings: Settings, sql: str) -> object:
    """Return the single value that a query of the database gives."""
    if settings.database:
        postgres = await asyncpg.connect(settings.database)
        try:
            return await postgres.fetchval(sql)
        finally:
            await postgres.close()
    with closing(sqlite3.connect(Path(settings.data) / "gallery.db")) as sqlite:
        return sqlite.execute(sql).fetchone()[0]


async def ids(client: httpx.AsyncClient, *paths: str) -> dict[str, int | None]:
    """Return for each path the id of the item that is present there, or None."""
    found = {}
    for path in paths:
        items = (await client.get("/api/items", params={"path": path})).json()["items"]
        found[path] = items[0]["id"] if items and not items[0]["missing"] else None
    return found


async def pairs(client: httpx.AsyncClient) -> dict[str, str | None]:
    """Return the name of each item with the name of its pair."""
    items = (await client.get("/api/items?sort=name")).json()["items"]
    names = {item["id"]: item["name"] for item in items}
    return {item["name"]: names.get(item["pairedWith"]) for item in items}


def cached(settings: Settings) -> list[Path]:
    return sorted((Path(settings.data) / "thumbnails").rglob("*.webp"))
