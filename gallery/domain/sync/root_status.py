"""The state of one root in this process. It is kept only here."""

import asyncio
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import islice

from gallery.disk.roots import Root
from gallery.events import Bus, RootChanged
from gallery.model import PHASES, Hint, Phase, Progress
from gallery.values.ids import ItemId, RootId

MAX_PREFERRED = 2_000
"""Items that clients show, which are read and rendered before all others."""
MIN_FILES_LOST = 20
"""A root that loses fewer files at once does not count as unplugged, unless it loses all."""


def looks_unplugged(missing: int, expected: int) -> bool:
    """Return whether the disk was probably unplugged, because too many files are missing.

    These are all of the `expected` files, or at least half of them and at least 20.
    """
    is_everything = missing >= expected > 0
    return is_everything or (missing >= MIN_FILES_LOST and missing * 2 >= expected)


class Preferred:
    """Hold the ids of items that come first because a client shows them; the latest is first."""

    def __init__(self, most: int) -> None:
        self._ids: deque[ItemId] = deque(maxlen=most)

    def add(self, item_id: ItemId) -> None:
        """Put an item first. If there are too many, the last one is dropped."""
        self._ids.append(item_id)

    def add_last(self, item_ids: Iterable[ItemId]) -> None:
        """Put items after all others."""
        self._ids.extendleft(item_ids)

    def take(self, most: int) -> list[ItemId]:
        """Remove and return the first items, at most `most`."""
        return [self._ids.pop() for _ in range(min(most, len(self._ids)))]


