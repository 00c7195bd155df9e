"""Collections: section 3 of the contract, rules 1 to 3, 6 to 9, 12, and PUT."""

import re

import httpx
import pytest

from tests.support.application import Clock
from tests.support.collections import SPANS, TAKEN, make, members, refusal, show
from tests.support.library import BEACH, HARBOUR, MARKET, SUNSET, Tree


async def test_create_answers_the_summary_and_where_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/collections",
        json={
            "name": " Trip shortlist ",
            "folderPath": "photos/2025/trip",
            "paths": [BEACH, SUNSET],
        },
    )
    assert answer.status_code == 201
    made = answer.json()
    id_ = made["id"]
    assert answer.headers["location"] == f"/api/collections/{id_}"
    times = made.pop("createdAt"), made.pop("updatedAt")
    assert times[0] == times[1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", times[0])
    small, large = made.pop("coverSmallUrl"), made.pop("coverLargeUrl")
    assert small.startswith(f"/api/collections/{id_}/cover?size=small&v=")
    assert large.startswith(f"/api/collections/{id_}/cover?size=large&v=")
    assert made == {
        "id": id_,
        "name": "Trip shortlist",
        "description": "",
        "folderPath": "photos/2025/trip",
        "coverPath": BEACH,
        "hasArtwork": False,
        "itemCount": 2,
        "isPublic": False,
        "isFavorite": False,
        "ownerId": 1,
    }


async def test_a_collection_shows_its_items_in_order(client: httpx.AsyncClient) -> None:
    made = await make(client, paths=[SUNSET, BEACH])
    found = await show(client, made["id"])
    assert {key: found[key] for key in made} == made
    assert [item["path"] for item in found["items"]] == [SUNSET, BEACH]
    assert found["itemIds"] == [item["id"] for item in found["items"]]
    item = found["items"][0]
    assert item["url"] == f"/media/{SUNSET}"
    assert item["thumbnailUrl"].startswith(f"/api/items/{item['id']}/thumbnail?size=small&v=")
    assert {key: item[key] for key in ("name", "type", "parentPath", "missing")} == {
        "name": "sunset.jpg",
        "type": "image",
        "parentPath": "photos/2025/trip/day1",
        "missing": False,
    }
    assert {item[key] for key in ("thumbhash", "width", "height", "duration", "takenAt")} == {None}


async def test_a_collection_without_items_has_null_for_what_it_lacks(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, paths=[])
    absent = ("folderPath", "coverPath", "coverSmallUrl", "coverLargeUrl")
    assert [made[key] for key in absent] == [None] * 4
    assert (await show(client, made["id"]))["items"] == []


async def test_the_body_is_read_as_json_whatever_its_content_type(
    client: httpx.AsyncClient,
) -> None:
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "application/json"):
        answer = await client.post(
            "/api/collections",
            content=b'{"name": "%b"}' % content_type.encode(),
            headers={"content-type": content_type},
        )
        assert answer.status_code == 201


