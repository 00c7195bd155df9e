"""The members of collections: the items and their order."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Tx
from gallery.model import Item
from gallery.store.library.items import COLUMNS, THE_ONE_AT_ITS_PATH, Located, item_of
from gallery.store.lists import IDS_1, IDS_2, KEYED_2, collection_ids, json_list, numbers, texts
from gallery.values.ids import AccountId, CollectionId, ItemId


class MemberPart(NamedTuple):
    """Some members in order, and the position after which the next part begins; None at the end.

    Positions are distinct within a collection, and only their order has a meaning.
    """

    items: list[Item]
    next: int | None


async def part(reader: Reader, collection_id: CollectionId, after: int, limit: int) -> MemberPart:
    """Return at most `limit` members after the position `after`."""
    rows = await reader.all(
        f"""
        SELECT {COLUMNS}, ci.position
        FROM collection_item AS ci JOIN item AS i ON i.id = ci.item_id
        WHERE ci.collection_id = $1 AND ci.position > $2
        ORDER BY ci.position LIMIT $3
        """,
        collection_id,
        after,
        limit + 1,
    )
    more = len(rows) > limit
    *_item, position = rows[limit - 1] if more else (None,)
    return MemberPart([item_of(row) for row in rows[:limit]], position)


async def first_ids(reader: Reader, collection_id: CollectionId, limit: int) -> list[ItemId]:
    """Return the first `limit` items of a collection, in order."""
    return await reader.column(
        """
        SELECT item_id FROM collection_item WHERE collection_id = $1
        ORDER BY position LIMIT $2
        """,
        collection_id,
        limit,
    )


async def ids_by_collection(
    reader: Reader, wanted: Sequence[CollectionId]
) -> dict[CollectionId, list[ItemId]]:
    """Return the items of each of the collections, in order."""
    rows = await reader.all(
        f"""
        SELECT ci.collection_id, ci.item_id FROM collection_item AS ci
        WHERE ci.collection_id IN {IDS_1}
        ORDER BY ci.collection_id, ci.position
        """,
        json_list(wanted),
    )
    members: dict[CollectionId, list[ItemId]] = {id_: [] for id_ in wanted}
    for collection_id, item_id in rows:
        members[collection_id].append(item_id)
    return members


async def among(
    reader: Reader, collection_id: CollectionId, item_ids: Sequence[ItemId]
) -> set[ItemId]:
    """Return those of the items that are members."""
    found = await reader.column(
        f"""
        SELECT ci.item_id FROM collection_item AS ci
        WHERE ci.collection_id = $1
          AND ci.item_id IN {IDS_2}
        """,
        collection_id,
        json_list(item_ids),
    )
    return set(found)


async def located(reader: Reader, collection_id: CollectionId) -> list[Located]:
    """Return all members with their paths, in no order."""
    rows = await reader.all(
        """
        SELECT i.id, i.path FROM collection_item AS ci JOIN item AS i ON i.id = ci.item_id
        WHERE ci.collection_id = $1
        """,
        collection_id,
    )
    return [Located(*row) for row in rows]


async def places(reader: Reader, collection_id: CollectionId) -> list[tuple[str, bool]]:
    """Return (path, is present) of all members, in order; missing items have their last path."""
    rows = await reader.all(
        """
        SELECT i.path, i.missing_since
        FROM collection_item AS ci JOIN item AS i ON i.id = ci.item_id
        WHERE ci.collection_id = $1 ORDER BY ci.position
        """,
        collection_id,
    )
    return [(path, missing_since == 0) for path, missing_since in rows]


async def append(tx: Tx, collection_id: CollectionId, item_ids: Sequence[ItemId]) -> set[ItemId]:
    """Add the items after the last member, in the given order. Return those that are new."""
    found = await tx.column(
        f"""
        WITH j (k, v) AS MATERIALIZED {KEYED_2}
        INSERT INTO collection_item (collection_id, item_id, position)
        SELECT
          CAST($1 AS BIGINT),
          j.v,
          1 + j.k + COALESCE(
            (SELECT MAX(position) FROM collection_item WHERE collection_id = $1), 0)
        FROM j WHERE true ORDER BY j.k
        ON CONFLICT (collection_id, item_id) DO NOTHING
        RETURNING item_id
        """,
        collection_id,
        json_list(item_ids),
    )
    return set(found)


async def remove(
    tx: Tx, collection_id: CollectionId, item_ids: Sequence[ItemId]
) -> dict[ItemId, int]:
    """Remove the items. Return the former position of each that was a member."""
    found = await tx.pairs(
        f"""
        DELETE FROM collection_item
        WHERE collection_id = $1
          AND item_id IN {IDS_2}
        RETURNING item_id, position
        """,
        collection_id,
        json_list(item_ids),
    )
    return dict(found)


async def next_after(reader: Reader, collection_id: CollectionId, position: int) -> ItemId | None:
    """Return the first item after `position`, otherwise the first of all; None without members."""
    return await reader.value(
        """
        SELECT COALESCE(
          (SELECT item_id FROM collection_item WHERE collection_id = $1 AND position > $2
           ORDER BY position LIMIT 1),
          (SELECT item_id FROM collection_item WHERE collection_id = $1
           ORDER BY position LIMIT 1))
        """,
        collection_id,
        position,
    )


async def put_first(tx: Tx, collection_id: CollectionId, item_ids: Sequence[ItemId]) -> set[ItemId]:
    """Move the items to the front, in the given order. Return those that are members.

    The rows of the others stay: they keep their order, after these.
    """
    found = await tx.column(
        f"""
        WITH
          j (k, v) AS MATERIALIZED {KEYED_2},
          front (p) AS MATERIALIZED (
            SELECT MIN(position) FROM collection_item WHERE collection_id = $1)
        UPDATE collection_item SET position = front.p - CAST($3 AS BIGINT) + j.k
        FROM j, front
        WHERE collection_id = $1 AND item_id = j.v
        RETURNING item_id
        """,
        collection_id,
        json_list(item_ids),
        len(item_ids),
    )
    return set(found)


async def put_all(tx: Tx, collection_id: CollectionId, item_ids: Sequence[ItemId]) -> None:
    """Make the items, in this order, the only members."""
    await tx.all(
        f"""
        DELETE FROM collection_item
        WHERE collection_id = $1
          AND item_id NOT IN {IDS_2}
        """,
        collection_id,
        json_list(item_ids),
    )
    await tx.all(
        f"""
        WITH j (k, v) AS MATERIALIZED {KEYED_2}
        INSERT INTO collection_item (collection_id, item_id, position)
        SELECT CAST($1 AS BIGINT), j.v, j.k FROM j WHERE true ORDER BY j.v
        ON CONFLICT (collection_id, item_id) DO UPDATE SET position = excluded.position
        """,
        collection_id,
        json_list(item_ids),
    )


async def paths(
    reader: Reader, wanted: Sequence[CollectionId]
) -> Iterable[tuple[str, CollectionId]]:
    """Return (path of a member, id of its collection) of all members of the collections, by path.

    A member whose path has another item now is left out: the path means the other item.
    """
    row = await reader.one(
        f"""
        SELECT json_group_array(m.path), json_group_array(m.collection_id) FROM (
          SELECT i.path, ci.collection_id
          FROM collection_item AS ci JOIN item AS i ON i.id = ci.item_id
          WHERE ci.collection_id IN {IDS_1}
            AND {THE_ONE_AT_ITS_PATH}
          ORDER BY i.path
        ) AS m
        """,
        json_list(wanted),
    )
    assert row is not None
    paths_, ids = row
    return zip(texts(paths_), collection_ids(ids), strict=True)


async def memberships(
    reader: Reader, viewer_id: AccountId, wanted: Sequence[str]
) -> Iterable[tuple[int, CollectionId]]:
    """Return (index of a path, id of a visible collection with the item at that path), unsorted.

    SQLite gives one row of two lists in half the time of one row for each membership. With CROSS
    JOIN it looks up each path of the list, instead of comparing every item with the list.
    """
    row = await reader.one(
        f"""
        SELECT json_group_array(m.k), json_group_array(m.v) FROM (
          SELECT j.key AS k, ci.collection_id AS v
          FROM json_each($2) AS j
            CROSS JOIN item AS i
            CROSS JOIN collection_item AS ci
            CROSS JOIN collection AS c
          WHERE i.path = j.value
            AND {THE_ONE_AT_ITS_PATH}
            AND ci.item_id = i.id
            AND c.id = ci.collection_id
            AND (c.owner_id = $1 OR c.is_public = 1)
        ) AS m
        """,
        viewer_id,
        json_list(wanted),
    )
    assert row is not None
    indexes, ids = row
    return zip(numbers(indexes), collection_ids(ids), strict=True)
