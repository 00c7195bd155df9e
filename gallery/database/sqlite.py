"""SQLite: one connection that writes, a few that only read, all through aiosqlite.

One writer is not only fair but necessary: SQLite before 3.51.3 can corrupt a WAL database that two
connections write or checkpoint at once. The data directory's lock file keeps other processes out.
"""

import asyncio
import logging
import os
import re
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiosqlite

from gallery.database.engine import (
    Clock,
    Reader,
    Row,
    Shield,
    Trace,
    Tx,
    UniqueViolation,
    never_back,
    wall_clock,
)
from gallery.database.schema import schema, statements
from gallery.database.upgrades import SCHEMA_VERSION, UPGRADES, upgrade
from gallery.errors import StartRefused, Unavailable
from gallery.events import Bus

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

READERS = 3
READ_DEADLINE = 10.0
"""Seconds that one `read` may take."""
WAIT_DEADLINE = 30.0
"""Seconds that it may wait for its turn before that."""
BUSY_TIMEOUT = 5_000
"""Milliseconds to wait for a lock that a foreign process holds on the file."""
CACHE_KIB = 32_768
"""Page cache of each connection: the index of some 500,000 paths fits."""


class SqliteDatabase:
    """A `Database` (see `engine`) in one SQLite file, opened by `open_sqlite`."""

    def __init__(
        self,
        writer: aiosqlite.Connection,
        readers: Sequence[aiosqlite.Connection],
        bus: Bus,
        clock: Clock,
        trace: Trace | None,
    ) -> None:
        self._writer = writer
        self._turn = asyncio.Lock()
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        for reader in readers:
            self._readers.put_nowait(reader)
        self._bus = bus
        self._clock = never_back(clock)
        self._trace = trace
        self._shield = Shield()
        self._generation = 0

    @property
    def generation(self) -> int:
        """Exact, because the lock on the data directory makes this process the only writer."""
        return self._generation

    async def read(
        self,
        use_case: Callable[Concatenate[Reader, P], Awaitable[T]],
        *args: P.args,
        **kw: P.kwargs,
    ) -> T:
        try:
            async with asyncio.timeout(WAIT_DEADLINE):
                connection = await self._readers.get()
            try:
                async with asyncio.timeout(READ_DEADLINE):
                    return await use_case(Reader(_Session(connection, self._trace)), *args, **kw)
            finally:
                self._shield.start(self._release(connection))
        except TimeoutError:
            raise Unavailable("The database did not answer in time") from None

    async def _release(self, connection: aiosqlite.Connection) -> None:
        """Ends the snapshot, whatever still runs on it, and hands the connection on."""
        try:
            await connection.interrupt()
            await connection.rollback()
        finally:
            self._readers.put_nowait(connection)

    async def write(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        return await self._shield.run(self._transact(use_case, *args, **kw))

    async def _transact(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        async with self._turn:
            session = _Session(self._writer, self._trace)
            try:
                await session.fetch("BEGIN IMMEDIATE", ())
                tx = Tx(session, self._clock)
                result = await use_case(tx, *args, **kw)
                if tx.discarded:
                    await session.fetch("ROLLBACK", ())
                else:
                    await self._commit(session)
            except BaseException:
                await self._writer.rollback()  # a no-op where no transaction is open
                raise
        if not tx.discarded:
            for event in tx.events:
                self._bus.publish(event)
        return result

    async def _commit(self, session: "_Session") -> None:
        # What is read while a commit is under way belongs to a generation of its own: it may be
        # the state before or after. Even a commit that fails may have happened.
        self._generation += 1
        try:
            await session.fetch("COMMIT", ())
        finally:
            self._generation += 1

    def now(self) -> int:
        return self._clock()

    async def last_ids(self) -> dict[str, int]:
        rows = await self.read(_all, "SELECT name, seq FROM sqlite_sequence")
        return {row[0]: row[1] for row in rows}

    async def set_last_ids(self, tx: Tx, last: Mapping[str, int]) -> None:
        await tx.all("DELETE FROM sqlite_sequence")
        await tx.many("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", [*last.items()])

    async def drain(self) -> None:
        """Waits until every transaction that was begun has ended."""
        await self._shield.drain()


async def _all(reader: Reader, sql: str) -> Sequence[Row]:
    return await reader.all(sql)


class _Session:
    """A connection as `engine.Session`."""

    def __init__(self, connection: aiosqlite.Connection, trace: Trace | None) -> None:
        self._connection = connection
        self._trace = trace

    async def fetch(self, sql: str, args: Sequence[object]) -> Sequence[Row]:
        if self._trace:
            self._trace(sql)
        try:
            return list(await self._connection.execute_fetchall(_numbered(sql), args))
        except sqlite3.Error as error:
            raise _translated(error) from error

    async def run_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        if self._trace:
            self._trace(sql)
        try:
            await (await self._connection.executemany(_numbered(sql), rows)).close()
        except sqlite3.Error as error:
            raise _translated(error) from error


@lru_cache(maxsize=512)
def _numbered(sql: str) -> str:
    """`$1` is a *named* parameter to SQLite; `?1` is what it calls a numbered one."""
    return re.sub(r"\$(\d+)", r"?\1", sql)


class _Snapshot(sqlite3.Connection):
    """A reading connection whose transaction begins with its first statement, in the same hop.

    A hop to the connection's thread costs more than most of our queries; an own one for BEGIN
    would double the price of a read.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if not self.in_transaction:
            super().execute("BEGIN")
        return super().execute(sql, parameters)


@asynccontextmanager
async def open_sqlite(
    file: Path,
    bus: Bus,
    *,
    clock: Clock = wall_clock,
    trace: Trace | None = None,
) -> AsyncGenerator[SqliteDatabase]:
    """The database in `file`, made if there is none, until the block ends.

    `trace` is told every statement. Raises `StartRefused` for a damaged file and for one that a
    newer gallery wrote; neither is touched.
    """
    _check(file)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # ours alone
    async with AsyncExitStack() as stack:
        try:
            writer = await stack.enter_async_context(
                aiosqlite.connect(file, isolation_level=None, cached_statements=512)
            )
            await _prepare(
                writer,
                "journal_mode = WAL",
                "synchronous = FULL",  # acknowledged means durable, also after a power cut
                "journal_size_limit = 67108864",
            )
            await _migrate(writer)
            readers = [
                await stack.enter_async_context(
                    aiosqlite.connect(
                        f"{file.absolute().as_uri()}?mode=ro",
                        uri=True,
                        isolation_level=None,
                        cached_statements=512,
                        factory=_Snapshot,
                    )
                )
                for _ in range(READERS)
            ]
            for reader in readers:
                await _prepare(reader, "query_only = ON")
                await reader.rollback()
        except sqlite3.Error as error:
            raise StartRefused(f"The database {file} cannot be used: {error}") from error
        database = SqliteDatabase(writer, readers, bus, clock, trace)
        try:
            yield database
        finally:
            await database.drain()


async def _prepare(connection: aiosqlite.Connection, *pragmas: str) -> None:
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT}",
        f"cache_size = -{CACHE_KIB}",
        "foreign_keys = ON",
        "trusted_schema = OFF",
        *pragmas,
    ):
        await connection.execute_fetchall(f"PRAGMA {pragma}")


def _check(file: Path) -> None:
    """Refuses a database that this version cannot read, before anything is written to it."""
    if not file.exists() or file.stat().st_size == 0:
        return
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StartRefused(f"The database {file} cannot be used: {error}") from error
    finally:
        connection.close()
    if version > SCHEMA_VERSION:
        raise StartRefused(
            f"The database {file} was written by a newer gallery "
            f"(schema {version}, this one knows {SCHEMA_VERSION})"
        )
    if verdict != "ok":
        raise StartRefused(f"The database {file} is damaged: {verdict}")


async def _migrate(writer: aiosqlite.Connection) -> None:
    """Brings the file to the present schema; each step is one transaction with its version."""
    ((version,),) = await writer.execute_fetchall("PRAGMA user_version")
    while version < SCHEMA_VERSION:
        is_new = version == 0
        version = SCHEMA_VERSION if is_new else version + 1
        await writer.execute_fetchall("BEGIN IMMEDIATE")
        steps = statements(schema()) if is_new else UPGRADES[version - 2]
        await upgrade(_Session(writer, None), steps, is_postgres=False)
        await writer.execute_fetchall(f"PRAGMA user_version = {version}")
        await writer.commit()


def _translated(error: sqlite3.Error) -> Exception:
    """What an error of SQLite means to the layers above; the error itself if it is our mistake."""
    name = getattr(error, "sqlite_errorname", "")
    if name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
        return UniqueViolation(str(error))
    if name.startswith(("SQLITE_FULL", "SQLITE_READONLY")):
        return Unavailable("The disk does not take any more writes")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_INTERRUPT")):
        return Unavailable("The database is busy")
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB")):
        logger.error("database: %s (%s)", error, name)
        return Unavailable("The database cannot be reached")
    return error
