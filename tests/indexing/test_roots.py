"""Roots that are renamed, moved or unavailable, or whose files are gone for long."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gallery.app import create_app, started
from gallery.config import Settings
from gallery.errors import Misconfigured, StartRefused
from gallery.process import data_directory
from tests.support.application import Clock, client_of
from tests.support.collections import make, show
from tests.support.library import BEACH, TRIP, Tree, ids, rescan, scanned

DAY = 24 * 3_600_000


class ServedLibrary:
    """One library, served repeatedly with the same data directory."""

    def __init__(self, tmp_path: Path, database: str, clock: Clock) -> None:
        self._data = str(tmp_path / "data")
        self._database = database
        self._clock = clock

    def at(self, *library: str) -> Settings:
        return Settings(library, self._data, self._database)

    @asynccontextmanager
    async def _client(self, settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
        app = create_app(settings, clock=self._clock)
        async with started(app) as running, client_of(running) as client:
            yield client

    async def collect(self, settings: Settings, *paths: str, scope: str) -> list[int | None]:
        """Create a collection of the paths; return their item ids."""
        async with (
            started(create_app(settings, clock=self._clock)) as app,
            client_of(app) as client,
        ):
            await scanned(client)
            await make(client, folderPath=scope, paths=list(paths))
            await make(client, "all", folderPath="")
            return list((await ids(client, *paths)).values())

    async def check(
        self, settings: Settings, *paths: str, before: list[int | None], scope: str
    ) -> None:
        """Assert that the same items are at these paths now."""
        async with (
            started(create_app(settings, clock=self._clock)) as app,
            client_of(app) as client,
        ):
            for _ in range(2):  # from the stored index, and after comparison with the disk
                assert list((await ids(client, *paths)).values()) == before
                await scanned(client)
                await rescan(client)
            found = await show(client, 1)
            assert ([i["path"] for i in found["items"]], found["folderPath"]) == (
                list(paths),
                scope,
            )
            assert found["itemCount"] == len(paths)
            assert (await show(client, 2))["folderPath"] == ""
            looked_up = await client.post(
                "/api/collections/memberships", json={"paths": list(paths)}
            )
            assert looked_up.json() == {path: [1] for path in paths}
            for root in (await client.get("/api/library")).json()["roots"]:
                assert (root["state"], root["missingCount"]) == ("online", 0)


@pytest.fixture
def served(tmp_path: Path, database: str, clock: Clock) -> ServedLibrary:
    return ServedLibrary(tmp_path, database, clock)


async def test_a_library_that_gets_a_name_or_loses_it_keeps_everything(
    served: ServedLibrary, library: Tree
) -> None:
    library.write("trip/trip/deep.jpg", "trip/top.jpg")  # named as the root will be
    bare, named = served.at(str(library.folder)), served.at(f"trip={library.folder}")
    paths = [BEACH, "trip/trip/deep.jpg", "trip/top.jpg"]
    prefixed = [f"trip/{path}" for path in paths]
    before = await served.collect(bare, *paths, scope="")
    async with started(create_app(bare)) as app, client_of(app) as client:
        await client.put("/api/collections/1", json={"name": "Shortlist", "folderPath": ""})
    await served.check(named, *prefixed, before=before, scope="")
    await served.check(bare, *paths, before=before, scope="")
    await served.check(
        served.at(f"t={library.folder}"), *(f"t/{p}" for p in paths), before=before, scope=""
    )


async def test_scopes_get_the_name_of_the_root_too(served: ServedLibrary, library: Tree) -> None:
    scope = "photos/2025/trip"
    before = await served.collect(served.at(str(library.folder)), *TRIP, scope=scope)
    for name in ("a", "b", ""):
        place = f"{name}={library.folder}" if name else str(library.folder)
        prefix = f"{name}/" if name else ""
        paths = [prefix + path for path in TRIP]
        await served.check(served.at(place), *paths, before=before, scope=prefix + scope)


async def test_roots_that_change_names_among_themselves_keep_everything(
    served: ServedLibrary, tmp_path: Path
) -> None:
    one, two = Tree(tmp_path / "1"), Tree(tmp_path / "2")
    one.write("x.jpg", content=b"one")
    two.write("x.jpg", content=b"two")
    settings = served.at(f"a={one.folder}", f"b={two.folder}")
    before = await served.collect(settings, "a/x.jpg", "b/x.jpg", scope="")
    swapped = served.at(f"b={one.folder}", f"a={two.folder}")
    await served.check(swapped, "b/x.jpg", "a/x.jpg", before=before, scope="")


async def test_a_root_at_another_directory_keeps_everything(
    served: ServedLibrary, library: Tree, tmp_path: Path
) -> None:
    before = await served.collect(
        served.at(f"trip={library.folder}"), f"trip/{BEACH}", scope="trip"
    )
    library.folder.rename(tmp_path / "elsewhere")
    settings = served.at(f"trip={tmp_path / 'elsewhere'}")
    await served.check(settings, f"trip/{BEACH}", before=before, scope="trip")


async def test_a_root_that_is_left_out_is_offline_and_comes_back(
    served: ServedLibrary, tmp_path: Path
) -> None:
    one, two = Tree(tmp_path / "1"), Tree(tmp_path / "2")
    one.write("x.jpg", content=b"one")
    two.write("y.jpg", content=b"two")
    both = served.at(f"a={one.folder}", f"b={two.folder}")
    before = await served.collect(both, "a/x.jpg", "b/y.jpg", scope="")
    async with started(create_app(served.at(f"a={one.folder}"))) as app, client_of(app) as client:
        await scanned(client)
        roots = (await client.get("/api/library")).json()["roots"]
        assert [(r["name"], r["state"]) for r in roots] == [("a", "online"), ("b", "offline")]
        assert [i["missing"] for i in (await show(client, 1))["items"]] == [False, False]
    with pytest.raises(StartRefused, match="has been served as b"):
        async with started(create_app(served.at(str(one.folder)))):
            pass
    await served.check(both, "a/x.jpg", "b/y.jpg", before=before, scope="")


async def test_a_known_root_that_is_not_there_at_start_is_offline_until_it_is(
    settings: Settings, library: Tree, clock: Clock, tmp_path: Path
) -> None:
    async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
        await scanned(client)
        made = await make(client, paths=[BEACH])
    library.folder.rename(tmp_path / "away")
    async with started(create_app(settings, clock=clock)) as app, client_of(app) as client:
        await scanned(client)
        (state,) = (await client.get("/api/library")).json()["roots"]
        assert (state["state"], state["missingCount"]) == ("offline", 0)
        assert [i["missing"] for i in (await show(client, made["id"]))["items"]] == [False]
        (tmp_path / "away").rename(library.folder)
        await rescan(client)
        (state,) = (await client.get("/api/library")).json()["roots"]
        assert (state["state"], state["missingCount"]) == ("online", 0)


async def test_a_new_root_that_is_not_there_is_refused(
    served: ServedLibrary, library: Tree
) -> None:
    nowhere = f"b={library.folder}-nowhere"
    with pytest.raises(Misconfigured, match="nowhere is not a folder"):
        data_directory.make(served.at(nowhere))
    async with started(create_app(served.at(f"a={library.folder}"))):
        pass
    with pytest.raises(Misconfigured, match="nowhere is not a folder"):
        async with started(create_app(served.at(f"a={library.folder}", nowhere))):
            pass


async def test_what_is_missing_for_long_and_in_no_collection_is_forgotten(
    client: httpx.AsyncClient, library: Tree, clock: Clock
) -> None:
    library.write("old/1.jpg", "old/2.jpg", "old/deep/3.jpg", "kept/4.jpg")
    await rescan(client)
    made = await make(client, paths=["kept/4.jpg"])
    library.remove("old/1.jpg", "old/2.jpg", "old/deep/3.jpg", "kept/4.jpg")
    for folder in ("old/deep", "old", "kept"):
        (library.folder / folder).rmdir()
    await rescan(client)
    clock.now += 29 * DAY
    await rescan(client)
    state = (await client.get("/api/library")).json()["roots"][0]
    assert (state["itemCount"], state["missingCount"]) == (len(TRIP), 4)
    clock.now += 2 * DAY
    await rescan(client)
    state = (await client.get("/api/library")).json()["roots"][0]
    assert (state["itemCount"], state["missingCount"]) == (len(TRIP), 1)
    answer = await client.get("/api/items", params={"path": "old/1.jpg"})
    assert answer.json()["items"] == []
    assert [i["missing"] for i in (await show(client, made["id"]))["items"]] == [True]
    library.write("old/1.jpg")
    await rescan(client)
    assert (await ids(client, "old/1.jpg"))["old/1.jpg"] is not None
