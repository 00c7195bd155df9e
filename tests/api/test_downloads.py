"""The originals of a collection as one ZIP file."""

import asyncio
import errno
import io
import os
import tempfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gallery.app import Limits
from gallery.disk import archives
from gallery.disk.archives import NOTE, Entry, archive, length_of
from gallery.disk.roots import Root, Roots
from gallery.domain import budget
from gallery.values.times import Micros
from tests.support.collections import collect
from tests.support.library import ODD_NAMES, Tree, rescan


async def archive_of(client: httpx.AsyncClient, url: str) -> zipfile.ZipFile:
    answer = await client.get(f"{url}/download")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    found = zipfile.ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    return found


async def test_all_originals_in_order(client: httpx.AsyncClient, library: Tree) -> None:
    for name in ("a/one.jpg", "a/b/two.jpg", "a/three.jpg"):
        library.write(name, content=name.encode() * 100)
    os.utime(library.folder / "a/one.jpg", (1_700_000_000, 1_700_000_000))
    url = await collect(
        client, "Trip: the best", folderPath="a", paths=["a/three.jpg", "a/one.jpg", "a/b/two.jpg"]
    )
    found = await archive_of(client, url)
    assert found.namelist() == ["three.jpg", "one.jpg", "two.jpg"]
    assert found.read("two.jpg") == b"a/b/two.jpg" * 100
    assert found.getinfo("one.jpg").date_time[:2] == (2023, 11)
    head = await client.head(f"{url}/download")
    got = await client.get(f"{url}/download")
    assert head.headers == got.headers
    assert got.headers["content-disposition"] == 'attachment; filename="Trip_ the best.zip"'


async def test_names_are_unique_and_can_be_unpacked_anywhere(
    client: httpx.AsyncClient, library: Tree
) -> None:
    paths = [f"{number}/{name}" for number, name in enumerate((*ODD_NAMES, *ODD_NAMES))]
    for path in paths:
        library.write(path, content=path.encode())
    url = await collect(client, folderPath="", paths=paths)
    found = await archive_of(client, url)
    names = found.namelist()
    assert len({name.casefold() for name in names}) == len(paths)
    assert [found.read(name) for name in names] == [path.encode() for path in paths]
    assert not any(set(name) & set('\\/:*?"<>|\n\t') for name in names)


async def test_what_is_missing_is_listed(client: httpx.AsyncClient, library: Tree) -> None:
    library.write("a/Missing files.txt.jpg", "a/gone.jpg", "a/there.jpg")
    url = await collect(
        client, paths=["a/gone.jpg", "a/there.jpg", "a/Missing files.txt.jpg"], folderPath="a"
    )
    library.remove("a/gone.jpg")
    found = await archive_of(client, url)
    assert found.namelist() == ["there.jpg", "Missing files.txt.jpg", "Missing files.txt"]
    assert found.read("Missing files.txt").decode().splitlines()[1:] == ["a/gone.jpg"]


async def test_another_file_in_the_place_of_a_missing_one_is_not_it(
    client: httpx.AsyncClient, library: Tree
) -> None:
    library.write("a/one.jpg", content=b"one")
    library.write("a/two.jpg", content=b"two")
    url = await collect(client, paths=["a/one.jpg", "a/two.jpg"])
    library.remove("a/one.jpg")
    await rescan(client)
    library.move("a/two.jpg", "a/one.jpg")
    await rescan(client)
    found = await archive_of(client, url)
    assert found.namelist() == ["one.jpg", "Missing files.txt"]
    assert found.read("one.jpg") == b"two"


async def test_an_empty_collection(client: httpx.AsyncClient) -> None:
    assert (await archive_of(client, await collect(client))).namelist() == []


