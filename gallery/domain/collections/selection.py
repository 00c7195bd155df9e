"""The items that a request names, by path or by id."""

from collections.abc import Sequence
from itertools import islice

import msgspec

from gallery.database.engine import Reader
from gallery.errors import Invalid, NotInLibrary
from gallery.store.library import items
from gallery.store.library.items import Located
from gallery.values import paths
from gallery.values.ids import ItemId


class Selection(msgspec.Struct, frozen=True):
    """The items that a request lists, as it names them: by paths or by ids."""

    paths: Sequence[str] = ()
    item_ids: Sequence[ItemId] = ()

    @classmethod
    def parse(
        cls,
        given_paths: Sequence[str] | None,
        item_ids: Sequence[ItemId] | None,
        at_most: int | None,
    ) -> "Selection | None":
        """Return the selection, None if the request has neither list.

        Raises `Invalid` if it has both, or more than `at_most` entries; a list is never cut.
        """
        if given_paths is not None and item_ids is not None:
            raise Invalid("Give either paths or itemIds, not both")
        if given_paths is None and item_ids is None:
            return None
        if at_most is not None and max(len(given_paths or ()), len(item_ids or ())) > at_most:
            raise Invalid(f"At most {at_most} paths per request")
        return cls(given_paths or (), item_ids or ())

    @classmethod
    def required(
        cls,
        given_paths: Sequence[str] | None,
        item_ids: Sequence[ItemId] | None,
        at_most: int | None = None,
    ) -> "Selection":
        """Return the selection. Raises `Invalid` if it is absent, empty or has only blank paths."""
        selection = cls.parse(given_paths, item_ids, at_most)
        if selection is None or not (selection.item_ids or any(map(str.strip, selection.paths))):
            raise Invalid("Paths are required")
        return selection

    @property
    def size(self) -> int:
        """Return how many different items are named, blank paths included."""
        return len(set(self.item_ids or self.paths))

    async def known(self, reader: Reader, first: int | None = None) -> dict[str, Located | None]:
        """Return the items in the given order, None for each that is not in the library.

        The keys are the paths, or the ids as text; a repeated entry counts at its first place. With
        `first`, only this many different entries are looked up.
        """
        if self.item_ids:
            ids = list(islice(dict.fromkeys(self.item_ids), first))
            by_id = await items.by_ids(reader, ids)
            return {str(id_): by_id.get(id_) for id_ in ids}
        different = (path for path in dict.fromkeys(self.paths) if path.strip())
        wanted = paths.parse_list(list(islice(different, first)))
        by_path = await items.by_paths(reader, wanted) if wanted else {}
        return {path: by_path.get(path) for path in wanted}

    async def resolve(self, reader: Reader) -> list[Located]:
        """Return the items in the given order. Raises `NotInLibrary` if one of them is unknown."""
        known = await self.known(reader)
        unknown = [name for name, item in known.items() if item is None]
        if unknown:
            raise NotInLibrary(unknown[0], () if self.item_ids else unknown)
        return [item for item in known.values() if item]
