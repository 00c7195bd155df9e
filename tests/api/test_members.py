"""The members of collections: rules 4, 5, 7, 9 to 13, pages, and the lookup of memberships."""

import base64
import re
import zlib
from typing import Any

import httpx
import pytest

from gallery.config import Settings
from gallery.domain.collections import members as rules
from tests.support.application import Clock
from tests.support.collections import SPANS, lookup, make, members, refusal, show
from tests.support.library import BEACH, HARBOUR, MARKET, SUNSET, TRIP, Tree, read, rescan, scanned
from tests.support.waiting import others_have_run


async def test_append_keeps_the_order_and_what_is_a_member_keeps_its_place(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, folderPath="", paths=[SUNSET])
    url = f"/api/collections/{made['id']}/items"
    answer = await client.post(url, json={"paths": [MARKET, "", SUNSET, BEACH, MARKET]})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert await members(client, made["id"]) == [SUNSET, MARKET, BEACH]
    assert (await show(client, made["id"]))["itemCount"] == 3


@pytest.mark.usefixtures("at_rest")
async def test_adding_members_again_changes_nothing(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    made = await make(client, paths=[BEACH, SUNSET])
    before = await client.get(f"/api/collections/{made['id']}")
    clock.now += 60_000
    answer = await client.post(
        f"/api/collections/{made['id']}/items", json={"paths": [SUNSET, BEACH]}
    )
    assert (answer.status_code, answer.headers["etag"]) == (200, before.headers["etag"])
    assert (await client.get(f"/api/collections/{made['id']}")).content == before.content


@pytest.mark.parametrize("body", [{}, {"paths": None}, {"paths": []}, {"paths": ["", " "]}])
@pytest.mark.parametrize(
    ("method", "tail"), [("POST", "items"), ("DELETE", "items"), ("PUT", "order")]
)
async def test_paths_are_required(
    client: httpx.AsyncClient, method: str, tail: str, body: dict[str, Any]
) -> None:
    made = await make(client, paths=[BEACH])
    answer = await client.request(method, f"/api/collections/{made['id']}/{tail}", json=body)
    assert refusal(answer) == (400, "Paths are required")


async def test_at_most_500_paths_in_create_and_add_and_the_raw_list_counts(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, paths=[""] * 500)
    url = f"/api/collections/{made['id']}"
    for body in ({"paths": [BEACH] * 501}, {"paths": [""] * 501}, {"itemIds": [1] * 501}):
        answer = await client.post(f"{url}/items", json=body)
        assert refusal(answer) == (400, "At most 500 paths per request")
        answer = await client.post("/api/collections", json={"name": "x", **body})
        assert refusal(answer) == (400, "At most 500 paths per request")
    answer = await client.post(f"{url}/items", json={"paths": [BEACH] * 500})
    assert answer.status_code == 200
    answer = await client.request("DELETE", f"{url}/items", json={"paths": [BEACH] * 1_000})
    assert answer.status_code == 200


async def test_item_ids_may_stand_in_place_of_paths(client: httpx.AsyncClient) -> None:
    ids = (await show(client, (await make(client, folderPath="", paths=list(TRIP)))["id"]))[
        "itemIds"
    ]
    made = await make(client, "by id", folderPath="", itemIds=ids[:2])
    url = f"/api/collections/{made['id']}"
    await client.post(f"{url}/items", json={"itemIds": [ids[3], ids[2]]})
    assert await members(client, made["id"]) == [BEACH, SUNSET, HARBOUR, MARKET]
    await client.request("DELETE", f"{url}/items", json={"itemIds": [ids[0], 999]})
    await client.put(f"{url}/order", json={"itemIds": [ids[2]]})
    assert await members(client, made["id"]) == [MARKET, SUNSET, HARBOUR]
    await client.put(url, json={"name": "x", "itemIds": [ids[0]]})
    assert await members(client, made["id"]) == [BEACH]
    answer = await client.post(f"{url}/items", json={"itemIds": [999]})
    assert refusal(answer) == (400, "Not in the library: 999")
    answer = await client.post(f"{url}/items", json={"itemIds": [1], "paths": [BEACH]})
    assert answer.status_code == 400


async def test_a_file_copied_a_moment_ago_is_indexed_on_the_spot(
    client: httpx.AsyncClient, library: Tree
) -> None:
    made = await make(client, folderPath="")
    library.write("fresh/deep/a.jpg", "fresh/b.PNG", "c.mp4")
    wanted = ["fresh/deep/a.jpg", "fresh/b.PNG", BEACH, "c.mp4"]
    answer = await client.post(f"/api/collections/{made['id']}/items", json={"paths": wanted})
    assert answer.status_code == 200
    assert await members(client, made["id"]) == wanted
    roots = (await client.get("/api/library")).json()["roots"]
    assert roots[0]["itemCount"] == len(TRIP) + 3
    await rescan(client)
    assert await members(client, made["id"]) == wanted
    assert (await client.get("/api/library")).json()["roots"][0]["itemCount"] == len(TRIP) + 3


@pytest.mark.parametrize(
    "path",
    ["gone.jpg", "notes.txt", "folder.jpg", "link.jpg", "linked/real.jpg", ".hidden/a.jpg"]
    + ["node_modules/a.jpg", "photos", "a\nb.jpg", "-rf.jpg", "x" * 300 + ".jpg", "%2e%2e/a.jpg"],
)
async def test_what_is_no_item_is_refused_whole(
    client: httpx.AsyncClient, library: Tree, path: str
) -> None:
    library.write("notes.txt", ".hidden/a.jpg", "node_modules/a.jpg", "outside/real.jpg")
    (library.folder / "folder.jpg").mkdir()
    (library.folder / "link.jpg").symlink_to(library.folder / BEACH)
    (library.folder / "linked").symlink_to(library.folder / "outside")
    made = await make(client, folderPath="", paths=[BEACH])
    url = f"/api/collections/{made['id']}/items"
    shown = path.replace("\n", "\\u000a")
    answer = await client.post(url, json={"paths": [SUNSET, path, MARKET]})
    assert refusal(answer) == (400, f"Not in the library: {shown}")
    assert await members(client, made["id"]) == [BEACH]
    answer = await client.post("/api/collections", json={"name": "x", "paths": [SUNSET, path]})
    assert refusal(answer) == (400, f"Not in the library: {shown}")
    assert len((await client.get("/api/collections")).json()) == 1


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x.jpg", "a/../b.jpg", "a//b.jpg", "./a.jpg", "a/", "a\0.jpg", "é" * 1_001],
)
async def test_a_path_that_can_be_none_is_invalid(client: httpx.AsyncClient, path: str) -> None:
    made = await make(client, folderPath="", paths=[BEACH])
    for method, tail in (("POST", "items"), ("DELETE", "items"), ("PUT", "order")):
        answer = await client.request(
            method, f"/api/collections/{made['id']}/{tail}", json={"paths": [path]}
        )
        status, text = refusal(answer)
        assert (status, text.startswith("Invalid path: ")) == (400, True)


