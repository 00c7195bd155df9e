"""Thumbnails that are rendered before any request."""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gallery.app import Limits, create_app, started
from gallery.config import Settings
from gallery.domain.pictures.rendering import Renderer
from gallery.media.cache import Cache
from gallery.media.worker import Workers
from gallery.media.worker_process import WorkerFailed
from tests.support.application import client_of
from tests.support.corpus import encoded, original
from tests.support.library import Tree, ask, cached
from tests.support.waiting import eventually

HURRIED = Limits(still_seconds=0.5, prerender_pause=0.1)


@pytest.fixture
def library(tmp_path: Path) -> Tree:
    """Return seven pictures, each a day younger than the one before."""
    tree = Tree(tmp_path / "library")
    for day in range(7):
        path = f"day {day}.jpg"
        tree.write(path, content=encoded(original().rotate(day), "JPEG"))
        at = 1_700_000_000 + day * 86_400
        os.utime(tree.folder / path, (at, at))
    return tree


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of paths in the order of rendering, which is made sequential."""
    drawn: list[str] = []
    draw, alone = Renderer.draw, asyncio.Lock()

    async def counted(self: Renderer, path: str, *args: Any) -> Any:
        async with alone:
            drawn.append(path)
            return await draw(self, path, *args)

    monkeypatch.setattr(Renderer, "draw", counted)
    return drawn


@asynccontextmanager
async def served(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    app = create_app(settings, watch=True, limits=HURRIED)
    async with started(app) as running, client_of(running) as client:
        yield client


async def until(client: httpx.AsyncClient, is_so: Callable[[list[dict[str, Any]]], bool]) -> Any:
    async def items_if_so() -> Any:
        items = (await client.get("/api/items?sort=name")).json()["items"]
        return items if is_so(items) else None

    return await eventually(items_if_so)


def all_drawn(items: list[dict[str, Any]]) -> bool:
    return len(items) >= 7 and all(item["thumbhash"] for item in items)


async def test_everything_is_drawn_and_the_collections_know(
    settings: Settings, order: list[str]
) -> None:
    async with served(settings) as client:
        await until(client, lambda items: len(items) == 7)
        made = await client.post("/api/collections", json={"name": "c", "paths": ["day 3.jpg"]})
        before = made.headers["etag"]
        phases = set()

        async def are_all_drawn() -> bool:
            [root] = (await client.get("/api/library")).json()["roots"]
            phases.add(root["progress"] and root["progress"]["phase"])
            return all_drawn((await client.get("/api/items")).json()["items"])

        await eventually(are_all_drawn)
        assert "drawing" in phases
        shown = await client.get(made.headers["location"])
        assert shown.headers["etag"] != before
        assert shown.json()["items"][0]["thumbhash"]
        assert sorted(order) == [f"day {day}.jpg" for day in range(7)]
        assert len(cached(settings)) == 14
    order.clear()
    async with served(settings) as client:
        items = await until(client, all_drawn)
        assert (await client.get(items[0]["thumbnailUrl"])).status_code == 200
    assert order == []


async def drawn(settings: Settings) -> None:
    """Wait without reading items through the API, which would change the order."""

    async def is_so() -> bool:
        return await ask(settings, "SELECT COUNT(*) FROM item WHERE drawn_at IS NOT NULL") == 7

    await eventually(is_so)


async def test_the_newest_come_first(settings: Settings, order: list[str]) -> None:
    async with served(settings):
        await drawn(settings)
    assert order == [f"day {day}.jpg" for day in range(6, -1, -1)]


async def test_what_people_look_at_comes_before_all_else(
    settings: Settings, order: list[str]
) -> None:
    async with served(settings) as client:

        async def is_listed() -> bool:
            return bool((await client.get("/api/items?path=day 1.jpg")).json()["items"])

        await eventually(is_listed)
        await client.get("/api/items?path=day 4.jpg")
        await drawn(settings)
    assert set(order[:2]) == {"day 1.jpg", "day 4.jpg"}
    assert order[2:] == [f"day {day}.jpg" for day in (6, 5, 3, 2, 0)]


async def test_without_room_only_the_hashes_are_made(settings: Settings) -> None:
    none = msgspec.structs.replace(settings, thumbnails=0)
    async with served(none) as client:
        await until(client, all_drawn)
    assert cached(settings) == []


async def test_what_cannot_be_drawn_is_a_problem_and_does_not_stop_the_rest(
    settings: Settings, library: Tree, order: list[str]
) -> None:
    content = encoded(original(), "JPEG")
    library.write("cut.jpg", content=content[: len(content) // 2])
    library.write("nothing.jpg", content=b"nothing")
    library.age()
    async with served(settings) as client:
        await until(client, lambda items: sum(1 for it in items if it["thumbhash"]) == 7)

        async def with_problem() -> Any:
            [cut] = (await client.get("/api/items?path=cut.jpg")).json()["items"]
            detail = (await client.get(f"/api/items/{cut['id']}")).json()
            return detail if detail["problem"] else None

        detail = await eventually(with_problem)
        assert detail["problem"] == "is cut off"
        assert detail["width"] == 360
        assert "nothing.jpg" not in order


async def test_what_ends_each_process_that_draws_it_has_a_problem_until_it_can_be_drawn(
    settings: Settings, library: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.write("bad.jpg", content=encoded(original(), "JPEG"))
    library.age()
    render = Workers.render

    async def die(self: Workers, request: Any, *args: Any) -> Any:
        if getattr(request, "name", "") == "bad.jpg":
            raise WorkerFailed("died")
        return await render(self, request, *args)

    monkeypatch.setattr(Workers, "render", die)

    async def problem(client: httpx.AsyncClient) -> tuple[int, str | None]:
        [bad] = (await client.get("/api/items?path=bad.jpg")).json()["items"]
        return bad["id"], (await client.get(f"/api/items/{bad['id']}")).json()["problem"]

    async with served(settings) as client:
        await until(client, lambda items: len(items) == 8)

        async def problem_if_any() -> Any:
            found = await problem(client)
            return found if found[1] else None

        id_, reason = await eventually(problem_if_any)
        assert reason == "takes too much memory or time"
    monkeypatch.setattr(Workers, "render", render)
    async with served(settings) as client:  # a new server has not seen it fail
        assert (await client.get(f"/api/items/{id_}/thumbnail")).status_code == 200
        assert await problem(client) == (id_, None)


async def test_a_changed_file_is_drawn_anew(settings: Settings, library: Tree) -> None:
    async with served(settings) as client:
        before = await until(client, all_drawn)
        library.write("day 0.jpg", content=encoded(original().rotate(180), "JPEG"))
        at = 1_700_000_001
        os.utime(library.folder / "day 0.jpg", (at, at))
        after = await until(
            client,
            lambda items: all_drawn(items) and items[0]["thumbhash"] != before[0]["thumbhash"],
        )
        assert after[0]["thumbnailUrl"] != before[0]["thumbnailUrl"]


async def test_a_cache_that_cannot_be_listed_at_start_does_not_end_drawing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is measured later, as soon as it can be listed."""
    survey, failures = Cache.survey, list[str]()

    def fail(self: Cache) -> int:
        if len(failures) < 3:
            failures.append("no")
            raise PermissionError(errno.EACCES, "Permission denied")
        return survey(self)

    monkeypatch.setattr(Cache, "survey", fail)
    async with served(settings) as client:
        await until(client, all_drawn)
        assert failures
        assert len(cached(settings)) == 14


async def test_a_cache_that_is_no_folder_does_not_end_drawing(settings: Settings) -> None:
    folder = Path(settings.data) / "thumbnails"
    folder.parent.mkdir(exist_ok=True)
    folder.write_bytes(b"in the way")
    async with served(settings) as client:
        await until(client, all_drawn)
    assert folder.read_bytes() == b"in the way"
