"""`/media/{path}`: the originals, byte for byte."""

import asyncio
import contextlib
import os
import re
from collections.abc import Callable
from email.parser import BytesParser
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.api.connections import Connections
from gallery.api.requests import ranges
from gallery.api.requests.ranges import Span
from gallery.disk.originals import Replaced, open_original
from gallery.disk.roots import Root, Roots
from gallery.domain.library import originals
from gallery.errors import RangeNotSatisfiable
from tests.support.library import ODD_NAMES, Tree
from tests.support.waiting import eventually

HUNDRED = bytes(range(100))


def url(path: str) -> str:
    return "/media/" + quote(path)


@pytest.fixture
def hundred(library: Tree) -> str:
    library.write("a/hundred.jpg", content=HUNDRED)
    return url("a/hundred.jpg")


async def test_an_original_with_all_its_headers(client: httpx.AsyncClient, hundred: str) -> None:
    answer = await client.get(hundred)
    assert (answer.status_code, answer.content) == (200, HUNDRED)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == "100"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert re.fullmatch(r'"[!-~]+"', answer.headers["etag"])
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "content-disposition" not in answer.headers
    head = await client.head(hundred)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == answer.headers


async def test_a_film_may_be_played_by_itself(client: httpx.AsyncClient, library: Tree) -> None:
    """A browser requests it a second time with this origin; nothing else is allowed."""
    library.write("a.mp4", "a.jpg")
    film = (await client.get("/media/a.mp4")).headers["content-security-policy"]
    assert film.endswith("; sandbox allow-same-origin")
    picture = (await client.get("/media/a.jpg")).headers["content-security-policy"]
    assert picture.endswith("; sandbox")


async def test_nosniff(port: int, hundred: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get(hundred)).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_every_odd_name(client: httpx.AsyncClient, library: Tree, name: str) -> None:
    library.write(f"odd {name[0]}/{name}", content=name.encode())
    address = url(f"odd {name[0]}/{name}")
    assert (await client.get(address)).content == name.encode()
    saved = await client.get(address + "?download=1")
    disposition = saved.headers["content-disposition"]
    assert disposition.startswith("attachment; filename")
    assert disposition.isprintable()
    assert disposition.isascii()


async def test_the_address_of_an_item_is_that_of_its_bytes(
    client: httpx.AsyncClient, library: Tree
) -> None:
    for number, name in enumerate(ODD_NAMES):
        library.write(f"{number}/{name}", content=name.encode())
    await client.post("/api/collections/memberships", json={"paths": ["0/x.jpg"]})
    for number, name in enumerate(ODD_NAMES):
        made = await client.post(
            "/api/collections", json={"name": f"c{number}", "paths": [f"{number}/{name}"]}
        )
        [item] = (await client.get(made.headers["location"])).json()["items"]
        assert (await client.get(item["url"])).content == name.encode()


@pytest.mark.parametrize(
    ("asked", "body", "content_range"),
    [
        ("bytes=0-9", HUNDRED[:10], "bytes 0-9/100"),
        ("bytes=90-", HUNDRED[90:], "bytes 90-99/100"),
        ("bytes=-5", HUNDRED[-5:], "bytes 95-99/100"),
        ("bytes=-500", HUNDRED, "bytes 0-99/100"),
        ("bytes=50-5000000000000000000000000", HUNDRED[50:], "bytes 50-99/100"),
        ("Bytes = 0-0 , ", HUNDRED[:1], "bytes 0-0/100"),
        ("bytes=200-300,4-5", HUNDRED[4:6], "bytes 4-5/100"),
    ],
)
async def test_one_part(
    client: httpx.AsyncClient, hundred: str, asked: str, body: bytes, content_range: str
) -> None:
    answer = await client.get(hundred, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, body)
    assert answer.headers["content-range"] == content_range
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["content-type"] == "image/jpeg"


