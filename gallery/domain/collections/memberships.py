"""Which collections each of many paths is in: what a front end asks for every page it shows."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gallery.database.engine import Database, Reader
from gallery.domain.collections.selection import Selection
from gallery.errors import Invalid
from gallery.model import Actor
from gallery.store.collections import collections, members
from gallery.store.collections.collections import CollectionState
from gallery.values.ids import AccountId, CollectionId

MAX_PATHS = 1_000
"""Paths of one lookup."""
MAX_CACHED = 200_000
"""Memberships that are kept in memory, some 40 MB; a viewer of more is answered by a search."""
MAX_COLLECTIONS = 2_000
"""Collections whose states a lookup compares; a viewer of more is answered by a search."""
_CHUNK = 5_000


class Memberships:
    """Looks memberships up in memory, and asks the database only for what has changed.

    To find 1,000 paths in its index costs SQLite several times their JSON; to tell the states of
    all collections costs hardly anything. So a lookup after a commit reads these, and then the
    members of those collections alone that are not known in that state. Where other servers write
    to the database too, every lookup does, so that nothing is ever assumed to be still true.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._views: OrderedDict[AccountId, _View] = OrderedDict()

    async def of(
        self, actor: Actor, given: Sequence[str] | None
    ) -> Mapping[str, Sequence[CollectionId]]:
        """For each path in a regular collection visible to the actor, their ids, ascending.

        At most 1,000 paths. Paths in none are left out, unknown and invalid ones included.
        """
        selection = Selection.parse(given, None, MAX_PATHS)
        if selection is None:
            raise Invalid("Paths are required")
        view = self._views.setdefault(actor.id, _View())
        self._views.move_to_end(actor.id)
        if not self._is_current(view):
            async with view.turn:
                if not await self._refresh(view, actor):
                    return await self._db.read(_searched, actor, selection.paths)
        ids_of = view.ids.get
        return {path: ids for path in selection.paths if (ids := ids_of(path))}

    def _is_current(self, view: "_View") -> bool:
        return view.generation is not None and view.generation == self._db.generation

    async def _refresh(self, view: "_View", actor: Actor) -> bool:
        """Brings a view to the present; whether it fits into memory."""
        if not self._is_current(view):  # or somebody else has, while we waited for our turn
            generation = self._db.generation  # as of before the look
            if not await self._db.read(view.follow, actor):
                return False
            view.generation = generation
            self._make_room()
        return True

    def _make_room(self) -> None:
        """Of several viewers, those who asked least recently are forgotten."""
        while len(self._views) > 1 and sum(view.size for view in self._views.values()) > MAX_CACHED:
            self._views.popitem(last=False)


class _View:
    """The memberships that one viewer sees, and in which states of the collections."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.generation: int | None = None
        self.ids: dict[str, tuple[CollectionId, ...]] = {}
        self._states: dict[CollectionId, CollectionState] = {}
        self._paths: dict[CollectionId, list[str]] = {}

    @property
    def size(self) -> int:
        """How many memberships these are."""
        return sum(map(len, self._paths.values()))

    async def follow(self, reader: Reader, actor: Actor) -> bool:
        """Learns what has changed; whether it all fits into memory."""
        visible = await collections.states(reader, actor.id)
        if len(visible) > MAX_COLLECTIONS or sum(s.size for s in visible.values()) > MAX_CACHED:
            return False
        changed = [id_ for id_, state in visible.items() if self._states.get(id_) != state]
        for id_ in (self._states.keys() - visible.keys()).union(changed):
            self._forget(id_)
        if changed:
            await self._learn(await members.paths(reader, changed))
        self._states = dict(visible)
        return True

    async def _learn(self, found: Iterable[tuple[str, CollectionId]]) -> None:
        """In the order of the paths: those of one page then lie side by side in memory."""
        alone: dict[
            CollectionId, tuple[CollectionId, ...]
        ] = {}  # one object for all that are in no other collection
        for number, (path, id_) in enumerate(found):
            self._paths.setdefault(id_, []).append(path)
            others = self.ids.get(path)
            if others:
                self.ids[path] = tuple(sorted((*others, id_)))
            else:
                self.ids[path] = alone.setdefault(id_, (id_,))
            if number % _CHUNK == 0:
                await asyncio.sleep(0)

    def _forget(self, id_: CollectionId) -> None:
        self._states.pop(id_, None)
        for path in self._paths.pop(id_, ()):
            rest = tuple(other for other in self.ids[path] if other != id_)
            if rest:
                self.ids[path] = rest
            else:
                del self.ids[path]


async def _searched(
    reader: Reader, actor: Actor, given: Sequence[str]
) -> dict[str, list[CollectionId]]:
    """The same from the database's own indexes, for what does not fit into memory."""
    # A NUL would end the string inside the database and so name another path.
    wanted = [path for path in dict.fromkeys(given) if "\0" not in path]
    found = defaultdict[str, list[CollectionId]](list)
    for index, collection_id in await members.memberships(reader, actor.id, wanted):
        found[wanted[index]].append(collection_id)
    for ids in found.values():
        ids.sort()
    return found
