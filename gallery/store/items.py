"""Items: the media files that the index knows."""

from collections.abc import Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Row
from gallery.model import Item, media_url, picture_version
from gallery.store.lists import json_list

COLUMNS = """
  i.id, i.path, i.name, i.type, i.size, i.modified_at, i.width, i.height, i.duration,
  i.missing_since
"""
"""What `item_of` needs of `item AS i`."""

THE_ONE_AT_ITS_PATH = """
  (i.missing_since = 0 OR NOT EXISTS (
    SELECT 1 FROM item AS o
    WHERE o.path = i.path AND (o.missing_since = 0 OR o.missing_since > i.missing_since)))
"""
"""Of several items that were at one path, the present one counts, else the last that was there."""


def item_of(row: Row) -> Item:
    """An item as clients see it, from a row that begins with its `COLUMNS`."""
    id_, path, name, type_, size, modified_at, width, height, duration, missing_since, *_ = row
    return Item(
        id_,
        path,
        name,
        type_,
        path[: -len(name) - 1],
        media_url(path),
        f"/api/items/{id_}/thumbnail?size=small&v={picture_version(size, modified_at)}",
        None,
        width,
        height,
        None if duration is None else duration / 1000,
        None,
        missing_since != 0,
    )


class Located(NamedTuple):
    """An item as the rules of collections need it."""

    id: int
    path: str


async def by_paths(reader: Reader, wanted: Sequence[str]) -> dict[str, Located]:
    """The item at each of the paths that have one."""
    rows = await reader.all(
        f"""
        SELECT i.id, i.path
        FROM item AS i
        WHERE i.path IN (SELECT value FROM json_each($1)) AND {THE_ONE_AT_ITS_PATH}
        """,
        json_list(wanted),
    )
    return {path: Located(id_, path) for id_, path in rows}


async def by_ids(reader: Reader, wanted: Sequence[int]) -> dict[int, Located]:
    """The items that have one of the ids."""
    rows = await reader.all(
        """
        SELECT i.id, i.path
        FROM item AS i
        WHERE i.id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        """,
        json_list(wanted),
    )
    return {id_: Located(id_, path) for id_, path in rows}


async def at(reader: Reader, path: str) -> Item | None:
    """The item at `path`, whole."""
    row = await reader.one(
        f"SELECT {COLUMNS} FROM item AS i WHERE i.path = $1 AND {THE_ONE_AT_ITS_PATH}", path
    )
    return item_of(row) if row else None
