"""The metadata of one source in, or beside, a file. Sources are read separately, then merged."""

import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from numbers import Real
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
from gallery.media.metadata.broken import BROKEN, report

MAX_TEXT_BYTES = 64 << 10
"""Bytes, or characters, of a text that are read. Fewer may be kept."""


class CameraClock(NamedTuple):
    """A local time, and its offset from UTC if known.

    A date without a time of day is stored as midnight, and `has_time` is false.
    """

    local: datetime
    offset: timedelta | None = None
    has_time: bool = True


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of one source; None, or empty, if it has none. Numbers as in `model.Probed`.

    `utc` is a time that does not come from the clock of the camera.
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
    """The metadata of a file by source, in order of precedence."""

    sidecar: Metadata = NOTHING
    xmp: Metadata = NOTHING
    iptc: Metadata = NOTHING
    exif: Metadata = NOTHING
    container: Metadata = NOTHING


_EMPTY: tuple[object, ...] = (None, ())


def merged(sources: Iterable[Metadata]) -> Metadata:
    """Return each property from the first source that has it."""
    used = [source for source in sources if source is not NOTHING]
    if len(used) <= 1:
        return used[0] if used else NOTHING
    return msgspec.structs.replace(
        NOTHING,
        **{
            field: value
            for source in reversed(used)
            for field in Metadata.__struct_fields__
            if (value := getattr(source, field)) not in _EMPTY
        },
    )


def name(raw: object) -> str | None:
    """Return the name of a camera or a lens; None if no visible text is left."""
    return line(raw, MAX_NAME)


def line(raw: object, longest: int = MAX_TITLE) -> str | None:
    """Return a text on one line, without invisible characters; None if nothing is left."""
    return " ".join((text(raw, longest) or "").split()) or None


def text(raw: object, longest: int = MAX_CAPTION) -> str | None:
    """Return a text without invisible characters; None if it is no text or nothing is left."""
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
    """Return a caption that a person wrote; None for the default texts of cameras.

    Programs copy such texts from one source into another.
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
    """Return the first 64 KiB of bytes as text: UTF-8 if valid, else Latin-1."""
    raw = raw[:MAX_TEXT_BYTES].partition(b"\0")[0]
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        if len(raw) == MAX_TEXT_BYTES and len(raw) - error.start < _MAX_CHARACTER:
            return raw[: error.start].decode()  # the limit cut a character
        return raw.decode("latin-1")


_MAX_CHARACTER = 4


def keywords(given: Iterable[Iterable[object]]) -> tuple[tuple[str, ...], ...]:
    """Return distinct keywords, each as names from the most general one down.

    A keyword is cut to `MAX_LEVELS` names and `MAX_KEYWORD` characters. The list is cut to
    `MAX_KEYWORDS` keywords and `MAX_KEYWORD_BYTES`.
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
    """Return make and model, without the make if the model begins with it."""
    if not make or not model:
        return model or make
    brand = make.split()[0].casefold()
    both = model if model.casefold().startswith(brand) else f"{make} {model}"
    return both[:MAX_NAME].rstrip()


def scaled(raw: object, scale: int) -> int | None:
    """Return a positive number in parts of `scale`, None if `raw` is no such number."""
    number = real(raw)
    value = None if number is None else number * scale
    return round(value) if value is not None and 0 < value < MAX_NUMBER else None


def real(raw: object) -> float | None:
    """Return a number, or a text that contains one, as a float; None if it is neither."""
    if not isinstance(raw, (Real, str, bytes)):
        return None
    try:
        return float(raw)
    except BROKEN as error:
        report(error)
        return None


def data(raw: object) -> bytes | None:
    """Return bytes that a decoder gives as such, or as numbers; None if they are neither."""
    if isinstance(raw, tuple) and all(isinstance(one, int) and 0 <= one < 256 for one in raw):
        return bytes(raw)
    return raw if isinstance(raw, bytes) else None


def position(latitude: float, longitude: float) -> tuple[int, int] | None:
    """Return a position in 10^-7 degrees; None if out of range, or 0, 0, which means unset."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or latitude == longitude == 0:
        return None
    return round(latitude * 10_000_000), round(longitude * 10_000_000)
