"""Which files are media, by their name's ending, and which names are junk."""

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
"""Not `.ts`, which is TypeScript far more often, nor `.mod`, which is music and Go."""
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
"""What cameras write for those who develop pictures themselves; the extra `raw` reads it."""
JXL_TYPES = {"image/jxl": "jxl"}
"""The extra `jxl` reads it."""
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
"""Endings of the pictures that a RAW file, or the clip of a Live Photo, may belong to."""
RAWS = tuple(RAW_TYPES.values())
CLIPS = ("mov", "mp4")
MAX_CLIP = 5_000
"""Milliseconds: the clip of a Live Photo takes some three seconds, a film of that name longer."""

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
"""Names, as shell patterns that ignore case, that an index never enters or lists."""


def type_of(name: str) -> MediaType | None:
    """`image`, `video`, or None for a file that is no media."""
    _stem, dot, ending = name.rpartition(".")
    return (_TYPE_OF.get(ending) or _TYPE_OF.get(ending.lower())) if dot else None


def extension(name: str) -> str:
    """The ending of a name, in lower case and without the dot."""
    return name.rpartition(".")[2].lower()


def stem(name: str) -> str:
    """A name without its ending."""
    return name.rpartition(".")[0]


def sidecars(name: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The names that XMP beside a file may have: `a.jpg.xmp` for it alone, `a.xmp` for all of `a`.

    Each in both cases.
    """
    alone, shared = f"{name}.", f"{stem(name)}."
    return (f"{alone}xmp", f"{alone}XMP"), (f"{shared}xmp", f"{shared}XMP")


def is_sidecar(name: str) -> bool:
    """Whether a file may hold XMP for another one."""
    return name.endswith((".xmp", ".XMP"))


def described_by(sidecar: str) -> list[str]:
    """The names of the media files that a sidecar may belong to."""
    base = stem(sidecar)
    beside = [f"{base}.{ending}" for low in _MIME_TYPES for ending in (low, low.upper())]
    return [base, *beside] if type_of(base) else beside


def mime_type(name: str) -> str:
    """The type of a media file's content, as its ending promises it."""
    return _MIME_TYPES.get(extension(name)) or "application/octet-stream"


def is_drawing(name: str) -> bool:
    """Whether a media file is drawn rather than decoded: SVG."""
    return extension(name) == "svg"


def is_raw(name: str) -> bool:
    """Whether a media file has to be developed."""
    return extension(name) in RAWS


def junk_filter(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A test whether a file's or folder's name is junk by one of `patterns`, whatever its case.

    Most patterns are a whole name, a beginning or an ending; to compare these is several times as
    fast as to match, and every file of the library is tested in every scan.
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
