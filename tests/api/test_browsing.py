"""Browsing the library: folders, filters, pages, and the details of an item."""

import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from zlib import crc32

import httpx
import msgspec
import pytest

from gallery.config import Settings
from gallery.domain.library import browsing
from gallery.values.criteria import Criteria
from tests.support.collections import make
from tests.support.library import TRIP, Tree, pairs, read, rescan
from tests.support.pictures import LISTS, exif, film, picture, xmp

BEACH, SUNSET, MARKET, HARBOUR = TRIP


async def ask(client: httpx.AsyncClient, **criteria: Any) -> list[str]:
    """Return the names of the items found, in order."""
    answer = await client.get("/api/items", params=criteria)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def everything(client: httpx.AsyncClient, url: str, **params: Any) -> list[dict[str, Any]]:
    """Return the items of all pages."""
    found = []
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get(url, params=params | cursor)).json()
        found += page["items"]
        if page["nextCursor"] is None:
            return found
        cursor = {"cursor": page["nextCursor"]}


async def folder(client: httpx.AsyncClient, path: str = "", **more: Any) -> dict[str, Any]:
    answer = await client.get("/api/folders", params={"path": path} | more)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


# Folders


async def test_a_folder_shows_what_is_directly_inside(client: httpx.AsyncClient) -> None:
    shown = await folder(client, "photos/2025/trip")
    assert (shown["path"], shown["name"], shown["parentPath"]) == (
        "photos/2025/trip",
        "trip",
        "photos/2025",
    )
    assert [(one["path"], one["name"], one["itemCount"]) for one in shown["folders"]] == [
        ("photos/2025/trip/day1", "day1", 2),
        ("photos/2025/trip/day2", "day2", 2),
    ]
    assert (shown["items"], shown["nextCursor"]) == ([], None)
    shown = await folder(client, "/photos/2025/trip/day1/")
    assert [item["path"] for item in shown["items"]] == [BEACH, SUNSET]
    assert shown["folders"] == []


async def test_the_whole_library_is_a_folder(client: httpx.AsyncClient) -> None:
    shown = await folder(client)
    assert (shown["path"], shown["name"], shown["parentPath"]) == ("", "", None)
    assert [(one["path"], one["itemCount"]) for one in shown["folders"]] == [("photos", 4)]
    assert (await client.get("/api/folders")).json() == shown


async def test_the_cover_of_a_folder_is_a_picture_in_it_or_below(client: httpx.AsyncClient) -> None:
    (inside,) = (await folder(client))["folders"]
    beach = (await client.get("/api/items", params={"path": BEACH})).json()["items"][0]
    assert inside["coverUrl"] == beach["thumbnailUrl"]


async def test_what_is_missing_leaves_its_folder(client: httpx.AsyncClient, library: Tree) -> None:
    library.remove(BEACH)
    await rescan(client)
    assert [i["path"] for i in (await folder(client, "photos/2025/trip/day1"))["items"]] == [SUNSET]
    assert (await folder(client, "photos"))["folders"][0]["itemCount"] == 3
    library.write(BEACH)
    await rescan(client)
    assert (await folder(client, "photos"))["folders"][0]["itemCount"] == 4


