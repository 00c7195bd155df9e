"""Registration of the served roots: each keeps its identity under another name or directory.

A root that gets, changes or loses its name keeps all its items, and so does one that has moved to
another directory: only paths change in the index.
"""

import asyncio
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from gallery.database.engine import Database, Tx
from gallery.disk.roots import Root, Roots, shown
from gallery.domain.sync import recognition
from gallery.errors import Misconfigured, StartRefused, printable
from gallery.logs import escaped
from gallery.store.sync import roots
from gallery.store.sync.roots import KnownRoot
from gallery.values.ids import RootId


async def register(db: Database, disk: Roots, options: Sequence[str] = ()) -> dict[str, RootId]:
    """Return the id of each served root, by name. New roots are created.

    Raises `Misconfigured` if the directory of a new root does not exist, and `StartRefused` if a
    root with a name and one without would be in the same library. The error names a command that
    works, with these `options`.
    """
    known = await db.read(roots.known)
    former = await asyncio.to_thread(recognition.match, known, disk.by_name, recognition.PLAIN)
    if known and len(former) < len(disk.by_name):
        sampled = await db.read(roots.sampled)
        former = await asyncio.to_thread(_match, sampled, disk.by_name)
    absent = await asyncio.to_thread(
        lambda: [r for n, r in disk.by_name.items() if n not in former and _is_absent(r)]
    )
    if absent:
        raise Misconfigured(f"{printable(str(absent[0].directory))} is not a folder")
    served = {row.id for row in former.values()}
    left = [row for row in known if row.id not in served]
    if left and "" in {row.name for row in left} | set(disk.by_name):
        how = (
            "without a name"
            if any(not row.name for row in left)
            else "as " + ", ".join(printable(row.name) for row in left)
        )
        raise StartRefused(
            f"This library has been served {how}. If it has several folders, each needs a name: "
            f"{_command(left, disk, former, options)} (to keep them apart, give another folder "
            "with --data)"
        )
    places = {name: (name, shown(root.directory)) for name, root in disk.by_name.items()}
    if places == {name: (row.name, row.directory) for name, row in former.items()}:
        return {name: row.id for name, row in former.items()}  # works on a full disk too
    return await db.write(_store, disk, former)


def _match(known: Sequence[KnownRoot], served: Mapping[str, Root]) -> dict[str, KnownRoot]:
    """Return the known root that each served one is. Without any other sign, the name decides.

    It blocks.
    """
    found = recognition.match(known, served)
    taken = {row.id for row in found.values()}
    by_name = {row.name: row for row in known if row.id not in taken}
    return {name: by_name[name] for name in served if name in by_name and name not in found} | found


def _command(
    left: Sequence[KnownRoot],
    disk: Roots,
    former: Mapping[str, KnownRoot],
    options: Sequence[str],
) -> str:
    """Return the command that serves all these roots together, each with a name.

    A root without a name gets that of its folder.
    """
    wanted = [(row.name, row.directory) for row in left]
    for name, root in disk.by_name.items():
        known_as = former[name].name if name in former else ""
        wanted.append((name or known_as, shown(root.directory)))
    taken = {name for name, _directory in wanted}
    words = []
    for name, directory in wanted:
        words.append(f"{name or _free_name(directory, taken)}={directory}")
    return escaped(shlex.join(["gallery", "serve", *words, *options]))


def _free_name(directory: str, taken: set[str]) -> str:
    """Return a name for a root that is not among the `taken` ones, and add it to them."""
    base = re.sub(r"[^\w.-]+", "-", Path(directory).name).strip(".-") or "library"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name


def _is_absent(root: Root) -> bool:
    """Return whether the directory does not exist. Raises `StartRefused` if this is unknown now."""
    try:
        return root.identity() is None
    except OSError as error:
        where = printable(str(root.directory))
        raise StartRefused(f"{where} cannot be read now: {error.strerror}") from None


async def _store(tx: Tx, disk: Roots, former: Mapping[str, KnownRoot]) -> dict[str, RootId]:
    renamed = {name: row for name, row in former.items() if row.name != name}
    for row in renamed.values():  # temporary names first: two roots may swap their names
        await roots.rename(tx, row.id, row.name, f"\x01{row.id}")
    for name, row in renamed.items():
        await roots.rename(tx, row.id, f"\x01{row.id}", name)
    return {
        name: await roots.register(tx, name, shown(root.directory))
        for name, root in disk.by_name.items()
    }
