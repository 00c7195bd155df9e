"""The actions that bring the index to what a look at the disk has found. Pure.

A file is recognised by its inode, size and modification time together: a rename keeps all three,
also in swaps and renumberings. A copy has its own inode, and while the former place still holds the
file, there is no move. Moves that keep no inode, for example to another disk, are found later: see
`moves`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from gallery.disk.roots import FileSeen
from gallery.disk.walk import FolderListing
from gallery.store.sync.files import KnownItem
from gallery.values import paths
from gallery.values.file_version import FileVersion
from gallery.values.ids import ItemId
from gallery.values.times import Micros

FileIdentity = tuple[int, FileVersion]
"""The inode of a file, and its version."""


class FolderFound(NamedTuple):
    """A folder that was not in the index, or was missing."""

    path: str


class FolderMoved(NamedTuple):
    """A folder that was at `former` and is not there any more."""

    former: str
    path: str


class FolderGone(NamedTuple):
    """A known folder that is absent; everything below it is missing too."""

    path: str


class FolderListed(NamedTuple):
    """A folder whose identity or listing has changed. It is the last action of its folder.

    `digest` is that of a whole listing with `file_count` files, which the index agrees with once
    the plan has been applied. It is None if the listing was not whole, or if a change must still be
    confirmed.
    """

    path: str
    inode: int
    modified_at: Micros
    digest: str | None
    file_count: int


class Added(NamedTuple):
    """A file that is not in the index."""

    folder: str
    file: FileSeen


class Seen(NamedTuple):
    """A file at the path of an item that differs from it, or that was missing."""

    id: ItemId
    folder: str
    file: FileSeen


class Moved(NamedTuple):
    """An item that was at the path `former`, and whose file is in `folder` now.

    The item that was at the new path is missing, unless it moved too: its file was overwritten.
    `left_a_void`: there is no file at `former` any more.
    """

    id: ItemId
    former: str
    folder: str
    file: FileSeen
    left_a_void: bool


class Gone(NamedTuple):
    """An item whose file is absent."""

    id: ItemId
    path: str


Action = FolderFound | FolderMoved | FolderGone | FolderListed | Added | Seen | Moved | Gone


class KnownFolder(NamedTuple):
    """A listed folder as the index has it; `digest` is None if it agrees with no listing.

    Several items may have had one name: the present one is last, after the missing ones by time.
    """

    is_present: bool
    children: Collection[str] = ()
    files: Sequence[KnownItem] = ()
    inode: int | None = None
    modified_at: Micros | None = None
    digest: str | None = None


NOTHING_KNOWN = KnownFolder(is_present=False)


class Look(NamedTuple):
    """A listing, beside the items of the index with the names that were looked at.

    `rows` are the items that have the names: the present or most recently missing ones. `former`
    are those that had the names before.
    """

    listing: FolderListing
    known: KnownFolder
    rows: Mapping[str, KnownItem]
    former: Mapping[str, KnownItem]

    @classmethod
    def at(cls, listing: FolderListing, known: KnownFolder) -> "Look":
        """Return the listing with the items of `known` that it has looked at."""
        rows: dict[str, KnownItem] = {}
        former: dict[str, KnownItem] = {}
        for row in known.files:
            if listing.has_looked_at(row.name):
                if row.name in rows:
                    former[row.name] = rows[row.name]
                rows[row.name] = row
        return cls(listing, known, rows, former)

    def path(self, name: str) -> str:
        """Return the path of a name in the folder."""
        return paths.join(self.listing.folder, name)

    def unsettled(self) -> Iterator[FileSeen]:
        """Yield the files that the index does not have here: they may have been elsewhere."""
        for file in self.listing.files:
            if not _is_in_place(self.rows.get(file.name), file):
                yield file

    def displaced(self) -> "Iterator[UnlistedFile]":
        """Yield the items of the folder whose file is not in its place."""
        files = {file.name: file for file in self.listing.files}
        for name, row in self.rows.items():
            file = files.get(name)
            if file is None or not _is_in_place(row, file):
                yield UnlistedFile(row, self.path(name), left_a_void=file is None)


class UnlistedFile(NamedTuple):
    """An item whose file is not at its path; `left_a_void` if no other file is there either.

    `is_replaced`: it is an earlier version of the item, before another file at its path was taken
    for a new version.
    """

    item: KnownItem
    path: str
    left_a_void: bool
    is_replaced: bool = False


def _is_in_place(row: KnownItem | None, file: FileSeen) -> bool:
    return row is not None and not row.missing_since and row.inode == file.inode


def identity(file: FileSeen | KnownItem) -> FileIdentity:
    """Return the identity of a file: it survives a rename, and no other file shares it."""
    return file.inode, file.version


Moving = Mapping[ItemId, FileIdentity]
"""The items that move, and the identity of the file that moves with each."""


def plan(
    looks: Sequence[Look], elsewhere: Iterable[UnlistedFile] = (), kept: Collection[ItemId] = ()
) -> Iterator[Action]:
    """Yield the actions that bring the index to what was seen.

    `elsewhere` are items of other folders whose file may have moved here. `kept` are the ids of
    items that are in collections.
    """
    moves = _moves(looks, elsewhere, kept)
    moved = {stray.item.id: identity(stray.item) for stray in moves.values()}
    for look in looks:
        yield from _plan_folder(look, moves, moved)


def _moves(
    looks: Sequence[Look], elsewhere: Iterable[UnlistedFile], kept: Collection[ItemId]
) -> dict[str, UnlistedFile]:
    """Return which item has moved to each path."""
    moves = _claims(looks, elsewhere)
    moved = {stray.item.id for stray in moves.values()}
    for look in looks:
        for name, row in look.rows.items():
            path = look.path(name)
            if path in moves and row.id not in moved and _stays(row, moves[path], kept):
                del moves[path]
    return moves


def _claims(looks: Sequence[Look], elsewhere: Iterable[UnlistedFile]) -> dict[str, UnlistedFile]:
    """Return the best candidate for each file by its path. No item is chosen for two files."""
    strays = defaultdict[FileIdentity, list[UnlistedFile]](list)
    for stray in chain(elsewhere, *(look.displaced() for look in looks)):
        strays[identity(stray.item)].append(stray)
    claims: dict[str, UnlistedFile] = {}
    taken = set[ItemId]()
    # That a file was replaced was a guess; an equal identity is certain, so it comes first.
    for is_replaced in (True, False):
        for look in looks:
            for file in look.unsettled() if strays else ():
                path = look.path(file.name)
                left = [
                    stray
                    for stray in strays.get(identity(file), ())
                    if stray.is_replaced == is_replaced and stray.item.id not in taken
                ]
                if left and path not in claims:
                    claims[path] = min(left, key=partial(_rank, path))
                    taken.add(claims[path].item.id)
    return claims


def _rank(path: str, stray: UnlistedFile) -> tuple[int, bool, bool, int]:
    """Return the sort key of a former place: latest, same path, same name, then oldest item."""
    row = stray.item
    return (
        -(row.missing_since or 1 << 62),
        stray.path != path,
        paths.name(path) != row.name,
        row.id,
    )


def _stays(row: KnownItem, newcomer: UnlistedFile, kept: Collection[ItemId]) -> bool:
    """Return whether an item keeps its path where another file was moved onto its own.

    Programs replace a file by a new version in this way: they write another one and rename it. An
    item in a collection never counts as such a temporary file.
    """
    return (
        not row.missing_since
        and newcomer.left_a_void
        and newcomer.item.id not in kept
        and (row.id in kept or newcomer.item.added_at > row.added_at)
    )


def _plan_folder(look: Look, moves: Mapping[str, UnlistedFile], moved: Moving) -> Iterator[Action]:
    listing, known = look.listing, look.known
    if not known.is_present:
        yield FolderFound(listing.folder)
    losses = 0
    for action in chain(_lost_folders(look), _plan_files(look, moves, moved)):
        losses += isinstance(action, FolderGone | Gone)
        yield action
    if listing.inode is not None and listing.modified_at is not None:
        digest = None if losses else listing.digest
        now = (listing.inode, listing.modified_at, digest)
        if now != (known.inode, known.modified_at, known.digest):
            yield FolderListed(listing.folder, *now, len(listing.files))


def _lost_folders(look: Look) -> Iterator[FolderGone]:
    names = look.listing.names
    for path in sorted(set(look.known.children).difference(look.listing.folders)):
        if names is None or paths.name(path) in names:
            yield FolderGone(path)


def _plan_files(look: Look, moves: Mapping[str, UnlistedFile], moved: Moving) -> Iterator[Action]:
    folder = look.listing.folder
    rows = dict(look.rows)
    for file in look.listing.files:
        row = rows.pop(file.name, None)
        path = look.path(file.name)
        if row and row.id in moved and path not in moves:
            if moved[row.id] == identity(file):
                continue  # it was here when this folder was listed, and has moved since
            row = look.former.get(file.name)  # the item that had this name before may be back
        if action := _plan_file(folder, file, row, moves.get(path), moved):
            yield action
    for row in rows.values():
        if not row.missing_since and row.id not in moved:
            yield Gone(row.id, look.path(row.name))


def _plan_file(
    folder: str, file: FileSeen, row: KnownItem | None, stray: UnlistedFile | None, moved: Moving
) -> Action | None:
    if stray and (row is None or stray.item.id != row.id):
        return Moved(stray.item.id, stray.path, folder, file, stray.left_a_void)
    if row is None or (row.id in moved and not stray):
        return Added(folder, file)
    is_as_known = (
        row.inode == file.inode and row.version == file.version and row.sidecar == file.sidecar
    )
    if row.missing_since or not is_as_known:
        return Seen(row.id, folder, file)
    return None
