"""Answers in gzip: only texts, only for clients that accept it, each encoding with its own ETag."""

import gzip

import httpx
import pytest
from starlette.requests import Request
from starlette.routing import Route

from gallery.api.middleware import ORIGIN_REFUSAL
from gallery.api.responses.encodings import MIN_BYTES, accepts_gzip
from gallery.api.routes import Resource, routes
from tests.support.collections import make
from tests.support.library import Tree, rescan
from tests.support.openapi import operations

PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip"}

ACCEPTED = {
    "": False,
    "identity": False,
    "gzip": True,
    "GZip": True,
    "x-gzip": True,
    "gzip, deflate, br, zstd": True,
    "br;q=1.0, gzip;q=0.8, *;q=0.1": True,
    "*": True,
    "gzip;q=0": False,
    "gzip; q=0.000, *": False,
    "*;q=0": False,
    "deflate": False,
    "gzip;q=0.5, identity;q=0.9": False,
    "gzip;q=0.5, identity;q=0.5": True,
    "gzip;q=nan": False,
    "gzip;level=1": False,
    "gzip" + " " * 600: False,
}


@pytest.mark.parametrize(("header", "accepted"), [*ACCEPTED.items()])
def test_what_accept_encoding_means(header: str, accepted: bool) -> None:
    scope = {"type": "http", "headers": [(b"accept-encoding", header.encode())]}
    assert accepts_gzip(Request(scope)) is accepted


async def raw(client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> httpx.Response:
    """Return an answer whose `content` is the bytes on the wire; httpx would decode them."""
    async with client.stream("GET", url, headers=headers) as answer:
        answer._content = b"".join([part async for part in answer.aiter_raw()])  # noqa: SLF001
    return answer


async def many(client: httpx.AsyncClient, library: Tree) -> str:
    """Create a collection whose answers are large enough to compress; return its address."""
    names = [f"many/{number}.jpg" for number in range(50)]
    library.write(*names)
    await rescan(client)
    made = await make(client, folderPath="many", paths=names)
    return f"/api/collections/{made['id']}"


async def test_texts_are_compressed_for_those_who_accept_it(
    client: httpx.AsyncClient, library: Tree
) -> None:
    url = await many(client, library)
    for address in (
        url,
        f"{url}/items",
        "/api/items",
        "/api/items?limit=40",
        "/api/folders?path=many",
        "/openapi.yaml",
        "/docs/assets/swagger-ui.css",
        "/docs/assets/swagger-ui-bundle.js",
    ):
        plain = await raw(client, address, PLAIN)
        assert "content-encoding" not in plain.headers, address
        for _again in range(2):
            small = await raw(client, address, GZIP)
            assert small.headers["content-encoding"] == "gzip", address
            assert int(small.headers["content-length"]) == len(small.content)
            assert len(small.content) < len(plain.content) / 2
            assert gzip.decompress(small.content) == plain.content
        head = await client.head(address, headers=GZIP)
        assert head.headers == small.headers
        for answer in (plain, small):
            assert answer.headers["vary"] == "Accept-Encoding"


async def test_a_lookup_is_compressed_too(client: httpx.AsyncClient, library: Tree) -> None:
    await many(client, library)
    body = {"paths": [f"many/{number}.jpg" for number in range(50)]}
    plain = await client.post("/api/collections/memberships", json=body, headers=PLAIN)
    small = await client.post("/api/collections/memberships", json=body, headers=GZIP)
    assert small.json() == plain.json()
    assert (small.headers.get("content-encoding") == "gzip") == (len(plain.content) >= MIN_BYTES)


async def test_pictures_archives_and_small_answers_stay_as_they_are(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.draw("drawn/a.png", (900, 700))
    (library.folder / "drawn/b.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>" * 200)
    url = await many(client, library)
    item = (await client.get("/api/items?path=drawn/a.png")).json()["items"][0]["id"]
    for address in (
        "/media/drawn/a.png",
        "/media/drawn/b.svg",
        f"/api/items/{item}/thumbnail?size=large",
        f"{url}/download",
        "/api/health",
    ):
        answer = await raw(client, address, GZIP)
        assert answer.status_code == 200, address
        assert "content-encoding" not in answer.headers, address


@pytest.mark.usefixtures("at_rest")
async def test_each_encoding_has_its_tag_and_both_name_the_state(
    client: httpx.AsyncClient, library: Tree
) -> None:
    url = await many(client, library)
    tags = [(await client.get(url, headers=headers)).headers["etag"] for headers in (PLAIN, GZIP)]
    assert tags[1] == f'{tags[0][:-1]}-gzip"'
    for headers, own in zip((PLAIN, GZIP), tags, strict=True):
        for tag in tags:
            fresh = await client.get(url, headers=headers | {"If-None-Match": tag})
            assert (fresh.status_code, fresh.headers["etag"]) == (304, own)
            assert fresh.headers["vary"] == "Accept-Encoding"
    for tag in tags:
        given = (await client.get(url, headers=PLAIN)).headers["etag"]
        given = given if tag == tags[0] else f'{given[:-1]}-gzip"'
        answer = await client.put(
            url, json={"name": f"name {len(tag)}"}, headers={"If-Match": given}
        )
        assert answer.status_code == 200
        assert answer.headers["etag"] == (await client.get(url)).headers["etag"]
        stale = await client.put(url, json={"name": "x"}, headers={"If-Match": given})
        assert stale.status_code == 412


async def test_all_under_api_is_private_unless_it_says_otherwise(
    client: httpx.AsyncClient,
) -> None:
    for url in (
        *("/api/items", "/api/items/1", "/api/library", "/api/health", "/api/folders"),
        *("/api/items?colour=red", "/api/items/99", "/api/nowhere", "/api/collections"),
    ):
        assert (await client.get(url)).headers["cache-control"] == "private, no-cache", url
    assert "no-cache" not in (await client.get("/docs")).headers.get("cache-control", "")


def keys_of() -> dict[tuple[str, str], set[str]]:
    """Return the query keys that each route accepts."""
    return {
        (route.path_format, method.lower()): set(operation.keys)
        for route in routes()
        if isinstance(route, Route) and isinstance(route.endpoint, Resource)
        for method, operation in route.endpoint.handlers.items()
        if method != "HEAD"
    }


def test_the_keys_that_an_operation_knows_are_those_of_the_document() -> None:
    documented = {
        (one.path, one.method): {p["name"] for p in one.parameters if p["in"] == "query"}
        for one in operations()
    }
    assert keys_of() == documented


@pytest.mark.parametrize(("path", "method"), [*keys_of()])
async def test_a_key_that_is_unknown_is_refused_on_every_verb(
    client: httpx.AsyncClient, path: str, method: str
) -> None:
    url = path.replace("{id}", "1")
    answer = await client.request(method, f"{url}?is_public=true", json={"name": "x"})
    assert (answer.status_code, answer.text) == (400, "Invalid query: is_public is not known here")
    if method == "get":
        assert (await client.head(f"{url}?x")).status_code == 400


async def test_a_refused_origin_is_told_what_to_set(client: httpx.AsyncClient) -> None:
    headers = {"Origin": "https://photos.example.org"}
    answer = await client.post("/api/library/scan", headers=headers)
    assert (answer.status_code, answer.text) == (403, ORIGIN_REFUSAL)
    for word in ("Origin not allowed", "--host-name", "proxy_set_header Host", "changeOrigin"):
        assert word in answer.text
    assert "\n" not in answer.text


async def test_the_icon_is_there(client: httpx.AsyncClient) -> None:
    answer = await client.get("/favicon.ico")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.content.startswith(b"<svg")
