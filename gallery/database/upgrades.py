"""Steps that upgrade a database of an earlier version."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gallery.database.engine import Row, Session
from gallery.database.schema import POSTGRES_SEARCH, for_postgres
from gallery.model import NameKeys
from gallery.values.times import file_time, month_of
from gallery.values.words import words_of


class Fill(NamedTuple):
    """New columns or rows that Python computes from old ones.

    `source` selects a page of rows after the id `$1`, with the id first. For each row, `target`
    is run with the parameters that `values` returns.
    """

    source: str
    target: str
    values: Callable[[Row], tuple[object, ...]]


class Only(NamedTuple):
    """Statements that differ between the engines."""

    sqlite: Sequence[str]
    postgres: Sequence[str]


Step = str | Fill | Only

_EXPOSURE = ("exposure", "aperture", "iso", "focal_length")
_POSITION = ("latitude", "longitude", "altitude", "x", "y", "z")

UPGRADES: tuple[tuple[Step, ...], ...] = (
    (
        "ALTER TABLE folder ADD COLUMN inode INTEGER",
        "ALTER TABLE folder ADD COLUMN modified_at INTEGER",
        "ALTER TABLE folder ADD COLUMN digest TEXT",
        "CREATE INDEX folder_root ON folder (root_id)",
        "CREATE INDEX folder_inode ON folder (inode)",
        "ALTER TABLE item ADD COLUMN settled_at INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE item ADD COLUMN fingerprint TEXT",
        "ALTER TABLE item ADD COLUMN replaced_inode INTEGER",
        "ALTER TABLE item ADD COLUMN replaced_size INTEGER",
        "ALTER TABLE item ADD COLUMN replaced_modified_at INTEGER",
        "CREATE INDEX item_replaced ON item (replaced_inode) WHERE replaced_inode IS NOT NULL",
        "ALTER TABLE item DROP COLUMN device",
        "ALTER TABLE root ADD COLUMN first_scan INTEGER",
        "UPDATE root SET first_scan = last_scan",
        "UPDATE item SET probed_at = NULL",  # each file is read again, for its fingerprint
        "CREATE INDEX item_inode ON item (inode, missing_since)",
        "CREATE INDEX item_fingerprint ON item (fingerprint, missing_since)",
        "CREATE INDEX item_missing ON item (root_id, missing_since) WHERE missing_since <> 0",
    ),
    (
        "ALTER TABLE folder ADD COLUMN item_count INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX folder_count ON folder (path, item_count)",
        """
        CREATE TABLE label (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          kind TEXT NOT NULL CHECK (kind IN ('camera', 'lens', 'keyword')),
          name TEXT NOT NULL,
          key TEXT NOT NULL,
          UNIQUE (kind, key)
        ) STRICT;
        """,
        "ALTER TABLE item ADD COLUMN sort_name TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE item ADD COLUMN stem TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE item ADD COLUMN extension TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE item ADD COLUMN sidecar INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE item ADD COLUMN taken_at INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE item ADD COLUMN taken_local INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE item ADD COLUMN taken_month INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE item ADD COLUMN taken_offset INTEGER",
        "ALTER TABLE item ADD COLUMN taken_source TEXT",
        "ALTER TABLE item ADD COLUMN rating INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE item ADD COLUMN camera_id INTEGER REFERENCES label (id)",
        "ALTER TABLE item ADD COLUMN lens_id INTEGER REFERENCES label (id)",
        *(f"ALTER TABLE item ADD COLUMN {column} INTEGER" for column in (*_EXPOSURE, *_POSITION)),
        "ALTER TABLE item ADD COLUMN title TEXT",
        "ALTER TABLE item ADD COLUMN caption TEXT",
        "ALTER TABLE item ADD COLUMN keywords TEXT",
        Fill(
            "SELECT id, name, modified_at FROM item WHERE id > $1 ORDER BY id LIMIT 5000",
            """
            UPDATE item SET
              sort_name = $2, stem = $3, extension = $4,
              taken_at = $5, taken_local = $5, taken_month = $6
            WHERE id = $1
            """,
            lambda row: (row[0], *NameKeys.of(row[1]), taken := file_time(row[2]), month_of(taken)),
        ),
        "DROP INDEX item_folder",
        "CREATE INDEX item_folder ON item (folder_id, missing_since, sort_name, id)",
        "CREATE INDEX item_stem ON item (folder_id, stem, missing_since, extension, duration)",
        """
        CREATE INDEX item_taken ON item (
          missing_since, taken_local, id, type, rating, camera_id, lens_id, extension, taken_month,
          folder_id, width, height, duration, size, taken_at, added_at, latitude)""",
        "CREATE INDEX item_name ON item (missing_since, sort_name, id)",
        "CREATE INDEX item_added ON item (missing_since, added_at, id)",
        "CREATE INDEX item_modified ON item (missing_since, modified_at, id)",
        "CREATE INDEX item_size ON item (missing_since, size, id)",
        "CREATE INDEX item_rating ON item (missing_since, rating, id)",
        "CREATE INDEX item_camera ON item (camera_id) WHERE camera_id IS NOT NULL",
        "CREATE INDEX item_lens ON item (lens_id) WHERE lens_id IS NOT NULL",
        "CREATE INDEX item_latitude ON item (latitude, x, y, z) WHERE latitude IS NOT NULL",
        """
        CREATE TABLE item_keyword (
          keyword_id INTEGER NOT NULL REFERENCES label (id),
          item_id INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
          PRIMARY KEY (keyword_id, item_id)
        ) STRICT, WITHOUT ROWID;
        """,
        "CREATE INDEX item_keyword_item ON item_keyword (item_id)",
        """
        CREATE TABLE item_mark (
          account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
          item_id INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
          is_favorite INTEGER NOT NULL CHECK (is_favorite IN (0, 1)),
          PRIMARY KEY (account_id, item_id)
        ) STRICT, WITHOUT ROWID;
        """,
        "CREATE INDEX item_mark_item ON item_mark (item_id)",
        Only(
            (
                """
                CREATE VIRTUAL TABLE item_words USING fts5 (
                  name_words, text_words, tokenize = 'ascii', detail = 'none', columnsize = 0,
                  prefix = '1 2 3')
                """,
            ),
            POSTGRES_SEARCH,
        ),
        Fill(
            "SELECT id, name FROM item WHERE id > $1 ORDER BY id LIMIT 5000",
            "INSERT INTO item_words (rowid, name_words, text_words) VALUES ($1, $2, '')",
            lambda row: (row[0], " ".join(words_of(row[1]))),
        ),
        """
        UPDATE folder SET
          digest = NULL,
          item_count = (
            SELECT COUNT(*) FROM item AS i WHERE i.folder_id = folder.id AND i.missing_since = 0)
        """,
        "UPDATE item SET probed_at = NULL",  # each file is read again, for its metadata
    ),
    (
        "ALTER TABLE item ADD COLUMN thumbhash TEXT",
        "ALTER TABLE item ADD COLUMN drawn_at INTEGER",
        """
        CREATE INDEX item_undrawn ON item (root_id, taken_local, id)
          WHERE drawn_at IS NULL AND problem IS NULL AND probed_at IS NOT NULL
            AND missing_since = 0""",
    ),
    (
        "ALTER TABLE item ADD COLUMN read_tries INTEGER NOT NULL DEFAULT 0",
        "DROP INDEX item_unprobed",
        """
        CREATE INDEX item_unprobed ON item (root_id, read_tries, id)
          WHERE probed_at IS NULL AND missing_since = 0""",
        # Keywords had no limit. Longer ones are dropped, and their files are read again.
        """
        UPDATE item SET probed_at = NULL WHERE id IN (
          SELECT k.item_id FROM item_keyword AS k JOIN label AS l ON l.id = k.keyword_id
          WHERE length(l.name) > 500)
        """,
        """
        DELETE FROM item_keyword WHERE keyword_id IN (
          SELECT l.id FROM label AS l WHERE l.kind = 'keyword' AND length(l.name) > 500)
        """,
        "DELETE FROM label WHERE kind = 'keyword' AND length(name) > 500",
    ),
    (
        """
        CREATE INDEX item_problem ON item (root_id, missing_since, path)
          WHERE problem IS NOT NULL""",
        # Problems have new texts, and some were wrong: each such file is read again.
        """
        UPDATE item SET probed_at = NULL, drawn_at = NULL, read_tries = 0
        WHERE problem IS NOT NULL
        """,
    ),
)
"""The steps from version 1 to 2, from 2 to 3, and so on. Each version is one transaction."""

SCHEMA_VERSION = 1 + len(UPGRADES)


async def upgrade(session: Session, steps: Sequence[Step], *, is_postgres: bool) -> None:
    """Run the steps within the open transaction."""
    for step in steps:
        if isinstance(step, Fill):
            await _fill(session, step)
        elif isinstance(step, Only):
            for statement in step.postgres if is_postgres else step.sqlite:
                await session.fetch(statement, ())
        else:
            await session.fetch(for_postgres(step) if is_postgres else step, ())


async def _fill(session: Session, step: Fill) -> None:
    last = 0
    while rows := await session.fetch(step.source, (last,)):
        await session.run_many(step.target, [step.values(row) for row in rows])
        last, *_columns = rows[-1]
