"""Names of files that every operating system accepts."""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from gallery.values.names import key_of

MAX_NAME_BYTES = 255
_FORBIDDEN = frozenset('\\/:*?"<>|')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)


def unique(names: Iterable[str]) -> list[str]:
    """Return the names in a form that every system accepts, no two equal ignoring case.

    The first of several equal names stays as it is; the next one becomes `name (2).jpg`.
    """
    taken = dict[str, int]()
    found = []
    for name in map(safe, names):
        candidate, key = name, key_of(name)
        number = taken.get(key, 1)
        while key_of(candidate) in taken:
            number += 1
            candidate = _numbered(name, number)
        taken[key] = number
        taken.setdefault(key_of(candidate), 1)
        found.append(candidate)
    return found


def safe(name: str) -> str:
    """Return a name without characters that a system forbids or that change text direction."""
    made = "".join("_" if _is_forbidden(character) else character for character in name)
    made = made.rstrip(" .").lstrip(" ") or "_"
    return _fitting(f"_{made}" if _RESERVED.match(made) else made)


def _is_forbidden(character: str) -> bool:
    """Return whether a character is a separator, a control or changes text direction."""
    return (
        character in _FORBIDDEN
        or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in _TURNING
    )


_TURNING = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))


class _Parts(NamedTuple):
    stem: str
    ending: str


def _parts(name: str) -> _Parts:
    stem, dot, ending = name.rpartition(".")
    return _Parts(stem, dot + ending) if stem else _Parts(name, "")


def _numbered(name: str, number: int) -> str:
    stem, ending = _parts(name)
    return _fitting(f"{stem} ({number}){ending}", len(f" ({number})"))


def _fitting(name: str, kept: int = 0) -> str:
    """Return the name cut to 255 bytes of UTF-8.

    The stem is cut; its last `kept` characters and the extension stay.
    """
    stem, ending = _parts(name)
    if len(ending.encode()) > MAX_NAME_BYTES // 2:
        stem, ending = name, ""
    head, tail = stem[: len(stem) - kept], stem[len(stem) - kept :]
    while len((head + tail + ending).encode()) > MAX_NAME_BYTES:
        head = head[:-1]
    return head + tail + ending
