"""Files that take minutes to render, requested in several sizes, beside ordinary ones."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from gallery.config import Settings
from tests.support.corpus import encoded, original
from tests.support.library import Tree, read, scanned
from tests.support.measure import pulse
from tests.support.serving import Process, serving
from tests.support.waiting import pause

SLOW = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='4000' height='4000'>"
    b"<filter id='f' x='0' y='0' width='1' height='1'>"
    b"<feTurbulence baseFrequency='0.9' numOctaves='50'/></filter>"
    + b"<rect width='4000' height='4000' filter='url(#f)'/>" * 1_000
    + b"</svg>"
)
"""It takes some minutes in any size, which its header does not reveal."""
ORDINARY = tuple(f"{number}.jpg" for number in range(8))
MAX_SECONDS = 20.0
"""The limit for an ordinary thumbnail meanwhile; it once took 60 s and more."""

pytestmark = pytest.mark.slow


async def url(client: httpx.AsyncClient, path: str, size: str) -> str:
    [item] = (await client.get("/api/items", params={"path": path})).json()["items"]
    return f"/api/items/{item['id']}/thumbnail?size={size}"


async def test_slow_files_in_many_sizes_delay_no_other_thumbnail_for_long(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "library")
    tree.write("slow 1.svg", "slow 2.svg", content=SLOW)
    for number, path in enumerate(ORDINARY):
        tree.write(path, content=encoded(original().rotate(number), "JPEG"))
    tree.age()
    settings = Settings((str(tree.folder),), data=str(tmp_path / "data"))
    async with serving(settings) as server, server.client() as client, pulse(server.url) as heart:
        await scanned(client)
        await read(settings)
        slow = await _ask_for_slow_ones(server, client)
        await pause(1)  # they are requested first
        waits = []
        for path in ORDINARY:
            began = time.monotonic()
            answer = await client.get(await url(client, path, "large"), timeout=120)
            assert answer.status_code == 200
            waits.append(time.monotonic() - began)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
    assert max(waits) < MAX_SECONDS
    assert sum(waits) < 2 * MAX_SECONDS
    assert heart.slowest < 2


async def _ask_for_slow_ones(
    server: Process, client: httpx.AsyncClient
) -> list["asyncio.Task[httpx.Response]"]:
    asked = []
    for path in ("slow 1.svg", "slow 2.svg"):
        for size in ("small", "medium"):
            address = server.url + await url(client, path, size)
            asked.append(asyncio.create_task(_get(address)))
    return asked


async def _get(address: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=300) as client:
        return await client.get(address)
