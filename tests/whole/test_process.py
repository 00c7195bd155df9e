"""The server as a process: killed, stopped, started twice, and used from the command line."""

import asyncio
import os
import random
import resource
import signal
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from gallery.cli import client as command
from gallery.config import Settings
from gallery.process import data_directory
from tests.support.ledger import Ledger
from tests.support.library import TRIP, Tree, rescan, scanned
from tests.support.serving import Process, arguments, gallery, serving
from tests.support.waiting import eventually, pause

KILLS = 30
KILLS_WITH_POSTGRES = 10
"""Fewer kills: PostgreSQL commits in another process, which is not killed."""


async def test_30_kills_under_writes_lose_no_acknowledged_write(settings: Settings) -> None:
    ledger, chance = Ledger(), random.Random(1)
    kills = KILLS_WITH_POSTGRES if settings.database else KILLS
    for _ in range(kills):
        async with serving(settings) as server, server.client() as client:
            await scanned(client)
            await ledger.check(client)
            work = [
                asyncio.create_task(ledger.write(client, random.Random(chance.random()), f"{n}"))
                for n in range(4)
            ]
            await ledger.wait_for(chance.randint(1, 8))
            await pause(chance.uniform(0, 0.02))
            server.process.kill()
            await asyncio.gather(*work)
    async with serving(settings) as server, server.client() as client:
        await ledger.check(client)
    assert ledger.writes >= kills
    assert len(ledger.acknowledged) > kills


async def stop(server: Process, number: signal.Signals = signal.SIGTERM) -> float:
    """Send a signal; return the seconds until the server has ended with status 0."""
    began = time.monotonic()
    server.process.send_signal(number)
    async with asyncio.timeout(12):
        assert await server.process.wait() == 0
    return time.monotonic() - began


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_that_is_told_to_stop_stops_with_what_it_promised(
    settings: Settings, number: signal.Signals
) -> None:
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        host, port = server.url.removeprefix("http://").split(":")
        _reader, half = await asyncio.open_connection(host, int(port))
        half.write(
            b"POST /api/collections HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
        )
        await half.drain()
        made = await client.post("/api/collections", json={"name": "x", "paths": [TRIP[0]]})
        assert made.status_code == 201
        assert await stop(server, number) < 10
        half.close()
    data = Path(settings.data)
    left = {"gallery.process.lock"} if settings.database else {"gallery.db", "gallery.process.lock"}
    assert set(os.listdir(data)) == left, "no log is left to replay"
    async with serving(settings) as server, server.client() as client:
        assert (await client.get("/api/collections/1")).json()["itemCount"] == 1


async def test_a_second_server_on_the_same_data_is_refused(settings: Settings) -> None:
    typed = ("serve", *arguments(settings), "--port", "0")
    async with serving(settings) as server, server.client() as client:
        status, _output, errors = await gallery(*typed)
        assert (status, errors.count("\n")) == (1, 1)
        assert "already uses the data directory" in errors
        assert (await client.get("/api/health")).status_code == 200


async def test_a_port_in_use_is_refused_in_one_sentence(settings: Settings, tmp_path: Path) -> None:
    async with serving(settings) as server:
        port = server.url.rpartition(":")[2]
        status, _output, errors = await gallery(
            *("serve", *settings.library, "--data", str(tmp_path / "other"), "--port", port)
        )
        assert (status, errors.count("\n")) == (1, 1)
        assert f"127.0.0.1:{port}" in errors


async def test_scan_names_what_could_not_be_read(settings: Settings, library: Tree) -> None:
    library.write(*(f"bad{number:03}.jpg" for number in range(101)), content=b"")
    for path in TRIP:
        library.draw(path, (8, 8))
    library.age()
    async with serving(settings) as server, server.client() as client:

        async def all_are_counted() -> bool:
            root = (await client.get("/api/library")).json()["roots"][0]
            return bool(root["problemCount"] == 101)

        await eventually(all_are_counted)
        status, output, _errors = await gallery("scan", *arguments(settings))
    head, *lines, last = output.splitlines()
    assert (status, head) == (0, "library: online, 105 items, 0 missing, 101 problems")
    assert lines == [f"  bad{number:03}.jpg: is empty" for number in range(100)]
    assert last == "  and 1 more; the filter hasProblem lists them all"


