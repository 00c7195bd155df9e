"""What has to change so that the index shows what a look at the disk has shown. Pure.

A file is known again by its inode, size and time of modification together: a rename keeps all
three, on every way from one name to another, swaps and renumberings included. A copy has an inode
of its own, and as long as the former place still holds the file, there is no move. Moves that leave
no common inode, as those to another disk, are found later: see `moves`.
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
    """A folder that the index did not know, or thought missing."""

    path: str


class FolderMoved(NamedTuple):
    """A folder that was at `former` and is not there any more."""

    former: str
    path: str


class FolderGone(NamedTuple):
    """A known folder that is not there; everything below it is missing too."""

    path: str


class FolderListed(NamedTuple):
    """A folder whose identity, or listing, is not as it was known. Behind all else of the folder.

    `digest` is that of a whole listing, of `file_count` files, with which the index agrees once the
    plan has been applied; None if it was not whole, or if something is still to be decided.
    """

    path: str
    inode: int
    modified_at: Micros
    digest: str | None
    file_count: int


class Added(NamedTuple):
    """A file that the index did not know."""

    folder: str
    file: FileSeen


class Seen(NamedTuple):
    """A file at the path of a known item, which differs from what is known, or was missing."""

    id: ItemId
    folder: str
    file: FileSeen


class Moved(NamedTuple):
    """A known item that was at the path `former`, and is a file of `folder` now.

    Whoever was in that place, and is not moved as well, is missing: his file was overwritten.
    `left_a_void`: nothing is at `former` any more.
    """

    id: ItemId
    former: str
    folder: str
    file: FileSeen
    left_a_void: bool


class Gone(NamedTuple):
    """A known file that is not there."""

    id: ItemId
    path: str


Action = FolderFound | FolderMoved | FolderGone | FolderListed | Added | Seen | Moved | Gone


class KnownFolder(NamedTuple):
    """What the index knows of a folder that was listed; `digest` if it agrees with a listing.

    Of several files of one name the present one is the last, the latest missing before it.
    """

    is_present: bool
    children: Collection[str] = ()
    files: Sequence[KnownItem] = ()
    inode: int | None = None
    modified_at: Micros | None = None
    digest: str | None = None


NOTHING_KNOWN = KnownFolder(is_present=False)


class Look(NamedTuple):
    """A listing beside what the index knows at the names that were looked at.

    `rows` are the items that have the names: the present, or latest missing ones; `former` those
    that had them before.
    """

    listing: FolderListing
    known: KnownFolder
    rows: Mapping[str, KnownItem]
    former: Mapping[str, KnownItem]

    @classmethod
    def at(cls, listing: FolderListing, known: KnownFolder) -> "Look":
        rows: dict[str, KnownItem] = {}
        former: dict[str, KnownItem] = {}
        for row in known.files:
            if listing.has_looked_at(row.name):
                if row.name in rows:
                    former[row.name] = rows[row.name]
                rows[row.name] = row
        return cls(listing, known, rows, former)

    def path(self, name: str) -> str:
        return paths.join(self.listing.folder, name)

    def unsettled(self) -> Iterator[FileSeen]:
        """The files that the index does not know to be here: they may have been elsewhere."""
        for file in self.listing.files:
            if not _is_in_place(self.rows.get(file.name), file):
                yield file

    def displaced(self) -> "Iterator[UnlistedFile]":
        """The items of the folder whose file is not in its place."""
        files = {file.name: file for file in self.listing.files}
        for name, row in self.rows.items():
            file = files.get(name)
            if file is None or not _is_in_place(row, file):
                yield UnlistedFile(row, self.path(name), left_a_void=file is None)


class UnlistedFile(NamedTuple):
    """An item whose file is not at its path; `left_a_void` if nothing is.

    `is_replaced`: it is shown as it was until another file at its path was taken for a new version.
    """

    item: KnownItem
    path: str
    left_a_void: bool
    is_replaced: bool = False


def _is_in_place(row: KnownItem | None, file: FileSeen) -> bool:
    return row is not None and not row.missing_since and row.inode == file.inode


def identity(file: FileSeen | KnownItem) -> FileIdentity:
    """What a file keeps on its way from one name to another, and shares with no other file."""
    return file.inode, file.version


Moving = Mapping[ItemId, FileIdentity]
"""The ids of the items that have moved, and which file each is, if it had several."""


def plan(
    looks: Sequence[Look], elsewhere: Iterable[UnlistedFile] = (), kept: Collection[ItemId] = ()
) -> Iterator[Action]:
    """The actions that bring the index to what was seen.

    `elsewhere` are strays beside those of the folders looked at, `kept` the ids of items that are
    in collections.
    """
    moves = _moves(looks, elsewhere, kept)
    moved = {stray.item.id: identity(stray.item) for stray in moves.values()}
    for look in looks:
        yield from _plan_folder(look, moves, moved)


def _moves(
    looks: Sequence[Look], elsewhere: Iterable[UnlistedFile], kept: Collection[ItemId]
) -> dict[str, UnlistedFile]:
    """Which stray the file at each path is."""
    moves = _claims(looks, elsewhere)
    moved = {stray.item.id for stray in moves.values()}
    for look in looks:
        for name, row in look.rows.items():
            path = look.path(name)
            if path in moves and row.id not in moved and _stays(row, moves[path], kept):
                del moves[path]
    return moves


def _claims(looks: Sequence[Look], elsewhere: Iterable[UnlistedFile]) -> dict[str, UnlistedFile]:
    """The best of the strays that each file may be, by its path; none is two files."""
    strays = defaultdict[FileIdentity, list[UnlistedFile]](list)
    for stray in chain(elsewhere, *(look.displaced() for look in looks)):
        strays[identity(stray.item)].append(stray)
    claims: dict[str, UnlistedFile] = {}
    taken = set[ItemId]()
    # That a file was replaced was a guess; that this is the very one that was, is certain.
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
    """Of several former places of a file: the last, the same path, the same name, the oldest."""
    row = stray.item
    return (
        -(row.missing_since or 1 << 62),
        stray.path != path,
        paths.name(path) != row.name,
        row.id,
    )


def _stays(row: KnownItem, newcomer: UnlistedFile, kept: Collection[ItemId]) -> bool:
    """Whether an item stays where another file was moved onto its own, which exists no more.

    That is how programs replace a file by a new version of it: write another, rename it. A file
    that somebody keeps in a collection is never taken for such a one.
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
                continue  # it was here when this was listed, and is elsewhere by now
            row = look.former.get(file.name)  # who had that name before may be back
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
