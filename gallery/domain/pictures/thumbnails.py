"""Thumbnails: made when somebody asks, or before; kept as long as there is room."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar, TypeVarTuple

import anyio
from anyio import to_thread

from gallery.database.engine import Database, GenerationCache, Reader
from gallery.domain.collections import access
from gallery.domain.pictures.rendering import NotRendered, RenderedFile, Renderer
from gallery.domain.pictures.single_flight import SingleFlight
from gallery.domain.sync import reconcile
from gallery.domain.sync.library import Library
from gallery.errors import NotFound, Unavailable
from gallery.media.cache import Cache, key_of
from gallery.media.worker import Workers
from gallery.media.worker_process import WorkerFailed
from gallery.model import Actor, Size
from gallery.store.pictures import thumbnails
from gallery.store.pictures.thumbnails import RenderedItem, Source
from gallery.values.file_version import FileVersion
from gallery.values.ids import CollectionId, ItemId
from gallery.values.problems import TOO_MUCH
from gallery.values.urls import picture_version

T = TypeVar("T")
Args = TypeVarTuple("Args")

logger = logging.getLogger(__name__)

QUICK_SECONDS = 5.0
"""How long one file may take at first. What takes longer, or kills a worker, is tried again."""
MAX_SECONDS = 30.0
"""How long it may take then, one file after another, while others are still drawn at once."""
MAX_WAITING = 300
"""Pictures that are asked for and not made yet; one more is 503."""
AGAIN_SECONDS = 24 * 3_600.0
"""When what has taken too much is tried again."""
MAX_FAILURES = 10_000
READERS = 16
TRIES = 3
"""How often a file is drawn into which somebody writes meanwhile."""
FULL = 0.9
"""From this part of its room on, nothing more is made before somebody asks."""
AHEAD: Sequence[Size] = ("small", "medium")
"""What is made before somebody asks."""


class FoundPicture(NamedTuple):
    """A picture of an item, and of which version of its file it is.

    `is_exact`: it has the size that was asked for. Of what is missing any other may be shown.
    """

    webp: bytes
    version: str
    is_exact: bool = True


_Wanted = tuple[ItemId, FileVersion, Size | None]
"""A picture of an item, of one version of its file; with None for its size, any."""


class Thumbnails:
    """The pictures of all items, in `max_bytes` of `cache`; `concurrency` render at a time."""

    def __init__(
        self,
        db: Database,
        library: Library,
        workers: Workers,
        cache: Cache,
        *,
        max_bytes: int,
        concurrency: int,
        max_waiting: int = MAX_WAITING,
        quick_seconds: float = QUICK_SECONDS,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._db = db
        self._memo = GenerationCache(db)
        self._library = library
        self._cache = cache
        self._max_bytes = max_bytes
        self._quick_seconds = quick_seconds
        self._max_seconds = max_seconds
        self._used = 0
        self._is_surveyed = False
        self._shrinking: asyncio.Future[None] = asyncio.Future()
        self._shrinking.set_result(None)
        self._failures: OrderedDict[_Wanted, float] = OrderedDict()
        self._slow: OrderedDict[_Wanted, None] = OrderedDict()
        refusal = "Too many thumbnails are being made"
        self._asked: SingleFlight[_Wanted, FoundPicture] = SingleFlight(
            concurrency, max_waiting, refusal
        )
        self._again: SingleFlight[_Wanted, FoundPicture] = SingleFlight(1, max_waiting, refusal)
        self._drawings = {
            id_: Renderer(workers, served.root, cache, READERS)
            for id_, served in library.roots.items()
        }
        self._readers = anyio.CapacityLimiter(READERS)

    async def survey(self) -> None:
        """Find out how much room is taken, once; until then only what is new is counted.

        A folder that cannot be listed is logged and looked at again the next time.
        """
        if not self._is_surveyed:
            try:
                self._grow(await self._disk(self._cache.survey))
                self._is_surveyed = True
            except Unavailable as error:
                logger.warning("the kept thumbnails cannot be counted: %s", error.__cause__)

    async def source(self, item_id: ItemId) -> Source:
        """What the pictures of an item are made of; `NotFound` if there is no such item."""
        return await self._memo.get(item_id, lambda: self._db.read(_existing, item_id))

    async def kept(self, source: Source, size: Size) -> FoundPicture | None:
        """A picture that was made before."""
        if source.fingerprint is None:
            return None
        key = key_of(source.fingerprint, source.version.modified_at)
        kept = await self._disk(self._cache.read, key, size)
        return None if kept is None else FoundPicture(kept, source.picture_version)

    async def make(self, source: Source, size: Size) -> FoundPicture:
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
        self._check_failures(source, size)
        if (source.id, source.version, None) not in self._slow:
            try:
                return await self._asked.get(wanted, lambda: self._work_first(source, size))
            except WorkerFailed:
                logger.debug("%s is drawn again", source.path)
        return await self._again.get(wanted, lambda: self._work_again(source, size))

    async def cover_of(self, actor: Actor, collection_id: CollectionId) -> ItemId:
        """The item whose picture a collection shows that the actor may see.

        Raises as `access.require_visible`, and `NotFound` if it has no cover.
        """
        return await self._db.read(_cover, actor, collection_id)

    async def _any(self, source: Source, size: Size) -> FoundPicture:
        """A picture of what is not there, in this size or another."""
        if source.fingerprint is not None:
            key = key_of(source.fingerprint, source.version.modified_at)
            kept = await self._disk(self._cache.nearest, key, size)
            if kept is not None:
                return FoundPicture(kept, source.picture_version, is_exact=False)
        raise NotFound("No thumbnail")

    async def _work_first(self, source: Source, size: Size) -> FoundPicture:
        """Make it if that is quick. Raises `WorkerFailed` if it was not, in whatever size."""
        if (source.id, source.version, None) in self._slow:
            raise WorkerFailed("took too much in another size")
        return await self._work(source, size, self._quick_seconds)

    async def _work(self, source: Source, size: Size, seconds: float) -> FoundPicture:
        for _ in range(TRIES):
            made = await self._draw(source, [size], [size], seconds)
            if made is not NotRendered.CHANGED:
                break
        if made is NotRendered.CHANGED:
            raise Unavailable("The file is being written to")
        if isinstance(made, RenderedFile) and made.pictures:
            if source.problem and made.thumbhash and _is_of(made, source):
                await self._show(RenderedItem(source, made.thumbhash, made.problem))
            return FoundPicture(made.pictures[0], picture_version(*made.version))
        if isinstance(made, RenderedFile) and made.thumbhash is None and _is_of(made, source):
            await self._show(RenderedItem(source, None, made.problem))
        elif isinstance(made, RenderedFile) and _has_version_of(made, source):
            self._remember_failure((source.id, source.version, size))
        raise NotFound("No thumbnail")

    async def _work_again(self, source: Source, size: Size) -> FoundPicture:
        """Make what has taken too much at first; if it does again, in no size once more."""
        self._check_failures(source, size)
        try:
            return await self._work(source, size, self._max_seconds)
        except WorkerFailed as failure:
            self._remember_failure((source.id, source.version, None))
            await self._show(_failed(source))
            raise NotFound("No thumbnail") from failure

    async def _show(self, drawn: RenderedItem) -> None:
        await self._db.write(reconcile.store_thumbnails, drawn.source.root_id, [drawn])

    async def ahead(self, source: Source) -> RenderedItem | None:
        """Make the usual sizes while no client waits.

        None if the file is not as it was, or takes too much for the first time: then it is tried
        once more later.
        """
        await self._asked.rest()
        any_size = (source.id, source.version, None)
        if self._has_failed(any_size):
            return None
        sizes = AHEAD if self._used < self._max_bytes * FULL else []
        is_last_try = any_size in self._slow
        seconds = self._max_seconds if is_last_try else self._quick_seconds
        try:
            made = await self._draw(source, sizes, [], seconds)
        except Unavailable as error:
            logger.warning("%s: %s", source.path, error)
            return None
        except WorkerFailed:
            if not is_last_try:
                return None
            self._remember_failure(any_size)
            return _failed(source)
        if not isinstance(made, RenderedFile) or not _is_of(made, source):
            return None
        return RenderedItem(source, made.thumbhash, made.problem)

    async def _draw(
        self, source: Source, sizes: Sequence[Size], wanted: Sequence[Size], seconds: float
    ) -> RenderedFile | NotRendered:
        """Draw in a worker. Raises `WorkerFailed` if that took too much, and `Unavailable`."""
        try:
            made = await self._drawings[source.root_id].draw(source.path, sizes, wanted, seconds)
        except WorkerFailed as failure:
            logger.warning("%s cannot be drawn: %s", source.path, failure)
            self._slow[source.id, source.version, None] = None
            if len(self._slow) > MAX_FAILURES:
                self._slow.popitem(last=False)
            raise
        if isinstance(made, RenderedFile):
            self._grow(made.kept)
        return made

    def _remember_failure(self, wanted: _Wanted) -> None:
        self._failures[wanted] = time.monotonic() + AGAIN_SECONDS
        while len(self._failures) > MAX_FAILURES:
            self._failures.popitem(last=False)

    def _has_failed(self, wanted: _Wanted) -> bool:
        return self._failures.get(wanted, 0.0) > time.monotonic()

    def _check_failures(self, source: Source, size: Size) -> None:
        """Raise `NotFound` if the picture could not be made in this size, or in any."""
        wanted = (source.id, source.version)
        if self._has_failed((*wanted, size)) or self._has_failed((*wanted, None)):
            raise NotFound("No thumbnail")

    def _grow(self, more: int) -> None:
        """So much was kept; if it is too much, what was not used for the longest goes."""
        self._used += more
        if self._used > self._max_bytes and self._shrinking.done():
            self._shrinking = asyncio.ensure_future(self._shrink())

    async def _shrink(self) -> None:
        try:
            self._used -= await self._disk(self._cache.shrink, int(self._max_bytes * FULL))
        except Unavailable as error:
            logger.warning("no thumbnails can be removed: %s", error.__cause__)

    async def _disk(self, work: Callable[[*Args], T], *args: *Args) -> T:
        """Call `work` on the cache in a thread. Raises `Unavailable` if the system fails it."""
        try:
            return await to_thread.run_sync(work, *args, limiter=self._readers)
        except OSError as error:
            raise Unavailable("Thumbnails cannot be read now") from error


def _is_of(made: RenderedFile, source: Source) -> bool:
    """Whether it was the file that the index has read."""
    return _has_version_of(made, source) and source.fingerprint is not None


def _has_version_of(made: RenderedFile, source: Source) -> bool:
    """Return whether it was the file as the index has listed it, and not a later one."""
    return made.version == source.version


def _failed(source: Source) -> RenderedItem:
    """Return what is known of a file that takes too much, or ends the process that draws it."""
    return RenderedItem(source, None, TOO_MUCH, is_final=False)


async def _existing(reader: Reader, item_id: ItemId) -> Source:
    found = await thumbnails.source(reader, item_id)
    if found is None:
        raise NotFound("Item not found")
    return found


async def _cover(reader: Reader, actor: Actor, collection_id: CollectionId) -> ItemId:
    await access.require_visible(reader, actor, collection_id)
    item_id = await thumbnails.cover_of(reader, collection_id)
    if item_id is None:
        raise NotFound("No cover")
    return item_id
