"""Media types by the extension of a name, names of sidecars, and names that the index skips."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Literal

MediaType = Literal["image", "video"]

IMAGE_TYPES = {
    "image/jpeg": "jpg jpeg jpe jfif",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/heif": "heif hif",
    "image/tiff": "tif tiff",
    "image/bmp": "bmp",
    "image/svg+xml": "svg",
}
VIDEO_TYPES = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/x-m4v": "m4v",
    "video/webm": "webm",
    "video/matroska": "mkv",
    "video/vnd.avi": "avi",
    "video/mp2t": "mts m2ts m2t",
    "video/mpeg": "mpg mpeg mpe vob",
    "video/3gpp": "3gp",
    "video/3gpp2": "3g2",
    "video/x-ms-wmv": "wmv",
    "video/x-ms-asf": "asf",
}
"""Without `.ts`, which is TypeScript far more often, and `.mod`, which is music or Go."""
RAW_TYPES = {
    "image/x-adobe-dng": "dng",
    "image/x-canon-cr2": "cr2",
    "image/x-canon-cr3": "cr3",
    "image/x-nikon-nef": "nef",
    "image/x-sony-arw": "arw",
    "image/x-fuji-raf": "raf",
    "image/x-olympus-orf": "orf",
    "image/x-panasonic-rw2": "rw2",
}
"""Unprocessed sensor data of cameras. Reading it needs the extra `raw`."""
JXL_TYPES = {"image/jxl": "jxl"}
"""Reading it needs the extra `jxl`."""
_PICTURES = (
    IMAGE_TYPES
    | (RAW_TYPES if find_spec("rawpy") else {})
    | (JXL_TYPES if find_spec("pyjpegxl") else {})
)
_MIME_TYPES = {
    ending: mime
    for mime, endings in (_PICTURES | VIDEO_TYPES).items()
    for ending in endings.split()
}

_WILD = re.compile(r"[*?[]").search

_TYPE_OF: dict[str, MediaType] = {
    ending: "image" if mime in _PICTURES else "video" for ending, mime in _MIME_TYPES.items()
}
STILLS = tuple(
    ending
    for mime in ("image/jpeg", "image/heic", "image/heif")
    for ending in IMAGE_TYPES[mime].split()
)
"""Extensions of images that form a pair with a RAW file or the clip of a Live Photo."""
RAWS = tuple(RAW_TYPES.values())
CLIPS = ("mov", "mp4")
MAX_CLIP = 5_000
"""Milliseconds. The clip of a Live Photo takes about three seconds; a longer video is no clip."""

DEFAULT_IGNORE: tuple[str, ...] = (
    ".*",
    "@eaDir",
    "@Recycle",
    "@Recently-Snapshot",
    "#recycle",
    "#snapshot",
    "$RECYCLE.BIN",
    "System Volume Information",
    "Thumbs.db",
    "desktop.ini",
    "ehthumbs.db",
    "lost+found",
    "node_modules",
    "__MACOSX",
    "*~",
    "*.tmp",
    "*.part",
    "*.partial",
    "*.crdownload",
    "*.download",
    "*.!sync",
)
"""Shell patterns of file and folder names that the index skips, ignoring case."""


def type_of(name: str) -> MediaType | None:
    """Return `image`, `video`, or None for a file that is no media."""
    _stem, dot, ending = name.rpartition(".")
    return (_TYPE_OF.get(ending) or _TYPE_OF.get(ending.lower())) if dot else None


def extension(name: str) -> str:
    """Return the extension of a name, in lower case and without the dot."""
    return name.rpartition(".")[2].lower()


def stem(name: str) -> str:
    """Return a name without its extension."""
    return name.rpartition(".")[0]


def sidecars(name: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the possible names of the sidecars of a media file, in lower and in upper case.

    The first pair describes this file alone (`a.jpg.xmp`), the second every file of its stem
    (`a.xmp`).
    """
    alone, shared = f"{name}.", f"{stem(name)}."
    return (f"{alone}xmp", f"{alone}XMP"), (f"{shared}xmp", f"{shared}XMP")


def is_sidecar(name: str) -> bool:
    """Return whether a name is that of a sidecar."""
    return name.endswith((".xmp", ".XMP"))


def described_by(sidecar: str) -> list[str]:
    """Return the names of the media files that a sidecar may describe."""
    base = stem(sidecar)
    beside = [f"{base}.{ending}" for low in _MIME_TYPES for ending in (low, low.upper())]
    return [base, *beside] if type_of(base) else beside


def mime_type(name: str) -> str:
    """Return the MIME type of a media file, by its extension."""
    return _MIME_TYPES.get(extension(name)) or "application/octet-stream"


def is_drawing(name: str) -> bool:
    """Return whether a media file is an SVG, which is drawn and not decoded."""
    return extension(name) == "svg"


def is_raw(name: str) -> bool:
    """Return whether a media file is a RAW file, which has to be developed."""
    return extension(name) in RAWS


def junk_filter(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a function that reports whether a name matches one of `patterns`, ignoring case.

    Most patterns are a whole name, a prefix or a suffix. Comparing these is several times as fast
    as matching, and every scan tests every file of the library.
    """
    words, beginnings, endings, others = set[str](), list[str](), list[str](), list[str]()
    for pattern in map(str.lower, patterns):
        if not _WILD(pattern):
            words.add(pattern)
        elif pattern[-1] == "*" and not _WILD(pattern[:-1]):
            beginnings.append(pattern[:-1])
        elif pattern[0] == "*" and not _WILD(pattern[1:]):
            endings.append(pattern[1:])
        else:
            others.append(fnmatch.translate(pattern))
    matches = re.compile("|".join(others)).match if others else None
    first, last = tuple(beginnings), tuple(endings)

    def is_junk(name: str) -> bool:
        lower = name.lower()
        return (
            lower in words
            or lower.startswith(first)
            or lower.endswith(last)
            or (matches is not None and matches(lower) is not None)
        )

    return is_junk