@pytest.mark.parametrize("is_running", [False, True])
async def test_scan_reads_the_newest_files_before_it_ends(
    settings: Settings, library: Tree, *, is_running: bool
) -> None:
    """They were written a moment ago, and are read as soon as they are still."""
    for path in TRIP:
        library.draw(path, (8, 8), still=False)
    typed = ("scan", *arguments(settings))
    async with serving(settings) if is_running else nullcontext():
        library.write("bad.jpg", content=b"")
        status, output, _errors = await gallery(*typed)
    assert (status, output) == (
        0,
        "library: online, 5 items, 0 missing, 1 problems\n  bad.jpg: is empty\n",
    )


async def test_scan_does_not_wait_for_files_that_are_being_written(
    settings: Settings,
    library: Tree,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for path in TRIP:
        library.draw(path, (8, 8))
    ahead = time.time() + 30  # within the tolerated clock difference, so it is not still
    library.write("growing.mp4")
    os.utime(library.folder / "growing.mp4", (ahead, ahead))
    monkeypatch.setattr(command, "MAX_QUIET_SECONDS", 3.0)
    await asyncio.to_thread(command.scan, settings, accept_missing=False)
    assert capsys.readouterr().out == (
        "library: online, 5 items, 0 missing, 0 problems\n"
        "  files that are still being written are read later\n"
    )


async def test_scan_works_with_the_server_stopped_and_running(
    settings: Settings, library: Tree
) -> None:
    for path in TRIP:
        library.draw(path, (8, 8))
    typed = ("scan", *arguments(settings))
    status, output, errors = await gallery(*typed)
    assert (status, output) == (0, "library: online, 4 items, 0 missing, 0 problems\n")
    assert errors == "", "no count is left as if it were the result"
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        library.draw("more.jpg", (8, 8))
        library.remove(TRIP[0])
        status, output, _errors = await gallery(*typed)
        assert (status, output) == (0, "library: online, 4 items, 1 missing, 0 problems\n")
        page = (await client.get("/api/items", params={"path": "more.jpg"})).json()
        assert len(page["items"]) == 1
    (library.folder / "photos").rename(library.folder.parent / "away")
    library.remove("more.jpg")
    status, _output, errors = await gallery(*typed)
    assert (status, "offline" in errors) == (1, True)
    status, output, _errors = await gallery(*typed, "--accept-missing")
    assert (status, output) == (0, "library: online, 0 items, 5 missing, 0 problems\n")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_disk_that_takes_no_more_stops_writes_and_nothing_else(settings: Settings) -> None:
    """A limit on file sizes stands in for a full disk. It does not affect PostgreSQL's files."""
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        size = max(file.stat().st_size for file in Path(settings.data).iterdir())
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size + 65_536, unlimited[1]))
        made, answers = 0, Counter[int]()
        while answers[503] < 20:
            body = {"name": f"n{made}", "description": "x" * 5_000, "paths": TRIP[:1]}
            answer = await client.post("/api/collections", json=body)
            answers[answer.status_code] += 1
            made += answer.status_code == 201
            assert answer.status_code in (201, 503)
            assert answer.status_code == 201 or answer.headers["retry-after"]
            assert len((await client.get("/api/collections")).json()) == made
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        answer = await client.post("/api/collections", json={"name": "room again"})
        assert answer.status_code == 201
        server.process.kill()
    async with serving(settings) as server, server.client() as client:
        assert len((await client.get("/api/collections")).json()) == made + 1


async def test_only_the_owner_may_use_the_local_socket(settings: Settings) -> None:
    async with serving(settings):
        data = Path(settings.data)
        modes = {name: (data / name).stat().st_mode & 0o777 for name in os.listdir(data)}
        assert {mode & 0o077 for mode in modes.values()} == {0}
        assert data.stat().st_mode & 0o777 == 0o700
        assert modes["gallery.sock"] == 0o600


