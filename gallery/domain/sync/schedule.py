"""When a root is looked through as a whole. Pure: every method is told the time."""

from collections.abc import Iterable
from enum import Enum, auto

from gallery.values.ids import ItemId

SHARE = 20
"""Full passes that were not asked for take at most one part in this many of the time."""
MANY_HINTS = 1_000
"""This many hints at once are a storm: the system may have dropped others."""
QUIET_SECONDS = 2.0
"""How long after a storm the root is looked through for what was missed."""
MIN_PAUSE = 2.0
MAX_PAUSE = 60.0
"""Seconds until work that failed is tried again; doubled each time."""


class Due(Enum):
    """What comes when a pass is due."""

    PASS = auto()
    RENEWAL = auto()
    """The root is watched anew, which a pass follows."""


class Schedule:
    """Hold when the next full pass of a root is due, and what is not certain until then.

    Times are in seconds, by any one clock that never goes back. A pass is due every `interval`
    seconds, and sooner after doubts. While it `is_unsure` whether a change went unnoticed, items
    that are missing must not be matched with copies of their files: the files themselves may be
    elsewhere. Such items are held until a pass was sure.
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
        """A number of hints came at once."""
        if count >= MANY_HINTS:
            self._is_after_storm = self.is_unsure = True
            self.want_pass(now, QUIET_SECONDS)

    def note_gap(self, now: float) -> None:
        """Changes may have gone unnoticed."""
        self.is_unsure = True
        self.want_pass(now)

    def want_pass(self, now: float, pause: float = 0.0) -> None:
        """Have a pass after `pause` seconds, or later if passes have taken their share of time."""
        self.due = max(now + pause, self._earliest)

    def take_due(self, now: float, *, is_watched: bool) -> Due:
        """Return what is done now that a pass is due. After a storm the watching is renewed."""
        is_renewal = self._is_after_storm and is_watched
        self._is_after_storm = False
        if is_renewal:
            self.due = now + self._interval
        return Due.RENEWAL if is_renewal else Due.PASS

    def note_listed(self, *, is_unsure: bool) -> None:
        """A pass has listed the whole root; `is_unsure` if the root changed while it was listed."""
        self.is_unsure = self._is_after_storm
        self._unsure_passes = self._unsure_passes + 1 if is_unsure else 0

    def note_pass_ended(self, now: float, began: float) -> None:
        """A pass has ended, however it ended."""
        self._earliest = now + SHARE * (now - began)
        self.want_pass(now, backoff(self._unsure_passes, self._interval) or self._interval)

    def hold(self, items: Iterable[ItemId]) -> None:
        """Keep missing items until a pass was sure."""
        self._held.update(items)

    def release(self) -> set[ItemId]:
        """Return the items that were held, which are not held any longer."""
        held, self._held = self._held, set()
        return held

    def note_failure(self) -> int:
        """Some work failed. Return how many times in succession it has."""
        self._failures += 1
        return self._failures

    def note_success(self) -> None:
        """The work that was wanted is done."""
        self._failures = 0

    @property
    def pause(self) -> float:
        """Seconds until work that failed is tried again; 0 if none failed."""
        return backoff(self._failures, MAX_PAUSE)


def backoff(tries: int, longest: float) -> float:
    """Return how many seconds to wait after this many failures in succession; 0 after none."""
    return min(MIN_PAUSE * 2.0 ** min(tries - 1, 32), longest) if tries else 0.0
