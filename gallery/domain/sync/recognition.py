"""Recognition of roots that were served before, under another name or at another place."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gallery.disk.roots import Root, Roots, shown, signed
from gallery.store.sync.roots import KnownRoot

Sign = Callable[[KnownRoot, Root], bool]


def is_spelled_alike(known: KnownRoot, root: Root) -> bool:
    """Return whether the root was served from this path. It does not read the disk."""
    return known.directory == shown(root.directory)


def is_same_directory(known: KnownRoot, root: Root) -> bool:
    """Return whether the recorded path leads to this directory, by a link or a mount. It blocks."""
    former = _recorded(known)
    if former.directory.resolve() == root.directory.resolve():
        return True
    identity = _identity(former)
    return identity is not None and identity == _identity(root)


def was_renamed(known: KnownRoot, root: Root) -> bool:
    """Return whether the directory has the recorded inode and files, and its former place has not.

    The inode alone proves nothing: the top folders of most disks have the same one. It blocks.
    """
    return (
        known.inode is not None
        and _inode(root) == known.inode
        and _inode(_recorded(known)) != known.inode
        and _has_sample(known, root)
    )


def was_copied(known: KnownRoot, root: Root) -> bool:
    """Return whether it has the name and files of a root whose recorded path is gone. It blocks."""
    former = _recorded(known)
    if known.name != root.name and former.directory.name != root.directory.name:
        return False
    try:
        is_gone = former.identity() is None
    except OSError:  # the disk cannot be read now
        return False
    return is_gone and _has_sample(known, root)


PLAIN: Sequence[Sign] = (is_spelled_alike, is_same_directory)
"""Signs that need no sample, the most certain first."""
SIGNS: Sequence[Sign] = (*PLAIN, was_renamed, was_copied)
"""All signs. A more certain sign for one root goes before a weaker one for another."""


def match(
    known: Sequence[KnownRoot], served: Mapping[str, Root], signs: Sequence[Sign] = SIGNS
) -> dict[str, KnownRoot]:
    """Return the known root that each served one is, by its name now. It blocks."""
    left = {row.id: row for row in known}
    found: dict[str, KnownRoot] = {}
    for sign in signs:
        for name, root in served.items():
            if name not in found:
                former = next((row for row in left.values() if sign(row, root)), None)
                if former is not None:
                    found[name] = left.pop(former.id)
    return found


def _recorded(known: KnownRoot) -> Root:
    return Root(known.name, Path(known.directory))


def _identity(root: Root) -> tuple[int, int] | None:
    try:
        return root.identity()
    except OSError:  # the disk cannot be read now
        return None


def _inode(root: Root) -> int | None:
    identity = _identity(root)
    return signed(identity[1]) if identity else None


def _has_sample(known: KnownRoot, root: Root) -> bool:
    """Return whether at least half of the sampled files are in the directory, in their sizes."""
    former = _recorded(known)
    sizes = {former.relative(path): size for path, size in known.sample}
    there = Roots([Root("", root.directory)], lambda _name: False).look(sizes, unknown=set())
    fitting = sum(file.version.size == sizes[path] for path, file in there.items())
    return 0 < len(sizes) <= 2 * fitting
