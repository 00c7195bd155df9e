"""Failing starts: one sentence and a status, no trace, nothing damaged. Disks without writes."""

import asyncio
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gallery.config import Settings
from tests.support.library import TRIP, Tree, scanned
from tests.support.serving import arguments, gallery, serving

OBEDIENT = (
    ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
)
"""This makes even the superuser obey file modes."""
SECONDS = 30


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    """Return the setting of SQLite: the database lies in the data directory."""
    assert request.param == "sqlite"
    return ""


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmark (id INTEGER)")


def damage(path: Path) -> None:
    path.write_bytes(b"this is no database" * 500)


Spoil = Callable[[Path], object]


def inside(name: str, spoil: Spoil) -> Spoil:
    """Return a function that creates a data directory and spoils one file in it."""

    def spoil_inside(data: Path) -> None:
        data.mkdir()
        spoil(data / name)

    return spoil_inside


def let_others_in(data: Path) -> None:
    (data / "x").mkdir(parents=True)
    data.chmod(0o777)


def hide(path: Path) -> None:
    damage(path)
    path.chmod(0)


def lead_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


BAD: dict[str, tuple[Spoil, int, str]] = {
    "data is a file": (Path.touch, 2, "cannot be used"),
    "data is a pipe": (os.mkfifo, 2, "cannot be used"),
    "data is a dangling link": (lead_nowhere, 2, "cannot be used"),
    "data is a link to itself": (lambda data: data.symlink_to(data), 2, "cannot be used"),
    "data is a device": (lambda data: data.symlink_to("/dev/null"), 2, "cannot be used"),
    "data may not be read": (lambda data: data.mkdir(0o300), 1, "cannot be read"),
    "data may not be entered": (lambda data: data.mkdir(0o000), 1, "cannot be read"),
    "data takes no files": (lambda data: data.mkdir(0o500), 1, "cannot be made"),
    "others may write to it": (let_others_in, 1, "chmod 700"),
    "lock is a folder": (inside("gallery.process.lock", Path.mkdir), 1, "lock"),
    "lock is a link": (inside("gallery.process.lock", lead_nowhere), 1, "lock"),
    "lock is a pipe": (inside("gallery.process.lock", os.mkfifo), 1, "lock"),
    "lock may not be read": (inside("gallery.process.lock", lambda path: path.touch(0)), 1, "lock"),
    "database is a folder": (inside("gallery.db", Path.mkdir), 1, "not a regular file"),
    "database is a pipe": (inside("gallery.db", os.mkfifo), 1, "not a regular file"),
    "database is a socket": (inside("gallery.db", listen), 1, "not a regular file"),
    "database is a device": (
        inside("gallery.db", lambda path: path.symlink_to("/dev/zero")),
        1,
        "not a regular file",
    ),
    "database is a dangling link": (inside("gallery.db", lead_nowhere), 1, "leads nowhere"),
    "database is damaged": (inside("gallery.db", damage), 1, "cannot be used"),
    "database is another program's": (inside("gallery.db", foreign), 1, "another program"),
    "database may not be read": (inside("gallery.db", hide), 1, "cannot be used"),
    "log of the database is a folder": (inside("gallery.db-wal", Path.mkdir), 1, "cannot be used"),
    "socket is a folder": (inside("gallery.sock", Path.mkdir), 1, "listen"),
}


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return every file below `folder` with its content, if it can be read."""
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if path.name not in ("gallery.process.lock", "gallery.db-shm", "gallery.sock")
    }


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_start_is_refused_in_one_sentence(
    tmp_path: Path, library: Tree, case: str
) -> None:
    spoil, status, text = BAD[case]
    data = tmp_path / "data"
    spoil(data)
    before = contents(tmp_path)
    typed = ("serve", str(library.folder), "--data", str(data), "--port", "0")
    found, _output, errors = await ended(*typed)
    assert (found, errors.count("\n")) == (status, 1), errors
    assert text in errors
    assert errors.startswith("gallery: ")
    made = {path: content for path, content in contents(tmp_path).items() if path not in before}
    assert {path: content for path, content in contents(tmp_path).items() if path in before} == (
        before
    )
    assert set(made) <= {str(data / "gallery.db"), str(data / "gallery.db-wal")}


async def ended(*typed: str, **environment: str) -> tuple[int, str, str]:
    """Run a command that must end by itself; return status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(*OBEDIENT, sys.executable, "-m", "gallery", *typed),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return process.returncode or 0, output.decode(), errors.decode()


