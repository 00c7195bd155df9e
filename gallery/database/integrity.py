"""Looks for damage in an SQLite file while it is in use: what the quick check at start misses."""

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
"""When the first check begins: a start has more urgent things to do."""
PAUSE_SECONDS = 24 * 3_600.0
MAX_PROBLEMS = 20
"""Of one table."""
_NICE = 10


class _PatientConnection(sqlite3.Connection):
    """A connection whose thread gives way to all others."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        if sys.platform == "linux":  # elsewhere a thread has no priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


async def find_problems(uri: str) -> list[str]:
    """Return what is wrong with the database, in SQLite's words; empty if nothing is.

    Tables are checked one after another, each in a transaction of its own, so that the log can be
    put back into the file between them. A caller that is cancelled ends the check at once.
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
    """Give a connection that is closed at the end, also if the caller leaves while it is opened.

    Its thread would outlive the event loop that it reports to.
    """
    opening = asyncio.ensure_future(_open(uri))
    try:
        yield await asyncio.shield(opening)
    finally:
        await (await opening).close()


async def _open(uri: str) -> aiosqlite.Connection:
    return await aiosqlite.connect(uri, uri=True, isolation_level=None, factory=_PatientConnection)


async def watch(uri: str, problems: list[str], first_seconds: float = FIRST_SECONDS) -> None:
    """Check again and again; `problems` holds what the last check has found."""
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
