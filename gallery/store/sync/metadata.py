"""Metadata of items, and the names of cameras, lenses and keywords."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from gallery.database.engine import Tx
from gallery.model import Probed
from gallery.store.library import search_words
from gallery.store.lists import IDS_1, KEYED_1, KEYED_2, PAIRS, json_list
from gallery.store.sync.unread import Unread
from gallery.values.names import label_key
from gallery.values.places import direction

READ_COLUMNS = (
    *("width", "height", "duration", "problem", "fingerprint"),
    *("taken_offset", "taken_source"),
    *("camera_id", "lens_id", "exposure", "aperture", "iso", "focal_length"),
    *("latitude", "longitude", "altitude", "x", "y", "z"),
    *("title", "caption", "keywords"),
)
"""The columns that are NULL until a file was read."""
SORT_COLUMNS = ("taken_at", "taken_local", "taken_month", "rating")
"""Columns that reading sets, but that always have a value."""
_STORED = (*READ_COLUMNS, *SORT_COLUMNS)
_READ = ", ".join(f"{column} = ${number}" for number, column in enumerate(_STORED, 7))

SEPARATOR = "/"
"""The separator of the names of a hierarchical keyword."""


class Label(NamedTuple):
    """A camera, a lens or a keyword; `key` is equal for two spellings of one name."""

    kind: str
    key: str


async def store(tx: Tx, read: Sequence[tuple[Unread, Probed]]) -> None:
    """Store metadata, unless the file or a sidecar has changed since it was listed.

    The count of tries is 0 again. It stays if no try began since the item was listed: such an item
    was given up without being read (`domain.library.reading`).
    """
    ids = await _labels(tx, [found for _item, found in read])
    await tx.many(
        f"""
        UPDATE item SET
          {_READ},
          probed_at = $5,
          read_tries = CASE WHEN read_tries = $6 THEN read_tries ELSE 0 END
        WHERE id = $1 AND size = $2 AND modified_at = $3 AND sidecar = $4
        """,
        [
            (
                *(item.id, *item.version, item.sidecar),
                *(tx.now, item.tries),
                *_values(found, ids),
            )
            for item, found in read
        ],
    )
    await _store_keywords(tx, read, ids)
    await search_words.describe(tx, [(item.id, _text(found)) for item, found in read])


def _values(found: Probed, ids: dict[Label, int]) -> tuple[object, ...]:
    """Return the values of the columns `_STORED`."""
    place = found.position and direction(*found.position)
    return (
        *(found.width, found.height, found.duration, found.problem, found.fingerprint),
        *(found.taken.offset, found.taken.source),
        found.camera and ids[Label("camera", label_key(found.camera))],
        found.lens and ids[Label("lens", label_key(found.lens))],
        *(found.exposure, found.aperture, found.iso, found.focal_length),
        *(found.position or (None, None)),
        found.altitude,
        *(place or (None, None, None)),
        *(found.title, found.caption),
        msgspec.json.encode([SEPARATOR.join(names) for names in found.keywords]).decode()
        if found.keywords
        else None,
        *(found.taken.at, found.taken.local, found.taken.month, found.rating),
    )


def _text(found: Probed) -> str:
    """Return the text that a search reads besides the name."""
    keywords = (name for names in found.keywords for name in names)
    return " ".join(filter(None, (found.title, found.caption, *keywords)))


def _levels(found: Probed) -> Iterable[str]:
    """Yield the keywords of an item with those above them."""
    for names in found.keywords:
        for depth in range(len(names)):
            yield SEPARATOR.join(names[: depth + 1])


async def _labels(tx: Tx, read: Sequence[Probed]) -> dict[Label, int]:
    """Return the ids of all cameras, lenses and keywords; insert those that are new."""
    named: dict[Label, str] = {}
    for found in read:
        for kind, names in (
            ("camera", [found.camera] if found.camera else []),
            ("lens", [found.lens] if found.lens else []),
            ("keyword", _levels(found)),
        ):
            for name in names:
                named.setdefault(Label(kind, label_key(name)), name)
    if not named:
        return {}
    wanted = sorted(named)
    lists = (
        json_list(label.kind for label in wanted),
        json_list(named[label] for label in wanted),
        json_list(label.key for label in wanted),
    )
    await tx.all(
        """
        WITH
          a (k, v) AS MATERIALIZED (SELECT key, value FROM json_each($1)),
          b (k, v) AS MATERIALIZED (SELECT key, value FROM json_each($2)),
          c (k, v) AS MATERIALIZED (SELECT key, value FROM json_each($3))
        INSERT INTO label (kind, name, key)
        SELECT a.v, b.v, c.v FROM a JOIN b ON b.k = a.k JOIN c ON c.k = a.k
        WHERE NOT EXISTS (SELECT 1 FROM label AS l WHERE l.kind = a.v AND l.key = c.v)
        ORDER BY a.k
        ON CONFLICT (kind, key) DO NOTHING
        """,
        *lists,
    )
    rows = await tx.all(
        """
        SELECT l.kind, l.key, l.id FROM label AS l
        WHERE l.kind IN ('camera', 'lens', 'keyword')
          AND l.key IN (SELECT value FROM json_each($1))
        """,
        lists[2],
    )
    return {Label(kind, key): id_ for kind, key, id_ in rows}


async def _store_keywords(
    tx: Tx, read: Sequence[tuple[Unread, Probed]], ids: dict[Label, int]
) -> None:
    pairs = sorted(
        {
            (ids[Label("keyword", label_key(name))], item.id)
            for item, found in read
            for name in _levels(found)
        }
    )
    await _drop_keywords(tx, json_list(item.id for item, _found in read))
    await tx.all(
        f"""
        WITH
          l (k, v) AS MATERIALIZED {KEYED_1},
          i (k, v) AS MATERIALIZED {KEYED_2}
        INSERT INTO item_keyword (keyword_id, item_id)
        SELECT l.v, i.v FROM l JOIN i ON i.k = l.k
        WHERE EXISTS (SELECT 1 FROM item AS it WHERE it.id = i.v)
        """,
        json_list(keyword_id for keyword_id, _item_id in pairs),
        json_list(item_id for _keyword_id, item_id in pairs),
    )


async def _drop_keywords(tx: Tx, item_ids: str) -> None:
    await tx.all(
        f"""
        DELETE FROM item_keyword
        WHERE item_id IN {IDS_1}
        """,
        item_ids,
    )


async def take_over(tx: Tx, older: str, younger: str) -> None:
    """Give the keywords and words of the younger items to the older ones. JSON lists of ids."""
    await search_words.take_over(tx, older, younger)
    await _drop_keywords(tx, older)
    await tx.all(
        f"""
        WITH {PAIRS}
        UPDATE item_keyword SET item_id = o.v FROM o JOIN y ON y.k = o.k
        WHERE item_keyword.item_id = y.v
        """,
        older,
        younger,
    )
