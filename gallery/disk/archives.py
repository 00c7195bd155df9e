"""Originals as one ZIP file, whose length is known before its first byte is read.

Nothing is compressed: pictures and films are already. Python's `zipfile` writes it; the sum of the
parts is known, because it is told each file's size before (APPNOTE.TXT 6.3, section 4.3).

An original that can no longer be read once the length is promised is left out of the directory of
the archive, and named in the note at its end. Its place in the archive holds zeros.
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
"""The name of the text that lists what the archive lacks; no other entry has it."""
_HEADING = "These files are missing or could not be read:"
PART = 1 << 20
"""Bytes that are read, and given, at a time."""
_FILE_HEADER, _DESCRIPTOR, _ENTRY, _END = 30, 16, 46, 22
_LARGE_HEADER, _LARGE_DESCRIPTOR, _LARGE_END = 20, 24, 76
_GROWTH_HINT = struct.pack("<HHHH", 0xA220, 1_000, 0xA028, 0) + bytes(996)
"""An extra field in the directory (APPNOTE.TXT 4.6.10): room for a note that was not planned."""
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)


class Entry(NamedTuple):
    """A file of the archive: an original at a library `path`, or a `text` of our own.

    `size` is what the original must have when it is read.
    """

    name: str
    size: int
    modified_at: Micros
    path: str = ""
    text: bytes = b""


def note(missing: Sequence[str], size: int = 0) -> Entry:
    """Return the text that names the `missing` files, filled up to `size` bytes."""
    text = "\n".join([_HEADING, *map(printable, missing), ""]).encode().ljust(size, b"\n")
    return Entry(NOTE, len(text), Micros(time.time_ns() // 1_000), text=text)


def length_of(entries: Sequence[Entry]) -> int:
    """Return how many bytes `archive` gives, exactly."""
    return _length(entries, (), len(_GROWTH_HINT) if _holds_originals(entries) else 0)


def _length(entries: Sequence[Entry], lost: Collection[str], listed: int) -> int:
    """Return the length with the `lost` names not listed, the directory `listed` bytes longer."""
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
    """Give the archive, in parts. It blocks.

    An original that is not what its entry says, or cannot be read, is named in the note. Raises
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
    """Write an entry; one that becomes `lost` meanwhile is not listed."""
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
    """Return a note that names the `lost` too, of the size that keeps the promised length.

    What was left out of the directory makes room for a name of the archive each.
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
    """As `zipfile` decides it."""
    return entry.size * 1.05 > zipfile.ZIP64_LIMIT


def _read(roots: Roots, entry: Entry, lost: dict[str, Entry]) -> Iterator[bytes]:
    """Give the bytes of an original; zeros from the first on that cannot be read, as `lost`."""
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
