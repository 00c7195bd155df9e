"""A server process that watches a folder in which people, and programs, do as they please."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gallery.config import Settings
from tests.api.test_collections import make, show
from tests.library import Tree, serving

FILES = 10_000
WATCHED = 10_000
UNWATCHED = 3_000
STORM = 40_000


class Folder:
    """A tree of files that are told apart by what is in them, rearranged at random.

    `files` says which file is at each path. `edited` are those written to since the last time that
    everybody knew where they were, and `moved` those moved: of one that is both nobody can tell.
    """

    def __init__(self, tree: Tree, seed: int) -> None:
        self.root = tree.folder
        self.files: dict[str, int] = {}
        self.edited: set[int] = set()
        self.moved: set[int] = set()
        self._random = random.Random(seed)
        self.made = 0

    def rearrange(self, times: int) -> None:
        """Does something, many times; what is likely happens often."""
        ways: list[tuple[int, Callable[[], None]]] = [
            (20, self.create),
            (25, self.rename),
            (15, self.swap),
            (5, self.rotate),
            (10, self.overwrite),
            (10, self.replace),
            (10, self.delete),
            (5, self.copy),
            (1, self.rename_folder),
        ]
        weights, doings = zip(*ways, strict=True)
        for doing in self._random.choices(doings, weights, k=times):
            doing()

    def known(self) -> None:
        """From now on it is known where everything is."""
        self.edited.clear()
        self.moved.clear()

    def create(self) -> None:
        path = self._new_path()
        self.made += 1
        self._write(path, self.made)
        self.files[path] = self.made

    def rename(self) -> None:
        self._move(self._any(), self._new_path())

    def swap(self) -> None:
        self._cycle(2)

    def rotate(self) -> None:
        self._cycle(3)

    def overwrite(self) -> None:
        path = self._any()
        self._write(path, self.files[path])
        self.edited.add(self.files[path])

    def replace(self) -> None:
        path = self._any()
        aside = f"{path}.tmp"
        self._write(aside, self.files[path])
        (self.root / aside).rename(self.root / path)
        self.edited.add(self.files[path])

    def delete(self) -> None:
        path = self._any()
        (self.root / path).unlink()
        del self.files[path]

    def copy(self) -> None:
        path, new = self._any(), self._new_path()
        self._folder_of(new)
        shutil.copy2(self.root / path, self.root / new)
        self.made += 1
        self.files[new] = self.made

    def rename_folder(self) -> None:
        folder = self._any().rpartition("/")[0]
        new = f"{self._random.choice(['', 'deep/', 'deep/er/'])}f{self._random.random()}"
        if new.startswith(f"{folder}/"):
            return
        self._folder_of(new)
        (self.root / folder).rename(self.root / new)
        for path in [path for path in self.files if path.startswith(f"{folder}/")]:
            file = self.files.pop(path)
            self.files[new + path[len(folder) :]] = file
            self.moved.add(file)

    def _any(self) -> str:
        return self._random.choice(list(self.files))

    def _new_path(self) -> str:
        near = self._any().rpartition("/")[0] if self.files else "start"
        folder = self._random.choice([near, near, near, f"{near}/in", f"n{self.made % 97}"])
        return f"{folder}/{self._random.random()}.jpg"

    def _move(self, former: str, path: str) -> None:
        self._folder_of(path)
        (self.root / former).rename(self.root / path)
        file = self.files.pop(former)
        self.files[path] = file
        self.moved.add(file)

    def _cycle(self, length: int) -> None:
        paths = self._random.sample(list(self.files), length)
        files = [self.files[path] for path in paths]
        (self.root / paths[-1]).rename(self.root / ".aside")
        for former, path in zip(reversed(paths[:-1]), reversed(paths), strict=False):
            (self.root / former).rename(self.root / path)
        (self.root / ".aside").rename(self.root / paths[0])
        for path, file in zip(paths, files[-1:] + files[:-1], strict=True):
            self.files[path] = file
            self.moved.add(file)

    def _folder_of(self, path: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)

    def _write(self, path: str, file: int) -> None:
        self._folder_of(path)
        (self.root / path).write_text(f"{file} {self._random.random()}")


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
    """Waits until the index shows what is on the disk."""
    expected = on_disk(root)
    async with asyncio.timeout(seconds):
        while indexed(data) != expected:
            await asyncio.sleep(0.1)


async def everything(client: httpx.AsyncClient, folder: Folder) -> dict[int, int]:
    """Makes a collection of all files; the id of the item that each is."""
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
    """Every file that is still there is the item it was, in its old place in the collection.

    What has left no trace but its bytes is found out some seconds later.
    """
    collections = (await client.get("/api/collections")).json()
    surely = {
        ids[file]: path
        for path, file in folder.files.items()
        if file in ids and not (file in folder.edited and file in folder.moved)
    }
    deadline = time.monotonic() + 20
    while True:
        items = (await show(client, collections[0]["id"]))["items"]
        assert [item["id"] for item in items] == list(ids.values()), "the order, and nobody lost"
        paths = {item["id"]: item["path"] for item in items if not item["missing"]}
        wrong = {
            id_: (path, paths.get(id_)) for id_, path in surely.items() if paths.get(id_) != path
        }
        if not wrong:
            return len(surely)
        assert time.monotonic() < deadline, wrong
        await asyncio.sleep(0.5)


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
        # What happens while the process is stopped is more than the system remembers for it.
        server.process.send_signal(signal.SIGSTOP)
        for number in range(STORM):
            tree.write(f"storm/{number % 40}/{number}.jpg")
        server.process.send_signal(signal.SIGCONT)
        await equal(tmp_path / "data", tree.folder)