async def test_several_parts(client: httpx.AsyncClient, hundred: str) -> None:
    answer = await client.get(hundred, headers={"Range": "bytes=0-4, -3 ,50-50"})
    assert answer.status_code == 206
    assert int(answer.headers["content-length"]) == len(answer.content)
    head = b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n"
    message = BytesParser().parsebytes(head + answer.content)
    parts = [
        (part["Content-Range"], part.get_payload(decode=True))
        for part in message.walk()
        if not part.is_multipart()
    ]
    assert parts == [
        ("bytes 0-4/100", HUNDRED[:5]),
        ("bytes 97-99/100", HUNDRED[-3:]),
        ("bytes 50-50/100", HUNDRED[50:51]),
    ]


@pytest.mark.parametrize(
    "asked",
    [
        "items=0-4",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=9e9-",
        "bytes=1-2-3",
        "bytes=--5",
        "bytes=0-4,x",
        "bytes=" + ",".join(["0-0"] * 101),
        "bytes=0-99,0-99",
    ],
)
async def test_what_is_no_range_or_too_much_gives_the_whole(
    client: httpx.AsyncClient, hundred: str, asked: str
) -> None:
    answer = await client.get(hundred, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, HUNDRED)


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=-0", "bytes=100-200,300-"])
async def test_a_range_beyond_the_end_is_416(
    client: httpx.AsyncClient, hundred: str, asked: str
) -> None:
    answer = await client.get(hundred, headers={"Range": asked})
    assert (answer.status_code, answer.text) == (416, "Range not satisfiable")
    assert answer.headers["content-range"] == "bytes */100"


async def test_an_empty_file(client: httpx.AsyncClient, library: Tree) -> None:
    library.write("empty.jpg", content=b"")
    answer = await client.get("/media/empty.jpg")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await client.get("/media/empty.jpg", headers={"Range": "bytes=0-"})).status_code == 416


_NUMBER = st.integers(0, 130)
_SPEC = st.one_of(
    st.tuples(_NUMBER, _NUMBER).map(lambda pair: f"{pair[0]}-{pair[1]}"),
    _NUMBER.map(lambda number: f"{number}-"),
    _NUMBER.map(lambda number: f"-{number}"),
)


@given(specs=st.lists(_SPEC, min_size=1, max_size=5), size=st.integers(0, 120))
def test_ranges_mean_what_the_rfc_says(specs: list[str], size: int) -> None:
    """Each range is compared with the offsets that it selects, one by one."""
    whole = range(size)
    wanted = []
    for spec in specs:
        first, _, last = spec.partition("-")
        if not first:
            wanted.append(whole[max(0, size - int(last)) :] if int(last) else whole[:0])
        elif last and int(last) < int(first):
            assert ranges.parse(f"bytes={','.join(specs)}", size) is None
            return
        else:
            wanted.append(whole[int(first) : int(last) + 1 if last else size])
    there = [Span(part.start, part.stop) for part in wanted if part]
    if not there:
        with pytest.raises(RangeNotSatisfiable):
            ranges.parse(f"bytes={','.join(specs)}", size)
    elif sum(map(len, wanted)) > size:
        assert ranges.parse(f"bytes={','.join(specs)}", size) is None
    else:
        assert ranges.parse(f"bytes={','.join(specs)}", size) == there


@given(st.text(max_size=40))
def test_no_range_header_is_a_mistake_of_ours(header: str) -> None:
    for text in (header, f"bytes={header}"):
        try:
            spans = ranges.parse(text, 100)
        except RangeNotSatisfiable:
            continue
        assert spans is None or all(0 <= start < end <= 100 for start, end in spans)


