"""The index follows the disk by itself, whatever people, tools and accidents do to it."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gallery.app import Limits, create_app, started
from gallery.config import Settings
from gallery.disk.roots import Root
from gallery.indexing import supervisor
from gallery.indexing.metadata_job import STILL_SECONDS
from tests.support.application import client_of, watched
from tests.support.collections import make, members_and_missing, show
from tests.support.library import BEACH, SUNSET, TRIP, Tree, ids, read, rescan, scanned
from tests.support.waiting import eventually, pause

SOON = 20.0
"""Long before any pass. The promise of one second is measured by `scripts/bench`."""


@pytest.fixture
def settings(tmp_path: Path, library: Tree) -> Settings:
    return Settings((str(library.folder),), data=str(tmp_path / "data"))


@pytest.fixture
async def client(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    async with watched(settings) as client:
        yield client


async def appears(client: httpx.AsyncClient, path: str) -> None:
    async def is_there() -> bool:
        return (await ids(client, path))[path] is not None

    await eventually(is_there, path, seconds=SOON)


async def vanishes(client: httpx.AsyncClient, path: str) -> None:
    async def is_gone() -> bool:
        return (await ids(client, path))[path] is None

    await eventually(is_gone, path, seconds=SOON)


async def is_in_state(client: httpx.AsyncClient, state: str) -> None:
    async def is_so() -> bool:
        return bool((await root(client))["state"] == state)

    await eventually(is_so, state, seconds=SOON)


async def root(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/api/library")).json()["roots"][0]
    return found


def save_atomically(file: Path) -> None:
    aside = file.with_name(f".{file.name}.swp")
    aside.write_bytes(b"edited in an editor")
    aside.replace(file)


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def write_in_steps(file: Path) -> None:
    with file.open("wb") as opened:
        for number in range(5):
            opened.write(b"%d" % number * 1000)
            opened.flush()


def download(file: Path) -> None:
    write_in_steps(file.with_suffix(".part"))
    file.with_suffix(".part").rename(file)


def move_in(file: Path) -> None:
    aside = Tree(file.parents[3] / "aside")
    aside.write("in/side.jpg")
    aside.folder.rename(file.parents[1])


def dig(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"deep")


WAYS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "write": ("w.jpg", lambda file: file.write_bytes(b"w")),
    "mkdir -p and write": ("1/2/3/4/deep.jpg", dig),
    "cp": ("cp.jpg", lambda file: run("cp", "-p", file.with_name("photos") / BEACH[7:], file)),
    "cp -r": (
        "copied/2025/trip/day1/beach.jpg",
        lambda file: run("cp", "-r", file.parents[4] / "photos", file.parents[3]),
    ),
    "mv": ("mv.jpg", lambda file: run("mv", file.with_name("photos") / SUNSET[7:], file)),
    "a filled folder moved in": ("filled/in/side.jpg", move_in),
    "ln": ("ln.jpg", lambda file: run("ln", file.with_name("photos") / BEACH[7:], file)),
    "in steps": ("steps.jpg", write_in_steps),
    "renamed when complete": ("done.mp4", download),
}


@pytest.mark.parametrize("way", WAYS)
async def test_whatever_makes_a_file_it_shows_soon(
    client: httpx.AsyncClient, library: Tree, way: str
) -> None:
    path, make_file = WAYS[way]
    await asyncio.to_thread(make_file, library.folder / path)
    await appears(client, path)


async def test_what_becomes_of_a_file_shows_soon(client: httpx.AsyncClient, library: Tree) -> None:
    made = await make(client, folderPath="photos", paths=[BEACH, SUNSET, TRIP[2]])
    before = await ids(client, *TRIP)
    moved = "photos/moved.jpg"
    library.move(BEACH, moved)
    await appears(client, moved)
    assert await members_and_missing(client, made["id"]) == [
        (moved, False),
        (SUNSET, False),
        (TRIP[2], False),
    ]
    library.remove(SUNSET)
    await vanishes(client, SUNSET)
    url = await thumbnail(client, TRIP[2])
    save_atomically(library.folder / TRIP[2])

    async def is_new() -> bool:
        return await thumbnail(client, TRIP[2]) != url

    await eventually(is_new, "the new version")
    (library.folder / "photos/2025").rename(library.folder / "photos/old")
    market = TRIP[2].replace("2025", "old")
    await appears(client, market)
    now = await ids(client, moved, market, TRIP[3].replace("2025", "old"))
    assert list(now.values()) == [before[BEACH], before[TRIP[2]], before[TRIP[3]]]
    assert [missing for _path, missing in await members_and_missing(client, made["id"])] == [
        False,
        True,
        False,
    ]


async def thumbnail(client: httpx.AsyncClient, path: str) -> str:
    page = (await client.get("/api/items", params={"path": path})).json()
    url: str = page["items"][0]["thumbnailUrl"]
    return url


async def test_a_growing_file_is_listed_and_not_read_until_it_is_still(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.draw("whole.png", (64, 48))
    content = (library.folder / "whole.png").read_bytes()
    grown = library.folder / "grown.png"
    written = time.monotonic()
    with grown.open("wb") as file:
        for start in range(0, len(content), len(content) // 8 + 1):
            former, written = written, time.monotonic()
            file.write(content[start : start + len(content) // 8 + 1])
            file.flush()
            os.utime(grown, (1_700_000_000, 1_700_000_000))  # hides the write
            if start == 0:
                await appears(client, "grown.png")
            await pause(0.3)
            items = (await client.get("/api/items", params={"path": "grown.png"})).json()["items"]
            if time.monotonic() - former < STILL_SECONDS:
                assert items[0]["width"] is None, "it has not been still for two seconds"

    async def is_read() -> bool:
        page = (await client.get("/api/items", params={"path": "grown.png"})).json()
        return bool(page["items"][0]["width"] == 64)

    await eventually(is_read, "reading")
    assert time.monotonic() - written > 0.9 * STILL_SECONDS


async def test_links_hide_no_changes(client: httpx.AsyncClient, library: Tree) -> None:
    """The kernel reports events in a folder on only one of the paths to it."""
    (library.folder / "a-link").symlink_to(library.folder / "photos")
    (library.folder / "outside").symlink_to(library.folder.parent)
    library.write("photos/before.jpg")
    await appears(client, "photos/before.jpg")  # by then the links are watched, too
    library.write("photos/beside.jpg")
    await appears(client, "photos/beside.jpg")
    assert (await root(client))["itemCount"] == len(TRIP) + 2


async def test_a_name_that_is_no_text_ends_nothing_for_good(
    client: httpx.AsyncClient, library: Tree
) -> None:
    for number in range(3):
        with open(os.fsencode(library.folder) + b"/\xff%d.jpg" % number, "wb") as file:
            file.write(b"x")
        library.write(f"beside-{number}.jpg")
        await appears(client, f"beside-{number}.jpg")

    async def is_named() -> bool:
        return "\\xff0.jpg" in [p["path"] for p in (await root(client))["problems"]]

    await eventually(is_named, "the problem")


async def test_a_root_that_is_replaced_is_noticed_and_watched_again(
    client: httpx.AsyncClient, library: Tree
) -> None:
    before = await ids(client, *TRIP)
    away = library.folder.parent / "away"
    library.folder.rename(away)
    await is_in_state(client, "offline")
    assert (await root(client))["missingCount"] == 0
    library.folder.mkdir()  # like an empty mount point
    await rescan(client)
    assert ((await root(client))["state"], (await root(client))["missingCount"]) == ("offline", 0)
    library.folder.rmdir()
    away.rename(library.folder)
    await is_in_state(client, "online")
    assert await ids(client, *TRIP) == before
    library.write("photos/after.jpg")
    await appears(client, "photos/after.jpg")
    shutil.copytree(library.folder, away)
    shutil.rmtree(library.folder)
    await is_in_state(client, "offline")
    assert (await root(client))["missingCount"] == 0
    away.rename(library.folder)
    await is_in_state(client, "online")
    assert await ids(client, *TRIP) == before


async def test_emptied_at_one_stroke_is_offline_and_a_few_files_are_missing(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.write(*(f"many/{number:02}.jpg" for number in range(60)))
    await appears(client, "many/59.jpg")
    library.remove("many/00.jpg", "many/01.jpg")
    await vanishes(client, "many/01.jpg")
    assert ((await root(client))["state"], (await root(client))["missingCount"]) == ("online", 2)
    (library.folder / "many").rename(library.folder.parent / "many")
    await is_in_state(client, "offline")
    assert (await root(client))["missingCount"] == 2
    (library.folder.parent / "many").rename(library.folder / "many")
    await is_in_state(client, "online")
    shutil.rmtree(library.folder / "many")
    await is_in_state(client, "offline")
    await rescan(client, accept_missing=True)
    assert ((await root(client))["state"], (await root(client))["missingCount"]) == ("online", 60)


async def test_where_nothing_can_be_watched_passes_find_everything(
    library: Tree, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []

    @asynccontextmanager
    async def fails(
        _root: Root, _ignore: Sequence[str]
    ) -> AsyncGenerator[asyncio.subprocess.Process]:
        tries.append(time.monotonic())
        said = '"OS file watch limit reached."' if len(tries) < 3 else "[]"
        then = "sys.stdin.read()" if len(tries) > 2 else ""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", f"import sys; print({said!r}, flush=True); {then}"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    monkeypatch.setattr(supervisor, "watching", fails)
    async with watched(settings) as client:
        (problem,) = (await root(client))["problems"]
        assert problem["path"] == ""
        assert "OS file watch limit reached" in problem["reason"]
        library.write("photos/late.jpg")
        await appears(client, "photos/late.jpg")
        assert len(tries) > 1, "it was tried again, and a pass followed"

        async def is_well() -> bool:
            return not (await root(client))["problems"]

        await eventually(is_well, "the third try")


async def test_what_is_not_watched_is_found_by_passes_and_watched_when_it_can_be(
    library: Tree, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import sys; print('[]'); print('\"only 1 of 2\"', flush=True); sys.stdin.readline(); "
    )
    program += "sys.stdin.readline(); print('\"\"', flush=True); sys.stdin.read()"

    @asynccontextmanager
    async def partly(_root: Root, _ignore: Sequence[str]) -> AsyncGenerator[Any]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            process.kill()
            await process.wait()

    monkeypatch.setattr(supervisor, "watching", partly)
    async with watched(settings, Limits(look_again_seconds=1.0)) as client:

        async def problems() -> list[str]:
            return [problem["reason"] for problem in (await root(client))["problems"]]

        async def is_said() -> bool:
            return await problems() == ["only 1 of 2"]

        async def is_well() -> bool:
            return not await problems()

        await eventually(is_said, "the state")
        library.write("photos/late.jpg")
        await appears(client, "photos/late.jpg")
        await eventually(is_well, "after a pass it was asked to look for more")


async def test_a_share_can_be_polled(library: Tree, tmp_path: Path) -> None:
    settings = Settings((str(library.folder),), str(tmp_path / "data"), poll=1)
    async with watched(settings) as client:
        made = await make(client, paths=[BEACH])
        library.write("photos/polled.jpg")
        library.move(BEACH, "photos/there.jpg")
        await appears(client, "photos/polled.jpg")
        assert await members_and_missing(client, made["id"]) == [("photos/there.jpg", False)]


class Disk:
    """A disk that is plugged in and out: a separate mount where that is allowed."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._aside = place.with_name("aside")
        self._aside.mkdir()
        place.mkdir()
        self.is_mount = self._mount()

    def _mount(self) -> bool:
        command = ["mount", "--bind", str(self._aside), str(self._place)]
        return not subprocess.run(command, capture_output=True, check=False).returncode

    def plug_in(self) -> None:
        if self.is_mount:
            assert self._mount()
        else:
            self._place.rmdir()
            self._aside.rename(self._place)

    def unplug(self) -> None:
        if self.is_mount:
            run("umount", self._place)
        else:
            self._place.rename(self._aside)
            self._place.mkdir()


