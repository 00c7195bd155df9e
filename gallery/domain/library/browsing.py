"""Browsing the library: items by criteria, folder by folder, and one by one."""

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
    """Return a part of the items that meet the criteria, in their order.

    Missing items are left out, unless the criteria select them.
    """
    return await browsing.page(reader, criteria, filter_of(criteria, actor.id, actor.id), part)


class FolderPart(NamedTuple):
    """A part of the content of a folder: first its folders, then its items.

    The next page of folders begins after `next_folder`; None follows the last page of folders.
    """

    folders: list[Folder]
    next_folder: str | None
    part: ItemPart


async def folder(
    reader: Reader, path: str, order: Criteria, part: ItemSlice, after_folder: str | None
) -> FolderPart:
    """Return a part of a folder, in the order that the criteria `order` give.

    A page has at most `MAX_FOLDERS` folders, and items follow after the last folder. The library
    itself, `""`, always exists. Raises `NotFound` if `path` is not a folder of the library.
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
    """Return the item at `path`, missing or not, as a part of at most one item."""
    item = await items.at(reader, path)
    return ItemPart([item] if item else [], None)


async def detail(reader: Reader, actor: Actor, id_: ItemId) -> ItemDetail:
    """Return all properties of an item, missing or not. Raises `NotFound` if it does not exist."""
    found = await items.detail(reader, id_, actor.id)
    if found is None:
        raise NotFound("Item not found")
    return found
