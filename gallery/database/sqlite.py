"""SQLite through aiosqlite: one connection writes, a few others only read.

One writer is necessary: SQLite before 3.51.3 can corrupt a WAL database that two connections write
or checkpoint at once. The lock file of the data directory excludes other processes.

A file on a read-only disk is only read: every `write` raises `Unavailable`.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import aiosqlite

from gallery.database import integrity, sqlite_file
from gallery.database.engine import (
    Reader,
    Shield,
    SteadyClock,
    TimeSource,
    Trace,
    Tx,
    wall_clock,
)
from gallery.database.sqlite_connections import (
    NO_ROOM,
    ConnectionSession,
    FileReplaced,
    open_reader,
    open_writer,
)
from gallery.errors import StartRefused, Unavailable
from gallery.events import Bus
from gallery.values.times import Millis

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

READERS = 3
READ_DEADLINE = 10.0
"""Seconds that one `read` may take."""
WAIT_DEADLINE = 30.0
"""Seconds that it may wait for a free connection before."""


class SqliteDatabase:
    """A `Database` (see `engine`) in one SQLite file, opened by `open_sqlite`.

    `writer` is None if the disk is read-only. `uri` opens the file for reading.
    """

    def __init__(
        self,
        writer: aiosqlite.Connection | None,
        readers: Sequence[aiosqlite.Connection],
        uri: str,
        bus: Bus,
        *,
        clock: TimeSource,
        trace: Trace | None,
        read_seconds: float,
        check_after: float,
    ) -> None:
        self._writer = writer
        self._read_seconds = read_seconds
        self._turn = asyncio.Lock()
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._open = set(readers)
        for reader in readers:
            self._readers.put_nowait(reader)
        self._uri = uri
        self._bus = bus
        self._clock = SteadyClock(clock)
        self._trace = trace
        self._shield = Shield()
        self._generation = 0
        self._damage: list[str] = []
        self._is_replaced = False
        self._checking = asyncio.create_task(integrity.watch(uri, self._damage, check_after))

    @property
    def generation(self) -> int:
        """Return a number that each commit increases. A lock excludes other processes."""
        return self._generation

    @property
    def problems(self) -> list[str]:
        """Return sentences for an administrator: damage, and why writing is impossible."""
        found = [*self._damage]
        if self._writer is None:
            found.append(READ_ONLY)
        if self._is_replaced:
            found.append(REPLACED)
        return found

    async def read(
        self,
        use_case: Callable[Concatenate[Reader, P], Awaitable[T]],
        *args: P.args,
        **kw: P.kwargs,
    ) -> T:
        try:
            async with asyncio.timeout(WAIT_DEADLINE):
                connection = await self._readers.get()
            session = ConnectionSession(connection, self._trace)
            try:
                async with asyncio.timeout(self._read_seconds):
                    return await use_case(Reader(session), *args, **kw)
            finally:
                self._shield.start(self._release(connection, session))
        except TimeoutError:
            raise Unavailable("The database did not answer in time") from None

    async def _release(self, connection: aiosqlite.Connection, session: ConnectionSession) -> None:
        """Interrupt what still runs on the connection, end its snapshot and make it available.

        A connection that may be damaged is replaced by a new one.
        """
        try:
            await connection.interrupt()
            await connection.rollback()
            is_sound = not session.is_suspect
        except sqlite3.Error as error:
            logger.warning("a connection to the database is replaced: %s", error)
            is_sound = False
        try:
            if not is_sound:
                connection = await self._replaced(connection)
        finally:
            self._readers.put_nowait(connection)

    async def _replaced(self, connection: aiosqlite.Connection) -> aiosqlite.Connection:
        try:
            fresh = await open_reader(self._uri)
        except sqlite3.Error as error:
            logger.warning("a new connection to the database cannot be opened: %s", error)
            return connection
        self._open.add(fresh)
        self._open.discard(connection)
        with suppress(sqlite3.Error):
            await connection.close()
        return fresh

    async def write(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        return await self._shield.run(self._transact(use_case, *args, **kw))

    async def _transact(
        self, use_case: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kw: P.kwargs
    ) -> T:
        writer = self._writer
        if writer is None:
            raise Unavailable("The disk does not take any more writes")
        async with self._turn:
            session = ConnectionSession(writer, self._trace)
            try:
                await session.fetch("BEGIN IMMEDIATE", ())
                tx = Tx(session, self._clock)
                result = await use_case(tx, *args, **kw)
                if tx.discarded:
                    await session.fetch("ROLLBACK", ())
                else:
                    await self._commit(session)
            except BaseException:
                await writer.rollback()  # a no-op where no transaction is open
                raise
        if not tx.discarded:
            for event in tx.events:
                self._bus.publish(event)
        return result

    async def _commit(self, session: ConnectionSession) -> None:
        # A read during a commit may see the state before or after it, so it gets a generation of
        # its own. Even a commit that fails may have taken effect.
        self._generation += 1
        try:
            await session.fetch("COMMIT", ())
        except Unavailable as error:
            if isinstance(error.__cause__, FileReplaced) and not self._is_replaced:
                self._is_replaced = True
                logger.error(REPLACED)  # noqa: TRY400  (not a bug: no traceback)
            raise
        else:
            self._is_replaced = False
        finally:
            self._generation += 1

    def now(self) -> Millis:
        return Millis(self._clock())

    def set_newest(self, newest: int) -> None:
        self._clock.set_newest(newest)

    async def last_ids(self) -> dict[str, int]:
        return dict(await self.read(Reader.pairs, "SELECT name, seq FROM sqlite_sequence"))

    async def set_last_ids(self, tx: Tx, last: Mapping[str, int]) -> None:
        await tx.all("DELETE FROM sqlite_sequence")
        await tx.many("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", [*last.items()])

    async def close(self) -> None:
        """Wait until every transaction that was started has ended. Close every connection."""
        self._checking.cancel()
        await asyncio.wait({self._checking})
        await self._shield.drain()
        for reader in self._open:
            await reader.interrupt()  # a read that did not end with its caller
            await reader.close()
        if self._writer:
            await self._writer.close()


READ_ONLY = (
    "The data directory is read-only: nothing can be changed until it is writable and the server "
    "is restarted"
)
REPLACED = (
    "The database was moved or deleted while the server was running: nothing can be changed "
    "until it is back in its place"
)


@asynccontextmanager
async def open_sqlite(
    file: Path,
    bus: Bus,
    *,
    clock: TimeSource = wall_clock,
    trace: Trace | None = None,
    read_seconds: float = READ_DEADLINE,
    check_after: float = integrity.FIRST_SECONDS,
) -> AsyncGenerator[SqliteDatabase]:
    """Yield the database in `file`, which is created if it does not exist.

    `trace` is called with every statement. A read takes at most `read_seconds`. The first check of
    the whole file begins after `check_after` seconds. Raises `StartRefused` for a file that cannot
    be used: damaged, another program's, or written by a newer gallery. It is left unchanged.
    """
    uri = await asyncio.to_thread(sqlite_file.check, file)
    writer, readers = None, list[aiosqlite.Connection]()
    try:
        writer = await _open_writer(file, can_be_read=uri is not None)
        if uri is None or writer is not None:
            uri = next(sqlite_file.uris(file))
        readers += [await open_reader(uri) for _ in range(READERS)]
        if writer is None:
            await sqlite_file.check_version(readers[0], file)
            logger.warning(READ_ONLY)
        database = SqliteDatabase(
            writer,
            readers,
            uri,
            bus,
            clock=clock,
            trace=trace,
            read_seconds=read_seconds,
            check_after=check_after,
        )
    except BaseException as error:
        for connection in (*readers, *([writer] if writer else [])):
            await connection.close()
        if isinstance(error, sqlite3.Error):
            raise StartRefused(f"The database {file} cannot be used: {error}") from error
        raise
    try:
        yield database
    finally:
        await database.close()


async def _open_writer(file: Path, *, can_be_read: bool) -> aiosqlite.Connection | None:
    """Return the writing connection, with the schema upgraded; None if the disk is read-only.

    Raises `StartRefused` if the file can neither be written nor read.
    """
    try:
        # Other users get no access.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if can_be_read:
            return None
        reason = error.strerror or error
        raise StartRefused(f"The database {file} cannot be made: {reason}") from None
    writer: aiosqlite.Connection | None = None
    try:
        writer = await open_writer(file)
        await sqlite_file.migrate(writer)
        await writer.execute_fetchall("BEGIN IMMEDIATE")  # records the identity of its files
        await writer.execute_fetchall("ROLLBACK")
    except BaseException as error:
        if writer:
            await writer.close()
        is_no_room = getattr(error, "sqlite_errorname", "").startswith(NO_ROOM)
        if can_be_read and (is_no_room or isinstance(error, Unavailable)):
            logger.warning("The database %s cannot be written to: %s", file, error)
            return None
        raise
    return writer
