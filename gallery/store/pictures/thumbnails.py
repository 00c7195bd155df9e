"""Which items have thumbnails, and which still wait for them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Row, Tx
from gallery.store.lists import IDS_1, json_list
from gallery.store.planner import unindexed
from gallery.values.file_version import FileVersion
from gallery.values.ids import CollectionId, ItemId, RootId
from gallery.values.problems import TOO_MUCH
from gallery.values.urls import picture_version

DRAWN_COLUMNS = ("thumbhash", "drawn_at")
"""The columns that are NULL before rendering. With `drawn_at` only, no thumbnail can be made."""


class Source(NamedTuple):
    """What is needed to render an item; `fingerprint` is None until the file was read."""

    id: ItemId
    root_id: RootId
    path: str
    version: FileVersion
    fingerprint: str | None
    is_missing: bool
    is_undrawable: bool
    taken_local: int
    problem: str | None

    @property
    def picture_version(self) -> str:
        """Return the version for the addresses of thumbnails."""
        return picture_version(*self.version)


_SOURCE = """
  i.id, i.root_id, i.path, i.size, i.modified_at, i.fingerprint,
  i.missing_since, i.drawn_at, i.thumbhash, i.taken_local,
  i.problem
"""
_WAITS = """
  i.drawn_at IS NULL AND i.problem IS NULL AND i.probed_at IS NOT NULL AND i.missing_since = 0
"""
"""The condition of the index `item_undrawn`. An item that cannot be read is rendered on request."""
_WAITS_AMONG = f"""
  i.drawn_at IS NULL AND i.problem IS NULL AND i.probed_at IS NOT NULL
  AND {unindexed("i.missing_since")} = 0
"""
"""The same for items that are looked up one by one."""


def _source(row: Row) -> Source:
    id_, root_id, path, size, modified_at, fingerprint, missing_since, *rest = row
    drawn_at, thumbhash, taken_local, problem = rest
    return Source(
        id_,
        root_id,
        path,
        FileVersion(size, modified_at),
        fingerprint,
        is_missing=missing_since != 0,
        is_undrawable=drawn_at is not None and thumbhash is None,
        taken_local=taken_local,
        problem=problem,
    )


async def source(reader: Reader, item_id: ItemId) -> Source | None:
    """Return what is needed to render the item."""
    row = await reader.one(f"SELECT {_SOURCE} FROM item AS i WHERE i.id = $1", item_id)
    return _source(row) if row else None


async def cover_of(reader: Reader, collection_id: CollectionId) -> ItemId | None:
    """Return the item that is the cover of a collection."""
    return await reader.value("SELECT cover_item_id FROM collection WHERE id = $1", collection_id)


async def waiting(
    reader: Reader, root_id: RootId, before: tuple[int, ItemId], limit: int
) -> list[Source]:
    """Return items that wait, newest first, before a time (`taken_local`) and id."""
    rows = await reader.all(
        f"""
        SELECT {_SOURCE} FROM item AS i
        WHERE i.root_id = $1 AND {_WAITS} AND (i.taken_local, i.id) < ($2, $3)
        ORDER BY i.taken_local DESC, i.id DESC LIMIT $4
        """,
        root_id,
        *before,
        limit,
    )
    return [_source(row) for row in rows]


async def waiting_among(reader: Reader, item_ids: Iterable[ItemId]) -> list[Source]:
    """Return those of the items that still wait."""
    rows = await reader.all(
        f"""
        SELECT {_SOURCE} FROM item AS i
        WHERE i.id IN {IDS_1} AND {_WAITS_AMONG}
        """,
        json_list(item_ids),
    )
    return [_source(row) for row in rows]


async def count_waiting(reader: Reader, root_id: RootId) -> int:
    """Return how many items still wait."""
    return await reader.count(
        f"SELECT COUNT(*) FROM item AS i WHERE i.root_id = $1 AND {_WAITS}", root_id
    )


class RenderedItem(NamedTuple):
    """The result of rendering an item; without `thumbhash` it failed, and `problem` is the reason.

    A result that is not `is_final` may change: the item may be rendered on request.
    """

    source: Source
    thumbhash: str | None
    problem: str | None = None
    is_final: bool = True


async def store(tx: Tx, rendered: Sequence[RenderedItem]) -> None:
    """Store the results, unless a file has changed or was not read since.

    Rendering without a problem clears the problem of the item. But if reading took too much, the
    problem stays, because dimensions and other metadata are still unknown.
    """
    await tx.many(
        """
        UPDATE item SET
          thumbhash = COALESCE($4, thumbhash),
          drawn_at = CASE WHEN $7 = 1 THEN $5 ELSE drawn_at END,
          problem = CASE
            WHEN CAST($4 AS TEXT) IS NULL OR CAST($6 AS TEXT) IS NOT NULL
              OR (width IS NULL AND problem = $8)
              THEN COALESCE(problem, $6)
            END
        WHERE id = $1 AND size = $2 AND modified_at = $3 AND probed_at IS NOT NULL
        """,
        [
            (
                it.source.id,
                *it.source.version,
                *(it.thumbhash, tx.now, it.problem, int(it.is_final), TOO_MUCH),
            )
            for it in rendered
        ],
    )
