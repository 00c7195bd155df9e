"""No Python code in a library is ever run, even if the server is started inside it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.library import Tree, scanned
from tests.support.waiting import eventually

HOSTILE = (
    *("json.py", "pickle.py", "anyio/__init__.py", "asyncio/__init__.py", "logging/__init__.py"),
    *("watchfiles/__init__.py", "msgspec/__init__.py", "click/__init__.py", "sitecustomize.py"),
    *("PIL/__init__.py", "pyvips/__init__.py", "av/__init__.py", "defusedxml/__init__.py"),
)
COMMANDS = {
    "console script": (str(Path(sys.executable).with_name("gallery")),),
    "python -m": (sys.executable, "-m", "gallery"),
}


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_server_started_in_its_library_imports_nothing_from_it(
    tmp_path: Path, command: str
) -> None:
    marker = tmp_path / "marker"
    tree = Tree(tmp_path / "library")
    code = f"import sys\nopen({str(marker)!r}, 'a').write(f'{{sys.orig_argv}} {{__name__}}\\n')\n"
    tree.write(*HOSTILE, content=code.encode())
    tree.draw("x.png", (64, 48))
    server = await asyncio.create_subprocess_exec(
        *COMMANDS[command],
        *("serve", ".", "--port", "0", "--data", str(tmp_path / "data")),
        cwd=tree.folder,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert server.stdout is not None
        async with asyncio.timeout(60):
            while not (line := (await server.stdout.readline()).decode()).startswith("Serving "):
                assert line, marker.read_text() if marker.exists() else "it did not start"
            async with httpx.AsyncClient(base_url=line.split()[1], timeout=30) as client:
                await scanned(client)
                (tree.folder / "new").mkdir()

                async def is_told() -> bool:
                    return (await client.get("/api/folders?path=new")).is_success

                async def is_drawn() -> bool:
                    return (await item(client, "x.png"))["thumbhash"] is not None

                await eventually(is_told, "what the watching process has seen")
                await eventually(is_drawn, "what workers have read and drawn")
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()
    assert not marker.exists(), marker.read_text()


async def item(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get("/api/items", params={"path": path})
    found: dict[str, Any] = answer.json()["items"][0]
    return found
