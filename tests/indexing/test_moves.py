"""A move keeps the item: its id, its place in collections, and whose cover it is."""

import os
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gallery.app import create_app, started
from gallery.config import Settings
from gallery.domain.sync.folder_moves import Departure, Departures
from tests.support.application import Clock, client_of
from tests.support.collections import make, members_and_missing, show
from tests.support.library import BEACH, SUNSET, TRIP, Tree, ids, read, rescan, scanned
from tests.support.waiting import eventually

DAY1 = "photos/2025/trip/day1"


@pytest.mark.parametrize("new", ["beach-2.jpg", "beach.JPG", "Beach.jpg", "../day2/beach.jpg"])
async def test_a_renamed_file_is_the_same_item(
    client: httpx.AsyncClient, library: Tree, new: str
) -> None:
    made = await make(client, folderPath="photos", paths=[SUNSET, BEACH])
    await client.put(f"/api/collections/{made['id']}", json={"name": "x", "coverPath": BEACH})
    before = await ids(client, BEACH)
    now = os.path.normpath(f"{DAY1}/{new}")
    library.move(BEACH, now)
    await rescan(client)
    assert await ids(client, BEACH, now) == {BEACH: None, now: before[BEACH]}
    found = await show(client, made["id"])
    assert [item["path"] for item in found["items"]] == [SUNSET, now]
    assert (found["coverPath"], found["itemCount"]) == (now, 2)
    memberships = await client.post("/api/collections/memberships", json={"paths": [BEACH, now]})
    assert memberships.json() == {now: [made["id"]]}
    state = (await client.get("/api/library")).json()["roots"][0]
    assert (state["itemCount"], state["missingCount"]) == (len(TRIP), 0)


async def test_a_name_that_is_spelled_in_another_normal_form_is_the_same_item(
    client: httpx.AsyncClient, library: Tree
) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    library.write(composed)
    await rescan(client)
    before = await ids(client, composed)
    library.move(composed, decomposed)
    await rescan(client)
    assert await ids(client, composed, decomposed) == {composed: None, decomposed: before[composed]}


