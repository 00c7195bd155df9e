"""Times: milliseconds since 1970 in the database, ISO 8601 for clients."""

from datetime import UTC, datetime, timedelta
from typing import NewType

Millis = NewType("Millis", int)
"""Milliseconds since 1970: when something changed, or when a picture was taken."""
Micros = NewType("Micros", int)
"""Microseconds since 1970: when a file or folder was modified."""

_DAY_ONE = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
EARLIEST, LATEST = ((day - _DAY_ONE) // timedelta(milliseconds=1) for day in (_EARLIEST, _LATEST))
"""The first and last time that can be shown, in milliseconds since 1970."""


def month_of(milliseconds: int) -> int:
    """Return the month of a time in milliseconds since 1970, as 202507."""
    day = _DAY_ONE + timedelta(milliseconds=milliseconds)
    return day.year * 100 + day.month


def beginning_of(month: int) -> int:
    """Return when a month like 202507 begins, in milliseconds since 1970.

    Month 13 is the next January. A year that cannot be shown gives `EARLIEST` or `LATEST`.
    """
    years, months = divmod(month // 100 * 12 + month % 100 - 1, 12)
    if not _EARLIEST.year <= years <= _LATEST.year:
        return LATEST if years > 0 else EARLIEST
    return (datetime(years, months + 1, 1, tzinfo=UTC) - _DAY_ONE) // timedelta(milliseconds=1)


def file_time(modified_at: int) -> Millis:
    """Return a file's time of modification in milliseconds, cut to `EARLIEST` and `LATEST`.

    A file system can contain times that no calendar has.
    """
    return Millis(max(EARLIEST, min(modified_at // 1_000, LATEST)))


def moment(milliseconds: Millis) -> datetime:
    """Return a stored time as clients see it: whole seconds, UTC."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def local_time(milliseconds: Millis) -> str:
    """Return a stored local time as clients see it: ISO 8601 without a zone."""
    return moment(milliseconds).replace(tzinfo=None).isoformat()


def zone(minutes: int | None) -> str | None:
    """Return how far a clock is ahead of UTC, as `+02:00`; None if that is not known."""
    if minutes is None:
        return None
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"