@pytest.mark.parametrize(
    ("typed", "environment"),
    [
        (("--data", "{tmp}/not-\udcff-utf8"), {}),
        (("--data", "{tmp}/" + "x" * 300), {}),
        (("--config", "{tmp}/pipe"), {}),
        (("--config", "{tmp}"), {}),
        ((), {"HOME": "/dev/null", "XDG_DATA_HOME": ""}),
    ],
)
async def test_a_place_that_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, library: Tree, typed: tuple[str, ...], environment: dict[str, str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    words = [word.replace("{tmp}", str(tmp_path)) for word in typed]
    status, output, errors = await ended(
        "serve", str(library.folder), "--port", "0", *words, **environment
    )
    assert (status, output, errors.count("\n")) == (2, "", 1), errors


async def test_a_deleted_lock_file_lets_no_second_server_in(settings: Settings) -> None:
    async with serving(settings) as server, server.client() as client:
        (Path(settings.data) / "gallery.process.lock").unlink()
        status, _output, errors = await gallery("serve", *arguments(settings), "--port", "0")
        assert (status, errors.count("\n")) == (1, 1)
        assert "already uses the data directory" in errors
        assert (await client.get("/api/health")).status_code == 200


async def test_a_removed_data_directory_takes_no_writes(settings: Settings) -> None:
    """The server on a new directory there is independent: the old one leaves its socket alone."""
    data = Path(settings.data)
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        made = await client.post("/api/collections", json={"name": "kept", "paths": [TRIP[0]]})
        data.rename(data.with_name("aside"))
        answer = await client.post("/api/collections", json={"name": "lost"})
        assert (answer.status_code, "in its place" in answer.text) == (503, True)
        assert (await client.get("/api/collections/1")).json()["name"] == "kept"
        assert "moved or deleted" in (await client.get("/api/library")).json()["problems"][0]
        assert made.status_code == 201
        async with serving(settings) as other:
            server.process.terminate()
            await server.process.wait()
            assert (data / "gallery.sock").exists()
            async with other.client() as fresh:
                assert (await fresh.get("/api/collections")).json() == []


async def prepare(settings: Settings) -> None:
    """Leave behind a data directory with a collection of a server that has ended."""
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        body = {"name": "kept", "folderPath": "", "paths": list(TRIP)}
        assert (await client.post("/api/collections", json=body)).status_code == 201
        server.process.terminate()
        assert await server.process.wait() == 0


@pytest.mark.parametrize("ended_by", ["itself", "kill"])
async def test_a_read_only_data_directory_is_served_for_reading(
    settings: Settings, ended_by: str
) -> None:
    data = Path(settings.data)
    await prepare(settings)
    if ended_by == "kill":
        async with serving(settings) as server:
            server.process.kill()
            await server.process.wait()
    for file in data.iterdir():
        file.chmod(0o700 if file.is_dir() else 0o400)
    data.chmod(0o500)
    try:
        async with serving(settings, before=OBEDIENT) as server, server.client() as client:
            found = (await client.get("/api/collections/1")).json()
            assert (found["name"], found["itemCount"]) == ("kept", len(TRIP))
            day = (await client.get("/api/folders?path=photos/2025/trip/day1")).json()
            assert len(day["items"]) == 2
            answer = await client.post("/api/collections", json={"name": "new"})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            problems = (await client.get("/api/library")).json()["problems"]
            assert "is read-only" in problems[0]
            server.process.terminate()
            assert await server.process.wait() == 0
    finally:
        data.chmod(0o700)
        for file in data.iterdir():
            file.chmod(0o700 if file.is_dir() else 0o600)
    async with serving(settings) as server, server.client() as client:
        assert (await client.post("/api/collections", json={"name": "new"})).status_code == 201


@pytest.mark.parametrize("bytes_left", [0, 4_096, 65_536])
async def test_a_start_on_a_full_disk_serves_for_reading(
    settings: Settings, bytes_left: int
) -> None:
    await prepare(settings)
    limit = ("prlimit", f"--fsize={bytes_left}")
    async with serving(settings, before=limit) as server, server.client() as client:
        found = (await client.get("/api/collections/1")).json()
        assert (found["name"], found["itemCount"]) == ("kept", len(TRIP))
        codes = [
            (await client.post("/api/collections", json={"name": f"n{n}"})).status_code
            for n in range(30)
        ]
        assert set(codes) <= {201, 503}
        assert 503 in codes
        kept = 1 + codes.count(201)
        assert len((await client.get("/api/collections")).json()) == kept
    async with serving(settings) as server, server.client() as client:
        assert len((await client.get("/api/collections")).json()) == kept


HANGING = """
import os, sys, threading
from gallery.cli import main as cli
from gallery.disk.walk import Walk
from gallery.domain.library import originals

pipe, _ = os.pipe()
def hang(*args):
    os.read(pipe, 1)  # no signal and no cancellation ends it
def listings(self, top=None):
    yield hang()
Walk.listings = listings
originals.open_original = hang
sys.argv = ["gallery", *sys.argv[1:]]
cli.main()
"""


async def test_a_terminal_shows_how_far_the_index_is(settings: Settings) -> None:
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HANGING, "serve", *arguments(settings), "--port", "0"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = ""
    try:
        async with asyncio.timeout(SECONDS):
            while "Scanning: 0" not in shown:
                shown += (await asyncio.to_thread(os.read, ours, 4096)).decode()
    finally:
        process.kill()
        await process.wait()
        os.close(ours)


async def test_a_server_whose_disk_hangs_stops_with_what_it_promised(settings: Settings) -> None:
    await prepare(settings)
    async with serving(settings, program=("-c", HANGING)) as server, server.client() as client:
        hanging = [asyncio.create_task(client.get(f"/media/{path}")) for path in TRIP]
        made = await client.post("/api/collections", json={"name": "acknowledged"})
        assert made.status_code == 201
        began = time.monotonic()
        server.process.terminate()
        async with asyncio.timeout(SECONDS):
            assert await server.process.wait() == 0
        assert time.monotonic() - began < 10
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    left = {"gallery.db", "gallery.process.lock"}
    assert {name for name in os.listdir(settings.data) if name != "thumbnails"} == left
    async with serving(settings) as server, server.client() as client:
        assert (await client.get("/api/collections/2")).json()["name"] == "acknowledged"
