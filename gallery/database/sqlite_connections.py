"""Connections to an SQLite file: opening, running statements, translating errors."""

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
"""Milliseconds to wait for a lock on the file that another process holds."""
CACHE_KIB = 32_768
"""Page cache of each connection. The index of about 500,000 paths fits."""
NO_TEXT = "Could not decode to UTF-8"
"""How Python's sqlite3 words its error for a damaged text. The error has no code."""

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
"""Errors of a disk that may be readable although writing fails."""


class FileReplaced(sqlite3.OperationalError):
    """Another file is at the path of the open one, or none: writes to the open file are lost."""


class _Cursor(sqlite3.Cursor):
    """A cursor that closes its statement after the last row, even if a row cannot be read."""

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
    """A reading connection that begins a transaction before its first statement.

    A switch to the connection's thread costs more than most queries. A separate switch for BEGIN
    would double the cost of a read.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if not self.in_transaction:
            sqlite3.Connection.execute(self, "BEGIN")
        return self.cursor(_Cursor).execute(sql, parameters)


class WritingConnection(Connection):
    """A connection that commits only if the file and the log at its path are still the same.

    Their identity is recorded when the first transaction begins. It is compared in the same thread
    switch as the commit.
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
    """Return a connection for writing. The caller closes it."""
    connection = await aiosqlite.connect(
        str(file), isolation_level=None, cached_statements=512, factory=WritingConnection
    )
    return await _prepared(
        connection,
        "journal_mode = WAL",
        "synchronous = FULL",  # acknowledged writes survive a power failure
        "journal_size_limit = 67108864",
    )


async def open_reader(uri: str) -> aiosqlite.Connection:
    """Return a connection for reading one snapshot after another. The caller closes it."""
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
    """A connection as `engine.Session`. It `is_suspect` after an error that means damage."""

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
                logger.error("database: %s: it is damaged", error)  # noqa: TRY400  (not a bug: no traceback)
                return await self._fetch_leniently(sql, args)
            raise self._translated(error) from error

    async def _fetch_leniently(self, sql: str, args: Sequence[object]) -> Sequence[Row]:
        """Run a query again, with U+FFFD in place of bytes that are not UTF-8."""
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
    """Return a statement with `?1` for `$1`, which SQLite takes for a *named* parameter."""
    return re.sub(r"\$(\d+)", r"?\1", sql)


def translated(error: sqlite3.Error) -> Exception:
    """Return the gallery's error for an error of SQLite, or the same error if it is a bug."""
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
