"""Files are read once they are still: with their sidecars, requested ones first."""

import asyncio
import errno
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from gallery.app import Limits, create_app, started
from gallery.config import Settings
from gallery.disk.roots import Root
from gallery.indexing.reading import FileReader
from gallery.media.worker import open_workers
from gallery.media.worker_process import WorkerProcess
from gallery.model import Probed
from gallery.store.sync.unread import Unread
from gallery.values.file_version import FileVersion
from gallery.values.ids import ItemId
from tests.support.application import client_of, watched
from tests.support.library import Tree, ask, read, rescan, scanned
from tests.support.pictures import LISTS, exif, film, picture, xmp
from tests.support.waiting import eventually

HURRIED = Limits(still_seconds=0.2)


async def shown(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Return the details of the item at a path."""
    (item,) = (await client.get("/api/items", params={"path": path})).json()["items"]
    found: dict[str, Any] = (await client.get(f"/api/items/{item['id']}")).json()
    return found


async def looked_at(client: httpx.AsyncClient, settings: Settings) -> None:
    """Scan the library and wait until everything is read."""
    await rescan(client)
    await read(settings)


async def test_a_sidecar_alone_refreshes_the_item(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("x.jpg", content=picture("JPEG"))
    library.age()
    await looked_at(client, settings)
    before = await shown(client, "x.jpg")
    assert (before["rating"], before["width"]) == (0, 64)
    for rating, name in enumerate(["x.xmp", "x.jpg.xmp", "x.jpg.xmp", "x.XMP"], start=1):
        library.write(name, content=xmp(f'xmp:Rating="{rating}"'))
        os.utime(library.folder / name, (1_700_001_000 + rating,) * 2)
        await looked_at(client, settings)
        after = await shown(client, "x.jpg")
        expected = 3 if name == "x.XMP" else rating  # x.jpg.xmp outranks the shared one
        assert after == before | {"rating": expected}
    library.remove("x.xmp", "x.XMP", "x.jpg.xmp")
    await looked_at(client, settings)
    assert (await shown(client, "x.jpg"))["rating"] == 0


async def test_a_sidecar_may_belong_to_several_files(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("x.jpg", "x.png", "x y.png", content=picture("PNG"))
    library.write("x.xmp", content=xmp('xmp:Rating="3"'))
    library.age()
    await looked_at(client, settings)
    ratings = [(await shown(client, path))["rating"] for path in ("x.jpg", "x.png", "x y.png")]
    assert ratings == [3, 3, 0]


async def test_a_file_that_moves_with_its_sidecar_stays_what_it_is(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("x.jpg", content=picture("JPEG"))
    library.write("x.jpg.xmp", content=xmp('xmp:Rating="3"'))
    library.age()
    await looked_at(client, settings)
    before = await shown(client, "x.jpg")
    library.move("x.jpg", "new/y.jpg")
    library.move("x.jpg.xmp", "new/y.jpg.xmp")
    await rescan(client)
    after = await shown(client, "new/y.jpg")
    assert {key for key in before if after[key] != before[key]} == {
        *("path", "name", "parentPath", "url")
    }
    assert [i["name"] for i in (await client.get("/api/items?text=y")).json()["items"]] == ["y.jpg"]
    assert (await client.get("/api/items?text=x")).json()["items"] == []


async def test_a_file_that_was_copied_and_removed_takes_along_what_was_read(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("old.jpg", content=picture("JPEG", exif=exif(), xmp=xmp('xmp:Rating="3"', LISTS)))
    library.age()
    await looked_at(client, settings)
    before = await shown(client, "old.jpg")
    library.write("new/old.jpg", content=(library.folder / "old.jpg").read_bytes())
    library.age()
    await looked_at(client, settings)
    library.remove("old.jpg")
    await rescan(client)

    async def is_moved() -> bool:
        page = (await client.get("/api/items", params={"path": "new/old.jpg"})).json()
        return bool(page["items"][0]["id"] == before["id"])

    await eventually(is_moved)
    after = await shown(client, "new/old.jpg")
    assert {key: after[key] for key in ("camera", "rating", "title", "keywords", "width")} == {
        key: before[key] for key in ("camera", "rating", "title", "keywords", "width")
    }
    for query in ("text=old title", "keywords=Places/Europe", "cameras=canon eos r5"):
        answer = await client.get(f"/api/items?{query}")
        assert [item["id"] for item in answer.json()["items"]] == [before["id"]], query


async def test_a_file_that_changes_is_not_what_it_was(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("x.jpg", content=picture("JPEG", xmp=xmp('xmp:Rating="3"')))
    library.age()
    await looked_at(client, settings)
    library.write("x.jpg", content=picture("PNG"))  # written a moment ago, so it is not read yet
    await rescan(client)
    item = await shown(client, "x.jpg")
    unknown = ("width", "height", "takenAt", "takenLocal", "takenSource", "title", "camera")
    assert {key: item[key] for key in unknown} == dict.fromkeys(unknown)
    assert item["rating"] == 0
    library.age()
    await looked_at(client, settings)
    assert (await shown(client, "x.jpg"))["takenSource"] == "file"


async def test_a_sidecar_is_noticed_as_it_is_written(tmp_path: Path) -> None:
    library = Tree(tmp_path / "library")
    library.write("deep/x.jpg", content=picture("JPEG"))
    library.age()
    settings = Settings((str(library.folder),), data=str(tmp_path / "data"))
    async with watched(settings) as client:
        await read(settings)

        async def is_rated(rating: int) -> bool:
            return bool((await shown(client, "deep/x.jpg"))["rating"] == rating)

        library.write("deep/x.xmp", content=xmp('xmp:Rating="5"'))
        await eventually(lambda: is_rated(5))
        library.write("deep/x.jpg.xmp", content=xmp('xmp:Rating="4"'))
        await eventually(lambda: is_rated(4))
        library.remove("deep/x.jpg.xmp")
        await eventually(lambda: is_rated(5))


async def test_strange_times_of_files_are_shown_within_the_calendar(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("x.jpg", "y.jpg", content=picture("JPEG"))
    for path, time in (("x.jpg", -(10**9)), ("y.jpg", 10**10)):
        os.utime(library.folder / path, (time, time))
    await looked_at(client, settings)
    assert (await shown(client, "x.jpg"))["takenAt"] == "1938-04-24T22:13:20Z"
    assert (await shown(client, "y.jpg"))["takenAt"] == "2286-11-20T17:46:40Z"
    answer = await client.get("/api/items?text=y&years=2286")
    assert [item["name"] for item in answer.json()["items"]] == ["y.jpg"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_people_look_at_is_read_first(
    settings: Settings, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.write(*(f"new/{number:03}.jpg" for number in range(40)), content=picture("JPEG"))
    library.age()
    order: list[str] = []
    goes_on = asyncio.Event()

    read_now = FileReader.read

    async def slow(self: FileReader, root: Root, batch: list[Unread], seconds: float) -> Any:
        order.extend(item.path for item in batch)
        await goes_on.wait()
        return await read_now(self, root, batch, seconds)

    monkeypatch.setattr(FileReader, "read", slow)
    limits = Limits(reading_batch=2)
    async with started(create_app(settings, limits=limits)) as app, client_of(app) as client:
        await eventually(lambda: _is_scanned(client))
        await eventually(lambda: order)  # the first batch is running, and waits
        first = list(order)
        page = (await client.get("/api/folders?path=new&sort=name&order=desc&limit=3")).json()
        goes_on.set()
        await scanned(client)
        await read(settings)
    looked = [item["path"] for item in page["items"]]
    assert set(order[len(first) : len(first) + 3]) == set(looked)
    assert sorted(order) == sorted({*order}), "each file is read once"


async def _is_scanned(client: httpx.AsyncClient) -> bool:
    (root,) = (await client.get("/api/library")).json()["roots"]
    progress = root["progress"]
    return progress is not None and progress["phase"] == "reading"


async def test_files_are_read_in_a_child_process(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").write_bytes(picture("JPEG"))
    (tmp_path / "x.mp4").write_bytes(film("mp4", "libx264"))
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a" / "x.jpg")
    (tmp_path / "grown.jpg").write_bytes(picture("JPEG"))
    listed = []
    for id_, path in enumerate(["a/x.jpg", "x.mp4", "link.jpg", "gone.jpg", "grown.jpg"]):
        file = tmp_path / path
        status = file.lstat() if file.is_file() else file.parent.stat()
        listed.append(Unread(ItemId(id_), path, FileVersion.of(status)))
    (tmp_path / "grown.jpg").write_bytes(picture("JPEG") + b"more")
    async with open_workers() as workers:
        found = await FileReader(workers).read(Root("", tmp_path), listed, 30)
    widths = [isinstance(each, Probed) and each.width for each in found]
    assert widths == [64, 64, False, False, False]


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_reader_that_somebody_kills_or_stops_marks_no_file(
    settings: Settings,
    library: Tree,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    signal_: signal.Signals,
) -> None:
    """It does not delay the others: the file that it had is read again, alone and last."""
    library.write("a.jpg", "b.jpg", "c.jpg", content=picture("JPEG"))
    library.age()
    limits = Limits(
        still_seconds=0.2,
        max_reading_seconds=4.0,
        max_reading_seconds_alone=4.0 if times == 2 else 20.0,
    )
    send, asked = WorkerProcess.send, list[str]()

    async def hurt(self: WorkerProcess, request: Any, *args: Any) -> None:
        asked.append(request.name)
        if request.name == "a.jpg" and asked.count("a.jpg") <= times:
            os.kill(self.id, signal_)
        await send(self, request, *args)

    monkeypatch.setattr(WorkerProcess, "send", hurt)
    async with started(create_app(settings, limits=limits)) as app, client_of(app) as client:
        await scanned(client)
        await read(settings)
        for path in ("a.jpg", "b.jpg", "c.jpg"):
            found = await shown(client, path)
            assert (found["problem"], found["width"]) == (None, 64), path
    assert asked[-1] == "a.jpg"
    assert await ask(settings, "SELECT SUM(read_tries) FROM item") == 0


async def test_what_kills_its_reader_three_times_is_given_up(
    settings: Settings, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.write("a.jpg", "b.jpg", content=picture("JPEG"))
    library.age()
    send, asked = WorkerProcess.send, list[str]()

    async def hurt(self: WorkerProcess, request: Any, *args: Any) -> None:
        asked.append(request.name)
        if request.name == "a.jpg":
            os.kill(self.id, signal.SIGKILL)
        await send(self, request, *args)

    monkeypatch.setattr(WorkerProcess, "send", hurt)
    async with started(create_app(settings, limits=HURRIED)) as app, client_of(app) as client:
        await scanned(client)
        await read(settings)
        assert (await shown(client, "a.jpg"))["problem"] == "takes too much memory or time"
        assert (await shown(client, "b.jpg"))["width"] == 64
    assert asked.count("a.jpg") == 3


async def test_a_file_that_may_not_be_read_says_so_until_it_may(
    settings: Settings, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library and the filter report it too, even for more files than are listed by name."""
    library.remove(*(str(p.relative_to(library.folder)) for p in library.folder.rglob("*.*")))
    names = [f"x{number:03}.jpg" for number in range(102)]
    library.write("a.jpg", *names, content=picture("JPEG"))
    library.age()
    open_file = Root.open_file

    def refuse(self: Root, path: str) -> Any:
        if path in names:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open_file(self, path)

    async def has_problems(client: httpx.AsyncClient, count: int) -> bool:
        [root] = (await client.get("/api/library")).json()["roots"]
        return bool(root["problemCount"] == count)

    async def found(client: httpx.AsyncClient) -> list[str]:
        page = (await client.get("/api/items?hasProblem=true&sort=name")).json()
        return [item["path"] for item in page["items"]]

    async with started(create_app(settings, limits=HURRIED)) as app, client_of(app) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Root, "open_file", refuse)
            await scanned(client)
            await eventually(lambda: has_problems(client, 102))
            assert (await shown(client, "x000.jpg"))["problem"] == "may not be read by this server"
            assert await found(client) == names
            [root] = (await client.get("/api/library")).json()["roots"]
            assert root["problems"] == [
                {"path": name, "reason": "may not be read by this server"} for name in names[:100]
            ]
        await eventually(lambda: has_problems(client, 0))
        await read(settings)
        assert (await shown(client, "x000.jpg"))["problem"] is None
        assert await found(client) == []
        [root] = (await client.get("/api/library")).json()["roots"]
        assert root["problems"] == []


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO])
async def test_a_file_that_cannot_be_opened_now_is_read_later(
    settings: Settings, library: Tree, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    library.write("a.jpg", content=picture("JPEG"))
    library.age()
    open_file, failures = Root.open_file, list[str]()

    def fail(self: Root, path: str) -> Any:
        if len(failures) < 5:
            failures.append(path)
            raise OSError(number, os.strerror(number))
        return open_file(self, path)

    monkeypatch.setattr(Root, "open_file", fail)
    async with started(create_app(settings, limits=HURRIED)) as app, client_of(app) as client:
        await scanned(client)
        await read(settings)
        assert (await shown(client, "a.jpg"))["width"] == 64
