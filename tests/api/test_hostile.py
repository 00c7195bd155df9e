"""Hostile and broken clients over a real connection."""

import resource
import time
from typing import Any

import httpx
import pytest

from gallery.api.connections import Connections
from gallery.api.requests import bodies
from tests.support.collections import make
from tests.support.library import Tree
from tests.support.wire import HOST, send, status


async def test_a_request_line_over_8_kib_is_414(port: int) -> None:
    longest = 8_192 - len("GET / HTTP/1.1\r\n") + 2
    fine = b"GET /%b HTTP/1.1\r\n%bConnection: close\r\n\r\n" % (b"x" * longest, HOST)
    assert status(await send(port, fine)) == 404
    answer = await send(port, b"GET /%b HTTP/1.1\r\n%b\r\n" % (b"x" * 8_192, HOST))
    assert status(answer) == 414
    assert b"content-type: text/plain; charset=utf-8" in answer
    assert status(await send(port, b"GET /" + b"x" * 65_536)) == 414


async def test_headers_over_32_kib_or_100_lines_are_431(port: int) -> None:
    head = b"GET /api/health HTTP/1.1\r\n" + HOST
    for lines, expected in ((98, 200), (100, 431)):
        more = b"".join(b"X-%d: y\r\n" % n for n in range(lines))
        assert status(await send(port, head + more + b"Connection: close\r\n\r\n")) == expected
    assert status(await send(port, head + b"X: " + b"y" * 32_768 + b"\r\n\r\n")) == 431
    assert status(await send(port, head, b"X: ", *[b"y" * 16_384] * 4)) == 431


async def test_endless_headers_are_cut_and_keep_no_memory(port: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for part in (b"X: " + b"y" * 100, b"X: y\r\n" * 100):
        answer = await send(port, b"GET / HTTP/1.1\r\n" + HOST, *([part * 100] * 200))
        assert answer == b"" or status(answer) == 431
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32_768


async def test_a_head_must_be_complete_in_time(port: int, connections: Connections) -> None:
    connections.head_seconds = 0.2
    for beginning in (b"", b"G", b"GET / HTTP/1.1\r\nHost: lo"):
        assert status(await send(port, beginning)) == 408
    whole = b"GET /api/health HTTP/1.1\r\n" + HOST + b"\r\n"
    answers = await send(port, whole, whole + b"GET / HTTP/1.1\r\n")
    assert [status(a) for a in answers.split(b"HTTP/1.1")[1:]] == [200, 200, 408]


async def test_a_body_that_stalls_is_408(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "STALL_SECONDS", 0.2)
    for length in (b"Content-Length: 10\r\n", b"Transfer-Encoding: chunked\r\n"):
        head = b"POST /api/collections HTTP/1.1\r\n" + HOST + length + b"\r\n"
        assert status(await send(port, head)) == 408
        assert status(await send(port, head + b"1\r\n{\r\n")) == 408


async def test_a_pipelined_request_behind_a_large_body_is_no_large_head(port: int) -> None:
    body = b'{"name": "x", "ignored": "%b"}' % (b"y" * 60_000)
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    begin = b"POST /api/collections HTTP/1.1\r\n" + HOST + length
    following = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answers = await send(port, begin, body + following[:30], following[30:])
    assert [status(answer) for answer in answers.split(b"HTTP/1.1")[1:]] == [201, 200]


async def test_lists_of_a_million_are_refused_at_once(client: httpx.AsyncClient) -> None:
    made = await make(client, paths=["photos/2025/trip/day1/beach.jpg"])
    url = f"/api/collections/{made['id']}"
    unknown = b",".join(b'"%07d.jpg"' % number for number in range(1_000_000))
    began = time.monotonic()
    for tail, status_ in (("", 409), ("/order", 400)):
        body = b'{"name": "x", "paths": [%b]}' % unknown
        answer = await client.request("PUT", url + tail, content=body)
        assert answer.status_code == status_, answer.text
    body = b'{"name": "x", "paths": [%b]}' % unknown[: 90_000 * 14 - 1]
    answer = await client.put(url, content=body)
    assert (answer.status_code, answer.text) == (400, "Not in the library: 0000000.jpg")
    assert time.monotonic() - began < 10


async def test_a_body_over_the_limit_is_413_before_it_is_read(port: int) -> None:
    head = b"POST /api/collections HTTP/1.1\r\n" + HOST
    answer = await send(port, head + b"Content-Length: 4194305\r\n\r\n")
    assert status(answer) == 413
    assert status(await send(port, head + b"Content-Length: 99999999999999999999\r\n\r\n")) in (
        400,
        413,
    )
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await send(port, head + b"Transfer-Encoding: chunked\r\n\r\n", *([chunk] * 640))
    assert answer == b"" or status(answer) == 413
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32_768


async def test_order_and_put_take_16_mib(client: httpx.AsyncClient) -> None:
    made = await make(client)
    url = f"/api/collections/{made['id']}"
    padding = b" " * (4 << 20)
    for method, tail, body, fits in (
        ("PUT", "", b'{"name": "x"}', True),
        ("PUT", "/order", b'{"paths": [""]}', True),
        ("POST", "/items", b'{"paths": [""]}', False),
    ):
        answer = await client.request(method, url + tail, content=body + padding)
        assert (answer.status_code == 413) is not fits
        answer = await client.request(method, url + tail, content=body + padding * 4)
        assert answer.status_code == 413


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("localhost:8000", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("192.168.1.7:80", True),
        ("[::1]:8000", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.nip.io", False),
        ("", False),
        ("[::1", False),
        ("127.0.0.1:", True),
        ("2130706433", False),
        ("a b", False),
    ],
)
async def test_the_host_must_be_an_address_or_a_known_name(
    client: httpx.AsyncClient, host: str, allowed: bool
) -> None:
    answer = await client.get("/api/health", headers={"Host": host})
    assert answer.status_code == (200 if allowed else 403)


async def test_one_host_is_needed(port: int) -> None:
    request = b"GET /api/health HTTP/1.1\r\n%bConnection: close\r\n\r\n"
    assert status(await send(port, request % HOST)) == 200
    for hosts in (b"", HOST + HOST, HOST + b"Host: evil.example\r\n"):
        assert status(await send(port, request % hosts)) in (400, 403)


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://localhost:81"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://[bad"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
    ],
)
async def test_only_this_origin_may_change_things(
    client: httpx.AsyncClient, headers: dict[str, str], allowed: bool
) -> None:
    answer = await client.post("/api/collections", json={"name": "x"}, headers=headers)
    assert answer.status_code == (201 if allowed else 403)
    assert len((await client.get("/api/collections", headers=headers)).json()) == int(allowed)


