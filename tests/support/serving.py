"""`gallery` as a separate process."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from gallery.config import Settings


class Process:
    """A running `gallery serve` process."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=30)


def arguments(settings: Settings) -> list[str]:
    """Return the settings as command-line arguments."""
    return [*settings.library, "--data", settings.data, "--database", settings.database]


@asynccontextmanager
async def serving(
    settings: Settings,
    *more: str,
    before: tuple[str, ...] = (),
    python: str = sys.executable,
    program: tuple[str, ...] = ("-m", "gallery"),
) -> AsyncGenerator[Process]:
    """Start a server process on a free port; kill it at the end if it still runs.

    `before` is a command that runs it. `program` are the arguments of the interpreter `python`.
    """
    process = await asyncio.create_subprocess_exec(
        *(*before, python, *program),
        *("serve", *arguments(settings), "--port", "0"),
        *more,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while line := (await process.stdout.readline()).decode():
                if line.startswith("Serving "):
                    break
        assert line, "the server did not start"
        yield Process(process, line.split()[1])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def gallery(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run a command until it ends; return status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gallery", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()
