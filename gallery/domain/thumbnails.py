"""Thumbnails: made when somebody asks, or before; kept as long as there is room."""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar, TypeVarTuple

import anyio
from anyio import to_thread

from gallery.database.engine import Database, Memo, Reader
from gallery.domain import access, drawing, reconcile
from gallery.domain.drawing import Made, Trouble
from gallery.domain.library import Library
from gallery.domain.shared import Shared
from gallery.errors import NotFound, Unavailable
from gallery.media import worker
from gallery.media.cache import Cache, key_of
from gallery.model import Actor, Size, picture_version
from gallery.store import thumbnails
from gallery.store.thumbnails import DrawnItem, Source

T = TypeVar("T")
Args = TypeVarTuple("Args")

logger = logging.getLogger(__name__)

SECONDS = 30.0
"""How long one file may take."""
MOST_WAITING = 300
"""Pictures that are asked for and not made yet; one more is 503."""
AGAIN_SECONDS = 24 * 3_600.0
"""When what has taken too much is tried again."""
MOST_FAILURES = 10_000
READERS = 16
TRIES = 3
"""How often a file is drawn into which somebody writes meanwhile."""
FULL = 0.9
"""From this part of its room on, nothing more is made before somebody asks."""
AHEAD: Sequence[Size] = ("small", "medium")
"""What is made before somebody asks."""


class Picture(NamedTuple):
    """A picture of an item, and of which version of its file it is.

    `is_exact`: it has the size that was asked for. Of what is missing any other may be shown.
    """

    webp: bytes
    version: str
    is_exact: bool = True


_Wanted = tuple[int, str, Size]
"""A picture of an item, of one version of its file."""