RUBBISH = [
    b"\x00" * 100,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"get_x / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET http://evil.example/api/health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"CONNECT localhost:1 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /%ff%00%0a HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /api/items?path=%ff%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /api/items?path=" + "é".encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /%zz HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /docs/assets/../../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /docs/assets/%2e%2e/%2e%2e/core.py HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET //etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST /api/collections HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    b"POST /api/collections HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\n{}",
    b"POST /api/collections HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"POST /api/collections HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/collections HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /api/collections HTTP/1.1\r\n" + HOST + b"If-None-Match: \xff\xfe\r\n\r\n",
    b"GET /api/collections HTTP/1.1\r\n"
    + HOST
    + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
]


@pytest.mark.parametrize("request_", RUBBISH, ids=lambda value: repr(value[:50]))
async def test_rubbish_is_answered_below_500_and_the_server_lives(
    port: int, request_: bytes
) -> None:
    answer = await send(port, request_, until_closed=False)
    assert answer == b"" or 200 <= status(answer) < 500, answer[:200]
    assert b"Traceback" not in answer
    fine = await send(port, b"GET /api/health HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert status(fine) == 200


PATH_FIELDS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/collections", {"name": "x", "paths": ["?"]}),
    ("POST", "/api/collections", {"name": "x", "folderPath": "?"}),
    ("POST", "/api/collections", {"name": "x", "coverPath": "?"}),
    ("POST", "/api/collections/memberships", {"paths": ["?"]}),
    ("PUT", "/api/collections/1", {"name": "x", "paths": ["?"]}),
    ("PUT", "/api/collections/1", {"name": "x", "folderPath": "?"}),
    ("PUT", "/api/collections/1", {"name": "x", "coverPath": "?"}),
    ("POST", "/api/collections/1/items", {"paths": ["?"]}),
    ("DELETE", "/api/collections/1/items", {"paths": ["?"]}),
    ("PUT", "/api/collections/1/order", {"paths": ["?"]}),
]
HOSTILE_PATHS = [
    "../outside.jpg",
    "photos/../../outside.jpg",
    "/etc/passwd",
    "..",
    "..\\outside.jpg",
    "out/secret.jpg",
    "photos/2025/\0.jpg",
    "%2e%2e/outside.jpg",
    "a/./b.jpg",
    "//outside.jpg",
    "x" * 2_001 + ".jpg",
    "\u202egpj.exe.jpg",
    "'; DROP TABLE item; --.jpg",
    "CON.jpg",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS, ids=lambda value: repr(value[:30]))
async def test_no_path_field_reaches_outside(
    client: httpx.AsyncClient, library: Tree, path: str
) -> None:
    (library.folder.parent / "outside.jpg").write_bytes(b"secret")
    (library.folder.parent / "secret.jpg").write_bytes(b"secret")
    (library.folder / "out").symlink_to(library.folder.parent)
    made = await make(client, folderPath="")
    assert made["id"] == 1
    for method, url, body in PATH_FIELDS:
        hostile = {
            key: [path] if value == ["?"] else path if value == "?" else value
            for key, value in body.items()
        }
        answer = await client.request(method, url, json=hostile)
        ignored = url.endswith("memberships") or method == "DELETE"
        assert answer.status_code == 400 or (ignored and answer.status_code == 200), (url, body)
        assert b"secret" not in answer.content.replace(b"out/secret", b"")
        assert str(library.folder).encode() not in answer.content
    answer = await client.get("/api/items", params={"path": path})
    assert answer.status_code in (200, 400)
    assert "secret" not in answer.text.replace("out/secret", "")
    assert (await client.get("/api/collections/1")).json()["items"] == []
