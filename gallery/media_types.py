"""Which files are media, by their name's ending, and which names are junk."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Literal

MediaType = Literal["image", "video"]

_IMAGES = "jpg jpeg jpe png gif webp avif heic heif tif tiff bmp svg"
_VIDEOS = "mp4 mov m4v webm mkv avi"

_WILD = re.compile(r"[*?[]").search

_TYPE_OF: dict[str, MediaType] = {
    **dict.fromkeys(_IMAGES.split(), "image"),
    **dict.fromkeys(_VIDEOS.split(), "video"),
}

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
