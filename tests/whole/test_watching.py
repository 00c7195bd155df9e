"""A server process that watches a folder while people and programs change it."""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gallery.config import Settings
from tests.support.collections import make, show
from tests.support.library import Tree
from tests.support.rearranging import Folder
from tests.support.serving import serving
from tests.support.waiting import eventually

FILES = 10_000
WATCHED = 10_000
UNWATCHED = 3_000
STORM = 40_000


def indexed(data: Path) -> list[tuple[str, int, int, int]]:
    with closing(sqlite3.connect(data / "gallery.db")) as connection:
        return connection.execute(
            "SELECT path, size, modified_at, inode FROM item WHERE missing_since = 0 ORDER BY path"
        ).fetchall()


def on_disk(root: Path) -> list[tuple[str, int, int, int]]:
    found = []
    for folder, _folders, files in os.walk(root):
        for name in files:
            file = Path(folder) / name
            status = file.lstat()
            found.append(
                (
                    str(file.relative_to(root)),
                    status.st_size,
                    status.st_mtime_ns // 1000,
                    status.st_ino,
                )
            )
    return sorted(found)


async def equal(data: Path, root: Path, seconds: float = 60) -> None:
    """Wait until the index equals the disk."""
    expected = on_disk(root)
    await eventually(lambda: indexed(data) == expected, "the index", seconds=seconds)


async def everything(client: httpx.AsyncClient, folder: Folder) -> dict[int, int]:
    """Create a collection of all files; return the item id of each file."""
    made = await make(client, f"all {folder.made}", folderPath="")
    paths = list(folder.files)
    answer = await client.put(
        f"/api/collections/{made['id']}", json={"name": f"all {folder.made}", "paths": paths}
    )
    assert answer.status_code == 200
    items = (await show(client, made["id"]))["items"]
    assert [item["path"] for item in items] == paths
    return {folder.files[item["path"]]: item["id"] for item in items}


async def check(client: httpx.AsyncClient, folder: Folder, ids: dict[int, int]) -> int:
    """Assert that every unambiguous file is the same item, in the same place of the collection.

    A file that can be recognised only by its bytes is matched some seconds later.
    """
    collections = (await client.get("/api/collections")).json()
    surely = {ids[file]: path for file, path in folder.surely().items() if file in ids}

    async def are_in_place() -> bool:
        items = (await show(client, collections[0]["id"]))["items"]
        assert [item["id"] for item in items] == list(ids.values()), (
            "the order, and no item is lost"
        )
        paths = {item["id"]: item["path"] for item in items if not item["missing"]}
        return all(paths.get(id_) == path for id_, path in surely.items())

    await eventually(are_in_place, "each file is the item it was")
    return len(surely)


@pytest.mark.timeout(300)
async def test_whatever_happens_to_the_files_every_one_keeps_who_it_is(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "library")
    settings = Settings((str(tree.folder),), str(tmp_path / "data"))
    folder = Folder(tree, seed=20_261_122)
    for _ in range(FILES):
        folder.create()
    async with serving(settings) as server, server.client() as client:
        await equal(tmp_path / "data", tree.folder)
        ids = await everything(client, folder)
        folder.known()
        await asyncio.to_thread(folder.rearrange, WATCHED)
        await equal(tmp_path / "data", tree.folder)
        assert await check(client, folder, ids) > FILES * 0.7
        ids = await everything(client, folder)
        folder.known()
    folder.rearrange(UNWATCHED)
    async with serving(settings) as server, server.client() as client:
        await equal(tmp_path / "data", tree.folder)
        assert await check(client, folder, ids) > FILES * 0.7
        # While the process is stopped, more happens than the kernel remembers for it.
        server.process.send_signal(signal.SIGSTOP)
        for number in range(STORM):
            tree.write(f"storm/{number % 40}/{number}.jpg")
        server.process.send_signal(signal.SIGCONT)
        await equal(tmp_path / "data", tree.folder)
