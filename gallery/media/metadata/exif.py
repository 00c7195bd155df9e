"""EXIF, as Pillow parses it. The type of a value is never certain."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import product
from math import isfinite
from typing import TYPE_CHECKING

from gallery.media.metadata import sources
from gallery.media.metadata.broken import BROKEN, report, reported
from gallery.media.metadata.sources import MAX_TEXT_BYTES, Metadata
from gallery.media.metadata.times import clock, utc

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION = 0x0112
_EXIF, _GPS = 0x8769, 0x8825
_UTF16 = {"title": 0x9C9B, "caption": 0x9C9C, "keywords": 0x9C9E}
_MAIN_TAGS = (0x010E, 0x010F, 0x0110, 0x4746, *_UTF16.values())
_OWN_TAGS = (
    *(0x829A, 0x829D, 0x8827, 0x9003, 0x9004, 0x9011, 0x9012, 0x9286, 0x9291, 0x9292),
    *(0x920A, 0xA434),
)
_GPS_TAGS = (1, 2, 3, 4, 5, 6, 7, 29)
_CLOCK_PARTS = 3


def read(exif: "Image.Exif") -> Metadata:
    """Return the metadata of EXIF. Broken values are left out."""
    return _tags(
        _directory(exif, None, _MAIN_TAGS),
        _directory(exif, _EXIF, _OWN_TAGS),
        _directory(exif, _GPS, _GPS_TAGS),
    )


def read_apart(main: "Image.Exif", own: "Image.Exif", gps: "Image.Exif") -> Metadata:
    """Return the metadata of EXIF whose directories are separate, each like a main one."""
    return _tags(
        _directory(main, None, _MAIN_TAGS),
        _directory(own, None, _OWN_TAGS),
        _directory(gps, None, _GPS_TAGS),
    )


def _tags(
    main: Mapping[int, object], own: Mapping[int, object], gps: Mapping[int, object]
) -> Metadata:
    time = clock(_string(own.get(0x9003)), _string(own.get(0x9291)), _string(own.get(0x9011)))
    if time is None:
        time = clock(_string(own.get(0x9004)), _string(own.get(0x9292)), _string(own.get(0x9012)))
    rating = main.get(0x4746)
    return Metadata(
        clock=time,
        utc=_satellite_time(gps),
        camera=sources.camera(_name(main.get(0x010F)), _name(main.get(0x0110))),
        lens=_name(own.get(0xA434)),
        exposure=sources.scaled(own.get(0x829A), 1_000_000_000),
        aperture=sources.scaled(own.get(0x829D), 1_000),
        iso=sources.scaled(_first(own.get(0x8827)), 1),
        focal_length=sources.scaled(own.get(0x920A), 1_000),
        position=_position(gps),
        altitude=_altitude(gps),
        rating=rating if isinstance(rating, int) and 0 < rating <= 5 else None,
        title=sources.line(_utf16(main.get(_UTF16["title"]))),
        caption=sources.caption(_repaired(main.get(0x010E)))
        or sources.caption(_utf16(main.get(_UTF16["caption"])))
        or sources.caption(_comment(own.get(0x9286))),
        keywords=sources.keywords(
            (name,) for name in (_utf16(main.get(_UTF16["keywords"])) or "").split(";")
        ),
    )


def _directory(
    exif: "Image.Exif", number: int | None, wanted: Iterable[int]
) -> Mapping[int, object]:
    """Return the wanted values of a directory that can be read.

    Some cameras and programs write tags of the EXIF directory into the main one.
    """
    places: list[Mapping[int, object]] = [exif] if number in (None, _EXIF) else []
    if number is not None:
        with reported():
            places.insert(0, exif.get_ifd(number))
    found: dict[int, object] = {}
    for directory, tag in product(places, wanted):
        try:
            if tag not in found and tag in directory:
                found[tag] = directory[tag]
        except BROKEN as error:
            report(error)
    return found


def _first(value: object) -> object:
    return value[0] if isinstance(value, tuple) and value else value


def _string(value: object) -> str | None:
    if isinstance(value, bytes):
        return sources.decoded(value)
    return value[:MAX_TEXT_BYTES].partition("\0")[0] if isinstance(value, str) else None


def _repaired(value: object) -> object:
    """Return a text that Pillow decoded as Latin-1 as bytes again: most texts are UTF-8."""
    try:
        return value[:MAX_TEXT_BYTES].encode("latin-1") if isinstance(value, str) else value
    except UnicodeEncodeError:
        return value


def _name(value: object) -> str | None:
    return sources.name(_repaired(value))


def _utf16(value: object) -> str | None:
    """Return a text that Windows wrote: UTF-16 that ends with a NUL."""
    if isinstance(value, (tuple, bytes)):
        value = value[: 2 * MAX_TEXT_BYTES]
    raw = sources.data(value)
    return None if raw is None else raw.decode("utf-16-le", "replace").partition("\0")[0]


def _comment(value: object) -> str | None:
    """Return a user comment: eight bytes that name the encoding, then the text."""
    if not isinstance(value, bytes):
        return None
    encoding, raw = value[:8], value[8 : 2 * MAX_TEXT_BYTES]
    if encoding == b"UNICODE\0":
        is_big = raw[:2] == b"\xfe\xff" or (raw[:1] == b"\0" and raw[1:2] != b"\0")
        return raw.decode("utf-16-be" if is_big else "utf-16-le", "replace").strip("\0\ufeff ")
    return sources.decoded(raw) if encoding in (b"ASCII\0\0\0", b"\0" * 8) else None


def _degrees(value: object, reference: object) -> float | None:
    """Return degrees, minutes and seconds as degrees, negative in the south and the west."""
    parts = value if isinstance(value, tuple) else (value,)
    size = 0.0
    for place, part in enumerate(parts[:3]):
        number = sources.real(part)
        if number is None:
            return None
        size += number / 60.0**place
    letter = (_string(reference) or "").strip().upper()[:1]
    return -size if letter in ("S", "W") else size


def _position(gps: Mapping[int, object]) -> tuple[int, int] | None:
    latitude, longitude = _degrees(gps.get(2), gps.get(1)), _degrees(gps.get(4), gps.get(3))
    if latitude is None or longitude is None:
        return None
    return sources.position(latitude, longitude)


def _altitude(gps: Mapping[int, object]) -> int | None:
    """Return millimetres above sea level."""
    height = sources.scaled(gps.get(6), 1_000)
    return -height if height is not None and gps.get(5) in (1, b"\x01", b"1") else height


def _satellite_time(gps: Mapping[int, object]) -> datetime | None:
    """Return UTC by GPS: the date is a text, the time is three numbers."""
    date, parts = _string(gps.get(29)), gps.get(7)
    numbers = [sources.real(part) for part in parts] if isinstance(parts, tuple) else []
    clock_parts = [int(number) for number in numbers if number is not None and isfinite(number)]
    if date is None or len(clock_parts) != len(numbers) or len(numbers) != _CLOCK_PARTS:
        return None
    return utc("{} {:02d}:{:02d}:{:02d}".format(date, *clock_parts))
