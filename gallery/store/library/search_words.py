"""The words by which items are found: those of the name, and those of what was read."""

from collections.abc import Sequence

from gallery.database.engine import Tx
from gallery.store.lists import IDS_1, PAIRS
from gallery.values.ids import ItemId
from gallery.values.words import words_of


async def insert(tx: Tx, new: Sequence[tuple[ItemId, str]]) -> None:
    """New items, (id, name), that have not been read."""
    await tx.many(
        "INSERT INTO item_words (rowid, name_words, text_words) VALUES ($1, $2, $3)",
        [(id_, _joined(name), "") for id_, name in new],
    )


async def rename(tx: Tx, renamed: Sequence[tuple[ItemId, str]]) -> None:
    """Known items, (id, name), under their present names."""
    await tx.many(
        "UPDATE item_words SET name_words = $2 WHERE rowid = $1",
        [(id_, _joined(name)) for id_, name in renamed],
    )


async def describe(tx: Tx, described: Sequence[tuple[ItemId, str]]) -> None:
    """Known items, (id, text), with all that was read of them as one text.

    Most texts are as they were, and to store one costs much more than to look.
    """
    await tx.many(
        "UPDATE item_words SET text_words = $2 WHERE rowid = $1 AND text_words <> $2",
        [(id_, _joined(text)) for id_, text in described],
    )


async def take_over(tx: Tx, older: str, younger: str) -> None:
    """The older items, a JSON list of ids, have the text of the younger ones, which end."""
    rows = await tx.all(
        f"""
        WITH {PAIRS}
        SELECT o.v, w.text_words
        FROM o JOIN y ON y.k = o.k CROSS JOIN item_words AS w WHERE w.rowid = y.v
        """,
        older,
        younger,
    )
    await tx.many(
        "UPDATE item_words SET text_words = $2 WHERE rowid = $1",
        [(id_, text) for id_, text in rows],
    )
    await delete(tx, younger)


async def delete(tx: Tx, item_ids: str) -> None:
    """The items, a JSON list of ids, are gone."""
    await tx.all(
        f"DELETE FROM item_words WHERE rowid IN {IDS_1}",
        item_ids,
    )


def _joined(text: str) -> str:
    return " ".join(words_of(text))
