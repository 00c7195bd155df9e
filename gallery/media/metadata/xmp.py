"""XMP, embedded in a file or in a sidecar."""

import re
from collections.abc import Iterator, Sequence

from gallery.limits import MAX_KEYWORD
from gallery.media.metadata import sources
from gallery.media.metadata.broken import BROKEN, report
from gallery.media.metadata.rdf import Properties, properties
from gallery.media.metadata.sources import NOTHING, Metadata
from gallery.media.metadata.times import clock, utc

MAX_PACKET = 4 << 20
"""Bytes of XMP that are read."""
_HIERARCHIES = (
    ("lr:hierarchicalSubject", "|"),
    ("digiKam:TagsList", "/"),
    ("photo:LastKeywordXMP", "/"),
    ("mediapro:CatalogSets", "|"),
)
_TIMES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")
_MAX_KEYWORD_PATH = 4 * MAX_KEYWORD
"""Characters of a hierarchical keyword that are read."""
_COORDINATE = re.compile(
    r"\s*(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?\s*([NSEWnsew])\s*"
)


def read(raw: bytes) -> Metadata:
    """Return the metadata of an XMP packet.

    It is empty if the packet is broken, too large, too deep, or has a document type.
    """
    return tags_of(properties(raw)) if len(raw) <= MAX_PACKET else NOTHING


def tags_of(values: Properties) -> Metadata:
    """Return the metadata of properties, which have prefixed names."""

    def first(*names: str) -> str | None:
        return next((v for name in names for v in values.get(name, ()) if v.strip()), None)

    return Metadata(
        clock=next((time for name in _TIMES if (time := clock(first(name)))), None),
        utc=utc(first("exif:GPSTimeStamp")),
        camera=sources.camera(sources.name(first("tiff:Make")), sources.name(first("tiff:Model"))),
        lens=sources.name(first("exifEX:LensModel", "aux:Lens")),
        exposure=sources.scaled(_ratio(first("exif:ExposureTime")), 1_000_000_000),
        aperture=sources.scaled(_ratio(first("exif:FNumber")), 1_000),
        iso=sources.scaled(first("exif:ISOSpeedRatings", "exifEX:PhotographicSensitivity"), 1),
        focal_length=sources.scaled(_ratio(first("exif:FocalLength")), 1_000),
        position=_position(first("exif:GPSLatitude"), first("exif:GPSLongitude")),
        altitude=_altitude(first("exif:GPSAltitude"), first("exif:GPSAltitudeRef")),
        rating=_rating(first("xmp:Rating")),
        title=sources.line(first("dc:title")),
        caption=sources.caption(first("dc:description")),
        keywords=sources.keywords(_keywords(values)),
    )


def _keywords(values: Properties) -> Iterator[Sequence[str]]:
    subjects = values.get("dc:subject", ())
    yield from ((name,) for name in subjects)
    alone = frozenset(subjects)
    for name, separator in _HIERARCHIES:
        for path in values.get(name, ()):
            if separator in path or path not in alone:
                yield path[:_MAX_KEYWORD_PATH].split(separator)


def _ratio(raw: str | None) -> float | None:
    """Return the value of `1/250`, or of a number."""
    if raw is None:
        return None
    top, slash, bottom = raw.partition("/")
    try:
        return float(top) / (float(bottom) if slash else 1)
    except BROKEN as error:
        report(error)
        return None


def _rating(raw: str | None) -> int | None:
    """Return a rating from -1 (rejected) to 5; None for 0, which is no rating."""
    number = sources.real(raw)
    if number is None or not -2 < number < 6:
        return None
    return int(number) or None


def _position(latitude: str | None, longitude: str | None) -> tuple[int, int] | None:
    north, east = _degrees(latitude), _degrees(longitude)
    return None if north is None or east is None else sources.position(north, east)


def _degrees(raw: str | None) -> float | None:
    """Return degrees from `48,51.5N`, or with seconds `48,51,30N`."""
    found = _COORDINATE.fullmatch(raw or "")
    if found is None:
        return None
    size = int(found[1]) + float(found[2]) / 60 + float(found[3] or 0) / 3_600
    return -size if found[4].upper() in "SW" else size


def _altitude(raw: str | None, reference: str | None) -> int | None:
    height = sources.scaled(_ratio(raw), 1_000)
    return -height if height is not None and reference == "1" else height
