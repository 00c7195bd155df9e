"""The file of an SQLite database: whether it can be used, and its schema."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiosqlite

from gallery.database.schema import schema, statements
from gallery.database.sqlite_connections import ConnectionSession
from gallery.database.upgrades import SCHEMA_VERSION, UPGRADES, upgrade
from gallery.errors import StartRefused

APPLICATION_ID = 0x67616C6C
"""`gall`, in the header of each file of the gallery."""
_OURS = {"account", "collection", "collection_item", "folder", "item", "root"}
"""Tables of every version. Old files have no application id."""


def uris(file: Path) -> Iterator[str]:
    """Yield the URIs that open `file` for reading only, the best first.

    On a read-only disk SQLite cannot create its shared memory. It can then open the file only as
    immutable, and only if no log is waiting to be applied.
    """
    uri = f"{file.absolute().as_uri()}?mode=ro"
    yield uri
    log = Path(f"{file}-wal")
    if not log.exists() or log.stat().st_size == 0:
        yield f"{uri}&immutable=1"


def check(file: Path) -> str | None:
    """Return the URI that opens `file` for reading, None if it contains no database yet.

    Raises `StartRefused` for a file that this version cannot use: damaged, newer, or another
    program's. Nothing is written to it.
    """
    try:
        status = file.stat()
    except FileNotFoundError:
        if file.is_symlink():
            raise StartRefused(f"The database {file} is a link that leads nowhere") from None
        return None
    except OSError as error:
        raise StartRefused(f"The database {file} cannot be used: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):  # opening a pipe could block forever
        raise StartRefused(f"The database {file} is not a regular file")
    if status.st_size == 0:
        return None
    failure: sqlite3.Error | None = None
    for uri in uris(file):
        try:
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                _check(file, connection)
        except sqlite3.Error as error:
            failure = failure or error
        else:
            return uri
    raise StartRefused(f"The database {file} cannot be used: {failure}")


def version_of(file: Path, connection: sqlite3.Connection) -> int:
    """Return the schema version, 0 for an empty file.

    Raises `StartRefused` if the file belongs to another program.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    is_empty = not names and not owner and not version
    is_old = not owner and version and names >= _OURS
    if not (is_empty or is_old or owner == APPLICATION_ID):
        raise StartRefused(f"The database {file} belongs to another program")
    return int(version)


def _check(file: Path, connection: sqlite3.Connection) -> None:
    version = version_of(file, connection)
    if version > SCHEMA_VERSION:
        raise StartRefused(
            f"The database {file} was written by a newer gallery "
            f"(schema {version}, this one supports {SCHEMA_VERSION})"
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StartRefused(f"The database {file} is damaged: {verdict}")


async def migrate(writer: aiosqlite.Connection) -> None:
    """Upgrade the file to the present schema. Each version is one transaction."""
    version = await _pragma(writer, "user_version")
    while version < SCHEMA_VERSION:
        is_new = version == 0
        version = SCHEMA_VERSION if is_new else version + 1
        await writer.execute_fetchall("BEGIN IMMEDIATE")
        steps = statements(schema()) if is_new else UPGRADES[version - 2]
        await upgrade(ConnectionSession(writer), steps, is_postgres=False)
        await writer.execute_fetchall(f"PRAGMA user_version = {version}")
        await writer.commit()
    if await _pragma(writer, "application_id") != APPLICATION_ID:
        await writer.execute_fetchall(f"PRAGMA application_id = {APPLICATION_ID}")


async def check_version(reader: aiosqlite.Connection, file: Path) -> None:
    """Raise `StartRefused` if a read-only file does not have the present schema."""
    if await _pragma(reader, "user_version") != SCHEMA_VERSION:
        raise StartRefused(
            f"The database {file} needs an upgrade to schema {SCHEMA_VERSION}, "
            "but its disk is read-only"
        )
    await reader.rollback()


async def _pragma(connection: aiosqlite.Connection, name: str) -> int:
    ((value,),) = await connection.execute_fetchall(f"PRAGMA {name}")
    return int(value)
