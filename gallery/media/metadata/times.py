"""When something was taken: reading the ways to write a time, and choosing among several."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from gallery.media.metadata.sources import CameraClock, Sources
from gallery.model import Taken
from gallery.values.times import file_time

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (a wall clock's)
_FARTHEST = timedelta(hours=15)
_QUARTER = timedelta(minutes=15)
_FARTHEST_ZONE = timedelta(hours=14)
"""The largest difference between a local clock and UTC that is taken for a zone."""
_CLOCK_ERROR = timedelta(minutes=5)
"""How far a camera's clock may be from a satellite's, apart from the zone."""
_FRACTION = timedelta(seconds=1)
"""Two writings of one time differ by less: not all have fractions of a second."""
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
_MAX_TIME = 64
"""Characters, between the padding, of what may be a time."""


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
    return CameraClock(local, _offset(zone or offset), hour is not None)


def _stripped(raw: object) -> str:
    """Return a text without its padding; nothing of what is too long for a time, or no text."""
    text = raw.strip(_PADDING) if isinstance(raw, str) else ""
    return text if len(text) <= _MAX_TIME else ""


def _offset(raw: object) -> timedelta | None:
    found = _ZONE.fullmatch(_stripped(raw))
    if found is None:
        return None
    if found[1]:
        return timedelta()
    size = timedelta(hours=int(found[3]), minutes=int(found[4] or 0))
    return None if size >= _FARTHEST else -size if found[2] == "-" else size


def utc(raw: object) -> datetime | None:
    """Return a time that is in UTC unless it says otherwise, without its zone; None for a date."""
    read = clock(raw)
    return None if read is None or not read.has_time else read.local - (read.offset or timedelta())


def choose(said: Sources, modified_at: int) -> Taken:
    """The time that deserves most trust; the file's own (`modified_at`, microseconds) if none does.

    A sidecar is what somebody wrote last. Then comes what knows its zone, then what does not: the
    camera's clock, then the others, read as UTC. An instant in UTC and a local clock of another
    source are one statement where their difference can be a zone.
    """
    satellites = [tags.utc for tags in (said.exif, said.xmp, said.sidecar) if tags.utc]
    by_gps = said.xmp.utc or said.sidecar.utc
    for source, time in (
        ("sidecar", _zoned(said.sidecar.clock, said)),
        ("xmp", _is_zoned(said.xmp.clock) and _zoned(said.xmp.clock, said)),
        ("gps", _by_instants(said.exif.clock, satellites, _CLOCK_ERROR)),
        ("exif", _is_zoned(said.exif.clock) and _zoned(said.exif.clock, said)),
        ("gps", _by_instants(said.xmp.clock, satellites, _CLOCK_ERROR)),
        ("gps", by_gps and CameraClock(by_gps, timedelta())),
        ("exif", _zoned(said.exif.clock, said)),
        ("xmp", _zoned(said.xmp.clock, said)),
        ("iptc", _zoned(said.iptc.clock, said)),
        ("container", _zoned(said.container.clock, said)),
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


def _is_zoned(time: CameraClock | None) -> bool:
    return time is not None and time.offset is not None


def _zoned(time: CameraClock | None, said: Sources) -> CameraClock | None:
    """Return a time with what the other sources say of its zone.

    A clock without a zone gets the one by which it differs from an instant in UTC. An instant in
    UTC becomes the local clock that shows the same moment.
    """
    if time is None:
        return None
    clocks = [tags.clock for tags in said if tags.clock]
    if time.offset is None:
        instants = [one.local for one in clocks if one.has_time and one.offset == timedelta()]
        satellites = [tags.utc for tags in said if tags.utc]
        return (
            _by_instants(time, instants, _FRACTION)
            or _by_instants(time, satellites, _CLOCK_ERROR)
            or time
        )
    if time.offset or not time.has_time:
        return time
    for one in clocks:
        local = _by_instants(CameraClock(one.local, None, one.has_time), [time.local], _FRACTION)
        if local and local.offset and one.offset in (None, local.offset):
            return local
    return time


def _by_instants(
    time: CameraClock | None, instants: Iterable[datetime], error: timedelta
) -> CameraClock | None:
    """Return a clock without a zone with the first by which it differs from one of the instants."""
    if time is None or time.offset is not None or not time.has_time:
        return None
    for instant in instants:
        ahead = time.local - instant
        zone = round(ahead / _QUARTER) * _QUARTER
        if abs(zone) <= _FARTHEST_ZONE and abs(ahead - zone) < error:
            return CameraClock(time.local, zone)
    return None


def _taken(clock_: CameraClock, source: str) -> Taken:
    local = (clock_.local - _EPOCH) // _MILLISECOND
    ahead = clock_.offset
    if ahead is None:
        return Taken(local, local, None, source)
    return Taken(local - ahead // _MILLISECOND, local, ahead // timedelta(minutes=1), source)
