"""Thumbnails over HTTP: rendered on demand, cached by content, never half written."""

import asyncio
import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from PIL import Image

from gallery.api.responses.streams import LARGE
from gallery.app import Limits, create_app, started
from gallery.config import Settings
from gallery.disk.roots import Root
from gallery.domain.pictures import thumbnails
from gallery.domain.pictures.rendering import NotRendered, Renderer
from gallery.domain.pictures.single_flight import SingleFlight
from gallery.media import worker_process
from gallery.media.cache import Cache, key_of
from gallery.media.jobs import RenderFile, Rendering, Request
from gallery.media.worker import Workers
from gallery.media.worker_process import WorkerProcess
from gallery.values.times import Micros
from tests.support.application import client_of
from tests.support.bombs import BOMBS
from tests.support.collections import collect
from tests.support.corpus import encoded, original
from tests.support.library import TRIP, Tree, cached, read, rescan, scanned
from tests.support.thumbnails import difference, opened
from tests.support.waiting import eventually, pause

BEACH = TRIP[0]
FOR_EVER = "private, max-age=31536000, immutable"


@pytest.fixture
def library(tmp_path: Path) -> Tree:
    """Return old files of the trip; the first one is a real picture."""
    tree = Tree(tmp_path / "library")
    tree.write(*TRIP)
    tree.age()
    draw(tree, BEACH)
    return tree


FORGETFUL = Limits(pictures_bytes=0, concurrency=2)
"""The server keeps no thumbnail in memory: all of them come from the disk, or are rendered."""


@pytest.fixture
def limits() -> Limits:
    return FORGETFUL


def draw(library: Tree, path: str, turns: int = 0) -> None:
    library.write(path, content=encoded(original().rotate(90 * turns, expand=True), "JPEG"))
    os.utime(library.folder / path, (1_700_000_000, 1_700_000_000))


async def item(client: httpx.AsyncClient, path: str = BEACH) -> dict[str, Any]:
    [found] = (await client.get("/api/items", params={"path": path})).json()["items"]
    shown: dict[str, Any] = found
    return shown


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that collects the rendered paths."""
    drawn: list[str] = []
    draw = Renderer.draw

    async def counted(self: Renderer, path: str, *args: Any) -> Any:
        drawn.append(path)
        return await draw(self, path, *args)

    monkeypatch.setattr(Renderer, "draw", counted)
    return drawn


async def test_a_thumbnail_with_all_its_headers(client: httpx.AsyncClient) -> None:
    url = (await item(client))["thumbnailUrl"]
    answer = await client.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert opened(answer.content).size == (256, 171)
    assert difference(opened(answer.content), original()) < 4
    assert answer.headers["cache-control"] == FOR_EVER
    assert "sandbox" in answer.headers["content-security-policy"]
    known = {"If-None-Match": answer.headers["etag"]}
    again = await client.get(url, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == FOR_EVER
    head = await client.head(url)
    assert head.headers == answer.headers


async def test_what_was_asked_for_is_remembered(
    settings: Settings,
) -> None:
    """The URL works with its version or without; a collection's cover is the same picture."""
    async with started(create_app(settings)) as app, client_of(app) as client:
        await scanned(client)
        await read(settings)
        url = (await item(client))["thumbnailUrl"]
        first = await client.get(url)
        for file in cached(settings):
            file.write_bytes(b"damaged")
        collection = await collect(client, paths=[BEACH])
        for again in (url, url.partition("&")[0], f"{collection}/cover"):
            answer = await client.get(again)
            assert answer.content == first.content
        assert {file.read_bytes() for file in cached(settings)} == {b"damaged"}


