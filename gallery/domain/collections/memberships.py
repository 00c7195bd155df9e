"""Lookup of the collections that many paths are in, for each page that a client shows."""

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
"""Memberships in memory, about 40 MB; for a viewer with more, a search answers."""
MAX_COLLECTIONS = 2_000
"""Collections whose states a lookup compares; for a viewer with more, a search answers."""
_CHUNK = 5_000


class Memberships:
    """Looks up memberships in memory, and reads only changes from the database.

    To find 1,000 paths in an index, SQLite needs several times as long as their JSON takes. To read
    the states of all collections takes hardly any time. So a lookup after a commit reads the
    states, and then the members of those collections whose state has changed. Where other servers
    write to the database too, every lookup reads the states, so that no answer is out of date.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._views: OrderedDict[AccountId, _View] = OrderedDict()

    async def of(
        self, actor: Actor, given: Sequence[str] | None
    ) -> Mapping[str, Sequence[CollectionId]]:
        """Return, for each path, the ids of the visible regular collections it is in, ascending.

        At most 1,000 paths. Paths that are in no collection are left out, also unknown and invalid
        ones.
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
        """Update a view. Return whether it fits into memory."""
        if not self._is_current(view):  # another request may have updated it meanwhile
            generation = self._db.generation  # read before the states, so that it is never too new
            if not await self._db.read(view.read_changes, actor):
                return False
            view.generation = generation
            self._make_room()
        return True

    def _make_room(self) -> None:
        """Drop the views with the least recent lookups, while there are too many memberships."""
        while len(self._views) > 1 and sum(view.size for view in self._views.values()) > MAX_CACHED:
            self._views.popitem(last=False)


class _View:
    """The memberships that one viewer sees, with the states of the collections."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.generation: int | None = None
        self.ids: dict[str, tuple[CollectionId, ...]] = {}
        self._states: dict[CollectionId, CollectionState] = {}
        self._paths: dict[CollectionId, list[str]] = {}

    @property
    def size(self) -> int:
        """Return the number of memberships."""
        return sum(map(len, self._paths.values()))

    async def read_changes(self, reader: Reader, actor: Actor) -> bool:
        """Read what has changed. Return whether all fits into memory."""
        visible = await collections.states(reader, actor.id)
        if len(visible) > MAX_COLLECTIONS or sum(s.size for s in visible.values()) > MAX_CACHED:
            return False
        changed = [id_ for id_, state in visible.items() if self._states.get(id_) != state]
        for id_ in (self._states.keys() - visible.keys()).union(changed):
            self._forget(id_)
        if changed:
            await self._store(await members.paths(reader, changed))
        self._states = dict(visible)
        return True

    async def _store(self, found: Iterable[tuple[str, CollectionId]]) -> None:
        """Store memberships, sorted by path: those of one page are neighbours in memory."""
        alone: dict[
            CollectionId, tuple[CollectionId, ...]
        ] = {}  # one tuple for all items that are in a single collection
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
    """Return the same by a search of the database, for views that do not fit into memory."""
    # A NUL would end the string inside the database and so name another path.
    wanted = [path for path in dict.fromkeys(given) if "\0" not in path]
    found = defaultdict[str, list[CollectionId]](list)
    for index, collection_id in await members.memberships(reader, actor.id, wanted):
        found[wanted[index]].append(collection_id)
    for ids in found.values():
        ids.sort()
    return found
