"""The words by which items are found: those of the name, and those of the metadata."""

from collections.abc import Sequence

from gallery.database.engine import Tx
from gallery.store.lists import IDS_1, PAIRS
from gallery.values.ids import ItemId
from gallery.values.words import words_of


async def insert(tx: Tx, new: Sequence[tuple[ItemId, str]]) -> None:
    """Insert new items, (id, name), which have not been read."""
    await tx.many(
        "INSERT INTO item_words (rowid, name_words, text_words) VALUES ($1, $2, $3)",
        [(id_, _joined(name), "") for id_, name in new],
    )


async def rename(tx: Tx, renamed: Sequence[tuple[ItemId, str]]) -> None:
    """Store the present names of known items, (id, name)."""
    await tx.many(
        "UPDATE item_words SET name_words = $2 WHERE rowid = $1",
        [(id_, _joined(name)) for id_, name in renamed],
    )


async def describe(tx: Tx, described: Sequence[tuple[ItemId, str]]) -> None:
    """Store the metadata of known items, (id, text), as one text.

    Most texts are unchanged, and storing one takes much longer than comparing it.
    """
    await tx.many(
        "UPDATE item_words SET text_words = $2 WHERE rowid = $1 AND text_words <> $2",
        [(id_, _joined(text)) for id_, text in described],
    )


async def take_over(tx: Tx, older: str, younger: str) -> None:
    """Give the older items the text of the younger ones, and delete that. JSON lists of ids."""
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
    """Delete the words of the items, a JSON list of ids."""
    await tx.all(
        f"DELETE FROM item_words WHERE rowid IN {IDS_1}",
        item_ids,
    )


def _joined(text: str) -> str:
    return " ".join(words_of(text))
