"""The state of one root, as this process serves it."""

import asyncio
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import islice

from gallery.disk.roots import Root
from gallery.events import Bus, RootChanged
from gallery.model import PHASES, Hint, Phase, Progress

MAX_PREFERRED = 2_000
"""Items that somebody looks at and that are read, and drawn, before all others."""


class Preferred:
    """What is to be done before all else, because somebody looks at it; the latest first."""

    def __init__(self, most: int) -> None:
        self._ids: deque[int] = deque(maxlen=most)

    def add(self, item_id: int) -> None:
        """Another one; if there are too many, the first is forgotten."""
        self._ids.append(item_id)

    def add_last(self, item_ids: Iterable[int]) -> None:
        """Others that come after all that are there already."""
        self._ids.extendleft(item_ids)

    def take(self, most: int) -> list[int]:
        """At most so many, which count as done from now on."""
        return [self._ids.pop() for _ in range(min(most, len(self._ids)))]


class RootStatus:
    """Hold the state of a root in this process, and the work that is waiting in it.

    `identity` is that of its directory when it was last known to be the right one. `watch_problem`
    says why changes are not noticed at once, `trouble` why the disk cannot be read at the moment.
    `passes` counts full passes. `ripe` holds items that have been missing for long enough to look
    for what replaced them. While it `is_watched`, setting `renewal` restarts the watching, and
    a full pass follows. Items in `unread` and `undrawn` come before others.
    """

    def __init__(self, id_: int, root: Root, bus: Bus) -> None:
        self.id = id_
        self.root = root
        self.identity: tuple[int, int] | None = None
        self.work = asyncio.Event()
        self.scan_wanted = False
        self.accept_missing = False
        self.is_doubted = False
        self.ripe = set[int]()
        self.passes = 0
        self.is_watched = False
        self.renewal = asyncio.Event()
        self._hints: dict[str, Hint] = {}
        self.unread = Preferred(MAX_PREFERRED)
        self.undrawn = Preferred(MAX_PREFERRED)
        self._under_way: dict[Phase, Progress] = {}
        self._is_offline = False
        self._blind: str | None = None
        self.trouble: str | None = None
        self._bus = bus

    def request_scan(self, *, accept_missing: bool = False) -> None:
        """The indexer reconciles the root as soon as it can, if need be once more."""
        self.scan_wanted = True
        self.accept_missing = self.accept_missing or accept_missing
        if "scanning" not in self._under_way:
            self.advance("scanning", 0, None)
        self.work.set()

    def doubt(self) -> None:
        """Something may have gone unnoticed: a full pass follows when its share of time allows."""
        self.is_doubted = True
        self.work.set()

    def hint(self, pointed_at: Iterable[str], hint: Hint = Hint.LOOK) -> None:
        """Something may have changed at these paths of the library: the indexer looks."""
        for path in pointed_at:
            self._hints[path] = max(hint, self._hints.get(path, hint))
        if self._hints:
            self.work.set()

    def take_hints(self, most: int | None = None) -> dict[str, Hint]:
        """At most so many hints, which count as followed from now on."""
        taken = list(islice(self._hints, most))
        return {path: self._hints.pop(path) for path in taken}

    def scan_ended(self) -> None:
        """No scan is under way in the root any more, unless the next one is already asked for."""
        if not self.scan_wanted:
            self.end("scanning")

    def is_trusted(self) -> bool:
        """Return whether the directory is for certain the right one. It blocks."""
        if self.is_offline or self.identity is None:
            return False
        try:
            return self.identity == self.root.identity()
        except OSError:  # it cannot be told now
            return False

    @property
    def has_hints(self) -> bool:
        return bool(self._hints)

    def advance(self, phase: Phase, done: int, total: int | None) -> None:
        """Some work is under way, and so far."""
        with self._telling():
            self._under_way[phase] = Progress(phase, done, total)

    def end(self, phase: Phase) -> None:
        """Some work is not under way any more."""
        with self._telling():
            self._under_way.pop(phase, None)

    @contextmanager
    def _telling(self) -> Generator[None]:
        former = self.progress
        yield
        if (former and former.phase) != (self.progress and self.progress.phase):
            self._bus.publish(RootChanged(self.id))

    @property
    def is_catching_up(self) -> bool:
        """Whether files are being listed or read: drawing waits for that."""
        return self.progress is not None and self.progress.phase != "drawing"

    @property
    def progress(self) -> Progress | None:
        """Of what is under way, that which others wait for."""
        return next((self._under_way[it] for it in PHASES if it in self._under_way), None)

    @property
    def is_offline(self) -> bool:
        return self._is_offline

    @is_offline.setter
    def is_offline(self, is_offline: bool) -> None:
        former, self._is_offline = self._is_offline, is_offline
        if former != is_offline:
            self._bus.publish(RootChanged(self.id))

    @property
    def watch_problem(self) -> str | None:
        return self._blind

    @watch_problem.setter
    def watch_problem(self, reason: str | None) -> None:
        former, self._blind = self._blind, reason
        if former != reason:
            self._bus.publish(RootChanged(self.id))

    @property
    def state(self) -> str:
        """`online`, `offline` or `scanning`."""
        if self.is_offline:
            return "offline"
        return "scanning" if "scanning" in self._under_way else "online"
