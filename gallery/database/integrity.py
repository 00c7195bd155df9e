"""A full check of an SQLite file in use. It finds damage that the quick check at start misses."""

import asyncio
import logging
import os
import sqlite3
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite

logger = logging.getLogger(__name__)

FIRST_SECONDS = 60.0
"""Seconds until the first check begins. It must not slow down the start."""
PAUSE_SECONDS = 24 * 3_600.0
"""Seconds between two checks."""
MAX_PROBLEMS = 20
"""Problems of one table that are reported."""
_NICE = 10
"""The priority of the thread that checks."""


class _PatientConnection(sqlite3.Connection):
    """A connection whose thread has a low priority."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        if sys.platform == "linux":  # other systems have no priority per thread
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


async def find_problems(uri: str) -> list[str]:
    """Return the problems of the database, as SQLite words them.

    Each table is checked in its own transaction, so that SQLite can write the log back to the file
    between two tables. If the caller is cancelled, the check ends at once.
    """
    found: list[str] = []
    async with _opened(uri) as connection:
        names = await connection.execute_fetchall(
            "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        )
        for (name,) in names:
            try:
                rows = await connection.execute_fetchall(f"PRAGMA integrity_check('{name}')")
            except asyncio.CancelledError:
                await connection.interrupt()
                raise
            found += [text for (text,) in rows if text != "ok"][:MAX_PROBLEMS]
    return found


@asynccontextmanager
async def _opened(uri: str) -> AsyncGenerator[aiosqlite.Connection]:
    """Yield a connection and close it at the end, even if the caller is cancelled during opening.

    Otherwise its thread would outlive the event loop that it reports to.
    """
    opening = asyncio.ensure_future(_open(uri))
    try:
        yield await asyncio.shield(opening)
    finally:
        await (await opening).close()


async def _open(uri: str) -> aiosqlite.Connection:
    return await aiosqlite.connect(uri, uri=True, isolation_level=None, factory=_PatientConnection)


async def watch(uri: str, problems: list[str], first_seconds: float = FIRST_SECONDS) -> None:
    """Check the database regularly. `problems` contains the result of the last check."""
    pause = first_seconds
    while True:
        await asyncio.sleep(pause)
        pause = PAUSE_SECONDS
        try:
            found = await find_problems(uri)
        except sqlite3.Error as error:
            found = [str(error)]
        problems[:] = [f"The database is damaged: {problem}" for problem in found]
        for problem in problems:
            logger.error("%s; restore a backup, or copy it to a new database", problem)
