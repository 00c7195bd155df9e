"""Queries of a database file without opening it for service. Nothing is written to it."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from gallery.database.engine import Row
from gallery.database.sqlite_file import uris, version_of
from gallery.errors import StartRefused

MAX_WAIT_SECONDS = 1.0
"""How long to wait for a lock on the file."""

Rows = Sequence[Row]


def peek(file: Path, queries: Callable[[int], Sequence[str]]) -> list[Rows] | None:
    """Return the rows of each query that `queries` returns for the schema version of `file`.

    None if the file contains no database yet. Raises `StartRefused` if it cannot be read, or
    belongs to another program. A server may have the file open.
    """
    failure: sqlite3.Error | OSError | None = None
    try:
        if not file.is_file() or file.stat().st_size == 0:
            return None
    except OSError as error:
        raise StartRefused(f"The database {file} cannot be read: {error.strerror}") from None
    # Try the immutable mode first: the other one creates files beside a database that is closed.
    for uri in reversed(list(uris(file))):
        try:
            with closing(sqlite3.connect(uri, timeout=MAX_WAIT_SECONDS, uri=True)) as connection:
                connection.execute("BEGIN")
                version = version_of(file, connection)
                return [connection.execute(sql).fetchall() for sql in queries(version)]
        except sqlite3.Error as error:
            failure = failure or error
    raise StartRefused(f"The database {file} cannot be read: {failure}")
