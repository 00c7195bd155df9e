"""The time at which something was taken: parsing, and the choice among several sources."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from gallery.media.metadata.sources import CameraClock, Sources
from gallery.model import Taken
from gallery.values.times import file_time

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (local time)
_FARTHEST = timedelta(hours=15)
_QUARTER = timedelta(minutes=15)
_FARTHEST_ZONE = timedelta(hours=14)
"""Largest difference between local time and UTC that can be a time zone."""
_CLOCK_ERROR = timedelta(minutes=5)
"""Largest error of a camera's clock, compared with GPS, apart from the zone."""
_FRACTION = timedelta(seconds=1)
"""Two forms of the same time differ by less, because some have no fractions of a second."""
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
"""Characters of a time, without padding."""


def clock(raw: object, fraction: object = None, offset: object = None) -> CameraClock | None:
    """Parse a time in a form of EXIF, XMP, IPTC or QuickTime. Return None if it is no time.

    `fraction` (digits of the second) and `offset` (zone) are for sources that separate them.
    """
    found = _TIME.fullmatch(_stripped(raw))
    if found is None:
        return None
    year, month, day, hour, minute, second, digits, zone = found.groups()
    if isinstance(fraction, str) and fraction.strip("\0 ").isdecimal():
        digits = digits or fraction.strip("\0 ")[:9]
    try:
        local = datetime(  # noqa: DTZ001  (local time)
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
    """Return a text without padding; empty if it is no text, or too long for a time."""
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
    """Parse a time, in UTC unless it has a zone. Return it in UTC, None for a date or no time."""
    time = clock(raw)
    return None if time is None or not time.has_time else time.local - (time.offset or timedelta())


def choose(sources: Sources, modified_at: int) -> Taken:
    """Return the most reliable time; without any, `modified_at` (of the file, in microseconds).

    A sidecar comes first, because a person wrote it. Then come times with a zone. Times without a
    zone, read as UTC, come last, the camera's clock first among them. A local time gets its zone
    from a UTC time of another source if the difference can be a zone.
    """
    satellites = [one.utc for one in (sources.exif, sources.xmp, sources.sidecar) if one.utc]
    by_gps = sources.xmp.utc or sources.sidecar.utc
    for source, time in (
        ("sidecar", _zoned(sources.sidecar.clock, sources)),
        ("xmp", _is_zoned(sources.xmp.clock) and _zoned(sources.xmp.clock, sources)),
        ("gps", _by_instants(sources.exif.clock, satellites, _CLOCK_ERROR)),
        ("exif", _is_zoned(sources.exif.clock) and _zoned(sources.exif.clock, sources)),
        ("gps", _by_instants(sources.xmp.clock, satellites, _CLOCK_ERROR)),
        ("gps", by_gps and CameraClock(by_gps, timedelta())),
        ("exif", _zoned(sources.exif.clock, sources)),
        ("xmp", _zoned(sources.xmp.clock, sources)),
        ("iptc", _zoned(sources.iptc.clock, sources)),
        ("container", _zoned(sources.container.clock, sources)),
        ("gps", sources.exif.utc and CameraClock(sources.exif.utc)),
        ("container", sources.container.utc and CameraClock(sources.container.utc)),
    ):
        if time:
            return _taken(time, source)
    return by_file(modified_at)


def by_file(modified_at: int) -> Taken:
    """Return the modification time of a file, in microseconds since 1970, as the time taken."""
    time = file_time(modified_at)
    return Taken(time, time, None, "file")


def _is_zoned(time: CameraClock | None) -> bool:
    return time is not None and time.offset is not None


def _zoned(time: CameraClock | None, sources: Sources) -> CameraClock | None:
    """Return a time with the zone that the other sources imply.

    A local time without a zone gets the difference to a UTC time. A UTC time becomes the local time
    of another source at the same moment.
    """
    if time is None:
        return None
    clocks = [one.clock for one in sources if one.clock]
    if time.offset is None:
        instants = [one.local for one in clocks if one.has_time and one.offset == timedelta()]
        satellites = [one.utc for one in sources if one.utc]
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
    """Give a local time the first zone by which it differs from one of the UTC times."""
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
