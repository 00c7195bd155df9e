"""Databases of earlier versions: upgraded step by step, without loss."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg

from gallery.database.engine import Database, Reader
from gallery.database.open import open_database
from gallery.database.schema import POSTGRES_PRELUDE, for_postgres, schema, statements
from gallery.events import Bus
from gallery.store.library import items
from tests.support.postgres import Server, empty

FIRST = (Path(__file__).parent / "schema_1.sql").read_text()
ROWS = (
    "INSERT INTO root (id, name, directory, last_scan) VALUES (1, '', '/x', 5)",
    "INSERT INTO folder (id, root_id, path) VALUES (1, 1, '')",
    """
    INSERT INTO item (id, root_id, folder_id, path, name, type, size, modified_at, device, inode,
      added_at, probed_at)
    VALUES (7, 1, 1, 'a.jpg', 'a.jpg', 'image', 1, 2, 3, 4, 5, 6)
    """,
)


async def check(db: Database) -> None:
    """Assert what Python adds to old rows: search words and natural order."""
    ((count,),) = await db.read(asked, "SELECT item_count FROM folder")
    assert count == 1
    assert await db.read(asked, "SELECT s.rowid FROM item_words('jp*') AS s") == [(7,)]
    row = await db.read(asked, "SELECT sort_name, stem, extension, taken_month FROM item")
    assert row == [("a.jpg", "a", "jpg", 197001)]


async def asked(reader: Reader, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await reader.all(sql)]


def shape(connection: sqlite3.Connection) -> dict[str, object]:
    """Return every table with its columns, and every index."""
    found: dict[str, object] = {}
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_schema"):
        if kind == "table":
            found[name] = connection.execute(f"PRAGMA table_info({name})").fetchall()
        elif sql:
            found[name] = re.sub(r"\s+", " ", sql)
    return found


async def test_a_file_of_the_first_version_gets_the_shape_of_a_new_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gallery.db")) as old, old:
        old.executescript(FIRST)
        for row in ROWS:
            old.execute(row)
        old.execute("PRAGMA user_version = 1")
    async with open_database("", tmp_path, Bus()) as db:
        found = await db.read(items.at, "a.jpg")
        assert found is not None
        assert found.id == 7
        await check(db)
    with closing(sqlite3.connect(tmp_path / "gallery.db")) as upgraded:
        with closing(sqlite3.connect(":memory:")) as new:
            new.executescript(schema())
            assert shape(upgraded) == shape(new)
        assert upgraded.execute("SELECT probed_at, fingerprint FROM item").fetchall() == [
            (None, None)
        ]


BEFORE_TRIES = """
DROP INDEX item_unprobed;
DROP INDEX item_problem;
ALTER TABLE item DROP COLUMN read_tries;
CREATE INDEX item_unprobed ON item (root_id, id) WHERE probed_at IS NULL AND missing_since = 0;
INSERT INTO root (id, name, directory) VALUES (1, '', '/x');
INSERT INTO folder (id, root_id, path) VALUES (1, 1, '');
INSERT INTO item (id, root_id, folder_id, path, name, type, size, modified_at, inode, added_at,
  probed_at)
VALUES
  (1, 1, 1, 'a.jpg', 'a.jpg', 'image', 1, 2, 3, 4, 5),
  (2, 1, 1, 'b.jpg', 'b.jpg', 'image', 1, 2, 4, 4, 5);
INSERT INTO label (id, kind, name, key) VALUES
  (1, 'keyword', 'x', 'x'), (2, 'keyword', 'x/%s', 'x/%s'), (3, 'lens', 'x/%s', 'x/%s');
INSERT INTO item_keyword (item_id, keyword_id) VALUES (1, 1), (1, 2), (2, 1);
PRAGMA user_version = 4;
"""


async def test_keywords_without_bounds_are_dropped_and_read_once_more(tmp_path: Path) -> None:
    async with open_database("", tmp_path, Bus()):
        pass
    with closing(sqlite3.connect(tmp_path / "gallery.db")) as old, old:
        old.executescript(BEFORE_TRIES.replace("%s", "y" * 600))
    async with open_database("", tmp_path, Bus()) as db:
        assert await db.read(asked, "SELECT id, probed_at, read_tries FROM item ORDER BY id") == [
            (1, None, 0),
            (2, 5, 0),
        ]
        assert await db.read(asked, "SELECT id FROM label ORDER BY id") == [(1,), (3,)]
        assert await db.read(asked, "SELECT item_id FROM item_keyword") == [(1,), (2,)]


async def columns(connection: "asyncpg.Connection[asyncpg.Record]") -> list[tuple[object, ...]]:
    rows = await connection.fetch(
        """
        SELECT table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
        """
    )
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    )
    return [tuple(row) for row in (*rows, *indexes)]


async def test_postgres_gets_the_shape_of_a_new_one_too(postgres: Server, tmp_path: Path) -> None:
    shapes = []
    for is_old in (False, True):
        await empty(postgres.url)
        connection = await asyncpg.connect(postgres.url)
        if is_old:
            for statement in (*POSTGRES_PRELUDE, *statements(for_postgres(FIRST)), *ROWS):
                await connection.execute(statement)
            await connection.execute("CREATE TABLE schema_version (version BIGINT NOT NULL)")
            await connection.execute("INSERT INTO schema_version VALUES (1)")
        async with open_database(postgres.url, tmp_path, Bus()) as db:
            found = await db.read(items.at, "a.jpg")
            assert (found and found.id) == (7 if is_old else None)
            if is_old:
                await check(db)
        shapes.append(await columns(connection))
        await connection.close()
    assert shapes[0] == shapes[1]
