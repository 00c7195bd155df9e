"""Roots: the directories that are served."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gallery.database.engine import Reader, Row, Tx
from gallery.model import Problem
from gallery.values import paths
from gallery.values.ids import RootId
from gallery.values.times import Millis

_PROBLEMS = msgspec.json.Decoder(list[Problem])


class RootRow(NamedTuple):
    """A root with its counts and the problems of its last full pass."""

    id: RootId
    name: str
    directory: str
    item_count: int
    missing_count: int
    last_scan: Millis | None
    problems: list[Problem]


class KnownRoot(NamedTuple):
    """A root that was served before, with the signs by which it is recognised.

    `inode` is that of its directory when it was last listed. `sample` has the path in the library
    and the size of some of its files.
    """

    id: RootId
    name: str
    directory: str
    inode: int | None = None
    sample: Sequence[tuple[str, int]] = ()


KNOWN = """
    SELECT r.id, r.name, r.directory, f.inode
    FROM root AS r LEFT JOIN folder AS f ON f.path = r.name AND f.root_id = r.id
    ORDER BY r.name
    """
SAMPLE = """
    SELECT r.id, i.path, i.size
    FROM root AS r
    JOIN folder AS f ON f.id IN (
      SELECT g.id FROM folder AS g
      WHERE g.root_id = r.id AND g.missing_since = 0 AND g.item_count > 0
      ORDER BY g.id LIMIT 20)
    JOIN item AS i ON i.id IN (
      SELECT s.id FROM item AS s
      WHERE s.folder_id = f.id AND s.missing_since = 0
      ORDER BY s.sort_name, s.id LIMIT 5)
    """
COUNTS = """
    SELECT
      (SELECT CAST(COALESCE(SUM(item_count), 0) AS BIGINT) FROM root),
      (SELECT COUNT(*) FROM collection)
    """


def known_of(rows: Sequence[Row], sampled: Sequence[Row] = ()) -> list[KnownRoot]:
    """Return the roots from the rows of `KNOWN` and of `SAMPLE`."""
    samples: dict[RootId, list[tuple[str, int]]] = {}
    for id_, path, size in sampled:
        samples.setdefault(id_, []).append((path, size))
    return [
        KnownRoot(id_, name, directory, inode, samples.get(id_, ()))
        for id_, name, directory, inode in rows
    ]


async def known(reader: Reader) -> list[KnownRoot]:
    """Return every root that was ever served, by name."""
    return known_of(await reader.all(KNOWN))


async def sampled(reader: Reader) -> list[KnownRoot]:
    """Return the same with a sample of the files of each."""
    return known_of(await reader.all(KNOWN), await reader.all(SAMPLE))


async def all_roots(reader: Reader) -> list[RootRow]:
    """Return every root that was ever served, by name."""
    rows = await reader.all(
        """
        SELECT id, name, directory, item_count, missing_count, last_scan, problems
        FROM root ORDER BY name
        """
    )
    return [
        RootRow(id_, name, directory, items, missing, last_scan, _PROBLEMS.decode(problems))
        for id_, name, directory, items, missing, last_scan, problems in rows
    ]


async def register(tx: Tx, name: str, directory: str) -> RootId:
    """Store that the root `name` is at `directory`, and return its id."""
    id_: RootId | None = await tx.value(
        """
        INSERT INTO root (name, directory) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET directory = excluded.directory
        RETURNING id
        """,
        name,
        directory,
    )
    assert id_ is not None
    return id_


async def rename(tx: Tx, root_id: RootId, former: str, name: str) -> None:
    """Replace `former` by `name` at the beginning of all paths of the root; `""` is no component.

    No root, not even this one, may have a new path already.
    """
    cut = len(former) + 2 if former else 1
    prefix = f"{name}/" if name else ""
    await tx.all("UPDATE root SET name = $2 WHERE id = $1", root_id, name)
    await tx.all(
        """
        UPDATE item SET path = CAST($2 AS TEXT) || substr(path, CAST($3 AS INTEGER))
        WHERE root_id = $1
        """,
        root_id,
        prefix,
        cut,
    )
    await tx.all(
        """
        UPDATE folder SET
          digest = NULL,
          path = CASE WHEN parent IS NULL THEN $4
            ELSE CAST($2 AS TEXT) || substr(path, CAST($3 AS INTEGER)) END,
          parent = CASE WHEN parent = $5 THEN $4
            ELSE CAST($2 AS TEXT) || substr(parent, CAST($3 AS INTEGER)) END
        WHERE root_id = $1
        """,
        root_id,
        prefix,
        cut,
        name,
        former,
    )
    low, high = paths.below(former)
    await tx.all(
        """
        UPDATE collection SET
          revision = revision + 1,
          folder_path = CASE
            WHEN folder_path = '' THEN folder_path
            WHEN folder_path = $3 THEN $4
            WHEN folder_path >= $5 AND folder_path < $6
              THEN CAST($1 AS TEXT) || substr(folder_path, CAST($2 AS INTEGER))
            ELSE folder_path END
        """,
        prefix,
        cut,
        former,
        name,
        low,
        high,
    )


async def lock(tx: Tx) -> None:
    """Wait until every other transaction that holds this lock has ended."""
    await tx.all(
        "UPDATE root SET last_scan = last_scan WHERE id = (SELECT MIN(r.id) FROM root AS r)"
    )


async def count(tx: Tx, root_id: RootId, present: int, missing: int) -> None:
    """Add to the counts of present and missing items."""
    await tx.all(
        """
        UPDATE root SET item_count = item_count + $2, missing_count = missing_count + $3
        WHERE id = $1
        """,
        root_id,
        present,
        missing,
    )


async def finish_scan(tx: Tx, root_id: RootId, problems: Sequence[Problem]) -> None:
    """Store the end of a full pass over the root, and the `problems` that it found."""
    await tx.all(
        """
        UPDATE root SET
          last_scan = $2, first_scan = COALESCE(first_scan, $2), problems = $3
        WHERE id = $1
        """,
        root_id,
        tx.now,
        msgspec.json.encode(problems).decode(),
    )
