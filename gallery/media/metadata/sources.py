"""What one source inside, or beside, a file says of it. Sources are read apart and then merged."""

import struct
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from gallery import limits
from gallery.limits import (
    MAX_CAPTION,
    MAX_KEYWORD,
    MAX_KEYWORD_BYTES,
    MAX_KEYWORDS,
    MAX_LEVELS,
    MAX_NAME,
    MAX_NUMBER,
    MAX_TITLE,
)

BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
"""What the libraries raise for bytes that are not what they should be."""

MAX_TEXT_BYTES = 64 << 10
"""Bytes, or characters, of a text that are looked at, however little of it is kept."""


class CameraClock(NamedTuple):
    """A time as a clock on a wall showed it, and how far that was ahead of UTC, if known.

    A date without a time of day is its midnight: `has_time` is false.
    """

    local: datetime
    offset: timedelta | None = None
    has_time: bool = True


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says; None, or nothing, where it is silent. Numbers as in `model.Probed`.

    `utc` is a time that some other clock than the camera's gave.
    """

    clock: CameraClock | None = None
    utc: datetime | None = None
    camera: str | None = None
    lens: str | None = None
    exposure: int | None = None
    aperture: int | None = None
    iso: int | None = None
    focal_length: int | None = None
    position: tuple[int, int] | None = None
    altitude: int | None = None
    rating: int | None = None
    title: str | None = None
    caption: str | None = None
    keywords: tuple[tuple[str, ...], ...] = ()


NOTHING = Metadata()


class Sources(NamedTuple):
    """What all sources say about a file, in order of precedence."""

    sidecar: Metadata = NOTHING
    xmp: Metadata = NOTHING
    iptc: Metadata = NOTHING
    exif: Metadata = NOTHING
    container: Metadata = NOTHING


_SILENCE: tuple[object, ...] = (None, ())


def merged(sources: Iterable[Metadata]) -> Metadata:
    """Return each property from the first source that has it."""
    speaking = [tags for tags in sources if tags is not NOTHING]
    if len(speaking) <= 1:
        return speaking[0] if speaking else NOTHING
    return msgspec.structs.replace(
        NOTHING,
        **{
            field: value
            for tags in reversed(speaking)
            for field in Metadata.__struct_fields__
            if (value := getattr(tags, field)) not in _SILENCE
        },
    )


def name(raw: object) -> str | None:
    """Return what a camera or a lens is called; None if nothing is left."""
    return line(raw, MAX_NAME)


def line(raw: object, longest: int = MAX_TITLE) -> str | None:
    """Return a text of one line, without what cannot be stored or seen; None if nothing is left."""
    return " ".join((text(raw, longest) or "").split()) or None


def text(raw: object, longest: int = MAX_CAPTION) -> str | None:
    """Return a text that a source gives; None if nothing of it can be seen."""
    if isinstance(raw, bytes):
        raw = decoded(raw)
    if not isinstance(raw, str):
        return None
    kept = raw[: 4 * longest]
    if not kept.isprintable():
        kept = "".join(c for c in kept if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)
    return kept.strip()[:longest].rstrip() or None


_UNSEEN = ("Cc", "Cs", "Cn", "Co")


def caption(raw: object) -> str | None:
    """Return a caption that somebody wrote; None for what cameras write in its place.

    Programs copy that from one source into another.
    """
    found = text(raw)
    return None if found and found.upper() in _NO_CAPTIONS else found


_NO_CAPTIONS = frozenset(
    {
        "CREATED BY DPE, KIRKLAND",
        "DCIM",
        "DEFAULT",
        "DIGITAL CAMERA",
        "EXIF_JPEG_PICTURE",
        "JPEG PICTURE",
        "KODAK DIGITAL STILL CAMERA",
        "KONICA MINOLTA DIGITAL CAMERA",
        "MINOLTA DIGITAL CAMERA",
        "NIKON DIGITAL CAMERA",
        "OLYMPUS DIGITAL CAMERA",
        "PENTAX DIGITAL CAMERA",
        "SAMSUNG",
        "SAMSUNG CAMERA PICTURES",
        "SONY DSC",
    }
)


def decoded(raw: bytes) -> str:
    """Return bytes as text: UTF-8, else Latin-1, which most writers without a standard use.

    64 KiB of them are looked at.
    """
    raw = raw[:MAX_TEXT_BYTES].partition(b"\0")[0]
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        if len(raw) == MAX_TEXT_BYTES and len(raw) - error.start < _MAX_CHARACTER:
            return raw[: error.start].decode()  # it was cut within a character
        return raw.decode("latin-1")


_MAX_CHARACTER = 4


def keywords(given: Iterable[Iterable[object]]) -> tuple[tuple[str, ...], ...]:
    """Return keywords, each the names from the most general one down; every one once.

    Of each the first names stay that are at most `MAX_LEVELS` and fit into `MAX_KEYWORD`
    characters. Of all the first ones stay: `MAX_KEYWORDS`, in `MAX_KEYWORD_BYTES`.
    """
    found: dict[tuple[str, ...], None] = {}
    left = MAX_KEYWORD_BYTES
    for names in given:
        keyword = _fitting(names)
        if not keyword or keyword in found:
            continue
        left -= limits.size(keyword)
        if left < 0 or len(found) == MAX_KEYWORDS:
            break
        found[keyword] = None
    return tuple(found)


def _fitting(names: Iterable[object]) -> tuple[str, ...]:
    fitting: list[str] = []
    for raw in names:
        if one := line(raw, MAX_KEYWORD):
            if len(fitting) == MAX_LEVELS or limits.characters([*fitting, one]) > MAX_KEYWORD:
                break
            fitting.append(one)
    return tuple(fitting)


def camera(make: str | None, model: str | None) -> str | None:
    """Return make and model, with the make not said twice."""
    if not make or not model:
        return model or make
    brand = make.split()[0].casefold()
    both = model if model.casefold().startswith(brand) else f"{make} {model}"
    return both[:MAX_NAME].rstrip()


def scaled(raw: object, scale: int) -> int | None:
    """A positive number in parts of `scale`; None for what is none."""
    try:
        value = float(raw) * scale  # type: ignore[arg-type]
        return round(value) if 0 < value < MAX_NUMBER else None
    except BROKEN:
        return None


def position(latitude: float, longitude: float) -> tuple[int, int] | None:
    """A position in 10^-7 degrees; None for what lies nowhere, and for the empty 0, 0."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or latitude == longitude == 0:
        return None
    return round(latitude * 10_000_000), round(longitude * 10_000_000)
