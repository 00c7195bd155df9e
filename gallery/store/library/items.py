"""Items: the media files in the index."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gallery.database.engine import Reader, Row
from gallery.model import Item, ItemDetail, Location
from gallery.store.lists import IDS_1, collection_ids, json_list, texts
from gallery.values.ids import AccountId, ItemId
from gallery.values.media_types import CLIPS, MAX_CLIP, RAWS, STILLS, mime_type
from gallery.values.places import DEGREE
from gallery.values.times import file_time, local_time, moment, zone
from gallery.values.urls import media_url, thumbnail_url

_STILL = "p.extension IN ({})".format(", ".join(f"'{ending}'" for ending in STILLS))
_RAW = "p.extension IN ({})".format(", ".join(f"'{ending}'" for ending in RAWS))
_CLIP = "p.extension IN ({}) AND p.duration <= {}".format(
    ", ".join(f"'{ending}'" for ending in CLIPS), MAX_CLIP
)

PAIRED_WITH = f"""
  (SELECT
    CASE i.id
      WHEN MIN(CASE WHEN {_STILL} THEN p.id END) THEN COALESCE(
        MIN(CASE WHEN {_RAW} THEN p.id END), MIN(CASE WHEN {_CLIP} THEN p.id END))
      WHEN MIN(CASE WHEN {_RAW} THEN p.id END) THEN MIN(CASE WHEN {_STILL} THEN p.id END)
      WHEN CASE WHEN COUNT(CASE WHEN {_RAW} THEN p.id END) = 0
        THEN MIN(CASE WHEN {_CLIP} THEN p.id END) END
      THEN MIN(CASE WHEN {_STILL} THEN p.id END)
    END
  FROM item AS p
  WHERE p.folder_id = i.folder_id AND p.stem = i.stem AND p.missing_since = 0)
"""
"""The other half of a pair: an image and its RAW file, or an image and the clip of a Live Photo.

The halves are in one folder, and their names differ only in the extension. Of several candidates
the oldest item counts, and an image with both is paired with the RAW file. So the relation is
always mutual.
"""

COLUMNS = f"""
  i.id, i.path, i.name, i.type, i.size, i.modified_at, i.width, i.height, i.duration,
  i.missing_since, i.taken_at, i.taken_source, i.thumbhash, {PAIRED_WITH}
"""
"""The columns of `item AS i` that `item_of` needs."""

THE_ONE_AT_ITS_PATH = """
  (i.missing_since = 0 OR NOT EXISTS (
    SELECT 1 FROM item AS o
    WHERE o.path = i.path AND (o.missing_since = 0 OR o.missing_since > i.missing_since)))
"""
"""Of several items that were at one path, the present one counts, otherwise the last one."""


def item_of(row: Row) -> Item:
    """Return a row that begins with the `COLUMNS` as an item for clients."""
    id_, path, name, type_, size, modified_at, width, height, duration, missing_since, *rest = row
    taken_at, taken_source, thumbhash, paired_with, *_ = rest
    return Item(
        id_,
        path,
        name,
        type_,
        path[: -len(name) - 1],
        media_url(path),
        thumbnail_url(id_, size, modified_at),
        thumbhash,
        width,
        height,
        None if duration is None else duration / 1000,
        None if taken_source is None else moment(taken_at),
        missing_since != 0,
        paired_with,
    )


class Located(NamedTuple):
    """An item as the rules of collections need it: where it is."""

    id: ItemId
    path: str


async def by_paths(reader: Reader, wanted: Sequence[str]) -> dict[str, Located]:
    """Return the item at each path that has one."""
    rows = await reader.all(
        f"""
        SELECT i.id, i.path
        FROM item AS i
        WHERE i.path IN (SELECT value FROM json_each($1)) AND {THE_ONE_AT_ITS_PATH}
        """,
        json_list(wanted),
    )
    return {path: Located(id_, path) for id_, path in rows}


async def by_ids(reader: Reader, wanted: Sequence[ItemId]) -> dict[ItemId, Located]:
    """Return the items that exist, by id."""
    rows = await reader.all(
        f"""
        SELECT i.id, i.path
        FROM item AS i
        WHERE i.id IN {IDS_1}
        """,
        json_list(wanted),
    )
    return {id_: Located(id_, path) for id_, path in rows}


async def at(reader: Reader, path: str) -> Item | None:
    """Return the item at `path`, as clients see it."""
    row = await reader.one(
        f"SELECT {COLUMNS} FROM item AS i WHERE i.path = $1 AND {THE_ONE_AT_ITS_PATH}", path
    )
    return item_of(row) if row else None


async def detail(reader: Reader, id_: ItemId, viewer_id: AccountId) -> ItemDetail | None:
    """Return all properties of an item, with the viewer's mark and the collections that it sees."""
    row = await reader.one(
        f"""
        SELECT
          {COLUMNS},
          i.size, i.modified_at, i.added_at, i.taken_local, i.taken_offset, i.taken_source,
          i.rating, i.exposure, i.aperture, i.iso, i.focal_length, i.latitude, i.longitude,
          i.altitude, i.title, i.caption, i.keywords, i.problem, camera.name, lens.name,
          (SELECT m.is_favorite FROM item_mark AS m WHERE m.item_id = i.id AND m.account_id = $2),
          (SELECT json_group_array(ci.collection_id)
            FROM collection_item AS ci JOIN collection AS c ON c.id = ci.collection_id
            WHERE ci.item_id = i.id AND (c.owner_id = $2 OR c.is_public = 1))
        FROM item AS i
          LEFT JOIN label AS camera ON camera.id = i.camera_id
          LEFT JOIN label AS lens ON lens.id = i.lens_id
        WHERE i.id = $1
        """,
        id_,
        viewer_id,
    )
    if row is None:
        return None
    *rest, title, caption, keywords, problem, camera, lens, favorite, collections = row
    *rest, exposure, aperture, iso, focal, lat, lon, height = rest
    *shown, size, modified_at, added_at, local, offset, taken_source, rating = rest
    item = item_of(shown)
    is_read = item.taken_at is not None
    return ItemDetail(
        **msgspec.structs.asdict(item),
        size=size,
        modified_at=moment(file_time(modified_at)),
        added_at=moment(added_at),
        mime_type=mime_type(item.name),
        taken_local=local_time(local) if is_read else None,
        taken_offset=zone(offset),
        taken_source=taken_source,
        camera=camera,
        lens=lens,
        exposure=None if exposure is None else exposure / 1_000_000_000,
        aperture=None if aperture is None else aperture / 1_000,
        iso=iso,
        focal_length=None if focal is None else focal / 1_000,
        location=None
        if lat is None
        else Location(lat / DEGREE, lon / DEGREE, None if height is None else height / 1_000),
        rating=rating,
        title=title,
        caption=caption,
        keywords=texts(keywords or "[]"),
        problem=problem,
        favorite=favorite == 1,
        collections=sorted(collection_ids(collections)),
    )