class Thumbnails:
    """The pictures of all items, in at most `room` bytes of `cache`; `hands` work at a time."""

    def __init__(
        self, db: Database, library: Library, cache: Cache, *, room: int, hands: int
    ) -> None:
        self._db = db
        self._memo = Memo(db)
        self._library = library
        self._cache = cache
        self._room = room
        self._used = 0
        self._shrinking: asyncio.Future[None] = asyncio.Future()
        self._shrinking.set_result(None)
        self._failures: OrderedDict[_Wanted, float] = OrderedDict()
        self._asked: Shared[_Wanted, Picture] = Shared(
            hands, MOST_WAITING, "Too many thumbnails are being made"
        )
        self._workers = anyio.CapacityLimiter(math.inf)
        self._readers = anyio.CapacityLimiter(READERS)

    async def survey(self) -> None:
        """Finds out how much room is taken; until then nothing that was there is counted."""
        self._grow(await self._disk(self._cache.survey))

    async def source(self, item_id: int) -> Source:
        """What the pictures of an item are made of; `NotFound` if there is no such item."""
        return await self._memo.get(item_id, lambda: self._db.read(_existing, item_id))

    async def kept(self, source: Source, size: Size) -> Picture | None:
        """A picture that was made before."""
        if source.fingerprint is None:
            return None
        key = key_of(source.fingerprint, source.modified_at)
        kept = await self._disk(self._cache.read, key, size)
        return None if kept is None else Picture(kept, source.version)

    async def make(self, source: Source, size: Size) -> Picture:
        """A picture that is made now; of what is missing any that was kept.

        Raises `NotFound` if none can be made, `Unavailable` if too many wait or the file is being
        written to.
        """
        if source.is_undrawable:
            raise NotFound("No thumbnail")
        served = self._library.roots.get(source.root_id)
        if served is None or served.is_offline or source.is_missing:
            return await self._any(source, size)
        wanted = (source.id, source.version, size)
        if self._has_failed(wanted):
            raise NotFound("No thumbnail")
        return await self._asked.get(wanted, lambda: self._work(source, size))

    async def cover_of(self, actor: Actor, collection_id: int) -> int:
        """The item whose picture a collection shows that the actor may see.

        Raises as `access.see`, and `NotFound` if it has no cover.
        """
        return await self._db.read(_cover, actor, collection_id)

    async def _any(self, source: Source, size: Size) -> Picture:
        """A picture of what is not there, in this size or another."""
        if source.fingerprint is not None:
            key = key_of(source.fingerprint, source.modified_at)
            kept = await self._disk(self._cache.nearest, key, size)
            if kept is not None:
                return Picture(kept, source.version, is_exact=False)
        raise NotFound("No thumbnail")

    async def _work(self, source: Source, size: Size) -> Picture:
        for _ in range(TRIES):
            made = await self._draw(source, [size], [size])
            if made is not Trouble.CHANGED:
                break
        if made is Trouble.CHANGED:
            raise Unavailable("The file is being written to")
        if isinstance(made, Made) and made.pictures:
            return Picture(made.pictures[0], picture_version(made.size, made.modified_at))
        if isinstance(made, Made) and made.thumbhash is None and _is_of(made, source):
            failed = DrawnItem(source, None, made.problem)
            await self._db.write(reconcile.show, source.root_id, [failed])
        elif made is not Trouble.ABSENT:
            self._remember_failure((source.id, source.version, size))
        raise NotFound("No thumbnail")

    async def ahead(self, source: Source) -> DrawnItem | None:
        """Makes what most will ask for, when nobody waits.

        None if the file is not as it was, or has taken too much when it was tried last.
        """
        await self._asked.rest()
        wanted = (source.id, source.version, AHEAD[0])
        if self._has_failed(wanted):
            return None
        try:
            made = await self._draw(source, AHEAD if self._used < self._room * FULL else [])
        except Unavailable as error:
            logger.warning("%s: %s", source.path, error)
            return None
        if made is None:
            self._remember_failure(wanted)
        if not isinstance(made, Made) or not _is_of(made, source):
            return None
        return DrawnItem(source, made.thumbhash, made.problem)

    async def _draw(
        self, source: Source, sizes: Sequence[Size], wanted: Sequence[Size] = ()
    ) -> Made | Trouble | None:
        """In a child process; None if that died, or took too long: perhaps it is not to blame.

        A file that is cut while it is read kills it, too: that has changed.
        """
        root = self._library.roots[source.root_id].root
        try:
            made = await worker.run(
                SECONDS,
                drawing.draw,
                root,
                self._cache,
                source.path,
                sizes,
                wanted,
                limiter=self._workers,
            )
        except worker.WorkerFailed as failure:
            logger.warning("%s cannot be drawn: %s", source.path, failure)
            return None if await self._disk(self._is_as_listed, source) else Trouble.CHANGED
        except (OSError, anyio.BrokenWorkerProcess) as error:
            raise Unavailable("Thumbnails cannot be made now") from error
        if isinstance(made, Made):
            self._grow(made.kept)
        return made

    def _is_as_listed(self, source: Source) -> bool:
        """Whether the file has the size and time that the index knows. It blocks."""
        seen = self._library.disk.look([source.path]).get(source.path)
        return seen is not None and seen[1:3] == (source.size, source.modified_at)

    def _remember_failure(self, wanted: _Wanted) -> None:
        self._failures[wanted] = time.monotonic() + AGAIN_SECONDS
        while len(self._failures) > MOST_FAILURES:
            self._failures.popitem(last=False)

    def _has_failed(self, wanted: _Wanted) -> bool:
        return self._failures.get(wanted, 0.0) > time.monotonic()

    def _grow(self, more: int) -> None:
        """So much was kept; if it is too much, what was not used for the longest goes."""
        self._used += more
        if self._used > self._room and self._shrinking.done():
            self._shrinking = asyncio.ensure_future(self._shrink())

    async def _shrink(self) -> None:
        self._used -= await self._disk(self._cache.shrink, int(self._room * FULL))

    async def _disk(self, work: Callable[[*Args], T], *args: *Args) -> T:
        return await to_thread.run_sync(work, *args, limiter=self._readers)


def _is_of(made: Made, source: Source) -> bool:
    """Whether it was the file that the index has read."""
    is_same = (made.size, made.modified_at) == (source.size, source.modified_at)
    return is_same and source.fingerprint is not None


async def _existing(reader: Reader, item_id: int) -> Source:
    found = await thumbnails.source(reader, item_id)
    if found is None:
        raise NotFound("Item not found")
    return found


async def _cover(reader: Reader, actor: Actor, collection_id: int) -> int:
    await access.see(reader, actor, collection_id)
    item_id = await thumbnails.cover_of(reader, collection_id)
    if item_id is None:
        raise NotFound("No cover")
    return item_id
