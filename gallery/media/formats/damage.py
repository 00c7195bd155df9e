"""The problem of a file that a decoder refused: it is cut off, damaged, or no picture."""

import os
import re
from collections.abc import Iterator
from typing import BinaryIO

from gallery.media.formats.sniff import HEAD_BYTES, Kind, kind_of
from gallery.values import problems

MAX_PARTS = 10_000
"""Boxes or chunks that are read."""
_PNG_HEAD, _PNG_CHECK = 8, 4
_BOXES = ("avif", "heif", "raw", "film")
_ENDED = re.compile(
    r"premature end|unexpected end|end of file|end of stream|truncated|insufficient|incomplete"
    r"|read error|got \d+ bytes, expected",
    re.IGNORECASE,
)
"""Error texts of decoders if a file ends too early. They may contain bytes of the file, so clients
never get them."""
_UNSUPPORTED = re.compile(
    r"unsupported (?:feature|codec|bmp|color conversion)|support is not configured"
    r"|not yet implemented|patches welcome",
    re.IGNORECASE,
)
"""Error texts of decoders if a file may be whole, but uses an unsupported feature."""


def problem_of(file: BinaryIO, error: BaseException) -> str:
    """Return the problem, as a text for clients, of a file whose decoding raised `error`."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    kind = kind_of(head)
    if not size:
        return problems.EMPTY
    if any(_ENDED.search(str(cause)) for cause in _causes(error)) or _ends_early(
        file, head, kind, size
    ):
        return problems.CUT_OFF
    if any(_UNSUPPORTED.search(str(cause)) for cause in _causes(error)):
        return problems.NO_DECODER
    return problems.NO_PICTURE if kind is None else problems.DAMAGED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _ends_early(file: BinaryIO, head: bytes, kind: Kind | None, size: int) -> bool:
    """Return whether a file is shorter than its header or parts declare."""
    if head[:4] == b"RIFF":
        return int.from_bytes(head[4:8], "little") + 8 > size
    if kind == "png":
        return _lacks_end(file, size)
    if head[4:8] == b"ftyp" and kind in _BOXES:
        return _lacks_box(file, size)
    return False


def _lacks_end(file: BinaryIO, size: int) -> bool:
    at = _PNG_HEAD
    for _ in range(MAX_PARTS):
        file.seek(at)
        beginning = file.read(_PNG_HEAD)
        at += _PNG_HEAD + int.from_bytes(beginning[:4]) + _PNG_CHECK
        if at > size:
            return True
        if beginning[4:] == b"IEND":
            return False
    return False


def _lacks_box(file: BinaryIO, size: int) -> bool:
    at = 0
    for _ in range(MAX_PARTS):
        file.seek(at)
        beginning = file.read(16)
        length = int.from_bytes(beginning[:4])
        if length == 1:
            length = int.from_bytes(beginning[8:])
        if length == 0 or at == size:
            return False
        at += max(length, 8)
        if at > size:
            return True
    return False
