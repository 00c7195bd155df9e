"""Files with too much metadata: the server keeps what its limits allow, and stays small."""

from pathlib import Path

import pytest

from gallery.config import Settings
from tests.support.library import Tree, read, scanned
from tests.support.measure import peak, pulse, resident
from tests.support.pictures import picture, xmp
from tests.support.serving import serving

pytestmark = pytest.mark.slow


def hierarchy(size: int) -> bytes:
    """Return XMP of `size` bytes: one keyword with very many levels."""
    path = "|".join(f"k{number}" for number in range(size // 3))[:size]
    return xmp(
        elements=f"<lr:hierarchicalSubject><rdf:Bag><rdf:li>{path}</rdf:li></rdf:Bag>"
        "</lr:hierarchicalSubject>"
    )


def many(seed: int) -> bytes:
    """Return XMP with the maximum of keywords, each of maximum depth and unique to this file."""
    paths = (
        "|".join(f"{seed:02}{number:03}{level}" + "x" * 6 for level in range(10))
        for number in range(600)
    )
    items = "".join(f"<rdf:li>{path}</rdf:li>" for path in paths)
    return xmp(
        elements=f"<lr:hierarchicalSubject><rdf:Bag>{items}</rdf:Bag></lr:hierarchicalSubject>"
    )


def disk_usage(data: Path) -> float:
    """Return the size of the database in MiB, with its write-ahead log."""
    return sum(path.stat().st_size for path in data.glob("gallery.db*")) / 2**20


async def cost(library: Tree, data: Path) -> tuple[float, float, float]:
    """Return the growth of the server and of its database in MiB, and the slowest answer in
    seconds.

    The server reads the library, answers a request for every item, and starts once more.
    """
    names = sorted(path.name for path in library.folder.glob("*.jpg"))
    aside = library.folder.parent / "aside"
    aside.mkdir()
    settings = Settings((str(library.folder),), data=str(data))
    for path in library.folder.iterdir():
        if path.stem != "plain":
            path.rename(aside / path.name)
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        await read(settings)
        before, small = resident(server.process.pid), disk_usage(data)
        async with pulse(server.url) as found:
            for path in aside.iterdir():
                path.rename(library.folder / path.name)
            assert (await client.post("/api/library/scan", json={})).status_code == 202
            await scanned(client)
            await read(settings)
        items = (await client.get("/api/items?limit=5000")).json()["items"]
        assert [item["name"] for item in sorted(items, key=lambda item: item["name"])] == names
        assert [item["width"] for item in items] == [64] * len(items)
        memory = peak(server.process.pid) - before
        disk = disk_usage(data) - small
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        assert len((await client.get("/api/items?limit=5000")).json()["items"]) == len(names)
    return memory, disk, found.slowest


@pytest.fixture
def library(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "library")
    tree.write("plain.jpg", content=picture("JPEG"))
    return tree


async def test_sixty_kilobytes_of_levels_do_not_end_the_server(
    library: Tree, tmp_path: Path
) -> None:
    library.write("inside.jpg", content=picture("JPEG", xmp=hierarchy(60_000)))
    library.write("beside.jpg", content=picture("JPEG", comment=b"another"))
    library.write("beside.xmp", content=hierarchy(60_000))
    library.age()
    memory, disk, slowest = await cost(library, tmp_path / "data")
    assert memory < 50
    assert disk < 2
    assert slowest < 2


async def test_a_library_full_of_keywords_is_read_in_parts(library: Tree, tmp_path: Path) -> None:
    for number in range(16):
        library.write(f"{number:02}.jpg", content=picture("JPEG", xmp=b""))
        library.write(f"{number:02}.xmp", content=many(number))
    library.age()
    memory, disk, slowest = await cost(library, tmp_path / "data")
    assert memory < 100
    assert disk < 16 * 4
    assert slowest < 2