async def test_a_known_but_missing_item_may_be_added(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.remove(BEACH)
    await rescan(client)
    made = await make(client, paths=[BEACH])
    found = await show(client, made["id"])
    assert [item["missing"] for item in found["items"]] == [True]
    assert found["itemCount"] == 1


async def test_every_item_added_lies_in_the_scope(client: httpx.AsyncClient) -> None:
    made = await make(client, paths=[BEACH])
    answer = await client.post(
        f"/api/collections/{made['id']}/items", json={"paths": [SUNSET, MARKET]}
    )
    assert (answer.status_code, answer.json()) == (409, SPANS)
    assert await members(client, made["id"]) == [BEACH]


async def test_the_first_item_added_becomes_the_cover(client: httpx.AsyncClient) -> None:
    made = await make(client, folderPath="")
    url = f"/api/collections/{made['id']}/items"
    await client.post(url, json={"paths": [SUNSET, BEACH]})
    await client.post(url, json={"paths": [MARKET]})
    assert (await show(client, made["id"]))["coverPath"] == SUNSET


async def test_when_the_cover_goes_the_next_in_order_takes_its_place(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, folderPath="", paths=list(TRIP))
    url = f"/api/collections/{made['id']}"
    await client.put(url, json={"name": "x", "coverPath": SUNSET})
    seen = []
    for path in (SUNSET, MARKET, HARBOUR, BEACH):
        await client.request("DELETE", f"{url}/items", json={"paths": [path]})
        seen.append((await show(client, made["id"]))["coverPath"])
    assert seen == [MARKET, HARBOUR, BEACH, None]


@pytest.mark.usefixtures("at_rest")
async def test_remove_ignores_what_is_no_member(client: httpx.AsyncClient, clock: Clock) -> None:
    made = await make(client, paths=[BEACH])
    url = f"/api/collections/{made['id']}"
    before = await client.get(url)
    clock.now += 60_000
    answer = await client.request("DELETE", f"{url}/items", json={"paths": [MARKET, "no.jpg"]})
    assert (answer.status_code, answer.headers["etag"]) == (200, before.headers["etag"])
    assert (await client.get(url)).content == before.content
    await client.request("DELETE", f"{url}/items", json={"paths": [MARKET, BEACH]})
    assert await members(client, made["id"]) == []


async def test_what_is_ordered_comes_first_and_the_rest_follows(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, folderPath="", paths=list(TRIP))
    url = f"/api/collections/{made['id']}"
    answer = await client.put(f"{url}/order", json={"paths": [HARBOUR, "", SUNSET, HARBOUR]})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert await members(client, made["id"]) == [HARBOUR, SUNSET, BEACH, MARKET]
    assert (await show(client, made["id"]))["coverPath"] == HARBOUR
    await client.post(f"{url}/items", json={"paths": [BEACH]})
    await client.put(f"{url}/order", json={"paths": [MARKET, BEACH, SUNSET, HARBOUR]})
    assert await members(client, made["id"]) == [MARKET, BEACH, SUNSET, HARBOUR]


@pytest.mark.parametrize("stranger", [MARKET, "unknown.jpg"])
async def test_only_members_can_be_ordered(client: httpx.AsyncClient, stranger: str) -> None:
    made = await make(client, paths=[BEACH, SUNSET])
    url = f"/api/collections/{made['id']}/order"
    answer = await client.put(url, json={"paths": [SUNSET, stranger]})
    assert refusal(answer) == (400, f"Not in this collection: {stranger}")
    assert await members(client, made["id"]) == [BEACH, SUNSET]


@pytest.mark.usefixtures("at_rest")
async def test_the_present_order_again_changes_nothing_but_a_chosen_cover(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    made = await make(client, paths=[BEACH, SUNSET], coverPath=SUNSET)
    url = f"/api/collections/{made['id']}"
    await client.put(f"{url}/order", json={"paths": [BEACH]})
    assert (await show(client, made["id"]))["coverPath"] == BEACH
    before = await client.get(url)
    clock.now += 60_000
    await client.put(f"{url}/order", json={"paths": [BEACH, SUNSET]})
    after = await client.get(url)
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])


