"""Originals as one ZIP file, whose length is known before its first byte is read.

Nothing is compressed: pictures and films are already. Python's `zipfile` writes it; the sum of the
parts is known, because it is told each file's size before (APPNOTE.TXT 6.3, section 4.3).
"""

import time
import zipfile
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

from gallery.disk.originals import Original, Replaced, open_original
from gallery.disk.roots import Roots

PART = 1 << 20
"""Bytes that are read, and given, at a time."""
_FILE_HEADER, _DESCRIPTOR, _ENTRY, _END = 30, 16, 46, 22
_LARGE_HEADER, _LARGE_DESCRIPTOR, _LARGE_END = 20, 24, 76
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)


class Entry(NamedTuple):
    """A file of the archive: an original at a library `path`, or a `text` of our own.

    `modified_at` is in microseconds; `size` is what the original must have when it is read.
    """

    name: str
    size: int
    modified_at: int
    path: str = ""
    text: bytes = b""


def length_of(entries: Sequence[Entry]) -> int:
    """How many bytes `archive` gives, exactly."""
    limit = zipfile.ZIP64_LIMIT
    at = listed = 0
    for entry in entries:
        name, is_large = len(entry.name.encode()), _is_large(entry)
        more = 16 * (entry.size > limit) + 8 * (at > limit)
        listed += _ENTRY + name + (4 + more if more else 0)
        at += _FILE_HEADER + name + (_LARGE_HEADER if is_large else 0) + entry.size
        at += _LARGE_DESCRIPTOR if is_large else _DESCRIPTOR
    is_long = len(entries) > zipfile.ZIP_FILECOUNT_LIMIT or at > limit or listed > limit
    return at + listed + _END + (_LARGE_END if is_long else 0)


def archive(roots: Roots, entries: Sequence[Entry]) -> Generator[bytes]:
    """The archive, in parts. Raises `Replaced` if a file is not what the entry says. It blocks."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as made:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, _date(entry.modified_at))
            info.file_size = entry.size
            info.external_attr = 0o644 << 16
            with made.open(info, "w", force_zip64=_is_large(entry)) as written:
                for part in [entry.text] if not entry.path else _read(roots, entry):
                    written.write(part)
                    if sink.size >= PART:
                        yield sink.take()
            if sink.size >= PART:
                yield sink.take()
    yield sink.take()


def _is_large(entry: Entry) -> bool:
    """As `zipfile` decides it."""
    return entry.size * 1.05 > zipfile.ZIP64_LIMIT


def _read(roots: Roots, entry: Entry) -> Iterator[bytes]:
    original = _opened(roots, entry)
    try:
        for at in range(0, entry.size, PART):
            yield original.read(at, min(PART, entry.size - at))
    finally:
        original.close()


def _opened(roots: Roots, entry: Entry) -> Original:
    try:
        original = open_original(roots, entry.path)
    except OSError as error:
        raise Replaced from error
    if original.size != entry.size:
        original.close()
        raise Replaced
    return original


def _date(microseconds: int) -> tuple[int, int, int, int, int, int]:
    """A time as ZIP has it: local, from 1980 to 2107."""
    try:
        local = time.localtime(microseconds // 1_000_000)
    except (OverflowError, OSError, ValueError):
        return _LATEST if microseconds > 0 else _EARLIEST
    found = (*local[:5], min(local[5], 59))
    return min(max(found, _EARLIEST), _LATEST)


class _Sink:
    """Where `zipfile` writes to; it takes what was written away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        self.size += len(part)
        return len(part)

    def flush(self) -> None:
        """Nothing waits anywhere."""

    def close(self) -> None:
        """Nothing is open."""

    def take(self) -> bytes:
        taken, self._parts, self.size = b"".join(self._parts), [], 0
        return taken
