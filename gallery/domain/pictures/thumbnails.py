"""Thumbnails: made on request or in advance, and kept while the cache has room."""

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
"""How long one file may take at first. If it takes longer, or kills a worker, it is tried again."""
MAX_SECONDS = 30.0
"""How long the second try may take. Only one file at a time has a second try."""
MAX_WAITING = 300
"""Thumbnails that are requested and not ready; one more request is answered with 503."""
RETRY_SECONDS = 24 * 3_600.0
"""How long a file that failed twice is not tried again."""
MAX_FAILURES = 10_000
READERS = 16
TRIES = 3
"""How often a file is rendered that changes meanwhile."""
FULL = 0.9
"""The part of the room that thumbnails made in advance may fill."""
AHEAD: Sequence[Size] = ("small", "medium")
"""The sizes that are made in advance."""


class FoundPicture(NamedTuple):
    """A thumbnail of an item, and the version of the file that it shows.

    It `is_exact` if it has the requested size. Of a missing item, any size may be shown.
    """

    webp: bytes
    version: str
    is_exact: bool = True


_Wanted = tuple[ItemId, FileVersion, Size | None]
"""A thumbnail of one version of an item; the size None means any size."""


class Thumbnails:
    """The thumbnails of all items, in `max_bytes` of `cache`; `concurrency` render at a time."""

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
        self._sources = GenerationCache(db)
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
        self._first_tries: SingleFlight[_Wanted, FoundPicture] = SingleFlight(
            concurrency, max_waiting, refusal
        )
        self._second_tries: SingleFlight[_Wanted, FoundPicture] = SingleFlight(
            1, max_waiting, refusal
        )
        self._renderers = {
            id_: Renderer(workers, served.root, cache, READERS)
            for id_, served in library.roots.items()
        }
        self._readers = anyio.CapacityLimiter(READERS)

    async def survey(self) -> None:
        """Measure once how many bytes the cache has; until then only new thumbnails count.

        If a folder cannot be listed, log this and measure again the next time.
        """
        if not self._is_surveyed:
            try:
                self._grow(await self._disk(self._cache.survey))
                self._is_surveyed = True
            except Unavailable as error:
                logger.warning("the cached thumbnails cannot be counted: %s", error.__cause__)

    async def source(self, item_id: ItemId) -> Source:
        """Return what is needed to render an item. Raises `NotFound` if there is no such item."""
        return await self._sources.get(item_id, lambda: self._db.read(_existing, item_id))

    async def kept(self, source: Source, size: Size) -> FoundPicture | None:
        """Return a thumbnail from the cache."""
        if source.fingerprint is None:
            return None
        key = key_of(source.fingerprint, source.version.modified_at)
        kept = await self._disk(self._cache.read, key, size)
        return None if kept is None else FoundPicture(kept, source.picture_version)

    async def make(self, source: Source, size: Size) -> FoundPicture:
        """Render a thumbnail and return it; of a missing or offline item, return a cached one.

        Raises `NotFound` if none can be made, and `Unavailable` if too many requests wait or the
        file is being written to.
        """
        if source.is_undrawable:
            raise NotFound("No thumbnail")
        served = self._library.roots.get(source.root_id)
        if served is None or served.is_offline or source.is_missing:
            return await self._kept_in_any_size(source, size)
        wanted = (source.id, source.version, size)
        self._check_failures(source, size)
        if (source.id, source.version, None) not in self._slow:
            try:
                return await self._first_tries.get(wanted, lambda: self._try_first(source, size))
            except WorkerFailed:
                logger.debug("%s: rendering is tried again", source.path)
        return await self._second_tries.get(wanted, lambda: self._try_again(source, size))

    async def cover_of(self, actor: Actor, collection_id: CollectionId) -> ItemId:
        """Return the id of the cover of a collection that the actor may see.

        Raises as `access.require_visible`, and `NotFound` if it has no cover.
        """
        return await self._db.read(_cover, actor, collection_id)

    async def _kept_in_any_size(self, source: Source, size: Size) -> FoundPicture:
        """Return a cached thumbnail of an item that is not on the disk, in any size."""
        if source.fingerprint is not None:
            key = key_of(source.fingerprint, source.version.modified_at)
            kept = await self._disk(self._cache.nearest, key, size)
            if kept is not None:
                return FoundPicture(kept, source.picture_version, is_exact=False)
        raise NotFound("No thumbnail")

    async def _try_first(self, source: Source, size: Size) -> FoundPicture:
        """Render within `quick_seconds`. Raises `WorkerFailed` if the file failed in any size."""
        if (source.id, source.version, None) in self._slow:
            raise WorkerFailed("took too much in another size")
        return await self._try(source, size, self._quick_seconds)

    async def _try(self, source: Source, size: Size, seconds: float) -> FoundPicture:
        for _ in range(TRIES):
            made = await self._render(source, [size], [size], seconds)
            if made is not NotRendered.CHANGED:
                break
        if made is NotRendered.CHANGED:
            raise Unavailable("The file is being written to")
        if isinstance(made, RenderedFile) and made.pictures:
            if source.problem and made.thumbhash and _is_of(made, source):
                await self._store(RenderedItem(source, made.thumbhash, made.problem))
            return FoundPicture(made.pictures[0], picture_version(*made.version))
        if isinstance(made, RenderedFile) and made.thumbhash is None and _is_of(made, source):
            await self._store(RenderedItem(source, None, made.problem))
        elif isinstance(made, RenderedFile) and _has_version_of(made, source):
            self._remember_failure((source.id, source.version, size))
        raise NotFound("No thumbnail")

    async def _try_again(self, source: Source, size: Size) -> FoundPicture:
        """Render a file that failed once. If it fails again, it is not tried again in any size."""
        self._check_failures(source, size)
        try:
            return await self._try(source, size, self._max_seconds)
        except WorkerFailed as failure:
            self._remember_failure((source.id, source.version, None))
            await self._store(_failed(source))
            raise NotFound("No thumbnail") from failure

    async def _store(self, rendered: RenderedItem) -> None:
        await self._db.write(reconcile.store_thumbnails, rendered.source.root_id, [rendered])

    async def ahead(self, source: Source) -> RenderedItem | None:
        """Render the usual sizes, while no request waits.

        Return None if the file has changed, or if it failed for the first time: it is tried again
        later.
        """
        await self._first_tries.rest()
        any_size = (source.id, source.version, None)
        if self._has_failed(any_size):
            return None
        sizes = AHEAD if self._used < self._max_bytes * FULL else []
        is_last_try = any_size in self._slow
        seconds = self._max_seconds if is_last_try else self._quick_seconds
        try:
            made = await self._render(source, sizes, [], seconds)
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

    async def _render(
        self, source: Source, sizes: Sequence[Size], wanted: Sequence[Size], seconds: float
    ) -> RenderedFile | NotRendered:
        """Render in a worker. Raises `WorkerFailed` if this took too much, and `Unavailable`."""
        try:
            made = await self._renderers[source.root_id].draw(source.path, sizes, wanted, seconds)
        except WorkerFailed as failure:
            logger.warning("%s cannot be rendered: %s", source.path, failure)
            self._slow[source.id, source.version, None] = None
            if len(self._slow) > MAX_FAILURES:
                self._slow.popitem(last=False)
            raise
        if isinstance(made, RenderedFile):
            self._grow(made.kept)
        return made

    def _remember_failure(self, wanted: _Wanted) -> None:
        self._failures[wanted] = time.monotonic() + RETRY_SECONDS
        while len(self._failures) > MAX_FAILURES:
            self._failures.popitem(last=False)

    def _has_failed(self, wanted: _Wanted) -> bool:
        return self._failures.get(wanted, 0.0) > time.monotonic()

    def _check_failures(self, source: Source, size: Size) -> None:
        """Raise `NotFound` if the thumbnail could not be made in this size, or in any."""
        wanted = (source.id, source.version)
        if self._has_failed((*wanted, size)) or self._has_failed((*wanted, None)):
            raise NotFound("No thumbnail")

    def _grow(self, more: int) -> None:
        """Count `more` bytes as used. Above the maximum, remove the least recently used files."""
        self._used += more
        if self._used > self._max_bytes and self._shrinking.done():
            self._shrinking = asyncio.ensure_future(self._shrink())

    async def _shrink(self) -> None:
        try:
            self._used -= await self._disk(self._cache.shrink, int(self._max_bytes * FULL))
        except Unavailable as error:
            logger.warning("old thumbnails cannot be removed: %s", error.__cause__)

    async def _disk(self, work: Callable[[*Args], T], *args: *Args) -> T:
        """Call `work` on the cache in a thread. Raises `Unavailable` if it fails with `OSError`."""
        try:
            return await to_thread.run_sync(work, *args, limiter=self._readers)
        except OSError as error:
            raise Unavailable("Thumbnails cannot be read now") from error


def _is_of(made: RenderedFile, source: Source) -> bool:
    """Return whether this version of the file has been read and is in the index."""
    return _has_version_of(made, source) and source.fingerprint is not None


def _has_version_of(made: RenderedFile, source: Source) -> bool:
    """Return whether the rendered file is the version that the index has."""
    return made.version == source.version


def _failed(source: Source) -> RenderedItem:
    """Return the result for a file that takes too much, or kills the worker."""
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