async def test_a_collection_holds_so_many_items_and_no_more(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_ITEMS", 3)
    made = await make(client, folderPath="", paths=[BEACH, SUNSET])
    url = f"/api/collections/{made['id']}"
    for method, tail, body in (
        ("POST", "/items", {"paths": [MARKET, HARBOUR]}),
        ("PUT", "", {"name": "x", "paths": list(TRIP)}),
    ):
        answer = await client.request(method, url + tail, json=body)
        assert answer.status_code == 409
        assert "at most" in answer.json()["error"]
    assert await members(client, made["id"]) == [BEACH, SUNSET]
    assert (await client.post(f"{url}/items", json={"paths": [MARKET]})).status_code == 200


async def test_items_come_in_pages(client: httpx.AsyncClient) -> None:
    made = await make(client, folderPath="", paths=list(TRIP))
    url = f"/api/collections/{made['id']}/items"
    for limit, sizes in ((3, [3, 1]), (2, [2, 2]), (4, [4])):
        seen: list[str] = []
        params = {"limit": f"{limit}"}
        for size in sizes:
            page = (await client.get(url, params=params)).json()
            assert len(page["items"]) == size
            seen += [item["path"] for item in page["items"]]
            params["cursor"] = page["nextCursor"]
        assert seen == list(TRIP)
        assert page["nextCursor"] is None
    whole = (await client.get(url)).json()
    assert (len(whole["items"]), whole["nextCursor"]) == (4, None)


async def test_paging_goes_on_where_it_was_when_items_go(client: httpx.AsyncClient) -> None:
    made = await make(client, folderPath="", paths=list(TRIP))
    url = f"/api/collections/{made['id']}/items"
    page = (await client.get(url, params={"limit": "2"})).json()
    await client.request("DELETE", url, json={"paths": [BEACH, SUNSET]})
    page = (await client.get(url, params={"cursor": page["nextCursor"]})).json()
    assert [item["path"] for item in page["items"]] == [MARKET, HARBOUR]


@pytest.mark.parametrize("limit", ["0", "-1", "5001", "x", "1.5", "", "9" * 5_000, "+1", "١"])
async def test_the_size_of_a_page_has_a_range(client: httpx.AsyncClient, limit: str) -> None:
    made = await make(client)
    url = f"/api/collections/{made['id']}/items"
    assert refusal(await client.get(url, params={"limit": limit}))[0] == 400
    assert (await client.get(url, params={"limit": "5000"})).status_code == 200


@pytest.mark.parametrize(
    "position", ["9" * 30, " 1", "+1", "1_0", "-0", "٣", "01", "1\n"], ids=repr
)
async def test_a_cursor_with_a_position_that_we_never_write_is_refused(
    client: httpx.AsyncClient, position: str
) -> None:
    made = await make(client)
    check = zlib.crc32(f"{made['id']}/{position}".encode())
    text = f"{position}.{check:08x}"
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    answer = await client.get(f"/api/collections/{made['id']}/items", params={"cursor": cursor})
    assert refusal(answer) == (400, "Invalid cursor")


@pytest.mark.parametrize("cursor", ["", "x", "1", "MS4wMDAwMDAwMA", "é", "====", "A" * 5_000])
async def test_a_cursor_that_we_did_not_make_is_refused(
    client: httpx.AsyncClient, cursor: str
) -> None:
    made = await make(client)
    url = f"/api/collections/{made['id']}/items"
    assert refusal(await client.get(url, params={"cursor": cursor})) == (400, "Invalid cursor")


async def test_a_cursor_of_another_collection_is_refused(client: httpx.AsyncClient) -> None:
    one = await make(client, "one", paths=[BEACH, SUNSET])
    other = await make(client, "other", paths=[BEACH, SUNSET])
    page = (await client.get(f"/api/collections/{one['id']}/items?limit=1")).json()
    answer = await client.get(
        f"/api/collections/{other['id']}/items", params={"cursor": page["nextCursor"]}
    )
    assert refusal(answer) == (400, "Invalid cursor")


async def test_memberships_tell_for_each_path_the_collections_that_have_it(
    client: httpx.AsyncClient,
) -> None:
    one = (await make(client, "one", folderPath="", paths=[BEACH, MARKET]))["id"]
    two = (await make(client, "two", paths=[SUNSET, BEACH]))["id"]
    asked = [*TRIP, BEACH, "", "unknown.jpg", "../no", f"{BEACH}\0x", "/", "x" * 5_000]
    assert await lookup(client, asked) == {BEACH: [one, two], SUNSET: [two], MARKET: [one]}
    assert await lookup(client, []) == {}
    assert await lookup(client, [f"{BEACH}\0"]) == {}


async def test_memberships_take_at_most_1000_paths(client: httpx.AsyncClient) -> None:
    await lookup(client, [BEACH] * 1_000)
    answer = await client.post("/api/collections/memberships", json={"paths": [""] * 1_001})
    assert refusal(answer) == (400, "At most 1000 paths per request")
    answer = await client.post("/api/collections/memberships", json={})
    assert refusal(answer) == (400, "Paths are required")


async def test_memberships_survive_a_file_that_is_missing(
    client: httpx.AsyncClient, library: Tree
) -> None:
    made = await make(client, paths=[BEACH])
    library.remove(BEACH)
    await rescan(client)
    assert await lookup(client, [BEACH]) == {BEACH: [made["id"]]}


BY_ITSELF = re.compile(r"probed_at IS NULL|\blease\b")
"""Statements that the server runs now and then in the background."""


async def test_the_number_of_statements_does_not_grow_with_the_list(
    client: httpx.AsyncClient, library: Tree, settings: Settings, statements: list[str]
) -> None:
    many = [f"many/{n:04}.jpg" for n in range(400)]
    library.write(*many)
    library.age()
    await rescan(client)
    await read(settings)  # else the server would read the files during the test
    await scanned(client)

    async def count(method: str, url: str, **body: Any) -> int:
        await others_have_run()
        del statements[:]
        answer = await client.request(method, url, json=body)
        assert answer.is_success, answer.text
        return len([sql for sql in statements if not BY_ITSELF.search(sql)])

    counts = []
    for size in (2, 400):
        made = await make(client, f"{size}", folderPath="")
        url = f"/api/collections/{made['id']}"
        counts.append(
            [
                await count("POST", f"{url}/items", paths=many[:size]),
                await count("PUT", f"{url}/order", paths=many[:size][::-1]),
                await count("PUT", url, name=f"{size}", paths=many[:size]),
                await count("GET", url),
                await count("POST", "/api/collections/memberships", paths=many[:size]),
                await count("DELETE", f"{url}/items", paths=many[:size]),
                await count("POST", "/api/collections", name=f"new {size}", paths=many[:size]),
            ]
        )
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 10
