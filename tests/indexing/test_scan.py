"""The index and the disk: what a scan adds, marks missing, and leaves alone."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gallery.app import create_app, started
from gallery.config import Settings
from gallery.disk.walk import FolderListing
from gallery.indexing import passes
from tests.support.application import Clock, client_of
from tests.support.collections import make, show
from tests.support.library import BEACH, SUNSET, TRIP, Tree, read, rescan, scanned
from tests.support.waiting import eventually


async def item(client: httpx.AsyncClient, path: str) -> dict[str, object] | None:
    page = (await client.get("/api/items", params={"path": path})).json()
    assert page["nextCursor"] is None
    return page["items"][0] if page["items"] else None


async def is_read(client: httpx.AsyncClient, path: str) -> None:
    """Wait until the width of the picture is in the index."""

    async def has_width() -> bool:
        found = await item(client, path)
        return found is not None and found["width"] is not None

    await eventually(has_width, path)


async def root(client: httpx.AsyncClient) -> dict[str, object]:
    found: dict[str, object] = (await client.get("/api/library")).json()["roots"][0]
    return found


async def test_a_scan_finds_every_media_file(client: httpx.AsyncClient, library: Tree) -> None:
    named = ["Été à la mer/café.JPG", "a b/100%.png", "x/#1.webp", "new\nline.gif", "v/clip.MOV"]
    library.write(*named, "notes.txt", "no_ending")
    await rescan(client)
    for path in named:
        found = await item(client, path)
        assert found is not None
        assert found["name"] == path.rpartition("/")[2]
    assert (await item(client, "v/clip.MOV"))["type"] == "video"  # type: ignore[index]
    assert await item(client, "notes.txt") is None
    assert (await root(client))["itemCount"] == len(TRIP) + len(named)


async def test_junk_is_skipped(client: httpx.AsyncClient, library: Tree) -> None:
    junk = [".hidden.jpg", "@eaDir/a.jpg", "node_modules/m/a.png", "a/.thumbs/b.jpg", "THUMBS.DB"]
    library.write(*junk, "#recycle/old.jpg", "x.jpg.part", "$RECYCLE.BIN/c.jpg", "fine/a.jpg")
    await rescan(client)
    assert (await root(client))["itemCount"] == len(TRIP) + 1


async def test_the_list_of_junk_can_be_set(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "library")
    tree.write("@eaDir/a.jpg", "b_thumb.jpg", "b.jpg")
    settings = Settings((str(tree.folder),), str(tmp_path / "data"), ignore=("*_thumb.*",))
    async with started(create_app(settings)) as app, client_of(app) as client:
        await scanned(client)
        assert await item(client, "@eaDir/a.jpg") is not None
        assert await item(client, "b_thumb.jpg") is None


async def test_a_scan_of_an_unchanged_tree_touches_no_row(
    client: httpx.AsyncClient, statements: list[str]
) -> None:
    del statements[:]
    await rescan(client)
    changing = [sql for sql in statements if sql.split()[0] in ("INSERT", "UPDATE", "DELETE")]
    touched = {sql.split()[2 if sql.split()[0] == "INSERT" else 1] for sql in changing}
    assert touched - {"lease"} == {"root"}, "when it was done; and who does it, where others could"


async def test_a_vanished_file_is_missing_and_never_forgotten(
    client: httpx.AsyncClient, library: Tree
) -> None:
    made = await make(client, paths=[BEACH, SUNSET])
    before = await item(client, BEACH)
    assert before is not None
    library.remove(BEACH)
    await rescan(client)
    gone = await item(client, BEACH)
    assert gone == before | {"missing": True}
    found = await show(client, made["id"])
    assert [(i["path"], i["missing"]) for i in found["items"]] == [(BEACH, True), (SUNSET, False)]
    assert (found["itemCount"], found["coverPath"]) == (2, BEACH)
    state = await root(client)
    assert (state["itemCount"], state["missingCount"]) == (len(TRIP) - 1, 1)


async def test_a_file_that_comes_back_is_the_same_item(
    client: httpx.AsyncClient, library: Tree
) -> None:
    before = await item(client, BEACH)
    assert before is not None
    library.remove(BEACH)
    await rescan(client)
    library.write(BEACH)
    await rescan(client)
    after = await item(client, BEACH)
    assert after is not None
    assert (after["id"], after["missing"]) == (before["id"], False)
    state = await root(client)
    assert (state["itemCount"], state["missingCount"]) == (len(TRIP), 0)


async def test_a_folder_that_vanishes_takes_what_is_below_it(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.write("photos/2025/tripod/a.jpg", "photos/2025/trip/day1/deep/b.jpg")
    await rescan(client)
    (library.folder / "photos/2025/trip").rename(library.folder.parent / "elsewhere")
    await rescan(client)
    assert (await root(client))["missingCount"] == len(TRIP) + 1
    assert (await item(client, "photos/2025/tripod/a.jpg"))["missing"] is False  # type: ignore[index]
    answer = await client.post(
        "/api/collections", json={"name": "x", "folderPath": "photos/2025/trip/day1"}
    )
    assert answer.status_code == 400
    (library.folder.parent / "elsewhere").rename(library.folder / "photos/2025/trip")
    await rescan(client)
    assert (await root(client))["missingCount"] == 0


async def test_a_changed_file_keeps_its_id_and_gets_new_pictures(
    client: httpx.AsyncClient, library: Tree
) -> None:
    before = await item(client, BEACH)
    library.write(BEACH, content=b"larger than it was before")
    await rescan(client)
    after = await item(client, BEACH)
    assert before is not None
    assert after is not None
    assert after["id"] == before["id"]
    assert after["thumbnailUrl"] != before["thumbnailUrl"]


async def test_names_that_do_not_fit_are_reported_and_stop_nothing(
    client: httpx.AsyncClient, library: Tree
) -> None:
    with open(os.fsencode(library.folder) + b"/\xff\xfe.jpg", "wb") as file:
        file.write(b"x")
    deep = library.folder
    for _ in range(9):
        deep = deep / ("d" * 250)
    deep.mkdir(parents=True)
    (library.folder / "link.jpg").symlink_to(library.folder / BEACH)
    (library.folder / "folder-link").symlink_to(library.folder / "photos")
    library.write("after.jpg")
    await rescan(client)
    state = await root(client)
    assert (state["state"], state["itemCount"]) == ("online", len(TRIP) + 1)
    problems = {p["path"][:12]: p["reason"] for p in state["problems"]}  # type: ignore[attr-defined]
    assert problems == {
        "\\xff\\xfe.jpg": "has a name that is not UTF-8 or too long",
        "dddddddddddd": "has a name that is not UTF-8 or too long",
        "link.jpg": "is a symbolic link",
        "folder-link": "is a symbolic link",
    }


async def test_a_pipe_named_like_a_picture_stops_nothing(
    client: httpx.AsyncClient, library: Tree
) -> None:
    os.mkfifo(library.folder / "pipe.jpg")
    await rescan(client)
    assert await item(client, "pipe.jpg") is None
    answer = await client.post("/api/collections", json={"name": "x", "paths": ["pipe.jpg"]})
    assert answer.status_code == 400


async def test_a_root_that_is_gone_is_offline_and_marks_nothing(
    client: httpx.AsyncClient, library: Tree
) -> None:
    away = library.folder.parent / "away"
    library.folder.rename(away)
    await rescan(client)
    state = await root(client)
    assert (state["state"], state["missingCount"]) == ("offline", 0)
    away.rename(library.folder)
    await rescan(client)
    assert (await root(client))["state"] == "online"


async def test_a_root_that_is_suddenly_empty_is_offline_unless_that_is_accepted(
    client: httpx.AsyncClient, library: Tree
) -> None:
    (library.folder / "photos").rename(library.folder.parent / "away")
    await rescan(client)
    state = await root(client)
    assert (state["state"], state["missingCount"]) == ("offline", 0)
    await rescan(client, accept_missing=True)
    state = await root(client)
    assert (state["state"], state["missingCount"]) == ("online", len(TRIP))


async def test_a_root_that_loses_half_of_its_files_at_one_stroke_is_offline(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.write(*(f"many/{number:02}.jpg" for number in range(36)))
    await rescan(client)
    for number in range(19):
        library.remove(f"many/{number:02}.jpg")
    await rescan(client)
    assert ((await root(client))["state"], (await root(client))["missingCount"]) == ("online", 19)
    (library.folder / "many").rename(library.folder.parent / "away")
    library.write("new.jpg")
    await rescan(client)
    assert ((await root(client))["state"], (await root(client))["missingCount"]) == ("online", 36)
    library.write(*(f"more/{number:02}.jpg" for number in range(40)))
    await rescan(client)
    (library.folder / "more").rename(library.folder.parent / "away-too")
    await rescan(client)
    assert ((await root(client))["state"], (await root(client))["missingCount"]) == ("offline", 36)
    await rescan(client, accept_missing=True)
    assert ((await root(client))["state"], (await root(client))["missingCount"]) == ("online", 76)


async def test_what_a_request_indexes_during_a_scan_is_not_missing_afterwards(
    client: httpx.AsyncClient, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, go = threading.Event(), threading.Event()
    take = passes._take  # noqa: SLF001

    def held(listings: Iterator[FolderListing], ahead: int) -> list[FolderListing]:
        batch = take(listings, ahead)
        listed.set()
        go.wait(10)
        return batch

    monkeypatch.setattr(passes, "_take", held)
    await client.post("/api/library/scan")
    await asyncio.to_thread(listed.wait, 10)
    fresh = ["photos/2025/trip/day1/fresh.jpg", "quite/new.jpg"]
    library.write(*fresh)
    made = await make(client, folderPath="", paths=fresh)
    go.set()
    await scanned(client)
    found = await show(client, made["id"])
    assert [(i["path"], i["missing"]) for i in found["items"]] == [(path, False) for path in fresh]
    assert (await root(client))["missingCount"] == 0


async def test_links_are_never_followed_not_even_round_in_circles(
    client: httpx.AsyncClient, library: Tree
) -> None:
    (library.folder / "loop").symlink_to(library.folder / "loop")
    (library.folder / "photos" / "loop").symlink_to("loop")
    library.write("photos/beside.jpg")
    await rescan(client)
    assert (await root(client))["state"] == "online"
    assert await item(client, "photos/beside.jpg") is not None


async def test_a_root_named_like_a_picture_is_no_picture(tmp_path: Path, database: str) -> None:
    tree = Tree(tmp_path / "library")
    tree.write("x.jpg")
    settings = Settings((f"x.jpg={tree.folder}",), str(tmp_path / "data"), database)
    async with started(create_app(settings)) as app, client_of(app) as client:
        await scanned(client)
        answer = await client.post("/api/collections", json={"name": "n", "paths": ["x.jpg"]})
        assert (answer.status_code, answer.text) == (400, "Not in the library: x.jpg")
        await make(client, paths=["x.jpg/x.jpg"])


async def test_dimensions_follow_when_a_root_is_back(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.draw("late.png", (64, 48), still=False)
    await rescan(client)
    away = library.folder.parent / "away"
    library.folder.rename(away)
    await rescan(client)
    assert (await root(client))["state"] == "offline"
    away.rename(library.folder)
    await rescan(client)
    await is_read(client, "late.png")


async def test_named_roots_are_the_first_component_of_their_paths(tmp_path: Path) -> None:
    one, two = Tree(tmp_path / "a"), Tree(tmp_path / "b")
    one.write("x.jpg", "2025/y.jpg")
    two.write("x.mp4")
    settings = Settings(
        (f"photos={one.folder}", f"videos={two.folder}"), data=str(tmp_path / "data")
    )
    async with started(create_app(settings)) as app, client_of(app) as client:
        await scanned(client)
        one.write("fresh.jpg")
        paths = ["photos/x.jpg", "photos/2025/y.jpg", "videos/x.mp4", "photos/fresh.jpg"]
        made = await make(client, folderPath="", paths=paths)
        assert [i["path"] for i in (await show(client, made["id"]))["items"]] == paths
        scoped = await make(client, "scoped", folderPath="videos", paths=["videos/x.mp4"])
        assert scoped["folderPath"] == "videos"
        answer = await client.post("/api/collections", json={"name": "z", "paths": ["x.jpg"]})
        assert answer.text == "Not in the library: x.jpg"
        roots = (await client.get("/api/library")).json()["roots"]
        assert [(r["name"], r["itemCount"]) for r in roots] == [("photos", 3), ("videos", 1)]
        two.remove("x.mp4")
        await rescan(client)
        assert (await client.get("/api/library")).json()["roots"][1]["state"] == "offline"


async def test_everything_is_there_again_after_a_restart(
    settings: Settings, library: Tree, clock: Clock
) -> None:
    library.age()
    bodies: list[bytes] = []
    for _ in range(2):
        async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
            await scanned(client)
            await read(settings)  # this changes what collections show
            if not bodies:
                await make(client, folderPath="", paths=list(TRIP))
            bodies.append((await client.get("/api/collections/1")).content)
    assert bodies[0] == bodies[1]


async def test_dimensions_follow_once_a_file_is_still(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.draw("drawn/wide.png", (64, 48))
    library.write("drawn/broken.jpg")
    os.utime(library.folder / "drawn/broken.jpg", (1_700_000_000, 1_700_000_000))
    library.draw("drawn/growing.jpg", (10, 20), still=False)
    started_at = time.monotonic()
    await rescan(client)
    await is_read(client, "drawn/wide.png")
    wide, broken = await item(client, "drawn/wide.png"), await item(client, "drawn/broken.jpg")
    assert wide is not None
    assert broken is not None
    assert (wide["width"], wide["height"], broken["width"]) == (64, 48, None)
    await is_read(client, "drawn/growing.jpg")
    assert time.monotonic() - started_at >= 1.5, "it was not still before"


async def test_a_path_finds_one_item_or_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/items", params={"path": "../x"})).status_code == 400
    assert (await client.get("/api/items?path=%ff")).status_code == 400
    answer = await client.get("/api/items", params={"path": "unknown.jpg"})
    assert answer.json() == {"items": [], "nextCursor": None}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"acceptMissing": null}'])
async def test_a_scan_is_accepted_with_and_without_a_body(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await client.post("/api/library/scan", content=body)
    assert (answer.status_code, answer.json()) == (202, {"status": "ok"})
    await scanned(client)
