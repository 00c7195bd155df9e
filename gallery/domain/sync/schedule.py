"""The times of full passes over a root. Pure: the caller gives the time."""

from collections.abc import Iterable
from enum import Enum, auto

from gallery.values.ids import ItemId

SHARE = 20
"""Full passes without a request take at most one part in this many of the time."""
MANY_HINTS = 1_000
"""This many hints at once are a storm: the system may have dropped others."""
QUIET_SECONDS = 2.0
"""Seconds from a storm to the full pass that finds what the system has dropped."""
MIN_PAUSE = 2.0
MAX_PAUSE = 60.0
"""Seconds until work that failed is tried again; doubled each time."""


class Due(Enum):
    """The action that follows when a pass is due."""

    PASS = auto()
    RENEWAL = auto()
    """Watch the root anew; a pass follows."""


class Schedule:
    """Hold when the next full pass of a root is due, and which missing items wait for it.

    Times are in seconds, by any one clock that never goes back. A pass is due every `interval`
    seconds, and sooner after a doubt. While it `is_unsure` whether a change was missed, missing
    items must not be matched with copies of their files: the files themselves may be elsewhere.
    Such items are held until a pass was sure.
    """

    def __init__(self, now: float, interval: float) -> None:
        self.due = now + interval
        self.is_unsure = True
        self._interval = interval
        self._earliest = now
        self._is_after_storm = False
        self._held = set[ItemId]()
        self._failures = 0
        self._unsure_passes = 0

    def note_hints(self, now: float, count: int) -> None:
        """Note that `count` hints came at once."""
        if count >= MANY_HINTS:
            self._is_after_storm = self.is_unsure = True
            self.want_pass(now, QUIET_SECONDS)

    def note_gap(self, now: float) -> None:
        """Note that changes may have been missed."""
        self.is_unsure = True
        self.want_pass(now)

    def want_pass(self, now: float, pause: float = 0.0) -> None:
        """Make a pass due after `pause` seconds, or later if passes have used their share."""
        self.due = max(now + pause, self._earliest)

    def take_due(self, now: float, *, is_watched: bool) -> Due:
        """Return the action that is due. After a storm, the root is watched anew."""
        is_renewal = self._is_after_storm and is_watched
        self._is_after_storm = False
        if is_renewal:
            self.due = now + self._interval
        return Due.RENEWAL if is_renewal else Due.PASS

    def note_listed(self, *, is_unsure: bool) -> None:
        """Note that a pass has listed the whole root; `is_unsure` if the root changed meanwhile."""
        self.is_unsure = self._is_after_storm
        self._unsure_passes = self._unsure_passes + 1 if is_unsure else 0

    def note_pass_ended(self, now: float, began: float) -> None:
        """Note that a pass has ended, also one that failed."""
        self._earliest = now + SHARE * (now - began)
        self.want_pass(now, backoff(self._unsure_passes, self._interval) or self._interval)

    def hold(self, items: Iterable[ItemId]) -> None:
        """Hold missing items until a pass was sure."""
        self._held.update(items)

    def release(self) -> set[ItemId]:
        """Remove and return the held items."""
        held, self._held = self._held, set()
        return held

    def note_failure(self) -> int:
        """Count a failure. Return how many there were in succession."""
        self._failures += 1
        return self._failures

    def note_success(self) -> None:
        """Note that the work succeeded."""
        self._failures = 0

    @property
    def pause(self) -> float:
        """Return the seconds until failed work is tried again; 0 if it did not fail."""
        return backoff(self._failures, MAX_PAUSE)


def backoff(tries: int, longest: float) -> float:
    """Return the seconds to wait after `tries` failures in succession; 0 after none."""
    return min(MIN_PAUSE * 2.0 ** min(tries - 1, 32), longest) if tries else 0.0
