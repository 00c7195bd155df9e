"""Which collections each of many paths is in: what a front end asks for every page it shows."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from gallery.database.engine import Reader
from gallery.domain.selection import Selection
from gallery.errors import Invalid
from gallery.model import Actor
from gallery.store import collections, members
from gallery.store.collections import State

MOST_PATHS = 1_000
"""Paths of one lookup."""
MOST_KEPT = 200_000
"""Memberships that are kept in memory, some 40 MB; with more the database is searched."""
MOST_COLLECTIONS = 2_000
"""Collections whose states are compared at each lookup; with more the database is searched."""


class Memberships:
    """Looks memberships up in memory, and asks the database only for what has changed.

    To find 1,000 paths in its index costs SQLite several times their JSON; to tell the states of
    all collections costs hardly anything. So each lookup reads these, and then the members of those
    collections alone that are not known in that state. Nothing is assumed to be still true, so
    any number of servers may do this on one database.
    """

    def __init__(self) -> None:
        self._states: dict[int, State] = {}
        self._paths: dict[int, list[str]] = {}
        self._ids: defaultdict[str, set[int]] = defaultdict(set)
        self._size = 0

    async def of(
        self, reader: Reader, actor: Actor, given: Sequence[str] | None
    ) -> dict[str, list[int]]:
        """For each path in a regular collection visible to the actor, their ids, ascending.

        At most 1,000 paths. Paths in none are left out, unknown and invalid ones included.
        """
        selection = Selection.parse(given, None, MOST_PATHS)
        if selection is None:
            raise Invalid("Paths are required")
        # A NUL would end the string inside the database and so name another path.
        wanted = [path for path in dict.fromkeys(selection.paths) if "\0" not in path]
        visible = await collections.states(reader, actor.id)
        if len(visible) > MOST_COLLECTIONS or sum(visible.sizes) > MOST_KEPT:
            return await _searched(reader, actor, wanted)
        known = self._states.get
        changed = {id_: state for id_, state in visible.states() if known(id_) != state}
        if changed:
            for id_, paths in (await members.paths(reader, list(changed))).items():
                self._learn(id_, changed[id_], paths)
                await asyncio.sleep(0)  # the first lookup learns them all
            self._make_room(visible.ids)
        return self._found(wanted, set(visible.ids))

    def _found(self, wanted: Sequence[str], visible: set[int]) -> dict[str, list[int]]:
        ids_of = self._ids.get
        return {
            path: ids
            for path in wanted
            if (known := ids_of(path)) and (ids := sorted(known & visible))
        }

    def _learn(self, id_: int, state: State, paths: list[str]) -> None:
        self._forget(id_)
        self._states[id_] = state
        self._paths[id_] = paths
        self._size += len(paths)
        for path in paths:
            self._ids[path].add(id_)

    def _forget(self, id_: int) -> None:
        self._states.pop(id_, None)
        paths = self._paths.pop(id_, [])
        self._size -= len(paths)
        for path in paths:
            ids = self._ids[path]
            ids.discard(id_)
            if not ids:
                del self._ids[path]

    def _make_room(self, needed: Sequence[int]) -> None:
        """What this lookup did not need goes when too much is kept: deleted, or other people's."""
        if self._size > MOST_KEPT:
            for id_ in self._states.keys() - set(needed):
                self._forget(id_)


async def _searched(reader: Reader, actor: Actor, wanted: Sequence[str]) -> dict[str, list[int]]:
    """The same from the database's own indexes, for what does not fit into memory."""
    found = defaultdict[str, list[int]](list)
    for index, collection_id in await members.memberships(reader, actor.id, wanted):
        found[wanted[index]].append(collection_id)
    for ids in found.values():
        ids.sort()
    return found
