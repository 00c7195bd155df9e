"""What one source inside, or beside, a file says of it. Sources are read apart and then merged."""

import struct
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

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

LONGEST_LINE = 1_000
LONGEST_CAPTION = 10_000
MOST_KEYWORDS = 500
_LARGEST = 2**62


class Clock(NamedTuple):
    """A time as a clock on a wall showed it, and how far that was ahead of UTC, if known."""

    local: datetime
    offset: timedelta | None = None


class Tags(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says; None, or nothing, where it is silent. Numbers as in `model.Probed`.

    `utc` is a time that some other clock than the camera's gave.
    """

    clock: Clock | None = None
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


NOTHING = Tags()


def line(raw: object) -> str | None:
    """A text of one line, without what cannot be stored or seen; None if nothing is left."""
    return " ".join((text(raw, LONGEST_LINE) or "").split()) or None


def text(raw: object, longest: int = LONGEST_CAPTION) -> str | None:
    """A text that a source gives; None if nothing of it can be seen."""
    if isinstance(raw, bytes):
        raw = decoded(raw)
    if not isinstance(raw, str):
        return None
    kept = raw[: 4 * longest]
    if not kept.isprintable():
        kept = "".join(c for c in kept if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)
    return kept.strip()[:longest].rstrip() or None


_UNSEEN = ("Cc", "Cs", "Cn", "Co")


def decoded(raw: bytes) -> str:
    """Bytes as text: UTF-8, else Latin-1, which is what most writers without a standard use."""
    raw = raw.partition(b"\0")[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def keywords(given: Iterable[tuple[object, ...]]) -> tuple[tuple[str, ...], ...]:
    """Keywords, each the names from the most general one down; every one once."""
    found = dict.fromkeys(tuple(name for name in map(line, names) if name) for names in given)
    return tuple(names for names in found if names)[:MOST_KEYWORDS]


def camera(make: str | None, model: str | None) -> str | None:
    """Make and model, with the make not said twice."""
    if not make or not model:
        return model or make
    brand = make.split()[0].casefold()
    return model if model.casefold().startswith(brand) else f"{make} {model}"


def scaled(raw: object, scale: int) -> int | None:
    """A positive number in parts of `scale`; None for what is none."""
    try:
        value = float(raw) * scale  # type: ignore[arg-type]
        return round(value) if 0 < value < _LARGEST else None
    except BROKEN:
        return None


def position(latitude: float, longitude: float) -> tuple[int, int] | None:
    """A position in 10^-7 degrees; None for what lies nowhere, and for the empty 0, 0."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or latitude == longitude == 0:
        return None
    return round(latitude * 10_000_000), round(longitude * 10_000_000)
