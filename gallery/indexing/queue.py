"""Reads what the index has listed: each file once, when it has been still for two seconds.

The queue is the database's `probed_at IS NULL`, so it survives a crash by itself.
"""

import logging
import os
import time

import msgspec

from gallery.disk.roots import Root, seen
from gallery.domain import reading, reconcile, scopes
from gallery.domain.leases import Leased
from gallery.domain.library import Served
from gallery.indexing.backlog import Backlog
from gallery.media import worker
from gallery.media.fingerprints import fingerprint
from gallery.media.probe import probe
from gallery.media.times import by_file
from gallery.media.xmp import LARGEST as LARGEST_SIDECAR
from gallery.media_types import type_of
from gallery.model import Probed
from gallery.store import unread
from gallery.store.unread import Unread

logger = logging.getLogger(__name__)

STILL_SECONDS = 2.0
BATCH = 64
SECONDS_A_FILE = 10.0
TOO_MUCH = "takes too much memory or time to read"


class Queue(Backlog):
    """Reads the files of a library in child processes, a batch at a time."""

    phase = "reading"
    lease = "read"

    def first_pause(self) -> float:
        return STILL_SECONDS

    async def count(self, served: Served) -> int:
        return await self._db.read(unread.count, served.id)

    async def work(self, db: Leased, served: Served) -> int:
        """Reads what is ready."""
        done, last = 0, 0
        while True:
            still_since = time.time_ns() // 1_000_000 - int(STILL_SECONDS * 1_000)
            batch = preferred = await self._preferred(served, still_since)
            if not batch:
                batch = await self._db.read(unread.ready, served.id, still_since, last, BATCH)
                if not batch:
                    return done
                last = batch[-1].id
            served.advance(self.phase, done, done + await self.count(served))
            probed = await self._read(served.root, batch)
            read = [(item, found) for item, found in zip(batch, probed, strict=True) if found]
            for part in reading.parts(read):
                learned = await db.write(reconcile.learn, served.id, part, self._library.transient)
                self._library.departures.note(learned.departures)
            for item in preferred:
                served.undrawn.add(item.id)
            if self._library.departures:
                await db.write(scopes.follow, self._library.departures)
            done += len(read)

    async def _preferred(self, served: Served, still_since: int) -> list[Unread]:
        """What people look at; what is not still yet comes later."""
        wanted = served.unread.take(BATCH)
        if not wanted:
            return []
        ready, later = await self._db.read(unread.among, wanted, still_since)
        served.unread.add_last(later)
        return ready

    async def _read(self, root: Root, batch: list[Unread]) -> list[Probed | None]:
        try:
            return await worker.run(SECONDS_A_FILE * 2, read_files, root, batch)
        except worker.WorkerFailed as failure:
            if len(batch) == 1:
                logger.warning("%s cannot be read: %s", batch[0].path, failure)
                return [unreadable(batch[0])]
            # One of them is to blame: read each by itself.
            return [probed for item in batch for probed in await self._read(root, [item])]


def read_files(root: Root, files: list[Unread]) -> list[Probed | None]:
    """Runs in a child process: what each of the files says of itself.

    None if it does not open, or is not, or does not stay, as it was when it was listed.
    """
    return [_read_file(root, file) for file in files]


def _read_file(root: Root, listed: Unread) -> Probed | None:
    type_ = type_of(listed.path)
    assert type_ is not None
    try:
        with root.open_file(listed.path) as file:
            digest = fingerprint(file, listed.size)
            file.seek(0)
            beside = root.read_sidecars(listed.path, LARGEST_SIDECAR + 1) if listed.sidecar else ()
            try:
                probed = probe(file, listed.path, type_, listed.modified_at, beside)
            except MemoryError:
                probed = unreadable(listed)
            now = seen(listed.path, os.fstat(file.fileno()))
        is_same = now is not None and now[1:3] == (listed.size, listed.modified_at)
        if not is_same or root.sidecar_of(listed.path) != listed.sidecar:
            return None
    except OSError:
        return None
    return msgspec.structs.replace(probed, fingerprint=digest)


def unreadable(listed: Unread) -> Probed:
    """What is known of a file on which a decoder has failed."""
    return Probed(problem=TOO_MUCH, taken=by_file(listed.modified_at))
