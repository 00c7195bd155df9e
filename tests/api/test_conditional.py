"""Entity tags: If-None-Match on every read, If-Match on every change."""

from collections.abc import Callable, Coroutine

import httpx
import pytest

from tests.support.collections import make, show
from tests.support.library import BEACH, MARKET, SUNSET, Tree, rescan

CHANGED = {"error": "Collection was changed by someone else."}

pytestmark = pytest.mark.usefixtures("at_rest")


def reads(id_: int) -> list[str]:
    return [
        "/api/collections",
        "/api/collections?include=itemIds",
        "/api/collections?updatedAfter=2020-01-01T00:00:00Z",
        "/api/collections/identifiers",
        f"/api/collections/{id_}",
        f"/api/collections/{id_}/items",
        f"/api/collections/{id_}/items?limit=1",
    ]


async def test_what_the_client_has_already_is_not_sent_again(client: httpx.AsyncClient) -> None:
    made = await make(client, paths=[BEACH, SUNSET])
    for url in reads(made["id"]):
        first = await client.get(url)
        tag = first.headers["etag"]
        for given in (tag, f"W/{tag}", "*", f'"other", {tag}', f' {tag} , "x"'):
            for method in ("GET", "HEAD"):
                again = await client.request(method, url, headers={"If-None-Match": given})
                assert (again.status_code, again.content) == (304, b""), (url, given)
                assert again.headers["etag"] == tag
        for given in ('"other"', tag.strip('"'), '"', "", 'W/"other", x'):
            again = await client.get(url, headers={"If-None-Match": given})
            assert (again.status_code, again.content) == (200, first.content), (url, given)


async def test_a_tag_changes_with_everything_that_the_answer_shows(
    client: httpx.AsyncClient, library: Tree
) -> None:
    made = await make(client, folderPath="", paths=[BEACH, SUNSET])
    url = f"/api/collections/{made['id']}"

    async def state() -> dict[str, tuple[str, bytes]]:
        answers = {read: await client.get(read) for read in reads(made["id"])}
        return {read: (a.headers["etag"], a.content) for read, a in answers.items()}

    async def disk_takes_the_cover() -> None:
        library.remove(BEACH)
        await rescan(client)

    async def disk_gives_it_back_changed() -> None:
        library.write(BEACH, content=b"another picture")
        await rescan(client)

    async def send(method: str, tail: str = "", **body: object) -> None:
        assert (await client.request(method, url + tail, json=body)).is_success

    async def come_and_go() -> None:
        other = await make(client, "second")
        await client.delete(f"/api/collections/{other['id']}")

    changes: list[Callable[[], Coroutine[None, None, None]]] = [
        lambda: send("PUT", name="Shortlist"),
        lambda: send("PUT", name="renamed"),
        lambda: send("PUT", name="renamed", isFavorite=True),
        lambda: send("POST", "/items", paths=[MARKET]),
        disk_takes_the_cover,
        disk_gives_it_back_changed,
        lambda: send("PUT", "/order", paths=[MARKET]),
        lambda: send("DELETE", "/items", paths=[SUNSET]),
        come_and_go,
    ]
    known: dict[tuple[str, str], bytes] = {}
    for change in changes:
        await change()
        for read, (tag, body) in (await state()).items():
            assert known.setdefault((read, tag), body) == body, "one tag, two answers"
    tags_of_the_collection = [tag for read, tag in known if read == url]
    assert len(tags_of_the_collection) == 8, "seven of the changes are changes of it"