async def test_who_has_it_gets_304(client: httpx.AsyncClient, library: Tree) -> None:
    library.write("a/a.jpg")
    url = await collect(client, paths=["a/a.jpg"])
    tag = (await client.get(f"{url}/download")).headers["etag"]
    again = await client.get(f"{url}/download", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    library.remove("a/a.jpg")
    await rescan(client)
    later = await client.get(f"{url}/download", headers={"If-None-Match": tag})
    assert later.status_code == 200


@pytest.mark.parametrize(
    ("url", "status", "text"),
    [
        ("/api/collections/99/download", 404, "Collection not found"),
        ("/api/collections/x/download", 400, "Invalid collection ID"),
    ],
)
async def test_no_collection_no_archive(
    client: httpx.AsyncClient, url: str, status: int, text: str
) -> None:
    answer = await client.get(url)
    assert (answer.status_code, answer.text) == (status, text)


ONE_PLACE = pytest.mark.parametrize("limits", [Limits(max_downloads=1)])
"""A server that sends one archive at a time."""


@asynccontextmanager
async def unread(port: int, url: str) -> AsyncIterator[None]:
    """Request an archive and do not read it while the block runs."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
    writer.write(f"GET {url}/download HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.readexactly(100)
    yield
    writer.transport.abort()


async def large(client: httpx.AsyncClient, library: Tree) -> str:
    """Create a collection that is larger than the buffers between server and client."""
    (library.folder / "big.mp4").write_bytes(b"a" * (48 << 20))
    return await collect(client, folderPath="", paths=["big.mp4"])


@ONE_PLACE
async def test_one_too_many_is_503(
    port: int, client: httpx.AsyncClient, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await large(client, library)
    monkeypatch.setattr(budget, "WAIT_SECONDS", 0.1)
    async with unread(port, url):
        answer = await client.get(f"{url}/download")
        assert (answer.status_code, answer.text) == (503, "Too many downloads are under way")
        assert answer.headers["retry-after"]
    monkeypatch.setattr(budget, "WAIT_SECONDS", 10.0)
    for _ in range(2):
        assert (await client.get(f"{url}/download")).status_code == 200
        assert (await client.head(f"{url}/download")).status_code == 200


@ONE_PLACE
async def test_who_does_not_read_loses_the_place_to_another(
    port: int, client: httpx.AsyncClient, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await large(client, library)
    monkeypatch.setattr(budget, "STUCK_SECONDS", 0.1)
    async with unread(port, url):
        assert (await client.get(f"{url}/download")).status_code == 200


async def test_a_file_that_changes_or_goes_meanwhile_is_named(
    port: int, client: httpx.AsyncClient, library: Tree
) -> None:
    names = ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
    library.write(*names)
    (library.folder / "a.mp4").write_bytes(b"a" * (48 << 20))
    url = await collect(client, folderPath="", paths=names)
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as real,
        real.stream("GET", f"{url}/download") as answer,
    ):
        parts = answer.aiter_bytes()
        first = await anext(parts)
        (library.folder / "b.mp4").write_bytes(b"b")
        library.remove("d.mp4")
        content = b"".join([first, *await all_of(parts)])
    assert len(content) == int(answer.headers["content-length"])
    found = zipfile.ZipFile(io.BytesIO(content))
    assert found.testzip() is None
    assert found.namelist() == ["a.mp4", "c.mp4", NOTE]
    assert found.read("c.mp4") == b"a picture"
    assert named_in(found) == ["b.mp4", "d.mp4"]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE])
async def test_a_member_that_may_not_be_opened_is_named(
    client: httpx.AsyncClient, library: Tree, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    library.write("a/one.jpg", "a/shut.jpg", "a/two.jpg")
    url = await collect(client, paths=["a/one.jpg", "a/shut.jpg", "a/two.jpg"])
    open_file = Root.open_file

    def shut(self: Root, path: str) -> BinaryIO:
        if path.endswith("shut.jpg"):
            raise OSError(code, os.strerror(code))
        return open_file(self, path)

    monkeypatch.setattr(Root, "open_file", shut)
    found = await archive_of(client, url)
    assert found.namelist() == ["one.jpg", "two.jpg", NOTE]
    assert named_in(found) == ["a/shut.jpg"]


async def test_without_descriptors_no_file_is_blamed(
    client: httpx.AsyncClient, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.write("a/one.jpg")
    url = await collect(client, paths=["a/one.jpg"])

    def exhausted(_self: Root, _path: str) -> BinaryIO:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Root, "open_file", exhausted)
    assert (await client.get(f"{url}/download")).status_code == 503


async def test_a_read_error_in_the_middle_loses_one_member(
    client: httpx.AsyncClient, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    (library.folder / "bad.mp4").write_bytes(b"a" * (3 << 20))
    library.write("good.mp4", "gone.mp4")
    url = await collect(client, folderPath="", paths=["gone.mp4", "bad.mp4", "good.mp4"])
    library.remove("gone.mp4")
    pread = os.pread

    def failing(descriptor: int, most: int, start: int) -> bytes:
        if start >= 2 << 20:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(descriptor, most, start)

    monkeypatch.setattr(os, "pread", failing)
    found = await archive_of(client, url)
    assert found.namelist() == ["good.mp4", NOTE]
    assert named_in(found) == ["gone.mp4", "bad.mp4"]


def named_in(found: zipfile.ZipFile) -> list[str]:
    return [line for line in found.read(NOTE).decode().splitlines()[1:] if line]


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=12),
    lost=st.sets(st.integers(0, 11)),
    is_note_planned=st.booleans(),
    files=st.integers(1, 20),
)
def test_whatever_is_lost_the_length_is_kept(
    sizes: list[int], lost: set[int], is_note_planned: bool, files: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", files)
        patch.setattr(zipfile, "ZIP64_LIMIT", 100_000)
        patch.setattr(archives, "PART", 100)
        made = []
        for number, size in enumerate(sizes):
            made.append(Entry(f"{number}.jpg", size, Micros(0), f"{number}.jpg"))
            if number not in lost:
                file = Path(folder, f"{number}.jpg")
                file.write_bytes(bytes([number]) * size)
                os.utime(file, (0, 0))
        if is_note_planned:
            made.append(archives.note(["before.jpg"]))
        content = b"".join(archive(Roots([Root("", Path(folder))], lambda _name: False), made))
        assert len(content) == length_of(made)
        found = zipfile.ZipFile(io.BytesIO(content))
        assert found.testzip() is None
        kept = [entry.name for entry in made[: len(sizes)] if Path(folder, entry.name).exists()]
        missing = [entry.name for entry in made[: len(sizes)] if entry.name not in kept]
        missing = ["before.jpg"] * is_note_planned + missing
        assert found.namelist() == kept + [NOTE] * bool(missing)
        assert not missing or named_in(found) == missing


async def all_of(parts: AsyncIterator[bytes]) -> list[bytes]:
    return [part async for part in parts]


_NAMES = st.text(min_size=1, max_size=20).filter(
    lambda name: name.isprintable() and "/" not in name
)


@settings(max_examples=60, deadline=None)
@given(
    entries=st.lists(
        st.tuples(_NAMES, st.binary(max_size=300)), max_size=12, unique_by=lambda it: it[0]
    ),
    limit=st.integers(20, 2_000),
    files=st.integers(1, 20),
)
def test_the_length_is_that_of_the_archive(
    entries: list[tuple[str, bytes]], limit: int, files: int
) -> None:
    """The limits of ZIP, 2 GiB and 65,535 files, are lowered here to reach them."""
    made = [Entry(name, len(text), Micros(0), text=text) for name, text in entries]
    roots = Roots([Root("", Path("/nowhere"))], lambda _name: False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", limit)
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", files)
        content = b"".join(archive(roots, made))
        assert len(content) == length_of(made)
    found = zipfile.ZipFile(io.BytesIO(content))
    assert [info.filename for info in found.infolist()] == [name for name, _text in entries]


def test_times_that_zip_does_not_know() -> None:
    roots = Roots([Root("", Path("/nowhere"))], lambda _name: False)
    times = (-(10**15), 0, 10**15, 10**16, 10**30)
    made = [Entry(f"{at}", 0, Micros(at)) for at in times]
    found = zipfile.ZipFile(io.BytesIO(b"".join(archive(roots, made))))
    assert [info.date_time[0] for info in found.infolist()] == [1980, 1980, 2001, 2107, 2107]
