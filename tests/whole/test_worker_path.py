"""No Python in a library is run by what decodes its files, even if the server starts in it."""

import asyncio
import sys
from pathlib import Path

import httpx

from tests.library import Tree
from tests.media.test_probe import picture

HOSTILE = (
    *("json.py", "pickle.py", "anyio/__init__.py", "msgspec/__init__.py", "PIL/__init__.py"),
    *("pyvips/__init__.py", "av/__init__.py", "defusedxml/__init__.py", "sitecustomize.py"),
)


async def test_files_are_read_and_drawn_without_code_of_the_library(tmp_path: Path) -> None:
    """The server keeps off the current directory here, so that its children alone are tried."""
    marker = tmp_path / "marker"
    tree = Tree(tmp_path / "library")
    code = f"import sys\nopen({str(marker)!r}, 'a').write(f'{{sys.orig_argv}} {{__name__}}\\n')\n"
    tree.write(*HOSTILE, content=code.encode())
    tree.write("x.jpg", content=picture("JPEG"))
    tree.age()
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "gallery", "serve", ".", "--port", "0"),
        *("--data", str(tmp_path / "data")),
        cwd=tree.folder,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert server.stdout is not None
        async with asyncio.timeout(60):
            while not (line := (await server.stdout.readline()).decode()).startswith("Serving "):
                assert line, "it did not start"
            async with httpx.AsyncClient(base_url=line.split()[1], timeout=60) as client:
                while not (items := (await client.get("/api/items")).json()["items"]):
                    await asyncio.sleep(0.02)
                answer = await client.get(items[0]["thumbnailUrl"])
                assert answer.status_code == 200
                while not (await client.get("/api/items")).json()["items"][0]["width"]:
                    assert not _of_workers(marker), marker.read_text()
                    await asyncio.sleep(0.02)
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()
    assert not _of_workers(marker), marker.read_text()


def _of_workers(marker: Path) -> list[str]:
    """The lines of processes that decode; the one that watches has a test of its own."""
    lines = marker.read_text().splitlines() if marker.exists() else []
    return [line for line in lines if "gallery.indexing.watcher" not in line]
