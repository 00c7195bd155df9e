"""Copying between engines: everything is copied, ids included, or nothing."""

import os
from pathlib import Path

import asyncpg
import pytest

from gallery.app import create_app, started
from gallery.config import Settings
from gallery.database import copy as copying
from gallery.database.open import open_database
from gallery.errors import StartRefused
from gallery.events import Bus
from gallery.process import data_directory
from tests.support import postgres as postgres_server
from tests.support.application import client_of
from tests.support.collections import make
from tests.support.library import TRIP, Tree, rescan, scanned
from tests.support.serving import arguments, gallery

READS = ["/api/collections?include=itemIds", "/api/collections/1"]


async def shown(settings: Settings) -> list[bytes]:
    async with started(create_app(settings, scan_at_start=False)) as app, client_of(app) as client:
        root = (await client.get("/api/library")).json()["roots"][0]
        counts = f"{root['itemCount']} {root['missingCount']} {root['lastScan']}".encode()
        return [counts, *[(await client.get(url)).content for url in READS]]


async def test_there_and_back_everything_is_the_same(
    postgres: postgres_server.Server, library: Tree, tmp_path: Path
) -> None:
    await postgres_server.empty(postgres.url)
    library.write("Été/é \U0001f600.jpg", *(f"many/{n:04}.jpg" for n in range(300)))
    here = Settings((str(library.folder),), str(tmp_path / "here"))
    async with started(create_app(here)) as app, client_of(app) as client:
        await scanned(client)
        await make(client, "first", folderPath="", paths=["Été/é \U0001f600.jpg", *TRIP])
        last = await make(client, "deleted")
        await client.delete(f"/api/collections/{last['id']}")
        library.remove(TRIP[0])
        await rescan(client)
    there = Settings(here.library, here.data, postgres.url)
    back = Settings(here.library, str(tmp_path / "back"), postgres.url)
    status, output, errors = await gallery("copy-to", postgres.url, *arguments(here))
    assert status == 0, errors
    assert "item: 305\n" in output
    assert "collection_item: 5\n" in output
    status, _output, errors = await gallery("copy-to", "sqlite:", *arguments(back))
    assert status == 0, errors
    again = Settings(here.library, back.data)
    assert await shown(here) == await shown(there) == await shown(again)
    for settings in (there, again):
        app = create_app(settings, scan_at_start=False)
        async with started(app) as running, client_of(running) as client:
            assert (await make(client, "next"))["id"] == last["id"] + 1, "no id is used again"


async def test_a_target_that_is_not_empty_is_refused(
    postgres: postgres_server.Server, settings: Settings
) -> None:
    if settings.database:
        target = "sqlite:"
    else:
        await postgres_server.empty(postgres.url)
        target = postgres.url
    other = Settings(settings.library, settings.data, target)
    for one in (settings, other):
        async with started(create_app(one, scan_at_start=False)):
            pass
    status, _output, errors = await gallery("copy-to", target, *arguments(settings))
    assert (status, errors.count("\n")) == (1, 1)
    assert "not empty" in errors
    same = settings.database or "sqlite:"
    status, _output, errors = await gallery("copy-to", same, *arguments(settings))
    assert (status, "already" in errors) == (2, True)


async def test_a_copy_that_differs_is_taken_back(
    postgres: postgres_server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await postgres_server.empty(postgres.url)
    settings = Settings((str(tmp_path),), str(tmp_path.parent / f"{tmp_path.name}-data"))
    async with started(create_app(settings, scan_at_start=False)):
        pass
    monkeypatch.setattr(copying._Sum, "digest", property(lambda _self: os.urandom(8)))  # noqa: SLF001
    async with (
        open_database("", data_directory.make(settings), Bus()) as source,
        open_database(postgres.url, tmp_path, Bus()) as target,
    ):
        with pytest.raises(StartRefused, match="differs"):
            await copying.copy(source, target, lambda _done, _total: None)
    connection = await asyncpg.connect(postgres.url)
    assert await connection.fetchval("SELECT COUNT(*) FROM account") == 0
    await connection.close()
