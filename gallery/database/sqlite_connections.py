"""Connections to an SQLite file: how they are opened, what statements give, what errors mean."""

import logging
import re
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import aiosqlite

from gallery.database.engine import Row, Trace, UniqueViolation
from gallery.errors import Unavailable

logger = logging.getLogger(__name__)

BUSY_TIMEOUT = 5_000
"""Milliseconds to wait for a lock that a foreign process holds on the file."""
CACHE_KIB = 32_768
"""Page cache of each connection: the index of some 500,000 paths fits."""
NO_TEXT = "Could not decode to UTF-8"
"""What Python's sqlite3 says of a text that was damaged; the error has no code."""

_OUR_MISTAKE = (
    *("SQLITE_ERROR", "SQLITE_MISUSE", "SQLITE_RANGE", "SQLITE_MISMATCH", "SQLITE_TOOBIG"),
    *("SQLITE_AUTH", "SQLITE_CONSTRAINT", "SQLITE_INTERNAL"),
)
_FULL = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_NOLFS")
_BUSY = (
    *("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_INTERRUPT", "SQLITE_PROTOCOL", "SQLITE_SCHEMA"),
    *("SQLITE_ABORT", "SQLITE_NOMEM"),
)
NO_ROOM = (*_FULL, "SQLITE_CANTOPEN", "SQLITE_IOERR")
"""Errors of a disk that may still be read, though it takes no writes."""


class FileReplaced(sqlite3.OperationalError):
    """The file that is open is not the one at its path any more: what is written to it is lost."""


class _Cursor(sqlite3.Cursor):
    """A cursor that leaves no statement open behind it, also if a row cannot be read."""

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        finally:
            self.close()


class Connection(sqlite3.Connection):
    """A connection whose cursors close themselves."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return self.cursor(_Cursor).execute(sql, parameters)


class SnapshotConnection(Connection):
    """A reading connection whose transaction begins with its first statement, in the same hop.

    A hop to the connection's thread costs more than most of our queries; an own one for BEGIN
    would double the price of a read.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if not self.in_transaction:
            sqlite3.Connection.execute(self, "BEGIN")
        return self.cursor(_Cursor).execute(sql, parameters)


class WritingConnection(Connection):
    """A connection that commits only to the file, and the log, that its path names.

    Their identity is taken when its first transaction begins. The comparison is part of the hop
    that commits.
    """

    def __init__(self, database: str, *args: Any, **kw: Any) -> None:
        super().__init__(database, *args, **kw)
        self._files = Path(database), Path(f"{database}-wal")
        self._identity: list[tuple[int, int]] | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql == "COMMIT" and self._identity != self._identify():
            raise FileReplaced
        cursor = super().execute(sql, parameters)
        if self._identity is None and sql == "BEGIN IMMEDIATE":
            self._identity = self._identify()
        return cursor

    def _identify(self) -> list[tuple[int, int]] | None:
        try:
            found = [file.stat() for file in self._files]
        except OSError:
            return None
        return [(status.st_dev, status.st_ino) for status in found]


async def open_writer(file: Path) -> aiosqlite.Connection:
    """Return the one connection that writes. The caller closes it."""
    connection = await aiosqlite.connect(
        str(file), isolation_level=None, cached_statements=512, factory=WritingConnection
    )
    return await _prepared(
        connection,
        "journal_mode = WAL",
        "synchronous = FULL",  # acknowledged means durable, also after a power cut
        "journal_size_limit = 67108864",
    )


async def open_reader(uri: str) -> aiosqlite.Connection:
    """Return a connection that reads, one snapshot after another. The caller closes it."""
    connection = await aiosqlite.connect(
        uri, uri=True, isolation_level=None, cached_statements=512, factory=SnapshotConnection
    )
    await _prepared(connection, "query_only = ON")
    await connection.rollback()
    return connection


async def _prepared(connection: aiosqlite.Connection, *pragmas: str) -> aiosqlite.Connection:
    try:
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT}",
            f"cache_size = -{CACHE_KIB}",
            "foreign_keys = ON",
            "trusted_schema = OFF",
            *pragmas,
        ):
            await connection.execute_fetchall(f"PRAGMA {pragma}")
    except BaseException:
        await connection.close()
        raise
    return connection


class ConnectionSession:
    """A connection as `engine.Session`. It `is_suspect` once an error has told of damage."""

    def __init__(self, connection: aiosqlite.Connection, trace: Trace | None = None) -> None:
        self._connection = connection
        self._trace = trace
        self.is_suspect = False

    async def fetch(self, sql: str, args: Sequence[object]) -> Sequence[Row]:
        if self._trace:
            self._trace(sql)
        try:
            return list(await self._connection.execute_fetchall(_numbered(sql), args))
        except sqlite3.Error as error:
            if str(error).startswith(NO_TEXT) and sql.lstrip().startswith("SELECT"):
                logger.error("database: %s: it is damaged", error)  # noqa: TRY400  (no bug: no trace)
                return await self._fetch_leniently(sql, args)
            raise self._translated(error) from error

    async def _fetch_leniently(self, sql: str, args: Sequence[object]) -> Sequence[Row]:
        """Ask once more, with U+FFFD in place of what is not UTF-8."""
        self._connection.text_factory = _decode_leniently
        try:
            return list(await self._connection.execute_fetchall(_numbered(sql), args))
        except sqlite3.Error as error:
            raise self._translated(error) from error
        finally:
            self._connection.text_factory = str

    async def run_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        if self._trace:
            self._trace(sql)
        try:
            await (await self._connection.executemany(_numbered(sql), rows)).close()
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> Exception:
        name = getattr(error, "sqlite_errorname", "")
        self.is_suspect = not name.startswith((*_OUR_MISTAKE, *_BUSY, *_FULL))
        return translated(error)


def _decode_leniently(text: bytes) -> str:
    return text.decode(errors="replace")


@lru_cache(maxsize=512)
def _numbered(sql: str) -> str:
    """`$1` is a *named* parameter to SQLite; `?1` is what it calls a numbered one."""
    return re.sub(r"\$(\d+)", r"?\1", sql)


def translated(error: sqlite3.Error) -> Exception:
    """Return what an error of SQLite means to the layers above; itself if it is our mistake."""
    name = getattr(error, "sqlite_errorname", "")
    if isinstance(error, FileReplaced):
        return Unavailable("The database is not in its place any more")
    if name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
        return UniqueViolation(str(error))
    if name.startswith(_FULL):
        return Unavailable("The disk does not take any more writes")
    if name.startswith(_BUSY):
        return Unavailable("The database is busy")
    if name.startswith(_OUR_MISTAKE) or not (name or str(error).startswith(NO_TEXT)):
        return error
    logger.error("database: %s (%s)", error, name)
    return Unavailable("The database cannot be reached")
