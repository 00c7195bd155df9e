"""When something was taken: reading the ways to write a time, and choosing among several."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from gallery.media.tags import NOTHING, CameraClock, Tags
from gallery.model import Taken
from gallery.values.times import file_time

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (a wall clock's)
_FARTHEST = timedelta(hours=15)
_QUARTER = timedelta(minutes=15)
_CLOCK_ERROR = timedelta(minutes=5)
"""How wrong a camera's clock may be, if it is to tell its zone."""
_MILLISECOND = timedelta(milliseconds=1)
EARLIEST_YEAR, LATEST_YEAR = 1800, 2199
_TIME = re.compile(
    r"""(\d{4})
    (?: [:/-]? (\d\d)
      (?: [:/-]? (\d\d)
        (?: [T\ ]+ (\d\d) :? (\d\d) (?: :? (\d\d) (?: [.,] (\d{1,9}) )? \d* )? )? )? )?
    \s* (Z | [+-] \d\d (?: :? \d\d )? )?""",
    re.VERBOSE,
)
_ZONE = re.compile(r"(?:(Z)|([+-])(\d\d):?(\d\d)?)")
_PADDING = " \t\n\r\v\f\0"
_LONGEST_TIME = 64
"""Characters, between the padding, of what may be a time."""


class Sources(NamedTuple):
    """All that speaks of a file, in the order in which it is believed."""

    sidecar: Tags = NOTHING
    xmp: Tags = NOTHING
    iptc: Tags = NOTHING
    exif: Tags = NOTHING
    container: Tags = NOTHING


def clock(raw: object, fraction: object = None, offset: object = None) -> CameraClock | None:
    """A time in one of the ways of EXIF, XMP, IPTC and QuickTime; None for what is none.

    `fraction` holds the digits behind the second, `offset` the zone, where they stand apart.
    """
    found = _TIME.fullmatch(_stripped(raw))
    if found is None:
        return None
    year, month, day, hour, minute, second, digits, zone = found.groups()
    if isinstance(fraction, str) and fraction.strip("\0 ").isdecimal():
        digits = digits or fraction.strip("\0 ")[:9]
    try:
        local = datetime(  # noqa: DTZ001  (the zone stands beside it)
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int(f"{digits or 0:0<6}"[:6]),
        )
    except ValueError:
        return None
    if not EARLIEST_YEAR <= local.year <= LATEST_YEAR:
        return None
    return CameraClock(local, _offset(zone or offset))


def _stripped(raw: object) -> str:
    """Return a text without its padding; nothing of what is too long for a time, or no text."""
    text = raw.strip(_PADDING) if isinstance(raw, str) else ""
    return text if len(text) <= _LONGEST_TIME else ""


def _offset(raw: object) -> timedelta | None:
    found = _ZONE.fullmatch(_stripped(raw))
    if found is None:
        return None
    if found[1]:
        return timedelta()
    size = timedelta(hours=int(found[3]), minutes=int(found[4] or 0))
    return None if size >= _FARTHEST else -size if found[2] == "-" else size


def utc(raw: object) -> datetime | None:
    """A time that is in UTC unless it says otherwise, without its zone."""
    read = clock(raw)
    return None if read is None else read.local - (read.offset or timedelta())


def choose(said: Sources, modified_at: int) -> Taken:
    """The time that deserves most trust; the file's own (`modified_at`, microseconds) if none does.

    A sidecar is what somebody wrote last. Then comes what knows its zone, then what does not: the
    camera's clock, with the zone that its GPS tells, or read as UTC.
    """
    for source, time in (
        ("sidecar", said.sidecar.clock),
        ("xmp", said.xmp.clock if said.xmp.clock and said.xmp.clock.offset is not None else None),
        ("gps", _with_zone(said.exif)),
        ("exif", said.exif.clock),
        ("xmp", said.xmp.clock),
        ("iptc", said.iptc.clock),
        ("container", said.container.clock),
        ("gps", said.exif.utc and CameraClock(said.exif.utc)),
        ("container", said.container.utc and CameraClock(said.container.utc)),
    ):
        if time:
            return _taken(time, source)
    return by_file(modified_at)


def by_file(modified_at: int) -> Taken:
    """The time of a file of which nothing better is known, in microseconds since 1970."""
    time = file_time(modified_at)
    return Taken(time, time, None, "file")


def _with_zone(exif: Tags) -> CameraClock | None:
    """A clock that does not know its zone, with the one by which it differs from a satellite's."""
    if exif.clock is None or exif.clock.offset is not None or exif.utc is None:
        return None
    ahead = exif.clock.local - exif.utc
    zone = round(ahead / _QUARTER) * _QUARTER
    is_zone = abs(zone) < _FARTHEST and abs(ahead - zone) < _CLOCK_ERROR
    return CameraClock(exif.clock.local, zone) if is_zone else None


def _taken(clock_: CameraClock, source: str) -> Taken:
    local = (clock_.local - _EPOCH) // _MILLISECOND
    ahead = clock_.offset
    if ahead is None:
        return Taken(local, local, None, source)
    return Taken(local - ahead // _MILLISECOND, local, ahead // timedelta(minutes=1), source)
