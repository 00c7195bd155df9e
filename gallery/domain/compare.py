"""What differs between the disk and the index: asks both, and lets `plan` decide."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence

from gallery import paths
from gallery.database.engine import Database, Reader
from gallery.disk.walk import Listing
from gallery.domain.library import Library
from gallery.domain.plan import (
    NOTHING_KNOWN,
    Action,
    FolderMoved,
    KnownFolder,
    Look,
    Stray,
    identity,
    plan,
)
from gallery.store import files, folders

REPLACED_MILLISECONDS = 3_600_000
"""How long a file that was replaced by another one may take to turn up elsewhere."""


async def compare(db: Database, library: Library, listings: Sequence[Listing]) -> list[Action]:
    """What has to change so that the index shows the listed folders as they are; see `plan`.

    For files that may have been elsewhere before, the disk is asked whether they still are there.
    """
    known = await db.read(_known, listings)
    looks = [
        Look.at(listing, of_folder)
        for listing in listings
        if not _is_as_known(listing, of_folder := known.get(listing.folder, NOTHING_KNOWN))
    ]
    if not looks:
        return []
    strays, kept = await _strays(db, library, looks)
    moved = await _moved_folders(db, library, looks)
    # In a thread: a folder of 100,000 files takes a while, and requests must not wait for it.
    actions = await asyncio.to_thread(
        lambda: list(plan(looks, strays, kept)),
    )
    return [*moved, *actions]


def _is_as_known(listing: Listing, known: KnownFolder) -> bool:
    return listing.digest is not None and listing.digest == known.digest and known.is_present


async def _known(reader: Reader, listings: Sequence[Listing]) -> dict[str, KnownFolder]:
    """What the index knows of the folders, and of what is in those that may have changed.

    Of what is in the others it does not ask, and hardly ever has anything to ask at all.
    """
    states = await folders.known(reader, [listing.folder for listing in listings])
    whole = [
        listing.folder
        for listing in listings
        if listing.names is None
        and (state := states.get(listing.folder))
        and (state.missing or listing.digest is None or listing.digest != state.digest)
    ]
    named = [
        paths.join(listing.folder, name)
        for listing in listings
        if listing.names is not None and listing.folder in states
        for name in listing.names
    ]
    children = defaultdict[str, list[str]](list)
    rows = defaultdict[int, list[files.Known]](list)
    if whole:
        for parent, path in await folders.children(reader, whole):
            children[parent].append(path)
        for file in await files.in_folders(reader, [states[path].id for path in whole]):
            rows[file.folder_id].append(file)
    if named:
        for path, folder in (await folders.known(reader, named)).items():
            if not folder.missing:
                children[paths.parent(path)].append(path)
        for file in await files.at_paths(reader, named):
            rows[file.folder_id].append(file)
    return {
        path: KnownFolder(
            not state.missing,
            children[path],
            rows[state.id],
            state.inode,
            state.modified_at,
            state.digest,
        )
        for path, state in states.items()
    }


async def _strays(
    db: Database, library: Library, looks: Sequence[Look]
) -> tuple[list[Stray], Collection[int]]:
    """The items of other places that the unsettled files may be, and which of all are kept."""
    loose = {identity(file) for look in looks for file in look.unsettled()}
    if not loose:
        return [], ()
    inodes = {inode for inode, _size, _modified_at in loose}
    formers = await db.read(files.by_inodes, inodes, db.now() - REPLACED_MILLISECONDS)
    formers = [former for former in formers if identity(former.item) in loose]
    if not formers:
        return [], ()
    # A row of the listed folders counts by its listing if that misses it. Else the disk is asked
    # anew: what was listed there first may have come here since.
    displaced = {stray.item.id for look in looks for stray in look.displaced()}
    elsewhere = [it for it in formers if it.is_replaced or it.item.id not in displaced]
    there = await asyncio.to_thread(library.disk.look, [former.path for former in elsewhere])
    trusted = await asyncio.to_thread(library.trusted_roots) if elsewhere else ()
    strays = [
        Stray(item, path, path not in there, is_replaced)
        for item, path, _is_kept, is_replaced in elsewhere
        if library.disk.of(path) in trusted
        and (path not in there or there[path].inode != item.inode)
    ]
    contested = [row.id for look in looks for row in look.rows.values() if not row.missing_since]
    kept = await db.read(files.kept_among, contested)
    return strays, kept.union(former.item.id for former in formers if former.is_kept)


async def _moved_folders(
    db: Database, library: Library, looks: Sequence[Look]
) -> list[FolderMoved]:
    """The folders that were elsewhere: same inode, same time, and not at their old path any more.

    Inodes are used again for new folders, hence the time.
    """
    new = {
        (look.listing.inode, look.listing.modified_at): look.listing.folder
        for look in looks
        if look.listing.inode is not None
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
    now = await asyncio.to_thread(lambda: {p: library.disk.inode_of_folder(p) for p in former})
    return [
        FolderMoved(path, new[key]) for path, key in sorted(former.items()) if now[path] != key[0]
    ]