async def test_requests_are_answered_while_a_large_folder_is_scanned(
    settings: Settings, library: Tree
) -> None:
    """10,000 files here; scripts/bench does the same with 100,000."""
    library.write(*(f"flat/{n:05}.jpg" for n in range(5_000)))
    library.write(*(f"deep/{n % 100:02}/{n:05}.jpg" for n in range(5_000)))
    async with serving(settings) as server, server.client() as client:
        waits: list[float] = []
        states: list[dict[str, Any]] = []
        while not states or states[-1]["lastScan"] is None:
            began = time.monotonic()
            states.append((await client.get("/api/library")).json()["roots"][0])
            waits.append(time.monotonic() - began)
        assert states[-1]["itemCount"] == 10_000 + len(TRIP)
        assert len(waits) > 10
        assert sorted(waits)[len(waits) * 9 // 10] < 0.1
        before = states[-1]["itemCount"]
        await rescan(client)
        assert (await client.get("/api/library")).json()["roots"][0]["itemCount"] == before


async def test_the_help_is_whole_and_shows_defaults() -> None:
    _status, output, _errors = await gallery("--help")
    assert "..." not in output.partition("Commands:")[2]
    _status, output, _errors = await gallery("serve", "--help")
    shown = " ".join(output.split())
    for key in ("host", "port", "rescan", "poll", "thumbnails"):
        described = shown.partition(f"--{key} ")[2].partition(" --")[0]
        assert f"(default: {getattr(Settings(), key)}" in described, key


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("serve",), "No library"),
        (("serve", "/nowhere"), "/nowhere is not a folder"),
        (("serve", "{library}", "x={library}"), "Each of several folders needs a name"),
        (("serve", "a={library}", "b={library}/photos"), "lies inside"),
        (("serve", "a={library}", "a={other}"), "same name"),
        (
            ("serve", "{library}", "--port", "x"),
            "--port x: port takes a whole number from 0 to 65535",
        ),
        (("serve", "{library}", "--port", "70000"), "--port 70000: port takes"),
        (("serve", "{library}", "--host", "0.0.0.0"), "Use --open"),
        (("serve", "{library}", "--data", "{library}/data"), "must not lie in the library"),
        (("serve", "{library}", "--config", "/nowhere.toml"), "/nowhere.toml cannot be read"),
        (("serve", "{library}", "--config", "{bad}"), "bad.toml: colour is no setting"),
        (("serve", "{library}", "--config", "{broken}"), "is not TOML"),
        (("serve", "{library}", "--frobnicate"), "No such option"),
        (("frobnicate",), "No such command"),
        (("demo", "{library}"), "is not empty"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
async def test_what_is_typed_wrongly_is_refused_in_one_sentence_with_status_2(
    tmp_path: Path, library: Tree, words: tuple[str, ...], text: str
) -> None:
    (tmp_path / "bad.toml").write_text('colour = "red"\n')
    (tmp_path / "broken.toml").write_text("port = = 1\n")
    (tmp_path / "other").mkdir()
    places = {"library": library.folder, "bad": tmp_path / "bad.toml", "other": tmp_path / "other"}
    places["broken"] = tmp_path / "broken.toml"
    typed = [argument.format(**places) for argument in words]
    status, output, errors = await gallery(*typed, XDG_DATA_HOME=str(tmp_path / "home"))
    assert (status, output) == (2, "")
    assert text.lower() in errors.lower()
    assert "Traceback" not in errors
    assert sorted(path.name for path in library.folder.iterdir()) == ["photos"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_damaged_database_is_refused_with_status_1(settings: Settings) -> None:
    data = data_directory.make(settings)
    (data / "gallery.db").write_bytes(b"this is no database" * 500)
    typed = ("serve", *arguments(settings), "--port", "0")
    status, _output, errors = await gallery(*typed)
    assert (status, errors.count("\n")) == (1, 1)
    assert (data / "gallery.db").read_bytes() == b"this is no database" * 500
