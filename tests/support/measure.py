"""The cost of an attack on a server process: its memory, and the latency of other clients."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.support.waiting import pause

PULSE_SECONDS = 0.05


def resident(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    """Return the largest resident memory that a process has had, in MiB."""
    return _status(pid, "VmHWM")


def _status(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(field))
    return int(line.split()[1]) / 1024


class Pulse:
    """The slowest answer to `GET /api/health` so far in seconds, and the number of answers."""

    def __init__(self) -> None:
        self.slowest = 0.0
        self.answers = 0

    async def beat(self, url: str) -> None:
        """Send requests, each over a new connection, until cancelled."""
        while True:
            began = time.monotonic()
            try:
                async with httpx.AsyncClient(base_url=url, timeout=60) as client:
                    (await client.get("/api/health")).raise_for_status()
                self.answers += 1
            finally:
                self.slowest = max(self.slowest, time.monotonic() - began)
            await pause(PULSE_SECONDS)


@asynccontextmanager
async def pulse(url: str) -> AsyncGenerator[Pulse]:
    """Measure the latency of the server at `url` while the block runs.

    A failed request ends the block with its error.
    """
    found = Pulse()
    beating = asyncio.create_task(found.beat(url))
    try:
        yield found
        if beating.done():
            beating.result()
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