async def test_sizes(client: httpx.AsyncClient) -> None:
    id_ = (await item(client))["id"]
    tags = set()
    for size, longest in (("small", 256), ("medium", 360), ("large", 360), ("full", 360)):
        answer = await client.get(f"/api/items/{id_}/thumbnail?size={size}")
        assert max(opened(answer.content).size) == longest
        assert answer.headers["cache-control"] == "private, no-cache"
        tags.add(answer.headers["etag"])
    assert len(tags) == 4
    default = await client.get(f"/api/items/{id_}/thumbnail")
    assert max(opened(default.content).size) == 256


@pytest.mark.parametrize(
    ("url", "status", "text"),
    [
        ("/api/items/99/thumbnail", 404, "Item not found"),
        ("/api/items/x/thumbnail", 400, "Invalid item ID"),
        ("/api/items/1/thumbnail?size=tiny", 400, "Invalid size: small, medium, large or full"),
        ("/api/collections/99/cover", 404, "Collection not found"),
        ("/api/collections/0/cover", 400, "Invalid collection ID"),
        ("/api/collections/1/cover?size=medium", 400, "Invalid size: small or large"),
    ],
)
async def test_what_is_refused(client: httpx.AsyncClient, url: str, status: int, text: str) -> None:
    answer = await client.get(url)
    assert (answer.status_code, answer.text) == (status, text)


async def test_a_version_that_is_not_the_present_one_is_not_for_ever(
    client: httpx.AsyncClient, library: Tree
) -> None:
    former = (await item(client))["thumbnailUrl"]
    await client.get(former)
    draw(library, BEACH, turns=1)
    os.utime(library.folder / BEACH, (1_700_000_009, 1_700_000_009))
    await rescan(client)
    present = (await item(client))["thumbnailUrl"]
    assert present != former
    for url, cache in ((present, FOR_EVER), (f"{present}0", "private, no-cache")):
        answer = await client.get(url)
        assert opened(answer.content).size == (171, 256)
        assert answer.headers["cache-control"] == cache


async def test_a_move_needs_no_new_picture(
    client: httpx.AsyncClient, library: Tree, settings: Settings, drawings: list[str]
) -> None:
    await read(settings)
    first = await client.get((await item(client))["thumbnailUrl"])
    assert drawings == [BEACH]
    library.move(BEACH, "elsewhere/sea.jpg")
    await rescan(client)
    moved = await item(client, "elsewhere/sea.jpg")
    again = await client.get(f"/api/items/{moved['id']}/thumbnail?size=small")
    assert again.content == first.content
    assert drawings == [BEACH]