async def test_files_that_change_places_keep_who_they_are(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.write("other/far.jpg", content=b"far away")
    await rescan(client)
    made = await make(client, folderPath="", paths=[BEACH, SUNSET, "other/far.jpg"])
    before = await ids(client, BEACH, SUNSET, "other/far.jpg")
    library.swap(BEACH, SUNSET)
    await rescan(client)
    assert await members_and_missing(client, made["id"]) == [
        (SUNSET, False),
        (BEACH, False),
        ("other/far.jpg", False),
    ]
    library.swap(BEACH, "other/far.jpg")
    await rescan(client)
    now = await ids(client, BEACH, SUNSET, "other/far.jpg")
    assert now == {
        SUNSET: before[BEACH],
        "other/far.jpg": before[SUNSET],
        BEACH: before["other/far.jpg"],
    }


async def test_renumbered_files_keep_who_they_are(client: httpx.AsyncClient, library: Tree) -> None:
    def name(number: int) -> str:
        return f"roll/IMG_{number:04}.jpg"

    count = 2_500  # more than fit into one transaction
    library.write(*map(name, range(count)))
    await rescan(client)
    made = await make(client, folderPath="roll", paths=[name(0), name(count - 1)])
    before = await ids(client, name(0), name(1), name(999), name(1_000), name(count - 1))
    for number in reversed(range(count)):
        library.move(name(number), name(number + 1))
    await rescan(client)
    now = await ids(client, name(1), name(2), name(1_000), name(1_001), name(count))
    assert list(now.values()) == list(before.values())
    assert await members_and_missing(client, made["id"]) == [(name(1), False), (name(count), False)]


@pytest.mark.parametrize("extra", [[], ["photos/2025/trip/day1/added-before.jpg"]])
async def test_a_renamed_folder_takes_items_and_scopes_along(
    client: httpx.AsyncClient, library: Tree, extra: list[str]
) -> None:
    inner = await make(client, "inner", folderPath=DAY1, paths=[BEACH])
    outer = await make(client, "outer", folderPath="photos/2025/trip", paths=list(TRIP))
    empty = await make(client, "empty", folderPath="photos/2025/trip/day2")
    far = await make(client, "far", folderPath="photos", paths=[SUNSET])
    tag = (await client.get(f"/api/collections/{empty['id']}")).headers["ETag"]
    before = await ids(client, *TRIP)
    library.write(*extra)  # this changes the folder's time of modification
    library.move("photos/2025/trip", "photos/2026/voyage")
    await rescan(client)
    moved = [path.replace("2025/trip", "2026/voyage") for path in TRIP]
    assert list((await ids(client, *moved)).values()) == list(before.values())
    assert await members_and_missing(client, outer["id"]) == [(path, False) for path in moved]
    scopes = [(await show(client, made["id"]))["folderPath"] for made in (inner, outer, empty, far)]
    voyage = "photos/2026/voyage"
    assert scopes == [f"{voyage}/day1", voyage, f"{voyage}/day2", "photos"]
    assert (await client.get(f"/api/collections/{empty['id']}")).headers["ETag"] != tag
    answer = await client.post(f"/api/collections/{inner['id']}/items", json={"paths": [moved[1]]})
    assert answer.status_code == 200


async def test_an_empty_folder_that_is_renamed_takes_its_scope_along(
    client: httpx.AsyncClient, library: Tree
) -> None:
    (library.folder / "plans").mkdir()
    await rescan(client)
    made = await make(client, folderPath="plans")
    library.move("plans", "done")
    await rescan(client)
    assert (await show(client, made["id"]))["folderPath"] == "done"


async def test_the_scope_of_a_folder_that_is_gone_stays(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.write(*(f"trips/{number}.jpg" for number in range(8)))
    await rescan(client)
    made = await make(client, folderPath="trips", paths=["trips/1.jpg"])
    library.move("trips/1.jpg", "saved/1.jpg")
    shutil.rmtree(library.folder / "trips")
    await rescan(client)
    found = await show(client, made["id"])
    assert (found["folderPath"], found["coverPath"]) == ("trips", "saved/1.jpg")


async def test_where_a_former_folder_went_says_nothing_of_a_new_one_of_that_name(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.write(*(f"trips/{number}.jpg" for number in range(8)))
    await rescan(client)
    library.move("trips", "voyages")
    await rescan(client)
    library.write("trips/new.jpg")
    await rescan(client)
    made = await make(client, folderPath="trips", paths=["trips/new.jpg"])
    shutil.rmtree(library.folder / "trips")
    await rescan(client)
    assert (await show(client, made["id"]))["folderPath"] == "trips"


def test_departures_from_a_path_count_for_the_folder_that_was_there_only() -> None:
    departures = Departures()
    departures.note([Departure("a/x.jpg", "b/x.jpg"), Departure("c/y.jpg", "d/y.jpg")])
    assert departures.destinations("a") == {"b": 1}
    departures.forget_folders({"a", "e"})
    assert (departures.destinations("a"), departures.destinations("c")) == ({}, {"d": 1})


async def test_a_copy_is_not_a_move(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.age()
    made = await make(client, folderPath="photos", paths=[BEACH])
    before = await ids(client, BEACH)
    shutil.copy2(library.folder / BEACH, library.folder / DAY1 / "copy.jpg")
    os.link(library.folder / BEACH, library.folder / DAY1 / "link.jpg")
    await rescan(client)
    await read(settings)
    now = await ids(client, BEACH, f"{DAY1}/copy.jpg", f"{DAY1}/link.jpg")
    assert now[BEACH] == before[BEACH]
    assert len(set(now.values())) == 3
    assert await members_and_missing(client, made["id"]) == [(BEACH, False)]


async def test_a_copy_whose_original_is_removed_within_a_day_is_the_item(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("kept/one.jpg", content=b"its own bytes")
    library.age()
    await rescan(client)
    made = await make(client, folderPath="", paths=["kept/one.jpg", BEACH])
    before = await ids(client, "kept/one.jpg")
    library.write("elsewhere/another name.jpg", content=b"its own bytes")
    os.utime(library.folder / "elsewhere/another name.jpg", (1_600_000_000, 1_600_000_000))
    await rescan(client)
    await read(settings)
    library.remove("kept/one.jpg")
    await rescan(client)

    async def is_moved() -> bool:
        first = (await members_and_missing(client, made["id"]))[0]
        return first == ("elsewhere/another name.jpg", False)

    await eventually(is_moved)
    assert (await ids(client, "elsewhere/another name.jpg")).popitem()[1] == before.popitem()[1]


async def test_two_files_with_the_same_bytes_are_never_confused(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("twins/one.jpg", "twins/two.jpg", content=b"the same")
    library.age()
    await rescan(client)
    await read(settings)
    before = await ids(client, "twins/one.jpg", "twins/two.jpg")
    library.remove("twins/one.jpg")
    await rescan(client)
    assert await ids(client, "twins/two.jpg") == {"twins/two.jpg": before["twins/two.jpg"]}
    library.write("twins/three.jpg", content=b"the same")
    os.utime(library.folder / "twins/three.jpg", (1_600_000_000, 1_600_000_000))
    await rescan(client)
    await read(settings)
    now = await ids(client, "twins/two.jpg", "twins/three.jpg")
    assert now["twins/two.jpg"] == before["twins/two.jpg"]
    assert now["twins/three.jpg"] not in before.values()


async def test_a_file_that_replaces_another_one_is_a_new_version_of_it(
    client: httpx.AsyncClient, library: Tree
) -> None:
    made = await make(client, folderPath="photos", paths=[BEACH])
    before = await ids(client, BEACH, SUNSET)
    for name in ("seen-before.jpg", "not-seen.jpg"):
        library.write(f"{DAY1}/{name}", content=f"edited as {name}".encode())
        if name == "seen-before.jpg":
            await rescan(client)
        library.move(f"{DAY1}/{name}", BEACH)
        await rescan(client)
        assert await ids(client, BEACH) == {BEACH: before[BEACH]}
        assert await members_and_missing(client, made["id"]) == [(BEACH, False)]
    library.move(SUNSET, BEACH)  # an item in no collection does not displace one in a collection
    await rescan(client)
    assert await ids(client, BEACH) == {BEACH: before[BEACH]}


async def test_a_kept_file_moved_over_another_one_stays_who_it_is(
    client: httpx.AsyncClient, library: Tree
) -> None:
    made = await make(client, folderPath="photos", paths=[BEACH, SUNSET])
    before = await ids(client, BEACH, SUNSET)
    library.move(BEACH, SUNSET)
    await rescan(client)
    assert await ids(client, SUNSET) == {SUNSET: before[BEACH]}
    assert await members_and_missing(client, made["id"]) == [(SUNSET, False), (SUNSET, True)]
    memberships = await client.post("/api/collections/memberships", json={"paths": [SUNSET]})
    assert memberships.json() == {SUNSET: [made["id"]]}
    library.move(SUNSET, "photos/away.jpg")  # and the item that was there may come back
    library.write(SUNSET)
    await rescan(client)
    assert await members_and_missing(client, made["id"]) == [
        ("photos/away.jpg", False),
        (SUNSET, False),
    ]


async def test_a_path_means_whoever_is_there(client: httpx.AsyncClient, library: Tree) -> None:
    """A member that lost its path to another item is not found by it until the other one leaves."""
    made = await make(client, folderPath="photos", paths=[BEACH])
    look_up = "/api/collections/memberships", {"paths": [BEACH]}
    library.remove(BEACH)
    await rescan(client)
    assert (await client.post(look_up[0], json=look_up[1])).json() == {BEACH: [made["id"]]}
    library.move(SUNSET, BEACH)
    await rescan(client)
    assert (await client.post(look_up[0], json=look_up[1])).json() == {}
    library.move(BEACH, SUNSET)
    await rescan(client)
    assert (await client.post(look_up[0], json=look_up[1])).json() == {BEACH: [made["id"]]}


async def test_a_moved_file_that_a_request_names_first_is_the_same_item(
    client: httpx.AsyncClient, library: Tree
) -> None:
    before = await ids(client, BEACH)
    library.move(BEACH, "photos/at-once.jpg")
    made = await make(client, paths=["photos/at-once.jpg"])
    assert await ids(client, "photos/at-once.jpg") == {"photos/at-once.jpg": before[BEACH]}
    await rescan(client)
    assert await members_and_missing(client, made["id"]) == [("photos/at-once.jpg", False)]
    assert (await client.get("/api/library")).json()["roots"][0]["missingCount"] == 0


async def test_everything_is_recognized_after_the_server_was_stopped(
    settings: Settings, library: Tree, clock: Clock
) -> None:
    async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
        await scanned(client)
        await make(client, folderPath=DAY1, paths=[BEACH, SUNSET])
        before = await ids(client, *TRIP)
    library.move(DAY1, "elsewhere/first day")
    library.move(TRIP[2], "market.jpg")
    async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
        await scanned(client)
        moved = ["elsewhere/first day/beach.jpg", "elsewhere/first day/sunset.jpg", "market.jpg"]
        now = await ids(client, *moved, TRIP[3])
        assert list(now.values()) == list(before.values())
        assert (await show(client, 1))["folderPath"] == "elsewhere/first day"
        assert await members_and_missing(client, 1) == [(path, False) for path in moved[:2]]


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """Yield a folder on another file system than the one of temporary files."""
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == Path("/tmp").stat().st_dev:
        pytest.skip("there is no second file system")
    folder = Path(tempfile.mkdtemp(dir=shared_memory))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("scans_between", [False, True])
async def test_a_move_to_another_disk_keeps_the_items(
    tmp_path: Path, other_disk: Path, database: str, clock: Clock, *, scans_between: bool
) -> None:
    """Copy, then removal: detected by the bytes, after they have been read."""
    here, there = Tree(tmp_path / "here"), Tree(other_disk / "there")
    for number in range(5):
        here.write(f"trip/{number}.jpg", content=bytes([number]) * 500)
    here.write("stays.jpg", "trip/twin.jpg", "twin.jpg", content=b"twins")
    there.write("there.jpg", content=b"is there")
    here.age()
    there.age()
    settings = Settings(
        (f"here={here.folder}", f"there={there.folder}"), str(tmp_path / "data"), database
    )
    async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
        await scanned(client)
        await read(settings)
        trip = [f"here/trip/{name}.jpg" for name in (3, 1, 4, 0, 2, "twin")]
        made = await make(client, folderPath="here/trip", paths=trip)
        before = await ids(client, *trip, "here/twin.jpg")
        shutil.copytree(here.folder / "trip", there.folder / "saved", copy_function=shutil.copy2)
        if scans_between:
            await rescan(client)
            await read(settings)
        shutil.rmtree(here.folder / "trip")
        await rescan(client)
        await read(settings)
        moved = [path.replace("here/trip", "there/saved") for path in trip]
        now = await ids(client, *moved, "here/twin.jpg")
        assert list(now.values()) == list(before.values())
        assert await members_and_missing(client, made["id"]) == [(path, False) for path in moved]
        found = await show(client, made["id"])
        assert (found["folderPath"], found["coverPath"]) == ("there/saved", moved[0])
        roots = (await client.get("/api/library")).json()["roots"]
        assert [(r["itemCount"], r["missingCount"]) for r in roots] == [(2, 0), (7, 0)]


async def test_what_was_added_to_collections_meanwhile_goes_to_the_item_that_moved(
    tmp_path: Path, other_disk: Path, database: str, clock: Clock
) -> None:
    here, there = Tree(tmp_path / "here"), Tree(other_disk / "there")
    here.write("a.jpg", "b.jpg", "c.jpg", content=b"first")
    here.write("a.jpg", content=b"a alone")
    there.write("z.jpg", content=b"z")
    here.age()
    there.age()
    settings = Settings(
        (f"here={here.folder}", f"there={there.folder}"), str(tmp_path / "data"), database
    )
    async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
        await scanned(client)
        await read(settings)
        both = await make(client, "both", folderPath="", paths=["here/a.jpg", "there/z.jpg"])
        before = await ids(client, "here/a.jpg")
        shutil.copy2(here.folder / "a.jpg", there.folder / "a.jpg")
        new = await make(client, "new", folderPath="", paths=["there/a.jpg", "there/z.jpg"])
        await client.post(f"/api/collections/{both['id']}/items", json={"paths": ["there/a.jpg"]})
        await read(settings)
        here.remove("a.jpg")
        await rescan(client)
        assert await ids(client, "there/a.jpg") == {"there/a.jpg": before["here/a.jpg"]}
        assert await members_and_missing(client, both["id"]) == [
            ("there/a.jpg", False),
            ("there/z.jpg", False),
        ]
        assert await members_and_missing(client, new["id"]) == [
            ("there/a.jpg", False),
            ("there/z.jpg", False),
        ]
        for made in (both, new):
            found = await show(client, made["id"])
            assert (found["itemCount"], found["coverPath"]) == (2, "there/a.jpg")


async def test_a_move_between_roots_of_one_disk_keeps_the_item(
    tmp_path: Path, database: str, clock: Clock
) -> None:
    one, two = Tree(tmp_path / "a"), Tree(tmp_path / "b")
    one.write("x.jpg", "y.jpg")
    two.write("z.jpg")
    settings = Settings((f"one={one.folder}", f"two={two.folder}"), str(tmp_path / "d"), database)
    async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
        await scanned(client)
        made = await make(client, folderPath="", paths=["one/x.jpg", "two/z.jpg"])
        before = await ids(client, "one/x.jpg", "two/z.jpg")
        (one.folder / "x.jpg").rename(two.folder / "x.jpg")
        (two.folder / "z.jpg").rename(one.folder / "z.jpg")
        await rescan(client)
        now = await ids(client, "two/x.jpg", "one/z.jpg")
        assert list(now.values()) == list(before.values())
        assert await members_and_missing(client, made["id"]) == [
            ("two/x.jpg", False),
            ("one/z.jpg", False),
        ]
        roots = (await client.get("/api/library")).json()["roots"]
        assert [(r["itemCount"], r["missingCount"]) for r in roots] == [(2, 0), (1, 0)]


async def test_a_new_version_is_followed_as_the_first_one_was(
    client: httpx.AsyncClient, library: Tree, settings: Settings, tmp_path: Path, clock: Clock
) -> None:
    """A program saves the file anew; later it is moved, and another one takes its place."""
    await make(client, folderPath="", paths=[BEACH])
    before = await ids(client, BEACH)
    for content in (b"saved anew", b"saved once more"):
        library.write("aside.jpg", content=content)
        library.move("aside.jpg", BEACH)
        library.age()
        await rescan(client)
        await read(settings)
        clock.now += 20_000
    (library.folder / BEACH).rename(tmp_path / "on its way")
    library.write("another.jpg", content=b"something else")
    library.move("another.jpg", BEACH)
    await rescan(client)
    assert await ids(client, BEACH) == before, "it looks like one more version"
    (tmp_path / "on its way").rename(library.folder / "found.jpg")
    await rescan(client)
    assert (await ids(client, "found.jpg"))["found.jpg"] == before[BEACH]
    assert (await ids(client, BEACH))[BEACH] != before[BEACH]