async def test_unknown_fields_are_ignored_and_null_means_absent(client: httpx.AsyncClient) -> None:
    made = await make(client, paths=None, folderPath=None, isPublic=None, ownerId=99, id=77)
    assert (made["ownerId"], made["itemCount"], made["isPublic"]) == (1, 0, False)
    assert made["id"] != 77


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"1", b'"x"', b"null", b'{"name": 1}', b'{"name": "x", "isPublic": 1}']
    + [
        b'{"name": "x", "paths": "y"}',
        b'{"name": "x", "paths": [1]}',
        b'{"name":"x","itemIds":[0]}',
    ]
    + [b'{"name": "x", "itemIds": [9223372036854775808]}', b'{"name": "x", "itemIds": [1.5]}']
    + [b'{"name": NaN}', b'{"name": "\xff"}', b'{"name": "\\ud800"}', b'\xef\xbb\xbf{"name": "x"}']
    + [b'{"name": ' + b"[" * 100_000, b'{"name": ' + b"9" * 5_000 + b"}", "{}".encode("utf-16")]
    + [b'{"name": "x", "ignored": "\xff"}', b'{"name": "x", "\xff": 1}']
    + [b'{"x": ' + b'{"x":' * 100_000, b'{"name": "x", "itemIds": [' + b"9" * 5_000 + b"]}"],
    ids=lambda body: body[:24].decode(errors="replace"),
)
async def test_what_is_no_fitting_object_is_an_invalid_body(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await client.post("/api/collections", content=body)
    status, text = refusal(answer)
    assert status == 400
    assert text.startswith("Invalid request body")


@pytest.mark.parametrize(
    "name", [None, "", "  ", "\u3000\u00a0", "\u200b\u2060", "\u3164", "\u2800"]
)
async def test_a_name_needs_something_to_be_seen(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.post("/api/collections", json={"name": name})
    assert refusal(answer) == (400, "Name is required")


@pytest.mark.parametrize("name", ["x" * 256, "a\x00b", "a\nb", "a\x7fb", "a\x85b", "\x1b[2J!"])
async def test_a_name_that_is_too_long_or_holds_controls_is_refused(
    client: httpx.AsyncClient, name: str
) -> None:
    status, text = refusal(await client.post("/api/collections", json={"name": name}))
    assert (status, text.startswith("Name ")) == (400, True)


async def test_a_name_of_255_characters_is_taken(client: httpx.AsyncClient) -> None:
    assert (await make(client, "😀" * 255))["name"] == "😀" * 255


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße", "STRASSE"), ("É", "e\u0301"), ("News", "nEWS"), ("ﬁn", "FIN"), ("Ａ", "a")],
)
async def test_names_are_unique_whatever_their_case_and_spelling(
    client: httpx.AsyncClient, one: str, other: str
) -> None:
    await make(client, one)
    answer = await client.post("/api/collections", json={"name": other})
    assert (answer.status_code, answer.json()) == (409, TAKEN)
    free = await make(client, "free")
    answer = await client.put(f"/api/collections/{free['id']}", json={"name": other})
    assert (answer.status_code, answer.json()) == (409, TAKEN)


async def test_letters_that_differ_by_language_are_different_names(
    client: httpx.AsyncClient,
) -> None:
    await make(client, "i")
    await make(client, "ı")
    await make(client, "İ")


async def test_renaming_to_another_case_of_the_same_name_is_allowed(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, "news")
    answer = await client.put(f"/api/collections/{made['id']}", json={"name": "NEWS"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert (await show(client, made["id"]))["name"] == "NEWS"


async def test_a_name_is_free_again_after_a_delete(client: httpx.AsyncClient) -> None:
    made = await make(client, "news")
    await client.delete(f"/api/collections/{made['id']}")
    again = await make(client, "NEWS")
    assert again["id"] > made["id"], "an id is never used again"


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("HEAD", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/items"), ("POST", "/items")]
    + [("DELETE", "/items"), ("PUT", "/order")],
)
async def test_no_such_collection_is_404_on_every_verb(
    client: httpx.AsyncClient, method: str, tail: str
) -> None:
    body = {"name": "x", "paths": [BEACH]}
    answer = await client.request(method, f"/api/collections/999{tail}", json=body)
    assert answer.status_code == 404
    assert method == "HEAD" or refusal(answer) == (404, "Collection not found")


@pytest.mark.parametrize(
    "id_",
    ["0", "-1", "+1", "01", "1.0", "x", "1%0A", "%20", "9223372036854775808", "9" * 5_000, "١"],
)
async def test_an_id_is_a_whole_number_from_1_to_2_63_minus_1(
    client: httpx.AsyncClient, id_: str
) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await client.request(method, f"/api/collections/{id_}", content=b"{")
        assert refusal(answer) == (400, "Invalid collection ID")
    answer = await client.get("/api/collections/9223372036854775807")
    assert refusal(answer) == (404, "Collection not found")


@pytest.mark.parametrize("folder", ["photos/2025/trip", "/photos/2025/trip/", "photos", ""])
async def test_a_scope_is_a_folder_of_the_library(client: httpx.AsyncClient, folder: str) -> None:
    made = await make(client, folderPath=folder, paths=[BEACH])
    assert made["folderPath"] == folder.strip("/")


async def test_a_scope_that_was_made_a_moment_ago_is_found_on_the_disk(
    client: httpx.AsyncClient, library: Tree
) -> None:
    (library.folder / "new" / "deep").mkdir(parents=True)
    assert (await make(client, folderPath="new/deep"))["folderPath"] == "new/deep"


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("nowhere", "Not a folder in the library: nowhere"),
        (BEACH, f"Not a folder in the library: {BEACH}"),
        ("a/../photos", "Invalid path: a/../photos"),
        ("photos//2025", "Invalid path: photos//2025"),
        ("photos\0", "Invalid path: photos\\u0000"),
        ("..", "Invalid path: .."),
        ("línea\n", "Not a folder in the library: línea\\u000a"),
    ],
)
async def test_what_is_no_folder_is_refused_and_shown_escaped(
    client: httpx.AsyncClient, folder: str, text: str
) -> None:
    answer = await client.post("/api/collections", json={"name": "x", "folderPath": folder})
    assert refusal(answer) == (400, text)
    assert (await client.get("/api/collections")).json() == []


async def test_the_first_items_set_the_scope(client: httpx.AsyncClient, library: Tree) -> None:
    library.write("a/x.jpg", "a/day1/x.jpg", "a/day2/y.jpg", "top.jpg")
    answer = await client.post(
        "/api/collections", json={"name": "apart", "paths": ["a/day1/x.jpg", "a/day2/y.jpg"]}
    )
    assert (answer.status_code, answer.json()) == (409, SPANS)
    both = ["a/day1/x.jpg", "a/day2/y.jpg"]
    assert (await make(client, "given", folderPath="a", paths=both))["folderPath"] == "a"
    nested = ["a/x.jpg", "a/day1/x.jpg"]
    assert (await make(client, "one", paths=nested))["folderPath"] == "a"
    assert (await make(client, "two", paths=nested[::-1]))["folderPath"] == "a"
    assert (await make(client, "all", paths=["top.jpg", "a/x.jpg"]))["folderPath"] == ""


async def test_a_scope_once_set_stays_when_the_collection_empties(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, paths=[BEACH])
    url = f"/api/collections/{made['id']}"
    await client.request("DELETE", f"{url}/items", json={"paths": [BEACH]})
    assert (await show(client, made["id"]))["folderPath"] == "photos/2025/trip/day1"
    answer = await client.post(f"{url}/items", json={"paths": [MARKET]})
    assert (answer.status_code, answer.json()) == (409, SPANS)


async def test_put_may_change_the_scope_to_one_that_holds_every_member(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, paths=[BEACH])
    url = f"/api/collections/{made['id']}"
    answer = await client.put(url, json={"name": "x", "folderPath": "photos/2025/trip/day2"})
    assert (answer.status_code, answer.json()) == (409, SPANS)
    answer = await client.put(url, json={"name": "x", "folderPath": "photos/2025"})
    assert answer.status_code == 200
    assert (await show(client, made["id"]))["folderPath"] == "photos/2025"


async def test_put_sets_what_it_holds_and_leaves_the_rest(client: httpx.AsyncClient) -> None:
    made = await make(client, description="before", paths=[BEACH, SUNSET], isFavorite=True)
    url = f"/api/collections/{made['id']}"
    answer = await client.put(url, json={"name": "After", "isPublic": True, "coverPath": SUNSET})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    after = await show(client, made["id"])
    assert {
        key: after[key]
        for key in ("name", "description", "isPublic", "isFavorite", "coverPath", "itemCount")
    } == {
        "name": "After",
        "description": "before",
        "isPublic": True,
        "isFavorite": True,
        "coverPath": SUNSET,
        "itemCount": 2,
    }
    await client.put(url, json={"name": "After", "coverPath": "", "description": ""})
    after = await show(client, made["id"])
    assert (after["coverPath"], after["description"]) == (SUNSET, "")


async def test_put_needs_a_name(client: httpx.AsyncClient) -> None:
    made = await make(client)
    answer = await client.put(f"/api/collections/{made['id']}", json={"isPublic": True})
    assert refusal(answer) == (400, "Name is required")


async def test_put_replaces_the_whole_list(client: httpx.AsyncClient) -> None:
    made = await make(client, folderPath="", paths=[BEACH, SUNSET, MARKET])
    url = f"/api/collections/{made['id']}"
    await client.put(url, json={"name": "x", "coverPath": SUNSET})
    await client.put(url, json={"name": "x", "paths": [HARBOUR, "", SUNSET, HARBOUR]})
    after = await show(client, made["id"])
    assert [item["path"] for item in after["items"]] == [HARBOUR, SUNSET]
    assert (after["coverPath"], after["itemCount"]) == (SUNSET, 2)
    await client.put(url, json={"name": "x", "paths": [MARKET, BEACH]})
    assert (await show(client, made["id"]))["coverPath"] == MARKET
    await client.put(url, json={"name": "x", "paths": []})
    after = await show(client, made["id"])
    assert (after["items"], after["coverPath"], after["itemCount"]) == ([], None, 0)


async def test_put_checks_only_what_is_new_against_the_scope(
    client: httpx.AsyncClient, library: Tree
) -> None:
    made = await make(client, paths=[BEACH, SUNSET])
    url = f"/api/collections/{made['id']}"
    answer = await client.put(url, json={"name": "x", "paths": [BEACH, MARKET]})
    assert (answer.status_code, answer.json()) == (409, SPANS)
    assert await members(client, made["id"]) == [BEACH, SUNSET]


async def test_put_takes_more_than_500_paths(client: httpx.AsyncClient, library: Tree) -> None:
    many = [f"many/{n:04}.jpg" for n in range(700)]
    library.write(*many)
    made = await make(client)
    answer = await client.put(f"/api/collections/{made['id']}", json={"name": "x", "paths": many})
    assert answer.status_code == 200
    assert await members(client, made["id"]) == many


async def test_the_cover_must_be_a_member(client: httpx.AsyncClient) -> None:
    made = await make(client, paths=[BEACH])
    for url, body in (
        (f"/api/collections/{made['id']}", {"name": "x", "coverPath": SUNSET}),
        (f"/api/collections/{made['id']}", {"name": "x", "coverPath": SUNSET, "paths": [BEACH]}),
    ):
        answer = await client.put(url, json=body)
        assert refusal(answer) == (400, f"Not in this collection: {SUNSET}")
    answer = await client.post(
        "/api/collections", json={"name": "y", "paths": [BEACH], "coverPath": SUNSET}
    )
    assert refusal(answer) == (400, f"Not in this collection: {SUNSET}")
    chosen = await make(client, "z", paths=[BEACH, SUNSET], coverPath=SUNSET)
    assert chosen["coverPath"] == SUNSET


@pytest.mark.usefixtures("at_rest")
async def test_a_put_that_changes_nothing_leaves_time_and_version(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    made = await make(client, paths=[BEACH, SUNSET])
    before = await client.get(f"/api/collections/{made['id']}")
    clock.now += 60_000
    same = {
        "name": "Shortlist",
        "description": "",
        "folderPath": "photos/2025/trip/day1",
        "coverPath": BEACH,
        "paths": [BEACH, SUNSET],
        "isPublic": False,
    }
    answer = await client.put(f"/api/collections/{made['id']}", json=same)
    assert (answer.status_code, answer.headers["etag"]) == (200, before.headers["etag"])
    after = await client.get(f"/api/collections/{made['id']}")
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])


