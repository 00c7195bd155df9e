"""The members of collections: which items, in which order."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gallery.database.engine import Reader, Tx
from gallery.model import Item
from gallery.store.library.items import COLUMNS, THE_ONE_AT_ITS_PATH, Located, item_of
from gallery.store.lists import json_list, numbers, texts


class MemberPart(NamedTuple):
    """Some members in order, and the position behind which there are more; None if there are none.

    Positions are distinct within a collection, and only their order means anything.
    """

    items: list[Item]
    next: int | None


async def part(reader: Reader, collection_id: int, after: int, limit: int) -> MemberPart:
    """At most `limit` members that stand behind the position `after`."""
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
    return MemberPart([item_of(row) for row in rows[:limit]], rows[limit - 1][-1] if more else None)


async def first_ids(reader: Reader, collection_id: int, limit: int) -> list[int]:
    """The first `limit` items of a collection, in order."""
    rows = await reader.all(
        """
        SELECT item_id FROM collection_item WHERE collection_id = $1
        ORDER BY position LIMIT $2
        """,
        collection_id,
        limit,
    )
    return [item_id for (item_id,) in rows]


async def ids_by_collection(reader: Reader, wanted: Sequence[int]) -> dict[int, list[int]]:
    """The items of each of the collections, in order."""
    rows = await reader.all(
        """
        SELECT ci.collection_id, ci.item_id FROM collection_item AS ci
        WHERE ci.collection_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        ORDER BY ci.collection_id, ci.position
        """,
        json_list(wanted),
    )
    members: dict[int, list[int]] = {id_: [] for id_ in wanted}
    for collection_id, item_id in rows:
        members[collection_id].append(item_id)
    return members


async def among(reader: Reader, collection_id: int, item_ids: Sequence[int]) -> set[int]:
    """Which of the items are members."""
    rows = await reader.all(
        """
        SELECT ci.item_id FROM collection_item AS ci
        WHERE ci.collection_id = $1
          AND ci.item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($2))
        """,
        collection_id,
        json_list(item_ids),
    )
    return {item_id for (item_id,) in rows}


async def located(reader: Reader, collection_id: int) -> list[Located]:
    """All members and where they are, in no order."""
    rows = await reader.all(
        """
        SELECT i.id, i.path FROM collection_item AS ci JOIN item AS i ON i.id = ci.item_id
        WHERE ci.collection_id = $1
        """,
        collection_id,
    )
    return [Located(*row) for row in rows]


async def places(reader: Reader, collection_id: int) -> list[tuple[str, bool]]:
    """Where all members are, in order, and whether they are there; else, where they were."""
    rows = await reader.all(
        """
        SELECT i.path, i.missing_since
        FROM collection_item AS ci JOIN item AS i ON i.id = ci.item_id
        WHERE ci.collection_id = $1 ORDER BY ci.position
        """,
        collection_id,
    )
    return [(path, missing_since == 0) for path, missing_since in rows]


async def append(tx: Tx, collection_id: int, item_ids: Sequence[int]) -> set[int]:
    """Puts the items behind the last, in the order given; which of them were no members yet."""
    rows = await tx.all(
        """
        WITH j (k, v) AS MATERIALIZED (SELECT key, CAST(value AS BIGINT) FROM json_each($2))
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
    return {item_id for (item_id,) in rows}


async def remove(tx: Tx, collection_id: int, item_ids: Sequence[int]) -> dict[int, int]:
    """Takes the items out; the former position of each that was a member."""
    rows = await tx.all(
        """
        DELETE FROM collection_item
        WHERE collection_id = $1
          AND item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($2))
        RETURNING item_id, position
        """,
        collection_id,
        json_list(item_ids),
    )
    return {row[0]: row[1] for row in rows}


async def next_after(reader: Reader, collection_id: int, position: int) -> int | None:
    """The first item behind `position`; after the last, the first of all; None if there is none."""
    row = await reader.one(
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
    return row[0] if row else None


async def put_first(tx: Tx, collection_id: int, item_ids: Sequence[int]) -> set[int]:
    """Moves the items to the front, in the order given; those that are members.

    The others are not touched: what was first stays behind what comes before it now.
    """
    rows = await tx.all(
        """
        WITH
          j (k, v) AS MATERIALIZED (SELECT key, CAST(value AS BIGINT) FROM json_each($2)),
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
    return {item_id for (item_id,) in rows}


async def put_all(tx: Tx, collection_id: int, item_ids: Sequence[int]) -> None:
    """The items, in this order, are the members now."""
    await tx.all(
        """
        DELETE FROM collection_item
        WHERE collection_id = $1
          AND item_id NOT IN (SELECT CAST(value AS BIGINT) FROM json_each($2))
        """,
        collection_id,
        json_list(item_ids),
    )
    await tx.all(
        """
        WITH j (k, v) AS MATERIALIZED (SELECT key, CAST(value AS BIGINT) FROM json_each($2))
        INSERT INTO collection_item (collection_id, item_id, position)
        SELECT CAST($1 AS BIGINT), j.v, j.k FROM j WHERE true ORDER BY j.v
        ON CONFLICT (collection_id, item_id) DO UPDATE SET position = excluded.position
        """,
        collection_id,
        json_list(item_ids),
    )


async def paths(reader: Reader, wanted: Sequence[int]) -> Iterable[tuple[str, int]]:
    """(path of a member, id of its collection) of all members of the collections, by path.

    A member that has lost its path to another item is left out: the path means the other one.
    """
    row = await reader.one(
        f"""
        SELECT json_group_array(m.path), json_group_array(m.collection_id) FROM (
          SELECT i.path, ci.collection_id
          FROM collection_item AS ci JOIN item AS i ON i.id = ci.item_id
          WHERE ci.collection_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
            AND {THE_ONE_AT_ITS_PATH}
          ORDER BY i.path
        ) AS m
        """,
        json_list(wanted),
    )
    assert row is not None
    return zip(texts(row[0]), numbers(row[1]), strict=True)


async def memberships(
    reader: Reader, viewer_id: int, wanted: Sequence[str]
) -> Iterable[tuple[int, int]]:
    """(index of a path, id of a visible collection that has the item at that path), unsorted.

    One row of two lists takes SQLite half the time of as many rows as there are memberships. CROSS
    JOIN keeps it from asking for every item whether the list has it.
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
    return zip(numbers(row[0]), numbers(row[1]), strict=True)