async def test_what_is_missing_shows_what_was_kept(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    await read(settings)
    id_ = (await item(client))["id"]
    kept = await client.get(f"/api/items/{id_}/thumbnail?size=medium")
    library.remove(BEACH)
    await rescan(client)
    for size, cache in (("medium", "private, no-cache"), ("large", "private, no-cache")):
        answer = await client.get(f"/api/items/{id_}/thumbnail?size={size}")
        assert (answer.content, answer.headers["cache-control"]) == (kept.content, cache)
    for file in cached(settings):
        file.unlink()
    gone = await client.get(f"/api/items/{id_}/thumbnail?size=full")
    assert (gone.status_code, gone.text) == (404, "No thumbnail")


@pytest.mark.parametrize("damage", ["cut", "emptied", "one bit", "deleted", "a folder"])
async def test_a_damaged_picture_is_made_anew(
    client: httpx.AsyncClient,
    library: Tree,
    settings: Settings,
    drawings: list[str],
    damage: str,
) -> None:
    await read(settings)
    url = f"/api/items/{(await item(client))['id']}/thumbnail?size=medium"
    whole = (await client.get(url)).content
    [file] = cached(settings)
    content = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "emptied":
        file.write_bytes(b"")
    elif damage == "one bit":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        file.unlink()
    if damage == "a folder":
        file.mkdir()
    assert (await client.get(url)).content == whole
    assert drawings == [BEACH, BEACH]
    assert library.folder.exists()


async def test_nothing_half_written_is_ever_there(
    client: httpx.AsyncClient, library: Tree, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture is synced under a temporary name and then renamed."""
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        done.append("sync")
        sync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        done.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    cache = Cache(Path(settings.data) / "thumbnails")
    cache.keep(key_of("x", Micros(1)), "small", b"picture")
    assert done == ["sync", "rename"]
    assert cache.read(key_of("x", Micros(1)), "small") == b"picture"


async def test_a_full_disk_does_not_keep_pictures_from_being_shown(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    folder = Path(settings.data) / "thumbnails"
    folder.write_bytes(b"in the way")
    answer = await client.get((await item(client))["thumbnailUrl"])
    assert answer.status_code == 200
    assert folder.read_bytes() == b"in the way"


async def test_what_cannot_be_drawn_is_tried_once(
    client: httpx.AsyncClient, library: Tree, settings: Settings, drawings: list[str]
) -> None:
    """A changed file is tried again."""
    library.write(BEACH, content=encoded(original(), "JPEG")[:2_000])
    library.age()
    await rescan(client)
    await read(settings)
    url = f"/api/items/{(await item(client))['id']}/thumbnail"
    for _ in range(3):
        answer = await client.get(url)
        assert (answer.status_code, answer.text) == (404, "No thumbnail")
    assert drawings == [BEACH]
    shown = (await client.get(url.removesuffix("/thumbnail"))).json()
    assert shown["problem"] == "is cut off"
    draw(library, BEACH)
    await rescan(client)
    assert (await client.get(url)).status_code == 200


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_costs_nobody_else_anything(
    client: httpx.AsyncClient, library: Tree, name: str
) -> None:
    path = f"bombs/{name}"
    library.write(path, content=BOMBS[name])
    await rescan(client)
    answer = await client.get((await item(client, path))["thumbnailUrl"])
    assert (answer.status_code, answer.text) == (404, "No thumbnail")
    assert (await client.get((await item(client))["thumbnailUrl"])).status_code == 200


@pytest.mark.parametrize("limits", [FORGETFUL._replace(quick_seconds=1, max_seconds=3)])
@pytest.mark.parametrize("signal_", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_decoder_that_hangs_or_dies_costs_a_worker(
    client: httpx.AsyncClient,
    library: Tree,
    monkeypatch: pytest.MonkeyPatch,
    drawings: list[str],
    signal_: signal.Signals,
) -> None:
    """It is tried once more, and then not again in any size."""
    send = WorkerProcess.send

    async def hurt(self: WorkerProcess, *args: Any) -> None:
        os.kill(self.id, signal_)
        await send(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(WorkerProcess, "send", hurt)
        url = (await item(client))["thumbnailUrl"]
        answer = await client.get(url)
        assert (answer.status_code, answer.text) == (404, "No thumbnail")
    assert drawings == [BEACH, BEACH]
    for size in ("small", "large"):
        assert (await client.get(url.replace("small", size))).status_code == 404
    assert drawings == [BEACH, BEACH]
    draw(library, TRIP[1])
    assert (await client.get((await item(client, TRIP[1]))["thumbnailUrl"])).status_code == 200


async def test_a_worker_that_dies_once_costs_nothing(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, drawings: list[str]
) -> None:
    send, hurt = WorkerProcess.send, list[int]()

    async def hurt_once(self: WorkerProcess, *args: Any) -> None:
        if not hurt and isinstance(args[0], RenderFile):
            hurt.append(self.id)
            os.kill(self.id, signal.SIGKILL)
        await send(self, *args)

    monkeypatch.setattr(WorkerProcess, "send", hurt_once)
    url = (await item(client))["thumbnailUrl"]
    assert (await client.get(url)).status_code == 200
    assert drawings == [BEACH, BEACH]


@pytest.mark.parametrize("limits", [FORGETFUL._replace(quick_seconds=0.5)])
async def test_slow_files_in_many_sizes_do_not_delay_others(
    client: httpx.AsyncClient,
    library: Tree,
    monkeypatch: pytest.MonkeyPatch,
    drawings: list[str],
) -> None:
    """After a while they give way to others, and continue one by one."""
    send = WorkerProcess.send
    slow = {f"slow{number}.jpg" for number in range(2)}

    async def hung(self: WorkerProcess, request: Request, *args: Any) -> None:
        if isinstance(request, RenderFile) and request.name in slow:
            os.kill(self.id, signal.SIGSTOP)
        await send(self, request, *args)

    for path in (*slow, *TRIP[1:]):
        draw(library, path)
    await rescan(client)
    ids = [(await item(client, path))["id"] for path in sorted(slow)]
    quick = [(await item(client, path))["thumbnailUrl"] for path in TRIP]
    monkeypatch.setattr(WorkerProcess, "send", hung)
    waiting = [
        asyncio.create_task(client.get(f"/api/items/{id_}/thumbnail?size={size}"))
        for id_ in ids
        for size in ("small", "medium", "large", "full")
    ]
    await eventually(lambda: slow & set(drawings))
    async with asyncio.timeout(thumbnails.MAX_SECONDS / 2):
        answers = await asyncio.gather(*map(client.get, quick))
    assert {answer.status_code for answer in answers} == {200}
    for task in waiting:
        task.cancel()


@pytest.mark.parametrize(
    ("number", "status"),
    [(errno.EMFILE, 503), (errno.EIO, 503), (errno.ENOMEM, 503), (errno.EACCES, 404)],
)
async def test_a_file_that_cannot_be_opened_now_is_503_and_drawn_later(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, number: int, status: int
) -> None:
    def fail(*_args: Any) -> None:
        raise OSError(number, os.strerror(number))

    url = (await item(client))["thumbnailUrl"]
    with monkeypatch.context() as patch:
        patch.setattr(Root, "open_file", fail)
        answer = await client.get(url)
    assert answer.status_code == status
    assert (await client.get(url)).status_code == 200


async def test_a_kept_picture_that_cannot_be_opened_now_is_503(
    client: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await read(settings)
    url = (await item(client))["thumbnailUrl"]
    assert (await client.get(url)).status_code == 200

    def fail(*_args: Any, **_options: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fail)
        assert (await client.get(url)).status_code == 503
    assert (await client.get(url)).status_code == 200


async def test_several_who_wait_for_one_picture_have_it_made_once(
    client: httpx.AsyncClient, drawings: list[str]
) -> None:
    """A client that leaves does not cancel the work for the others."""
    url = (await item(client))["thumbnailUrl"]
    waiting = [asyncio.create_task(client.get(url)) for _ in range(10)]
    await eventually(lambda: drawings)
    for task in waiting[:5]:
        task.cancel()
    answers = await asyncio.gather(*waiting[5:])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert drawings == [BEACH]


async def test_what_nobody_waits_for_any_more_is_not_made(
    port: int, client: httpx.AsyncClient, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client leaves over a real connection, while another one keeps the only worker busy."""
    begun, release, drawn = asyncio.Event(), asyncio.Event(), []

    draw_now = Renderer.draw

    async def slow(self: Renderer, path: str, *args: Any) -> Any:
        drawn.append(path)
        begun.set()
        await release.wait()
        return await draw_now(self, path, *args)

    for path in TRIP[1:]:
        draw(library, path)
    urls = [(await item(client, path))["thumbnailUrl"] for path in TRIP]
    asked, left, get = list[object](), list[object](), SingleFlight.get

    async def noted(self: SingleFlight[Any, Any], key: object, work: Any) -> Any:
        asked.append(key)
        try:
            return await get(self, key, work)
        finally:
            left.append(key)

    monkeypatch.setattr(Renderer, "draw", slow)
    monkeypatch.setattr(SingleFlight, "get", noted)
    first = asyncio.create_task(client.get(urls[0]))
    other = asyncio.create_task(client.get(urls[1]))
    await begun.wait()
    await eventually(lambda: len(drawn) == 2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {urls[2]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await writer.drain()
    third = asyncio.create_task(client.get(urls[3]))
    await eventually(lambda: len(asked) == 4, "all of them wait")
    writer.close()
    assert await reader.read() == b""
    await eventually(lambda: left, "the server has noticed")
    release.set()
    for task in (first, other, third):
        assert (await task).status_code == 200
    assert TRIP[2] not in drawn


async def test_a_queue_that_is_full_is_503(
    settings: Settings,
) -> None:
    full = create_app(settings, limits=Limits(max_waiting=0))
    async with started(full) as app, client_of(app) as client:
        await scanned(client)
        answer = await client.get((await item(client))["thumbnailUrl"])
    assert (answer.status_code, answer.text) == (503, "Too many thumbnails are being made")
    assert answer.headers["retry-after"]


async def test_a_file_that_is_always_being_written_to_is_503(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def changed(*_args: Any) -> NotRendered:
        return NotRendered.CHANGED

    monkeypatch.setattr(Renderer, "draw", changed)
    answer = await client.get((await item(client))["thumbnailUrl"])
    assert (answer.status_code, answer.text) == (503, "The file is being written to")


async def test_a_file_that_changes_while_it_is_drawn_is_never_mixed(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    """A writer swaps two versions all the time: each answer shows one of them."""
    file = library.folder / BEACH
    one = encoded(original().resize((1_200, 800)), "JPEG", quality=95)
    other = encoded(original().rotate(180).resize((1_200, 800)), "JPEG", quality=95)
    id_ = (await item(client))["id"]

    between = 0.1  # longer where rendering takes longer

    async def rewrite() -> None:
        while True:
            for content in (one, other):
                await asyncio.to_thread(file.write_bytes, content)
                await pause(between)

    writing = asyncio.create_task(rewrite())
    shown = 0
    try:
        async with asyncio.timeout(100):
            while shown < 8:
                answer = await client.get(f"/api/items/{id_}/thumbnail?size=small")
                assert answer.status_code in (200, 404, 503)
                if answer.status_code != 200:
                    between *= 1.1
                else:
                    shown += 1
                    seen = opened(answer.content)
                    upright, turned = original(), original().rotate(180)
                    assert min(difference(seen, upright), difference(seen, turned)) < 4
    finally:
        writing.cancel()
    for picture in cached(settings):
        assert picture.read_bytes()[:4] == b"RIFF"


async def test_what_cannot_be_drawn_for_a_moment_is_tried_again(
    client: httpx.AsyncClient, library: Tree
) -> None:
    """A file is empty while it is being written: that is no verdict on the listed version."""
    url = (await item(client))["thumbnailUrl"]
    library.write(BEACH, content=b"")
    assert (await client.get(url)).status_code == 404
    draw(library, BEACH)
    assert (await client.get(url)).status_code == 200


async def test_the_least_recently_used_go_when_room_is_short(tmp_path: Path, clock: object) -> None:
    cache = Cache(tmp_path / "thumbnails")
    keys = [key_of("x", Micros(number)) for number in range(10)]
    for age, key in enumerate(keys):
        cache.keep(key, "small", bytes(1_000))
        [file] = (tmp_path / "thumbnails").rglob(f"{key}-small.webp")
        os.utime(file, (1_700_000_000 + 60 * age, 1_700_000_000))
    assert cache.read(keys[0], "small") is not None  # now it is the most recently used
    half = tmp_path / "thumbnails" / keys[1][:2] / "left.new"
    half.write_bytes(bytes(500))
    assert cache.survey() == 10 * 1_008 + 500
    os.utime(half, (1_700_000_000, 1_700_000_000))
    assert cache.survey() == 10 * 1_008
    assert not half.exists()
    assert cache.shrink(3 * 1_008) == 7 * 1_008
    left = [cache.read(key, "small") is not None for key in keys]
    assert left == [True, *[False] * 7, True, True]


async def test_the_cache_keeps_within_its_room(
    library: Tree, settings: Settings, limits: Limits
) -> None:
    room = 4_000
    for turns, path in enumerate(TRIP):
        draw(library, path, turns)
    small = msgspec.structs.replace(settings, thumbnails=room / (1 << 30))
    async with started(create_app(small, limits=limits)) as app, client_of(app) as client:
        await rescan(client)
        for path in TRIP:
            for size in ("small", "medium", "large"):
                url = f"/api/items/{(await item(client, path))['id']}/thumbnail?size={size}"
                assert (await client.get(url)).is_success
        cache = Cache(Path(settings.data) / "thumbnails")
        await eventually(lambda: cache.survey() <= room)
    assert cached(settings)


async def test_one_size_that_is_too_much_does_not_take_the_others_away(
    client: httpx.AsyncClient,
    library: Tree,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    drawings: list[str],
) -> None:
    await read(settings)
    url = f"/api/items/{(await item(client))['id']}/thumbnail"

    async def strict(*_args: Any) -> Rendering:
        return Rendering(thumbhash="hash", problem="takes too much memory or time")

    with monkeypatch.context() as patch:
        patch.setattr(Workers, "render", strict)
        assert (await client.get(f"{url}?size=full")).status_code == 404
    assert (await client.get(f"{url}?size=full")).status_code == 404
    assert (await client.get(f"{url}?size=small")).status_code == 200
    assert (await client.get(url.removesuffix("/thumbnail"))).json()["problem"] is None
    assert drawings == [BEACH, BEACH]


async def test_a_child_that_cannot_begin_is_503(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (await item(client))["thumbnailUrl"]
    with monkeypatch.context() as patch:
        patch.setattr(WorkerProcess, "is_alive", False)  # the idle one is not used
        patch.setattr(worker_process, "_MAIN", "raise SystemExit(1)")
        answer = await client.get(url)
        assert (answer.status_code, answer.text) == (503, "No worker process can be started now")
        patch.setattr(sys, "executable", "/nowhere/python")
        answer = await client.get(url)
        assert (answer.status_code, answer.text) == (503, "No worker process can be started now")
    assert (await client.get(url)).status_code == 200


async def test_a_large_picture_is_sent_in_parts(
    port: int, client: httpx.AsyncClient, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = Image.effect_noise((1_500, 1_500), 90).convert("RGB")
    library.write(BEACH, content=encoded(noise, "JPEG", quality=95))
    url = f"/api/items/{(await item(client))['id']}/thumbnail?size=full"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as real:
        answer = await real.get(url)
        assert len(answer.content) > LARGE
        assert opened(answer.content).size == (1_500, 1_500)
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert (await real.head(url)).headers["content-length"] == answer.headers["content-length"]


# Covers


async def test_a_cover(client: httpx.AsyncClient, library: Tree, settings: Settings) -> None:
    await read(settings)
    url = await collect(client, paths=[BEACH, TRIP[1]], folderPath="photos")
    shown = (await client.get(url)).json()
    for name, longest in (("coverSmallUrl", 256), ("coverLargeUrl", 360)):
        answer = await client.get(shown[name])
        assert answer.headers["cache-control"] == FOR_EVER
        assert max(opened(answer.content).size) == longest
        known = {"If-None-Match": answer.headers["etag"]}
        assert (await client.get(shown[name], headers=known)).status_code == 304
    library.remove(BEACH)
    await rescan(client)
    missing = await client.get(f"{url}/cover?size=large")
    assert max(opened(missing.content).size) == 360
    await client.put(f"{url}/order", json={"paths": [TRIP[1]]})
    other = await client.get(shown["coverSmallUrl"])
    assert (other.status_code, other.text) == (404, "No thumbnail")
    await client.put(url, json={"name": "Shortlist", "paths": []})
    none = await client.get(f"{url}/cover")
    assert (none.status_code, none.text) == (404, "No cover")
