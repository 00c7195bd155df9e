"""Which files are media, by their name's ending, and which names are junk."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Literal

MediaType = Literal["image", "video"]

_IMAGES = "jpg jpeg jpe png gif webp avif heic heif tif tiff bmp svg"
_VIDEOS = "mp4 mov m4v webm mkv avi"

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
    return _TYPE_OF.get(name.rpartition(".")[2].lower()) if "." in name else None


def junk_filter(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A test whether a file's or folder's name is junk by one of `patterns`."""
    if not patterns:
        return lambda _name: False
    junk = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns), re.IGNORECASE)
    return lambda name: junk.match(name) is not None