async def test_delete_takes_the_memberships_and_leaves_the_files(
    client: httpx.AsyncClient, library: Tree
) -> None:
    made = await make(client, paths=[BEACH])
    answer = await client.delete(f"/api/collections/{made['id']}")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert (await client.get(f"/api/collections/{made['id']}")).status_code == 404
    answer = await client.post("/api/collections/memberships", json={"paths": [BEACH]})
    assert answer.json() == {}
    assert (library.folder / BEACH).is_file()


async def test_the_list_is_newest_first(client: httpx.AsyncClient, clock: Clock) -> None:
    first, second, third = [await make(client, name) for name in ("a", "b", "c")]
    clock.now += 5_000
    await client.post(f"/api/collections/{second['id']}/items", json={"paths": [BEACH]})
    listed = (await client.get("/api/collections")).json()
    assert [one["id"] for one in listed] == [second["id"], third["id"], first["id"]]
    assert listed[0] == {
        key: value
        for key, value in (await show(client, second["id"])).items()
        if key not in ("items", "itemIds")
    }
    ids = await client.get("/api/collections/identifiers")
    assert ids.json() == sorted([first["id"], second["id"], third["id"]])


async def test_the_list_may_begin_after_a_time(client: httpx.AsyncClient, clock: Clock) -> None:
    await make(client, "old")
    clock.now += 10_000
    newer = await make(client, "new")
    moment = newer["updatedAt"].replace("Z", "+00:00")
    local = "2026-04-03T20:11:14+02:00"
    short = local.removesuffix(":00")
    for given in (
        moment,
        newer["updatedAt"],
        local,
        local.replace("+", " "),
        short.replace("+", " "),
    ):
        for name in ("updatedAfter", "updated_after"):
            answer = await client.get("/api/collections", params={name: given})
            assert [one["name"] for one in answer.json()] == ["new"], given
    answer = await client.get("/api/collections", params={"updatedAfter": "2999-01-01T00:00:00Z"})
    assert answer.json() == []


