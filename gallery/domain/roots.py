"""Which roots are served: the same ones as before, whatever they are called and wherever they are.

A root that gets a name, loses it or changes it keeps all its items, and so does one that is at
another directory now: its paths change in the index, and nothing else does.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from gallery.database.engine import Database, Tx
from gallery.disk.roots import Root, Roots, shown
from gallery.errors import Misconfigured, StartRefused, printable
from gallery.store import roots
from gallery.store.roots import RootRow


async def register(db: Database, disk: Roots) -> dict[str, int]:
    """The id of each root that is served, by name. New ones are made.

    Raises `Misconfigured` for a new one whose directory is not there, and `StartRefused` where a
    root with a name and one without would stand side by side.
    """
    known = await db.read(roots.all_roots)
    former = await asyncio.to_thread(match, known, disk.by_name)
    absent = await asyncio.to_thread(
        lambda: [r for n, r in disk.by_name.items() if n not in former and _is_absent(r)]
    )
    if absent:
        raise Misconfigured(f"{printable(str(absent[0].directory))} is not a folder")
    left = {row.name for row in known} - {row.name for row in former.values()}
    if left and "" in left | set(disk.by_name):
        how = "without a name" if "" in left else f"as {', '.join(sorted(left))}"
        raise StartRefused(
            f"This library has been served {how}; serve it so again, or use another data directory"
        )
    places = {name: (name, shown(root.directory)) for name, root in disk.by_name.items()}
    if places == {name: (row.name, row.directory) for name, row in former.items()}:
        return {name: row.id for name, row in former.items()}  # also on a disk that is full
    return await db.write(_store, disk, former)


def match(known: list[RootRow], served: Mapping[str, Root]) -> dict[str, RootRow]:
    """Which of the known roots each served one is, by its name now: that at its directory, else
    that of its name. It resolves links, and so blocks.
    """
    left = {row.name: row for row in known}
    places = {Path(row.directory).resolve(): row.name for row in known}
    found = {}
    for name, root in served.items():
        if (former := places.get(root.directory.resolve())) in left:
            found[name] = left.pop(former)
    for name in served:
        if name not in found and name in left:
            found[name] = left.pop(name)
    return found


def _is_absent(root: Root) -> bool:
    """Raises `StartRefused` if that cannot be told now."""
    try:
        return root.identity() is None
    except OSError as error:
        where = printable(str(root.directory))
        raise StartRefused(f"{where} cannot be read now: {error.strerror}") from None


async def _store(tx: Tx, disk: Roots, former: Mapping[str, RootRow]) -> dict[str, int]:
    renamed = {name: row for name, row in former.items() if row.name != name}
    for row in renamed.values():  # aside, for the case that they change names among themselves
        await roots.rename(tx, row.id, row.name, f"\x01{row.id}")
    for name, row in renamed.items():
        await roots.rename(tx, row.id, f"\x01{row.id}", name)
    return {
        name: await roots.register(tx, name, shown(root.directory))
        for name, root in disk.by_name.items()
    }
