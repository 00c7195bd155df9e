"""The differences between the disk and the index: reads both, and lets `plan` decide."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from gallery.database.engine import Database, Reader, Row
from gallery.disk.roots import Roots
from gallery.disk.walk import FolderListing
from gallery.domain.sync.library import Library
from gallery.domain.sync.plan import (
    NOTHING_KNOWN,
    Action,
    FolderMoved,
    KnownFolder,
    Look,
    UnlistedFile,
    identity,
    plan,
)
from gallery.domain.sync.reconcile import REPLACED_MILLISECONDS
from gallery.errors import Unavailable
from gallery.store.library import folders
from gallery.store.sync import files
from gallery.values import paths
from gallery.values.ids import FolderId, ItemId
from gallery.values.times import Millis


async def compare(
    db: Database, library: Library, listings: Sequence[FolderListing]
) -> list[Action]:
    """Return the actions that bring the index to the listed folders; see `plan`.

    For a file that may have moved here, check on the disk whether its former place still holds it.
    Work that is long for a folder of 100,000 files runs in a thread, so that requests do not wait.
    """
    listings = [listing for listing in listings if not listing.is_expected]
    if not listings:
        return []
    indexed = await db.read(_read_index, listings)
    changed = [listing for listing in listings if not indexed.agrees_with(listing)]
    if not changed:
        return []
    looks = await asyncio.to_thread(indexed.beside, changed)
    strays, kept = await _strays(db, library, looks)
    moved = await _moved_folders(db, library, looks)
    actions = await asyncio.to_thread(lambda: list(plan(looks, strays, kept)))
    return [*moved, *actions]


class _Indexed(NamedTuple):
    """The index of the listed folders, and of the content of those that may have changed."""

    folders: Mapping[str, folders.FolderRow]
    children: Sequence[tuple[str, str]]
    files: Sequence[Row]

    def agrees_with(self, listing: FolderListing) -> bool:
        """Return whether the index already agrees with the listing."""
        known = self.folders.get(listing.folder)
        return (
            known is not None
            and not known.missing
            and listing.digest is not None
            and listing.digest == known.digest
        )

    def beside(self, listings: Sequence[FolderListing]) -> list[Look]:
        """Return each listing together with the index of its folder."""
        children = defaultdict[str, list[str]](list)
        for parent, path in self.children:
            children[parent].append(path)
        inside = defaultdict[FolderId, list[files.KnownItem]](list)
        for file in files.in_order_of_loss(self.files):
            inside[file.folder_id].append(file)
        looks = []
        for listing in listings:
            if (it := self.folders.get(listing.folder)) is None:
                known = NOTHING_KNOWN
            else:
                known = KnownFolder(
                    not it.missing,
                    children[listing.folder],
                    inside[it.id],
                    it.inode,
                    it.modified_at,
                    it.digest,
                )
            looks.append(Look.at(listing, known))
        return looks


async def _read_index(reader: Reader, listings: Sequence[FolderListing]) -> _Indexed:
    indexed = _Indexed(
        await folders.known(reader, [listing.folder for listing in listings]), (), ()
    )
    whole = [
        listing.folder
        for listing in listings
        if listing.names is None
        and listing.folder in indexed.folders
        and not indexed.agrees_with(listing)
    ]
    named = [
        paths.join(listing.folder, name)
        for listing in listings
        if listing.names is not None and listing.folder in indexed.folders
        for name in listing.names
    ]
    children, inside = list[tuple[str, str]](), list[Row]()
    if whole:
        children += await folders.children(reader, whole)
        inside += await files.in_folders(reader, [indexed.folders[path].id for path in whole])
    if named:
        for path, folder in (await folders.known(reader, named)).items():
            if not folder.missing:
                children.append((paths.parent(path), path))
        inside += await files.at_paths(reader, named)
    return indexed._replace(children=children, files=inside)


async def _strays(
    db: Database, library: Library, looks: Sequence[Look]
) -> tuple[list[UnlistedFile], Collection[ItemId]]:
    """Return the items that unsettled files may be, and the ids of those in collections."""
    loose = await asyncio.to_thread(
        lambda: {identity(file) for look in looks for file in look.unsettled()}
    )
    if not loose:
        return [], ()
    inodes = {inode for inode, _version in loose}
    since = Millis(db.now() - REPLACED_MILLISECONDS)
    formers = await db.read(files.by_inodes, inodes, since)
    formers = [former for former in formers if identity(former.item) in loose]
    if not formers:
        return [], ()
    displaced = await asyncio.to_thread(
        lambda: {stray.item.id: stray for look in looks for stray in look.displaced()}
    )
    # A listing that lacks an item of its folder is enough evidence. Otherwise look at the disk
    # again: the file may have moved here after the first folder was listed.
    elsewhere = [it for it in formers if it.is_replaced or it.item.id not in displaced]
    unknown = set[str]()
    there = await asyncio.to_thread(
        library.disk.look, [former.path for former in elsewhere], unknown
    )
    trusted = await asyncio.to_thread(library.trusted_roots) if elsewhere else ()
    strays = [
        UnlistedFile(item, path, path not in there, is_replaced)
        for item, path, _is_kept, is_replaced in elsewhere
        if library.disk.of(path) in trusted
        and path not in unknown
        and (path not in there or there[path].inode != item.inode)
    ]
    contested = [id_ for id_, stray in displaced.items() if not stray.left_a_void]
    kept = await db.read(files.kept_among, contested)
    return strays, kept.union(former.item.id for former in formers if former.is_kept)


async def _moved_folders(
    db: Database, library: Library, looks: Sequence[Look]
) -> list[FolderMoved]:
    """Return the folders that moved: same inode and time, and not at their old path any more.

    The time is compared because the system gives inodes of deleted folders to new ones.
    """
    new = {
        (look.listing.inode, look.listing.modified_at): look.listing.folder
        for look in looks
        if look.listing.inode is not None
        and look.listing.modified_at is not None
        and (not look.known.is_present or look.known.inode != look.listing.inode)
    }
    if not new:
        return []
    rows = await db.read(folders.by_inodes, {inode for inode, _modified_at in new})
    former = {
        path: (inode, modified_at)
        for path, inode, modified_at in rows
        if new.get((inode, modified_at), path) != path
    }
    if not former:
        return []
    now = await asyncio.to_thread(_inodes, library.disk, former)
    return [
        FolderMoved(path, new[inode, modified_at])
        for path, (inode, modified_at) in sorted(former.items())
        if path in now and now[path] != inode
    ]


def _inodes(disk: Roots, wanted: Iterable[str]) -> dict[str, int | None]:
    """Return the inode of each folder, None if it is absent, without those that cannot be read."""
    found = {}
    for path in wanted:
        with suppress(Unavailable):
            found[path] = disk.inode_of_folder(path)
    return found