async def test_what_the_client_has_is_304(client: httpx.AsyncClient, hundred: str) -> None:
    first = await client.get(hundred)
    tag, date = first.headers["etag"], first.headers["last-modified"]
    earlier = formatdate(0, usegmt=True)
    for headers, status in (
        ({"If-None-Match": tag}, 304),
        ({"If-None-Match": f'"x", W/{tag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-None-Match": '"x"', "If-Modified-Since": date}, 200),
        ({"If-Modified-Since": date}, 304),
        ({"If-Modified-Since": earlier}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Match": tag}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": f"W/{tag}"}, 412),
        ({"If-Match": '"x"'}, 412),
        ({"If-Unmodified-Since": date}, 200),
        ({"If-Unmodified-Since": earlier}, 412),
    ):
        answer = await client.get(hundred, headers=headers)
        assert answer.status_code == status, headers
        assert (await client.head(hundred, headers=headers)).status_code == status
        if status == 304:
            assert (answer.content, answer.headers["etag"]) == (b"", tag)
        if status == 412:
            assert answer.json() == {"error": "The file was changed."}


async def test_a_part_of_a_version_that_is_gone_is_the_whole(
    client: httpx.AsyncClient, library: Tree, hundred: str
) -> None:
    os.utime(library.folder / "a/hundred.jpg", (1_700_000_000, 1_700_000_000))
    first = await client.get(hundred)
    tag, date = first.headers["etag"], first.headers["last-modified"]
    for condition, status in (
        (tag, 206),
        (f"W/{tag}", 200),
        ('"other"', 200),
        ("*", 200),
        (date, 206),
        (formatdate(0, usegmt=True), 200),
        ("rubbish", 200),
    ):
        headers = {"Range": "bytes=0-1", "If-Range": condition}
        assert (await client.get(hundred, headers=headers)).status_code == status, condition
    library.write("a/hundred.jpg", content=HUNDRED[::-1])
    for condition in (tag, date):
        headers = {"Range": "bytes=0-1", "If-Range": condition}
        assert (await client.get(hundred, headers=headers)).content == HUNDRED[::-1]


async def test_every_write_makes_another_tag(client: httpx.AsyncClient, library: Tree) -> None:
    """A write changes the tag even if it keeps the size and restores the time."""
    tags = set()
    for content in (b"one", b"two", b"six"):
        library.write("a.jpg", content=content)
        os.utime(library.folder / "a.jpg", (1_700_000_000, 1_700_000_000))
        tags.add((await client.get("/media/a.jpg")).headers["etag"])
    assert len(tags) == 3


async def test_a_drawing_is_never_shown_by_itself(client: httpx.AsyncClient, library: Tree) -> None:
    library.write("a.svg", content=b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    answer = await client.get("/media/a.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-disposition"] == 'attachment; filename="a.svg"'
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("address", "status", "text"),
    [
        ("/media/nothing.jpg", 404, "Not found"),
        (f"/media/{'x' * 300}.jpg", 404, "Not found"),
        ("/media/photos", 404, "Not found"),
        ("/media/notes.txt", 404, "Not found"),
        ("/media/.hidden/a.jpg", 404, "Not found"),
        ("/media/.a.jpg", 404, "Not found"),
        ("/media/link.jpg", 404, "Not found"),
        ("/media/away/beach.jpg", 404, "Not found"),
        ("/media/pipe.jpg", 404, "Not found"),
        ("/media/", 400, "Invalid path: "),
        ("/media", 404, "Not found"),
        ("/media//etc/passwd", 400, "Invalid path: /etc/passwd"),
        ("/media/photos/%2e%2e/a.jpg", 400, "Invalid path: photos/../a.jpg"),
        ("/media/photos/..%2fa.jpg", 400, "Invalid path: photos/../a.jpg"),
        ("/media/photos//a.jpg", 400, "Invalid path: photos//a.jpg"),
        ("/media/a.jpg/", 400, "Invalid path: a.jpg/"),
        ("/media/a%00.jpg", 400, "Invalid path: a\\u0000.jpg"),
        ("/media/%ff.jpg", 400, "Invalid path: not UTF-8"),
        ("/media/nothing.jpg?download=maybe", 400, "Invalid download: 1 or 0"),
    ],
)
async def test_what_is_no_original(
    port: int, library: Tree, address: str, status: int, text: str
) -> None:
    library.write("notes.txt", ".hidden/a.jpg", ".a.jpg", "../outside/beach.jpg")
    (library.folder / "link.jpg").symlink_to(library.folder / "photos/2025/trip/day1/beach.jpg")
    (library.folder / "away").symlink_to("../outside")
    os.mkfifo(library.folder / "pipe.jpg")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert (int(head.split()[1]), body.decode()) == (status, text)


async def test_a_file_that_nobody_may_read_is_not_found(
    client: httpx.AsyncClient, hundred: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, status in ((PermissionError(13, "no"), 404), (OSError(5, "broken disk"), 503)):

        def fail(*_args: object, error: OSError = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(originals, "open_original", fail)
            assert (await client.get(hundred)).status_code == status


async def test_other_methods_are_405(client: httpx.AsyncClient, hundred: str) -> None:
    answer = await client.delete(hundred)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def receive(port: int, address: str, meanwhile: Callable[[], object]) -> bytes:
    """Return the bytes received of an original; call `meanwhile` after the first 100,000."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    received = await reader.readexactly(100_000)
    meanwhile()
    received += await reader.read()
    writer.close()
    return received.partition(b"\r\n\r\n")[2]


BIG = 64 << 20


@pytest.fixture
def big(library: Tree) -> Path:
    file = library.folder / "big.mp4"
    file.write_bytes(b"a" * BIG)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    return file


def write_into(file: Path, *, restore: bool) -> None:
    with file.open("r+b") as written:
        written.write(b"b" * BIG)
    if restore:
        os.utime(file, (1_700_000_000, 1_700_000_000))


@pytest.mark.parametrize("restore", [False, True])
async def test_a_file_that_is_written_to_meanwhile_is_cut_off(
    port: int, big: Path, *, restore: bool
) -> None:
    """The writer may even restore the time of the file."""
    received = await receive(port, "/media/big.mp4", lambda: write_into(big, restore=restore))
    assert set(received) == {ord("a")}
    assert len(received) < BIG


async def test_a_file_that_is_replaced_or_removed_is_sent_to_its_end(port: int, big: Path) -> None:
    beside = big.with_name("other")
    beside.write_bytes(b"c" * BIG)
    received = await receive(port, "/media/big.mp4", lambda: beside.rename(big))
    assert (len(received), set(received)) == (BIG, {ord("a")})
    linked = big.with_name("copy")
    received = await receive(port, "/media/big.mp4", lambda: os.link(big, linked))
    assert (len(received), set(received)) == (BIG, {ord("c")})
    received = await receive(port, "/media/big.mp4", big.unlink)
    assert (len(received), set(received)) == (BIG, {ord("c")})


def test_a_file_system_that_gives_less_than_asked_for(
    library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.write("a.jpg", content=HUNDRED)
    disk = Roots([Root("", library.folder)], lambda _name: False)
    original = open_original(disk, "a.jpg")
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, start: pread(fd, min(size, 7), start))
    assert original.read(0, 100) == HUNDRED
    assert original.read(50, 20) == HUNDRED[50:70]
    with pytest.raises(Replaced):
        original.read(90, 11)
    original.close()


async def test_who_reads_nothing_is_cut_off(port: int, big: Path, connections: Connections) -> None:
    """The file and the socket are closed, though the client has neither read nor left."""
    connections.send_seconds = 0.2

    def opened() -> list[str]:
        """Return the open files below the library and the open sockets of the server."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ours = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        files = [str(link.readlink()) for link in links]
        return [file for file in files if file in ours or file == str(big)]

    before = len(opened())
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
    writer.write(b"GET /media/big.mp4 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readexactly(100)
    await eventually(lambda: len(opened()) <= before, "the file and the socket are closed")
    with contextlib.suppress(ConnectionResetError):
        received = await reader.read(BIG * 2)
        while part := await reader.read(BIG):
            received += part
        assert len(received) < BIG
    writer.close()


async def test_who_leaves_is_not_served_on(port: int, library: Tree) -> None:
    file = library.folder / "big.mp4"
    with file.open("wb") as sparse:
        sparse.truncate(4 << 30)
    before = len(os.listdir("/dev/fd"))
    for _ in range(5):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /media/big.mp4 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
        await _reader.read(1_000)
        writer.transport.abort()
    await eventually(lambda: len(os.listdir("/dev/fd")) <= before, "nothing stays open")