@pytest.mark.parametrize(
    "given", ["", "2026-04-03T18:11:04", "yesterday", "2026-13-01T00:00:00Z", "1"]
)
async def test_a_time_needs_a_zone(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/api/collections", params={"updatedAfter": given})
    assert refusal(answer)[0] == 400


async def test_the_list_includes_the_ids_of_the_members_on_request(
    client: httpx.AsyncClient,
) -> None:
    full = await make(client, "full", paths=[SUNSET, BEACH])
    await make(client, "empty")
    answer = await client.get("/api/collections?include=itemIds")
    ids = {one["name"]: one.pop("itemIds") for one in answer.json()}
    assert ids == {"full": (await show(client, full["id"]))["itemIds"], "empty": []}
    assert answer.json()[1] | {"itemIds": None} == full | {"itemIds": None}
    assert (await client.get("/api/collections?include=everything")).status_code == 400


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("GET", "/api/collections/memberships", {"POST"}),
        ("PUT", "/api/collections/identifiers", {"GET", "HEAD"}),
        ("PATCH", "/api/collections", {"GET", "HEAD", "POST"}),
        ("OPTIONS", "/api/collections/1", {"GET", "HEAD", "PUT", "DELETE"}),
        ("GET", "/api/collections/1/order", {"PUT"}),
        ("PUT", "/api/collections/1/items", {"GET", "HEAD", "POST", "DELETE"}),
    ],
)
async def test_another_method_is_405_and_says_which_are_allowed(
    client: httpx.AsyncClient, method: str, url: str, allowed: set[str]
) -> None:
    answer = await client.request(method, url)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("url", ["/nothing", "/api", "/api/collections/", "/api/collections/1/x"])
async def test_a_path_that_no_route_knows_is_not_found(client: httpx.AsyncClient, url: str) -> None:
    assert refusal(await client.get(url)) == (404, "Not found")


@pytest.mark.parametrize(
    "url", ["/api/collections", "/api/collections/identifiers", "/api/library", "/api/health"]
)
async def test_head_is_get_without_a_body(client: httpx.AsyncClient, url: str) -> None:
    head, get = await client.head(url), await client.get(url)
    assert head.status_code == get.status_code == 200
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("text", ["x" * 10_001, "a\0b"])
async def test_a_description_has_limits(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post("/api/collections", json={"name": "x", "description": text})
    assert refusal(answer)[0] == 400
    made = await make(client, "y", description="two\nlines\tand 😀")
    assert made["description"] == "two\nlines\tand 😀"
