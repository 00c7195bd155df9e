"""A ZIP file of originals, whose length is known before its first byte is read.

Nothing is compressed, because images and videos already are. Python's `zipfile` writes the archive.
Its length can be computed from the names and sizes of the files (APPNOTE.TXT 6.3, section 4.3).

An original that cannot be read after the length was promised is left out of the directory of the
archive, and the note at its end names it. Zeros fill its place in the archive.
"""

import logging
import struct
import time
import zipfile
from collections.abc import Collection, Generator, Iterator, Sequence
from typing import NamedTuple

from gallery.disk.failures import is_exhausted
from gallery.disk.originals import Original, Replaced, open_original
from gallery.disk.roots import Roots
from gallery.errors import printable
from gallery.values.times import Micros

logger = logging.getLogger(__name__)

NOTE = "Missing files.txt"
"""The name of the entry that lists the missing files. No other entry has this name."""
_HEADING = "These files are missing or could not be read:"
PART = 1 << 20
"""Bytes that are read and yielded at a time."""
_FILE_HEADER, _DESCRIPTOR, _ENTRY, _END = 30, 16, 46, 22
_LARGE_HEADER, _LARGE_DESCRIPTOR, _LARGE_END = 20, 24, 76
_GROWTH_HINT = struct.pack("<HHHH", 0xA220, 1_000, 0xA028, 0) + bytes(996)
"""An extra field of the directory (APPNOTE.TXT 4.6.10). It reserves room for an unplanned note."""
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)


class Entry(NamedTuple):
    """A file of the archive: the original at a library `path`, or a generated `text`.

    The original must have the size `size` when it is read.
    """

    name: str
    size: int
    modified_at: Micros
    path: str = ""
    text: bytes = b""


def note(missing: Sequence[str], size: int = 0) -> Entry:
    """Return the entry that names the `missing` files, padded to `size` bytes."""
    text = "\n".join([_HEADING, *map(printable, missing), ""]).encode().ljust(size, b"\n")
    return Entry(NOTE, len(text), Micros(time.time_ns() // 1_000), text=text)


def length_of(entries: Sequence[Entry]) -> int:
    """Return the exact number of bytes that `archive` yields."""
    return _length(entries, (), len(_GROWTH_HINT) if _holds_originals(entries) else 0)


def _length(entries: Sequence[Entry], lost: Collection[str], listed: int) -> int:
    """Return the length if the names in `lost` are not listed.

    The directory is `listed` bytes longer than its entries.
    """
    limit = zipfile.ZIP64_LIMIT
    at = 0
    for entry in entries:
        name, is_large = len(entry.name.encode()), _is_large(entry)
        more = 16 * (entry.size > limit) + 8 * (at > limit)
        if entry.name not in lost:
            listed += _ENTRY + name + (4 + more if more else 0)
        at += _FILE_HEADER + name + (_LARGE_HEADER if is_large else 0) + entry.size
        at += _LARGE_DESCRIPTOR if is_large else _DESCRIPTOR
    is_long = len(entries) - len(lost) > zipfile.ZIP_FILECOUNT_LIMIT or at > limit or listed > limit
    return at + listed + _END + (_LARGE_END if is_long else 0)


def archive(roots: Roots, entries: Sequence[Entry]) -> Generator[bytes]:
    """Yield the archive in parts. It blocks.

    The note names an original that cannot be read or has another size than its entry. Raises
    `OSError` if no file can be read now, `Replaced` in the rare case that the note has no room.
    """
    sink = _Sink()
    lost: dict[str, Entry] = {}
    with zipfile.ZipFile(sink, "w") as made:
        for entry in entries:
            if not (lost and entry.name == NOTE):
                yield from _add(made, sink, roots, entry, lost)
        if lost:
            yield from _add(made, sink, roots, _late_note(entries, lost), lost)
        elif _holds_originals(entries):
            made.infolist()[-1].extra = _GROWTH_HINT
    yield sink.take()


def _add(
    made: zipfile.ZipFile, sink: "_Sink", roots: Roots, entry: Entry, lost: dict[str, Entry]
) -> Iterator[bytes]:
    """Write an entry, but do not list it if it becomes `lost` meanwhile."""
    info = zipfile.ZipInfo(entry.name, _date(entry.modified_at))
    info.file_size = entry.size
    info.external_attr = 0o644 << 16
    with made.open(info, "w", force_zip64=_is_large(entry)) as written:
        for part in _read(roots, entry, lost) if entry.path else [entry.text]:
            written.write(part)
            if sink.size >= PART:
                yield sink.take()
    if entry.name in lost:
        made.infolist().remove(info)
    if sink.size >= PART:
        yield sink.take()


def _late_note(entries: Sequence[Entry], lost: Collection[str]) -> Entry:
    """Return a note that also names the `lost` files and keeps the promised length.

    Each entry that is left out of the directory makes room for one name. Raises `Replaced` if the
    room is too small.
    """
    planned = [entry for entry in entries if entry.name == NOTE]
    known = planned[0].text.decode().splitlines()[1:] if planned else []
    others = [entry for entry in entries if entry.name != NOTE]
    empty = Entry(NOTE, 0, Micros(0))
    size = length_of(entries) - _length([*others, empty], lost, 0)
    paths = [entry.path for entry in others if entry.name in lost]
    for names in (paths, lost):
        found = note([*known, *names], size)
        if found.size == size and _length([*others, found], lost, 0) == length_of(entries):
            return found
    raise Replaced


def _holds_originals(entries: Sequence[Entry]) -> bool:
    return any(entry.path for entry in entries)


def _is_large(entry: Entry) -> bool:
    """Return whether `zipfile` writes the entry in its large format."""
    return entry.size * 1.05 > zipfile.ZIP64_LIMIT


def _read(roots: Roots, entry: Entry, lost: dict[str, Entry]) -> Iterator[bytes]:
    """Yield the bytes of an original. After an error, yield zeros and add the entry to `lost`.

    Raises `OSError` if no file can be read now.
    """
    done = 0
    try:
        original = _opened(roots, entry)
        try:
            while done < entry.size:
                part = original.read(done, min(PART, entry.size - done))
                yield part
                done += len(part)
        finally:
            original.close()
    except (Replaced, OSError) as error:
        if isinstance(error, OSError) and is_exhausted(error):
            raise
        logger.warning("%s could not be read while it was sent: %r", printable(entry.path), error)
        lost[entry.name] = entry
        for at in range(done, entry.size, PART):
            yield bytes(min(PART, entry.size - at))


def _opened(roots: Roots, entry: Entry) -> Original:
    original = open_original(roots, entry.path)
    if original.size != entry.size:
        original.close()
        raise Replaced
    return original


def _date(microseconds: Micros) -> tuple[int, int, int, int, int, int]:
    """Return a time as ZIP stores it: local, from 1980 to 2107."""
    try:
        local = time.localtime(microseconds // 1_000_000)
    except (OverflowError, OSError, ValueError):
        return _LATEST if microseconds > 0 else _EARLIEST
    found = (*local[:5], min(local[5], 59))
    return min(max(found, _EARLIEST), _LATEST)


class _Sink:
    """A file that `zipfile` writes to. `take` returns and removes the bytes written so far."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        self.size += len(part)
        return len(part)

    def flush(self) -> None:
        """Do nothing: no bytes are buffered."""

    def close(self) -> None:
        """Do nothing: no file is open."""

    def take(self) -> bytes:
        taken, self._parts, self.size = b"".join(self._parts), [], 0
        return taken