async def test_every_change_answers_with_the_tag_that_the_next_read_has(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/api/collections", json={"name": "x", "folderPath": ""})
    url = answer.headers["location"]
    for method, tail, body in (
        ("POST", "/items", {"paths": [BEACH, SUNSET, MARKET]}),
        ("POST", "/items", {"paths": [BEACH]}),
        ("PUT", "/order", {"paths": [MARKET]}),
        ("PUT", "", {"name": "y", "paths": [SUNSET, BEACH]}),
        ("DELETE", "/items", {"paths": [BEACH]}),
    ):
        assert answer.headers["etag"] == (await client.get(url)).headers["etag"]
        answer = await client.request(method, url + tail, json=body)
        assert answer.status_code == 200
    assert answer.headers["etag"] == (await client.get(url)).headers["etag"]


CHANGES = [
    ("PUT", "", {"name": "changed"}),
    ("POST", "/items", {"paths": [MARKET]}),
    ("DELETE", "/items", {"paths": [BEACH]}),
    ("PUT", "/order", {"paths": [SUNSET]}),
    ("DELETE", "", None),
]


@pytest.mark.parametrize(("method", "tail", "body"), CHANGES)
async def test_if_match_lets_only_those_change_who_saw_the_latest(
    client: httpx.AsyncClient, method: str, tail: str, body: dict[str, object] | None
) -> None:
    made = await make(client, folderPath="", paths=[BEACH, SUNSET])
    url = f"/api/collections/{made['id']}"
    old = (await client.get(url)).headers["etag"]
    await client.put(url, json={"name": "meanwhile"})
    now = await client.get(url)
    tag = now.headers["etag"]
    for stale in (old, '"x"', f"W/{tag}", tag.strip('"'), "", f'"other", {old}'):
        answer = await client.request(method, url + tail, json=body, headers={"If-Match": stale})
        assert (answer.status_code, answer.json()) == (412, CHANGED), stale
    assert (await client.get(url)).content == now.content
    right = f'"other", {tag}'
    answer = await client.request(method, url + tail, json=body, headers={"If-Match": right})
    assert answer.status_code == 200


async def test_any_version_matches_a_star(client: httpx.AsyncClient) -> None:
    made = await make(client)
    url = f"/api/collections/{made['id']}"
    answer = await client.put(url, json={"name": "x"}, headers={"If-Match": "*"})
    assert answer.status_code == 200
    answer = await client.put("/api/collections/99", json={"name": "x"}, headers={"If-Match": "*"})
    assert answer.status_code == 404


async def test_what_the_disk_did_does_not_count_against_if_match(
    client: httpx.AsyncClient, library: Tree
) -> None:
    made = await make(client, paths=[BEACH, SUNSET])
    url = f"/api/collections/{made['id']}"
    before = await client.get(url)
    library.remove(SUNSET)
    await rescan(client)
    after = await client.get(url)
    assert after.headers["etag"] != before.headers["etag"]
    assert after.json()["updatedAt"] == before.json()["updatedAt"]
    answer = await client.put(
        url, json={"name": "mine"}, headers={"If-Match": before.headers["etag"]}
    )
    assert answer.status_code == 200


async def test_the_order_of_checks(client: httpx.AsyncClient) -> None:
    """400 body, 400 name and counts, 404, 412, 400 paths, folder, cover, 409 folders, 409 name."""
    await make(client, "taken")
    made = await make(client, "mine", paths=[BEACH])
    stale = {"If-Match": '"0-0"'}
    wrong = {"name": "taken", "paths": [MARKET, BEACH], "coverPath": "c.jpg", "folderPath": "f"}
    put = [
        ("x", b"{", {}, 400, "Invalid collection ID"),
        ("99", b"{", {}, 400, "Invalid request body"),
        ("99", wrong | {"name": ""}, stale, 400, "Name is required"),
        ("99", wrong, stale, 404, "Collection not found"),
        ("mine", wrong, stale, 412, "changed"),
        ("mine", wrong | {"paths": ["p.jpg"]}, {}, 400, "Not in the library: p.jpg"),
        ("mine", wrong, {}, 400, "Not a folder in the library: f"),
        ("mine", wrong | {"folderPath": None}, {}, 400, "Not in this collection: c.jpg"),
        ("mine", {"name": "taken", "paths": [MARKET]}, {}, 409, "span"),
        ("mine", {"name": "taken"}, {}, 409, "already in use"),
    ]
    for id_, body, headers, status, text in put:
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        url = f"/api/collections/{made['id'] if id_ == 'mine' else id_}"
        answer = await client.put(url, headers=headers, **content)
        assert (answer.status_code, text in answer.text) == (status, True), answer.text
    assert (await show(client, made["id"]))["name"] == "mine"
    add = [
        ({"paths": [""]}, 400, "Paths are required"),
        ({"paths": ["p.jpg"]}, 412, "changed"),
    ]
    for body, status, text in add:
        url = f"/api/collections/{made['id']}/items"
        answer = await client.post(url, headers=stale, json=body)
        assert (answer.status_code, text in answer.text) == (status, True), answer.text
