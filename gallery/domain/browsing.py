"""Looking through the library: items by criteria, folder by folder, and one by one."""

from typing import NamedTuple

from gallery.criteria import Criteria
from gallery.database.engine import Reader
from gallery.errors import NotFound
from gallery.model import Actor, Folder, ItemDetail
from gallery.store import browsing, folders, items
from gallery.store.browsing import Part, Slice
from gallery.store.criteria import filter_of, in_folder

__all__ = ["FolderPart", "Part", "Slice", "at", "detail", "folder", "page"]


async def page(reader: Reader, actor: Actor, criteria: Criteria, part: Slice) -> Part:
    """A part of the items that meet the criteria, in their order.

    Items that are missing are left out, unless the criteria ask for these.
    """
    return await browsing.page(reader, criteria, filter_of(criteria, actor.id, actor.id), part)


class FolderPart(NamedTuple):
    """What is directly inside a folder: a part of the items, and on its first page all folders."""

    folders: list[Folder]
    part: Part


async def folder(reader: Reader, path: str, order: Criteria, part: Slice) -> FolderPart:
    """A part of a folder; of the criteria only the order counts.

    Raises `NotFound` for what is no folder of the library. The library itself always is one.
    """
    id_ = await folders.id_of(reader, path)
    if id_ is None and path:
        raise NotFound("Folder not found")
    inside = await folders.inside(reader, path) if part.after is None else []
    if id_ is None:
        return FolderPart(inside, Part([], None))
    directly = in_folder(id_, order.sorted_by)
    return FolderPart(inside, await browsing.page(reader, order, directly, part))


async def at(reader: Reader, path: str) -> Part:
    """The one item at `path`, missing or not, or none."""
    item = await items.at(reader, path)
    return Part([item] if item else [], None)


async def detail(reader: Reader, actor: Actor, id_: int) -> ItemDetail:
    """Everything that is known of an item, missing or not. Raises `NotFound` if there is none."""
    found = await items.detail(reader, id_, actor.id)
    if found is None:
        raise NotFound("Item not found")
    return found