async def test_a_disk_that_is_unplugged_again_and_again_loses_nothing(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk")
    try:
        tree = Tree(tmp_path / "disk")
        tree.write(*TRIP)
        tree.age()
        settings = Settings((str(tree.folder),), str(tmp_path / "data"))
        async with started(create_app(settings)) as app, client_of(app) as client:
            await scanned(client)
            await read(settings)
            await make(client, folderPath="photos", paths=list(TRIP))
            before = await client.get("/api/collections/1")
        for round_ in range(20):
            async with started(create_app(settings)) as app, client_of(app) as client:
                await scanned(client)
                disk.unplug()
                if round_ % 2:
                    await rescan(client)
                    assert (await root(client))["state"] == "offline"
            async with started(create_app(settings)) as app, client_of(app) as client:
                await scanned(client)
                state = await root(client)
                assert (state["state"], state["missingCount"]) == ("offline", 0)
                disk.plug_in()
                await rescan(client)
                state = await root(client)
                assert (state["state"], state["missingCount"]) == ("online", 0)
                after = await client.get("/api/collections/1")
                assert (after.json(), after.headers["ETag"]) == (
                    before.json(),
                    before.headers["ETag"],
                )
        async with watched(settings) as client:
            disk.unplug()
            await is_in_state(client, "offline")
            disk.plug_in()
            await is_in_state(client, "online")
            assert [i["missing"] for i in (await show(client, 1))["items"]] == [False] * len(TRIP)
    finally:
        if disk.is_mount:
            subprocess.run(["umount", tmp_path / "disk"], check=False, capture_output=True)
