"""A filled SQLite database, and a measure of the work of each statement in it."""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from gallery.database.engine import Row
from gallery.database.schema import schema
from gallery.database.upgrades import SCHEMA_VERSION
from gallery.model import NameKeys

STEPS = 100
"""Instructions of SQLite's virtual machine between two counts."""
TRAP = re.compile(r" INDEX item_\w+ \(missing_since=\?\)$")
"""This reads an index from end to end, because nearly every item is present."""

_FOLDER = "INSERT INTO folder (root_id, path, parent, item_count) VALUES (1, ?, ?, ?)"
_ITEM = """
  INSERT INTO item (
    root_id, folder_id, path, name, type, size, modified_at, inode, added_at, missing_since,
    sort_name, stem, extension, taken_local)
  VALUES (1, (SELECT id FROM folder WHERE path = ?), ?, ?, 'image', 9, 9, ?, 9, ?, ?, ?, ?, ?)
"""


def fill(file: Path, folders: Sequence[str], items: int, missing: int = 0) -> None:
    """Create the database of a library with `items` items in each of `folders`.

    The first `missing` items of each folder are missing. ANALYZE has not run, as in production.
    """
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(schema())
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("INSERT INTO root (name, directory) VALUES ('', '/nowhere')")
        connection.execute("INSERT INTO account (name, created_at) VALUES ('owner', 1)")
        every = {""} | {above for path in folders for above in _ancestors(path)}
        connection.executemany(
            _FOLDER,
            [
                (path, path.rpartition("/")[0] if path else None, (path in folders) * items)
                for path in sorted(every)
            ],
        )
        connection.executemany(_ITEM, _items(folders, items, missing))


def _ancestors(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _items(folders: Sequence[str], items: int, missing: int) -> Iterable[Row]:
    for number, folder in enumerate(folders):
        for index in range(items):
            name = f"img{index}.jpg"
            unique = number * items + index
            is_missing = int(index < missing)
            yield folder, f"{folder}/{name}", name, unique, is_missing, *NameKeys.of(name), unique


class CountedSession:
    """A connection like `engine.Session` that counts SQLite's steps in hundreds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.steps = 0
        self.plans: list[str] = []
        connection.set_progress_handler(self._count, STEPS)

    def _count(self) -> None:
        self.steps += STEPS

    async def fetch(self, sql: str, args: Sequence[object]) -> Sequence[Row]:
        numbered = re.sub(r"\$(\d+)", r"?\1", sql)
        plan = self._connection.execute(f"EXPLAIN QUERY PLAN {numbered}", args).fetchall()
        self.plans += [step for *_numbers, step in plan]
        before = self.steps
        rows = self._connection.execute(numbered, args).fetchall()
        assert self.steps >= before
        return rows

    async def run_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        for row in rows:
            await self.fetch(sql, row)