async def test_counts_follow_moves_between_folders(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.move("photos/2025/trip/day1", "elsewhere/day1")
    library.move(MARKET, "photos/market.jpg")
    await rescan(client)
    assert [(f["path"], f["itemCount"]) for f in (await folder(client))["folders"]] == [
        ("elsewhere", 2),
        ("photos", 2),
    ]
    assert [f["itemCount"] for f in (await folder(client, "photos"))["folders"]] == [1]
    assert (await client.get("/api/folders?path=photos/2025/trip/day1")).status_code == 404


@pytest.mark.parametrize("path", ["nowhere", "photos/2025/trip/day1/beach.jpg", "Photos"])
async def test_what_is_no_folder_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get("/api/folders", params={"path": path})
    assert (answer.status_code, answer.text) == (404, "Folder not found")


async def test_a_folder_takes_an_order_and_no_filter(client: httpx.AsyncClient) -> None:
    day = "photos/2025/trip/day1"
    names = [item["name"] for item in (await folder(client, day, order="desc"))["items"]]
    assert names == ["sunset.jpg", "beach.jpg"]
    for wrong in ("minRating=3", "path=a//b", "sort=beauty", "limit=0", "cursor=x", "path=%ff"):
        answer = await client.get(f"/api/folders?{wrong}")
        assert answer.status_code == 400, wrong


async def test_names_stand_in_natural_order(client: httpx.AsyncClient, library: Tree) -> None:
    names = ["img10.jpg", "img2.jpg", "Img1.jpg", "Äpfel.jpg", "b.jpg", "a10/x.jpg", "a9/x.jpg"]
    library.write(*(f"new/{name}" for name in names))
    await rescan(client)
    shown = await folder(client, "new")
    assert [f["name"] for f in shown["folders"]] == ["a9", "a10"]
    assert [item["name"] for item in shown["items"]] == [
        *("Äpfel.jpg", "b.jpg", "Img1.jpg", "img2.jpg", "img10.jpg")
    ]


@pytest.mark.parametrize("sort", ["name", "takenAt", "size", "modifiedAt", "rating", "random"])
async def test_pages_of_a_folder_hold_everything_once(
    client: httpx.AsyncClient, library: Tree, sort: str
) -> None:
    library.write(*(f"new/{number}.jpg" for number in range(50)))
    library.write("new/sub/x.jpg")
    await rescan(client)
    whole = await everything(client, "/api/folders", path="new", sort=sort)
    paged = await everything(client, "/api/folders", path="new", sort=sort, limit=7)
    assert paged == whole
    assert sorted(item["name"] for item in whole) == sorted(f"{n}.jpg" for n in range(50))
    first = await folder(client, "new", limit=7)
    second = await folder(client, "new", limit=7, cursor=first["nextCursor"])
    assert ([f["name"] for f in first["folders"]], second["folders"]) == (["sub"], [])


async def test_many_folders_come_in_pages_before_the_items(
    client: httpx.AsyncClient, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "MAX_FOLDERS", 3)
    library.write(*(f"new/sub{number}/x.jpg" for number in range(1, 12)))
    library.write(*(f"new/{number}.jpg" for number in range(5)))
    await rescan(client)
    pages = [await folder(client, "new", sort="size", limit=4)]
    while pages[-1]["nextCursor"]:
        if len(pages) == 2:  # the folder after which the next page begins is removed
            library.remove("new/sub6/x.jpg")
            (library.folder / "new/sub6").rmdir()
            await rescan(client)
        after = pages[-1]["nextCursor"]
        pages.append(await folder(client, "new", sort="size", limit=4, cursor=after))
    shown = [[(one["name"], one["itemCount"]) for one in page["folders"]] for page in pages]
    assert shown == [
        [("sub1", 1), ("sub2", 1), ("sub3", 1)],
        [("sub4", 1), ("sub5", 1), ("sub6", 1)],
        [("sub7", 1), ("sub8", 1), ("sub9", 1)],
        [("sub10", 1), ("sub11", 1)],
        [],
    ]
    assert [len(page["items"]) for page in pages] == [0, 0, 0, 4, 1]
    other = await client.get("/api/folders", params={"cursor": pages[0]["nextCursor"]})
    assert (other.status_code, other.text) == (400, "Invalid cursor")


# Filters


async def test_everything_is_listed_the_latest_first(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.age()
    await rescan(client)
    assert await ask(client) == ["market.jpg", "harbour.jpg", "sunset.jpg", "beach.jpg"]
    assert await ask(client, sort="name") == [
        *("beach.jpg", "harbour.jpg", "market.jpg", "sunset.jpg")
    ]
    assert await ask(client, folders=["photos/2025/trip/day2", "photos/none"]) == [
        *("market.jpg", "harbour.jpg")
    ]
    assert await ask(client, text="har") == ["harbour.jpg"]
    assert await ask(client, text="HÂR jpg", types="image") == ["harbour.jpg"]
    assert await ask(client, extensions="png") == []
    assert len(await ask(client, extensions="png", extensions_logic="none")) == 4


async def test_pages_neither_skip_nor_repeat_what_stays(
    client: httpx.AsyncClient, library: Tree
) -> None:
    names = [f"new/{number:03}.jpg" for number in range(60)]
    library.write(*names)
    await rescan(client)
    chance = random.Random(3)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    gone: set[str] = set()
    while True:
        query = {"folders": "new", "sort": "name", "limit": "10"}
        page = (await client.get("/api/items", params=query | cursor)).json()
        seen += [item["path"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
        lost = chance.sample(sorted(set(names) - gone), 5)
        gone.update(lost)
        library.remove(*lost)
        library.write(*(f"new/{chance.randrange(60):03}-{n}.jpg" for n in range(5)))
        await rescan(client)
    assert len(seen) == len(set(seen))
    assert set(names) - gone <= set(seen)
    assert len(gone) > 20, "much has happened between the pages"


async def test_a_cursor_is_good_for_its_own_list_only(
    client: httpx.AsyncClient, library: Tree
) -> None:
    page = (await client.get("/api/items?limit=1&sort=name")).json()
    cursor = page["nextCursor"]
    assert (await client.get("/api/items", params={"sort": "name", "cursor": cursor})).is_success
    for other in ({}, {"sort": "size"}, {"sort": "name", "types": "image"}):
        answer = await client.get("/api/items", params=other | {"cursor": cursor})
        assert (answer.status_code, answer.text) == (400, "Invalid cursor")
    there = {"path": "photos/2025/trip/day1", "sort": "name", "cursor": cursor}
    assert (await client.get("/api/folders", params=there)).status_code == 400


@pytest.mark.parametrize("url", ["/api/items?sort=name", "/api/items", "/api/collections/1/items"])
async def test_a_forged_cursor_is_refused_whatever_it_holds(
    client: httpx.AsyncClient, url: str
) -> None:
    await make(client, folderPath="", paths=list(TRIP))
    address, _mark, sort = url.partition("?sort=")
    query = {"sort": sort} if sort else {}
    page = (await client.get(address, params=query | {"limit": "1"})).json()
    text = urlsafe_b64decode(page["nextCursor"] + "==")
    check, place = msgspec.json.decode(text)
    list_id = "1" if "collections" in url else msgspec.json.encode(_criteria(url)).decode()
    assert check == f"{crc32(msgspec.json.encode((list_id, place))):08x}", (
        "as we know how it is made"
    )
    for forged in (
        [],
        ["x"] * 3,
        [1, 2, 3, 4],
        [0, [], 1],
        [2**70] * len(place),
        [-1, "a\0", 1.5],
        None,
    ):
        check = f"{crc32(msgspec.json.encode((list_id, forged))):08x}"
        cursor = urlsafe_b64encode(msgspec.json.encode((check, forged))).decode()
        answer = await client.get(address, params=query | {"cursor": cursor})
        assert (answer.status_code, answer.text) == (400, "Invalid cursor"), forged


def _criteria(url: str) -> Criteria:
    return Criteria(sort="name") if "name" in url else Criteria()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("colour=red", "colour"),
        ("minRating=1&minRating=2", "minRating"),
        ("minRating=", "minRating"),
        ("types=sound", "types"),
        ("near=1,2", "near"),
        ("near=1,2,3,4", "near"),
        ("near=91,0,1", "lat"),
        ("takenAfter=2025-01-01", "takenAfter"),
        ("favorite=maybe", "favorite"),
        ("text=a%00b", "text"),
        ("path=photos&text=x", "text"),
        ("folders=..", "folders"),
        ("limit=5001", "limit"),
        ("hidden=true", "hidden"),
        ("%0a=1", "\\u000a"),
    ],
)
async def test_what_is_wrong_in_a_query_is_named(
    client: httpx.AsyncClient, query: str, named: str
) -> None:
    answer = await client.get(f"/api/items?{query}")
    assert answer.status_code == 400
    assert named in answer.text
    assert "\n" not in answer.text


async def test_a_zone_may_lose_its_plus_sign(client: httpx.AsyncClient) -> None:
    for zone in ("%2B02:00", "+02:00", "Z"):
        assert len(await ask(client, takenBefore="2100-01-01T00:00:00Z")) == 4
        answer = await client.get(f"/api/items?takenAfter=2100-01-01T00:00:00{zone}")
        assert answer.json() == {"items": [], "nextCursor": None}


async def test_missing_items_are_listed_only_when_asked_for(
    client: httpx.AsyncClient, library: Tree
) -> None:
    await make(client, folderPath="", paths=[BEACH])
    library.remove(BEACH)
    await rescan(client)
    assert "beach.jpg" not in await ask(client)
    assert await ask(client, missing="true") == ["beach.jpg"]
    assert len(await ask(client, missing="false")) == 3
    (found,) = (await client.get("/api/items", params={"path": BEACH, "limit": 3})).json()["items"]
    assert found["missing"]


async def test_a_shuffle_stays_the_same_for_a_day(client: httpx.AsyncClient, library: Tree) -> None:
    library.write(*(f"new/{number}.jpg" for number in range(40)))
    await rescan(client)
    one = await everything(client, "/api/items", sort="random", limit=9)
    other = await everything(client, "/api/items", sort="random")
    assert one == other
    assert len(one) == 44
    assert one != sorted(one, key=lambda item: item["id"])


async def test_every_page_takes_the_same_few_statements(
    client: httpx.AsyncClient, statements: list[str]
) -> None:
    for url, most in (
        ("/api/items", 1),
        ("/api/items?text=beach&types=image&keywords=a&keywords=b", 2),
        ("/api/folders?path=photos/2025/trip/day1", 4),
        ("/api/items/1", 1),
    ):
        statements.clear()
        assert (await client.get(url)).is_success
        asked = [sql for sql in statements if "probed_at IS NULL" not in sql]
        assert len(asked) <= most, url


# Metadata


def described(library: Tree) -> None:
    """Write real files with much metadata."""
    library.write(
        "new/one.jpg", content=picture("JPEG", exif=exif(), xmp=xmp('xmp:Rating="4"', LISTS))
    )
    library.write("new/two.png", content=picture("PNG"))
    library.write("new/two.png.xmp", content=xmp('xmp:Rating="2" tiff:Model="Scanner"'))
    library.write("new/bad.jpg")
    said = {"com.apple.quicktime.creationdate": "2024-12-31T23:30:00-0500", "title": "Fireworks"}
    library.write("new/film.mov", content=film("mov", "libx264", metadata=said))
    library.age()


async def test_items_are_found_by_what_was_read(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    described(library)
    await rescan(client)
    await read(settings)
    assert await ask(client, cameras="canon EOS r5") == ["one.jpg"]
    assert await ask(client, keywords="places/europe") == ["one.jpg"]
    assert await ask(client, minRating=1, sort="rating") == ["one.jpg", "two.png"]
    assert await ask(client, minRating=1, sort="rating", order="asc") == ["two.png", "one.jpg"]
    assert await ask(client, text="fire") == ["film.mov"]
    assert await ask(client, text="titl") == ["one.jpg"]
    assert await ask(client, years=2024) == ["film.mov"]
    assert await ask(client, takenAfter="2025-01-01T04:30:00Z", years=2024) == ["film.mov"]
    assert await ask(client, takenAfter="2025-01-01T04:30:01Z", years=2024) == []
    assert await ask(client, orientations="landscape", types="video", minDuration=1.5) == [
        "film.mov"
    ]
    assert (await ask(client))[0] == "one.jpg", "the latest is the first"


async def test_everything_that_is_known_of_an_item_is_shown(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    described(library)
    await rescan(client)
    await read(settings)
    made = await make(client, folderPath="", paths=["new/one.jpg"])
    (listed,) = (await client.get("/api/items?path=new/one.jpg")).json()["items"]
    shown = (await client.get(f"/api/items/{listed['id']}")).json()
    assert {key: shown[key] for key in listed} == listed
    assert {key: value for key, value in shown.items() if key not in listed} == {
        "size": (library.folder / "new/one.jpg").stat().st_size,
        "modifiedAt": "2023-11-14T22:13:22Z",
        "addedAt": shown["addedAt"],
        "mimeType": "image/jpeg",
        "takenLocal": "2025-07-03T12:13:14",
        "takenOffset": None,
        "takenSource": "exif",
        "camera": "Canon EOS R5",
        "lens": "RF24-70mm F2.8 L IS USM",
        "exposure": 0.004,
        "aperture": 2.8,
        "iso": 100,
        "focalLength": 35.0,
        "location": None,
        "rating": 4,
        "title": "A title",
        "caption": "A caption",
        "keywords": ["sea", "Paris", "Places/Europe/Paris"],
        "problem": None,
        "favorite": False,
        "collections": [made["id"]],
    }
    assert listed["takenAt"] == "2025-07-03T12:13:14Z"
    (bad,) = (await client.get("/api/items?path=new/bad.jpg")).json()["items"]
    shown = (await client.get(f"/api/items/{bad['id']}")).json()
    assert shown["problem"] == "is not a picture"
    assert (shown["takenSource"], shown["takenAt"]) == ("file", "2023-11-14T22:13:20Z")


@pytest.mark.parametrize(
    ("id_", "status", "text"),
    [("0", 400, "Invalid item ID"), ("x", 400, "Invalid item ID"), ("99", 404, "Item not found")],
)
async def test_an_item_that_is_none(
    client: httpx.AsyncClient, id_: str, status: int, text: str
) -> None:
    answer = await client.get(f"/api/items/{id_}")
    assert (answer.status_code, answer.text) == (status, text)


# Pairs


async def test_the_clip_of_a_live_photo_is_paired_with_its_picture(
    client: httpx.AsyncClient, library: Tree, settings: Settings
) -> None:
    library.write("new/IMG_1.heic", content=picture("HEIF"))
    library.write("new/img_1.MOV", content=film("mov", "libx264"))
    library.write("new/IMG_2.jpg", content=picture("JPEG"))
    library.write("new/IMG_2.mp4", content=film("mp4", "libx264", seconds=6))
    library.write("new/IMG_3.mov", content=film("mov", "libx264"))
    library.write("other/IMG_3.jpg", content=picture("JPEG"))
    library.age()
    await rescan(client)
    await read(settings)
    found = await pairs(client)
    assert (found["IMG_1.heic"], found["img_1.MOV"]) == ("img_1.MOV", "IMG_1.heic")
    alone = {"IMG_2.jpg", "IMG_2.mp4", "IMG_3.mov", "IMG_3.jpg", *(p.split("/")[-1] for p in TRIP)}
    assert {name for name, other in found.items() if other is None} == alone
    made = await make(client, folderPath="", paths=["new/IMG_1.heic"])
    before = (await client.get(f"/api/collections/{made['id']}")).json()["items"][0]
    assert before["pairedWith"] is not None
    library.remove("new/img_1.MOV")
    await rescan(client)
    assert (await pairs(client))["IMG_1.heic"] is None
    after = (await client.get(f"/api/collections/{made['id']}")).json()["items"][0]
    assert after["pairedWith"] is None
