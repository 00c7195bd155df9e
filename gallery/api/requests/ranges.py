"""Ranges of a file: parsing `Range`, and composing the answer (RFC 9110, section 14)."""

import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from gallery.errors import RangeNotSatisfiable

MAX_RANGES = 100
"""A request for more ranges gets the whole file."""
_SPEC = re.compile(r"([0-9]+)-([0-9]*)|-([0-9]+)")
_MAX_DIGITS = 18


class Span(NamedTuple):
    """The bytes from `start` to before `end`."""

    start: int
    end: int

    def of(self, size: int) -> str:
        """Return the span in the form of `Content-Range`."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


def parse(header: str, size: int) -> list[Span] | None:
    """Return the requested ranges of a file of `size` bytes; None for the whole file.

    A header is ignored if it is malformed, if its unit is not bytes, or if it only keeps the server
    busy: with too many ranges, or more bytes than the file has. Raises `RangeNotSatisfiable` if the
    file contains none of the requested bytes.
    """
    unit, equals, specs = header.partition("=")
    if not equals or unit.strip().lower() != "bytes" or specs.count(",") >= MAX_RANGES:
        return None
    spans, is_asked = [], False
    for spec in specs.split(","):
        trimmed = spec.strip(" \t")
        if not trimmed:
            continue  # lists may have empty members
        found = _SPEC.fullmatch(trimmed)
        if found is None:
            return None
        first, last, suffix = found.groups()
        is_asked = True
        if first and last and _number(last) < _number(first):
            return None
        start = _number(first) if first else max(0, size - _number(suffix))
        end = min(_number(last) + 1, size) if last else size
        if start < end:
            spans.append(Span(start, end))
    if not is_asked:
        return None
    if not spans:
        raise RangeNotSatisfiable(size)
    return spans if sum(end - start for start, end in spans) <= size else None


def _number(digits: str) -> int:
    """Return a number. One beyond the size of any file is cut."""
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS


class SelectedRanges(NamedTuple):
    """The content of an answer: spans of the file, and bytes that are sent between them."""

    status: int
    media_type: str
    headers: dict[str, str]
    pieces: Sequence[Span | bytes]


def select(header: str | None, size: int, media_type: str) -> SelectedRanges:
    """Return the content for a `Range` header, if any: the whole file (200) or ranges (206)."""
    spans = parse(header, size) if header is not None else None
    if spans is None:
        return SelectedRanges(200, media_type, {"Content-Length": str(size)}, [Span(0, size)])
    if len(spans) == 1:
        [span] = spans
        headers = {
            "Content-Length": str(span.end - span.start),
            "Content-Range": span.of(size),
        }
        return SelectedRanges(206, media_type, headers, spans)
    boundary = secrets.token_hex(12)
    pieces: list[Span | bytes] = []
    for span in spans:
        pieces.append(
            f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\n"
            f"Content-Range: {span.of(size)}\r\n\r\n".encode()
        )
        pieces.append(span)
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    length = sum(len(it) if isinstance(it, bytes) else it.end - it.start for it in pieces)
    several = f"multipart/byteranges; boundary={boundary}"
    return SelectedRanges(206, several, {"Content-Length": str(length)}, pieces)
