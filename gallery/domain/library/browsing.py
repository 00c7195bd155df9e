"""Looking through the library: items by criteria, folder by folder, and one by one."""

from typing import NamedTuple

from gallery.database.engine import Reader
from gallery.errors import NotFound
from gallery.model import Actor, Folder, ItemDetail
from gallery.store.library import browsing, folders, items
from gallery.store.library.browsing import ItemPart, ItemSlice
from gallery.store.library.criteria import filter_of, in_folder
from gallery.values.criteria import Criteria
from gallery.values.ids import ItemId

__all__ = ["FolderPart", "ItemPart", "ItemSlice", "at", "detail", "folder", "page"]

MAX_FOLDERS = 5_000
"""Folders on one page of a folder."""


async def page(reader: Reader, actor: Actor, criteria: Criteria, part: ItemSlice) -> ItemPart:
    """A part of the items that meet the criteria, in their order.

    Items that are missing are left out, unless the criteria ask for these.
    """
    return await browsing.page(reader, criteria, filter_of(criteria, actor.id, actor.id), part)


class FolderPart(NamedTuple):
    """A part of what is directly inside a folder: its folders first, then its items.

    `next_folder` is what the next page of folders follows; None once all of them were shown.
    """

    folders: list[Folder]
    next_folder: str | None
    part: ItemPart


async def folder(
    reader: Reader, path: str, order: Criteria, part: ItemSlice, after_folder: str | None
) -> FolderPart:
    """Return a part of a folder; of the criteria only the order counts.

    At most `MAX_FOLDERS` of the folders inside are on a page. Items follow once there are no more
    of these. Raises `NotFound` for what is no folder of the library. The library itself always is
    one.
    """
    id_ = await folders.id_of(reader, path)
    if id_ is None and path:
        raise NotFound("Folder not found")
    if part.after is not None:
        inside, next_folder = list[Folder](), None
    else:
        inside, next_folder = await folders.inside(reader, path, after_folder, MAX_FOLDERS)
    if id_ is None or next_folder is not None:
        return FolderPart(inside, next_folder, ItemPart([], None))
    directly = in_folder(id_, order.sorted_by)
    return FolderPart(inside, None, await browsing.page(reader, order, directly, part))


async def at(reader: Reader, path: str) -> ItemPart:
    """The one item at `path`, missing or not, or none."""
    item = await items.at(reader, path)
    return ItemPart([item] if item else [], None)


async def detail(reader: Reader, actor: Actor, id_: ItemId) -> ItemDetail:
    """Everything that is known of an item, missing or not. Raises `NotFound` if there is none."""
    found = await items.detail(reader, id_, actor.id)
    if found is None:
        raise NotFound("Item not found")
    return found
