"""Limits of the metadata of a file: workers cut to them, and the server refuses more."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

MAX_TITLE = 1_000
MAX_CAPTION = 10_000
MAX_NAME = 255
"""Characters of the name of a camera or a lens."""
MAX_KEYWORD = 500
"""Characters of a keyword with all its levels and a separator between each two."""
MAX_LEVELS = 10
MAX_KEYWORDS = 500
MAX_KEYWORD_BYTES = 64 << 10
"""Bytes of all keywords of a file in UTF-8, measured as `MAX_KEYWORD` is."""
MAX_SIDE = 2**31 - 1
"""Pixels. A thousand times this number still fits into a column."""
MAX_NUMBER = 2**53 - 1
"""Limit of all other numbers: JSON represents integers exactly up to here."""

_NO_NUL = r"\A[^\0]*\Z"
Title = Annotated[str, Meta(max_length=MAX_TITLE, pattern=_NO_NUL)]
Caption = Annotated[str, Meta(max_length=MAX_CAPTION, pattern=_NO_NUL)]
Name = Annotated[str, Meta(max_length=MAX_NAME, pattern=_NO_NUL)]
Level = Annotated[str, Meta(min_length=1, max_length=MAX_KEYWORD, pattern=_NO_NUL)]
Keyword = Annotated[tuple[Level, ...], Meta(min_length=1, max_length=MAX_LEVELS)]
Keywords = Annotated[tuple[Keyword, ...], Meta(max_length=MAX_KEYWORDS)]
Fingerprint = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Side = Annotated[int, Meta(ge=1, le=MAX_SIDE)]
Number = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
Altitude = Annotated[int, Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)]
Position = tuple[
    Annotated[int, Meta(ge=-900_000_000, le=900_000_000)],
    Annotated[int, Meta(ge=-1_800_000_000, le=1_800_000_000)],
]
Rating = Annotated[int, Meta(ge=-1, le=5)]
Offset = Annotated[int, Meta(ge=-900, le=900)]


def characters(keyword: Sequence[str]) -> int:
    """Return the length of a keyword in characters, with a separator between two levels."""
    return sum(map(len, keyword)) + len(keyword) - 1


def size(keyword: Sequence[str]) -> int:
    """Return the length of a keyword in bytes of UTF-8, with separators."""
    return sum(len(name.encode()) for name in keyword) + len(keyword) - 1


def check_keywords(keywords: Sequence[Sequence[str]]) -> None:
    """Raise `ValueError` if one keyword, or all keywords together, are too long."""
    if any(characters(keyword) > MAX_KEYWORD for keyword in keywords):
        raise ValueError("a keyword is too long")
    if sum(map(size, keywords)) > MAX_KEYWORD_BYTES:
        raise ValueError("too many keywords")
