"""XMP, embedded in a file or beside it: RDF in XML, read without entities or outside references."""

import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, ParseError

from gallery.media import tags
from gallery.media.tags import BROKEN, NOTHING, Tags
from gallery.media.times import clock

LARGEST = 4 << 20
"""Bytes of XMP that are read."""
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_NAMESPACES = {
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "mediapro": "http://ns.iview-multimedia.com/mediapro/1.0/",
    "photo": "http://ns.microsoft.com/photo/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
_HIERARCHIES = (
    ("lr:hierarchicalSubject", "|"),
    ("digiKam:TagsList", "/"),
    ("photo:LastKeywordXMP", "/"),
    ("mediapro:CatalogSets", "|"),
)
_COORDINATE = re.compile(
    r"\s*(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?\s*([NSEWnsew])\s*"
)


def read(raw: bytes) -> Tags:
    """What a packet of XMP says; nothing if it is broken, too large, or has a document type."""
    from defusedxml import DefusedXmlException, ElementTree  # noqa: PLC0415  (in workers only)

    if len(raw) > LARGEST:
        return NOTHING
    try:
        root = ElementTree.fromstring(raw.strip(b"\0 \r\n\t"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, *BROKEN):
        return NOTHING
    return _tags(_properties(root))


Properties = Mapping[str, list[str]]


def _tags(properties: Properties) -> Tags:
    def first(*names: str) -> str | None:
        return next((v for name in names for v in properties.get(name, ()) if v.strip()), None)

    return Tags(
        clock=clock(first("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")),
        camera=tags.camera(tags.line(first("tiff:Make")), tags.line(first("tiff:Model"))),
        lens=tags.line(first("exifEX:LensModel", "aux:Lens")),
        exposure=tags.scaled(_ratio(first("exif:ExposureTime")), 1_000_000_000),
        aperture=tags.scaled(_ratio(first("exif:FNumber")), 1_000),
        iso=tags.scaled(first("exif:ISOSpeedRatings", "exifEX:PhotographicSensitivity"), 1),
        focal_length=tags.scaled(_ratio(first("exif:FocalLength")), 1_000),
        position=_position(first("exif:GPSLatitude"), first("exif:GPSLongitude")),
        altitude=_altitude(first("exif:GPSAltitude"), first("exif:GPSAltitudeRef")),
        rating=_rating(first("xmp:Rating")),
        title=tags.line(first("dc:title")),
        caption=tags.text(first("dc:description")),
        keywords=tags.keywords(_keywords(properties)),
    )


def _keywords(properties: Properties) -> Iterator[tuple[str, ...]]:
    yield from ((name,) for name in properties.get("dc:subject", ()))
    for name, separator in _HIERARCHIES:
        for path in properties.get(name, ()):
            names = tuple(path.split(separator))
            if len(names) > 1 or path not in properties.get("dc:subject", ()):
                yield names


def _properties(root: Element) -> Properties:
    """The values of every property that we know, whether written as attributes or as elements."""
    known = {f"{{{space}}}": prefix for prefix, space in _NAMESPACES.items()}
    found: dict[str, list[str]] = {}
    for description in root.iter(f"{_RDF}Description"):
        pairs = [(name, [value]) for name, value in description.attrib.items()]
        pairs += [(child.tag, _values(child)) for child in description]
        for name, values in pairs:
            space, brace, local = name.rpartition("}")
            if prefix := known.get(space + brace):
                found.setdefault(f"{prefix}:{local}", []).extend(values)
    return found


def _values(element: Element) -> list[str]:
    """The text of an element, or those of its list; of several languages the default one first."""
    items = sorted(
        element.iter(f"{_RDF}li"), key=lambda item: item.get(_LANGUAGE, "x-default") != "x-default"
    )
    return ["".join(item.itertext()) for item in items] or [element.text or ""]


def _ratio(raw: str | None) -> float | None:
    """`1/250`, or a number."""
    top, slash, bottom = (raw or "").partition("/")
    try:
        return float(top) / (float(bottom) if slash else 1)
    except BROKEN:
        return None


def _rating(raw: str | None) -> int | None:
    """-1, which is rejected, to 5."""
    try:
        rating = int(float(raw or ""))
    except BROKEN:
        return None
    return rating if rating and -1 <= rating <= 5 else None


def _position(latitude: str | None, longitude: str | None) -> tuple[int, int] | None:
    north, east = _degrees(latitude), _degrees(longitude)
    return None if north is None or east is None else tags.position(north, east)


def _degrees(raw: str | None) -> float | None:
    """`48,51.5N`, or with seconds `48,51,30N`."""
    found = _COORDINATE.fullmatch(raw or "")
    if found is None:
        return None
    size = int(found[1]) + float(found[2]) / 60 + float(found[3] or 0) / 3_600
    return -size if found[4].upper() in "SW" else size


def _altitude(raw: str | None, reference: str | None) -> int | None:
    height = tags.scaled(_ratio(raw), 1_000)
    return -height if height is not None and reference == "1" else height