class RootStatus:
    """Hold the state of a root in this process, and the work that waits for the indexer.

    Methods change the state, and publish an event if clients can see the change. `work` is set when
    the indexer has something to do, `renewal` when the root must be watched anew. Items in `unread`
    and `unrendered` come before others.
    """

    def __init__(self, id_: RootId, root: Root, bus: Bus) -> None:
        self.id = id_
        self.root = root
        self.work = asyncio.Event()
        self.renewal = asyncio.Event()
        self.unread = Preferred(MAX_PREFERRED)
        self.unrendered = Preferred(MAX_PREFERRED)
        self._bus = bus
        self._identity: tuple[int, int] | None = None
        self._is_offline = False
        self._is_watched = False
        self._watch_problem: str | None = None
        self._disk_problem: str | None = None
        self._passes = 0
        self._is_scan_wanted = False
        self._accepts_missing = False
        self._has_gap = False
        self._hints: dict[str, Hint] = {}
        self._ripe = set[ItemId]()
        self._under_way: dict[Phase, Progress] = {}

    # Requests to the indexer.

    def request_scan(self, *, accept_missing: bool = False) -> None:
        """Request a full pass as soon as possible, and another one if a pass is under way."""
        self._is_scan_wanted = True
        self._accepts_missing = self._accepts_missing or accept_missing
        if "scanning" not in self._under_way:
            self.advance("scanning", 0, None)
        self.work.set()

    def report_gap(self) -> None:
        """Note that changes may have been missed: a full pass follows, within its share of time."""
        self._has_gap = True
        self.work.set()

    def hint(self, pointed_at: Iterable[str], hint: Hint = Hint.LOOK) -> None:
        """Request a look at these paths of the library."""
        for path in pointed_at:
            self._hints[path] = max(hint, self._hints.get(path, hint))
        if self._hints:
            self.work.set()

    def ripen(self, items: Iterable[ItemId]) -> None:
        """Request a search for the files of items that have been missing for a while."""
        self._ripe.update(items)
        self.work.set()

    @property
    def has_hints(self) -> bool:
        """Return whether there are paths to look at."""
        return bool(self._hints)

    @property
    def is_scan_wanted(self) -> bool:
        """Return whether a full pass is requested and has not begun."""
        return self._is_scan_wanted

    @property
    def has_work(self) -> bool:
        """Return whether the indexer has something to do at once."""
        return bool(self._is_scan_wanted or self._hints or self._ripe)

    def take_hints(self, most: int | None = None) -> dict[str, Hint]:
        """Remove and return at most `most` hints."""
        taken = list(islice(self._hints, most))
        return {path: self._hints.pop(path) for path in taken}

    def take_ripe(self) -> set[ItemId]:
        """Remove and return the items of `ripen`."""
        ripe, self._ripe = self._ripe, set()
        return ripe

    def take_gap(self) -> bool:
        """Return whether a gap was reported since the last call."""
        had_gap, self._has_gap = self._has_gap, False
        return had_gap

    # A full pass.

    def begin_pass(self) -> bool:
        """Begin the requested full pass. Return whether it accepts any number of missing files."""
        accepts_missing = self._accepts_missing
        self._is_scan_wanted = self._accepts_missing = False
        return accepts_missing

    def end_pass(self) -> None:
        """Count a full pass that has ended, also one that failed."""
        self._passes += 1
        self.end_scan()

    def end_scan(self) -> None:
        """End the phase of scanning, unless the next pass is already requested."""
        if not self._is_scan_wanted:
            self.end("scanning")

    @property
    def passes(self) -> int:
        """Return how many full passes have ended."""
        return self._passes

    # Presence, problems and watching of the root.

    def is_trusted(self) -> bool:
        """Return whether the directory is certainly that of the root. It blocks."""
        if self._is_offline or self._identity is None:
            return False
        try:
            return self._identity == self.root.identity()
        except OSError:  # the disk cannot be read now
            return False

    def identify(self) -> None:
        """Remember the present directory as that of the root. It blocks; raises `OSError`."""
        self._identity = self.root.identity()

    @property
    def is_offline(self) -> bool:
        """Return whether the root is offline."""
        return self._is_offline

    def set_offline(self, *, is_offline: bool = True) -> None:
        """Note whether the root is offline."""
        if self._is_offline != is_offline:
            self._is_offline = is_offline
            self._publish()

    @property
    def problems(self) -> list[str]:
        """Return the present problems: of reading the disk, and of noticing changes at once."""
        return [reason for reason in (self._disk_problem, self._watch_problem) if reason]

    def set_disk_problem(self, reason: str | None) -> None:
        """Note why the disk cannot be read now, None if it can."""
        self._disk_problem = reason

    def set_watch_problem(self, reason: str | None) -> None:
        """Note why changes are not noticed at once, None if they are."""
        if self._watch_problem != reason:
            self._watch_problem = reason
            self._publish()

    @property
    def is_watched_in_part(self) -> bool:
        """Return whether some changes are found only by full passes."""
        return self._watch_problem is not None

    @property
    def is_watched(self) -> bool:
        """Return whether changes are reported now."""
        return self._is_watched

    def set_watched(self, *, is_watched: bool) -> None:
        """Note whether changes are reported now."""
        self._is_watched = is_watched

    # Progress and state for clients.

    def advance(self, phase: Phase, done: int, total: int | None) -> None:
        """Note the progress of a phase."""
        with self._phase_changing():
            self._under_way[phase] = Progress(phase, done, total)

    def end(self, phase: Phase) -> None:
        """Note that a phase has ended."""
        with self._phase_changing():
            self._under_way.pop(phase, None)

    @contextmanager
    def _phase_changing(self) -> Generator[None]:
        former = self.progress
        yield
        if (former and former.phase) != (self.progress and self.progress.phase):
            self._publish()

    def _publish(self) -> None:
        self._bus.publish(RootChanged(self.id))

    @property
    def is_catching_up(self) -> bool:
        """Return whether files are being listed or read: thumbnails are made afterwards."""
        return self.progress is not None and self.progress.phase != "drawing"

    @property
    def progress(self) -> Progress | None:
        """Return the progress of the first phase that is under way, None if there is none."""
        return next((self._under_way[it] for it in PHASES if it in self._under_way), None)

    @property
    def state(self) -> str:
        """Return `online`, `offline` or `scanning`."""
        if self._is_offline:
            return "offline"
        return "scanning" if "scanning" in self._under_way else "online"
