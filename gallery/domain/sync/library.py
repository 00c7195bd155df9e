"""The library: the roots that this process serves."""

from collections.abc import Mapping, Sequence

from gallery.disk.roots import Root, Roots
from gallery.domain.sync.folder_moves import Departures
from gallery.domain.sync.root_status import RootStatus
from gallery.events import Bus
from gallery.model import Item
from gallery.values.ids import ItemId, RootId


class Library:
    """The roots that this process serves, by id.

    `holder` identifies this server on a shared database, also after a restart. `transient` are the
    items that became missing a moment ago and may soon be found elsewhere.
    """

    def __init__(self, disk: Roots, ids: Mapping[str, RootId], holder: str, bus: Bus) -> None:
        self.disk = disk
        self.holder = holder
        self.departures = Departures()
        self.transient = set[ItemId]()
        self.roots: Mapping[RootId, RootStatus] = {
            ids[name]: RootStatus(ids[name], root, bus) for name, root in disk.by_name.items()
        }

    def serving(self, path: str) -> RootStatus:
        """Return the root that a path of the library belongs to."""
        return next(it for it in self.roots.values() if it.root == self.disk.of(path))

    def name_of(self, root_id: RootId) -> str:
        """Return the name of a root, `""` if only another server serves it."""
        status = self.roots.get(root_id)
        return status.root.name if status else ""

    def request_scan(self, *, accept_missing: bool) -> None:
        """Request a full pass over every root as soon as possible."""
        for status in self.roots.values():
            status.request_scan(accept_missing=accept_missing)

    def prefer(self, shown: Sequence[Item]) -> None:
        """Read and render these items next, in their order, because a client shows them."""
        for item in reversed(shown):
            if item.thumbhash is None and not item.missing and self.disk.of(item.path):
                status = self.serving(item.path)
                (status.unread if item.taken_at is None else status.unrendered).add(item.id)

    def trusted_roots(self) -> set[Root]:
        """Return the roots with certainly the right directory: only there, an absent file is gone.

        It blocks.
        """
        return {status.root for status in self.roots.values() if status.is_trusted()}
