"""Times: milliseconds since 1970 in the database, ISO 8601 for clients."""

from datetime import UTC, datetime, timedelta
from typing import NewType

Millis = NewType("Millis", int)
"""A time, in milliseconds since 1970: of changes, and of taking a picture."""
Micros = NewType("Micros", int)
"""A time, in microseconds since 1970: of the modification of a file or folder."""

_DAY_ONE = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
EARLIEST, LATEST = ((day - _DAY_ONE) // timedelta(milliseconds=1) for day in (_EARLIEST, _LATEST))
"""The times that can be shown, in milliseconds since 1970."""


def month_of(milliseconds: int) -> int:
    """The month of a time, as 202507."""
    day = _DAY_ONE + timedelta(milliseconds=milliseconds)
    return day.year * 100 + day.month


def beginning_of(month: int) -> int:
    """When a month like 202507 begins, in milliseconds since 1970; the 13th is the next January."""
    years, months = divmod(month // 100 * 12 + month % 100 - 1, 12)
    if not _EARLIEST.year <= years <= _LATEST.year:
        return LATEST if years > 0 else EARLIEST
    return (datetime(years, months + 1, 1, tzinfo=UTC) - _DAY_ONE) // timedelta(milliseconds=1)


def file_time(modified_at: int) -> Millis:
    """A file's time in milliseconds, within what a calendar knows: disks tell of stranger ones."""
    return Millis(max(EARLIEST, min(modified_at // 1_000, LATEST)))


def moment(milliseconds: Millis) -> datetime:
    """A stored time as clients see it: whole seconds, UTC."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def local_time(milliseconds: Millis) -> str:
    """A stored local time as clients see it: what a clock showed, without a zone."""
    return moment(milliseconds).replace(tzinfo=None).isoformat()


def zone(minutes: int | None) -> str | None:
    """How far a clock is ahead of UTC, as `+02:00`."""
    if minutes is None:
        return None
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"
