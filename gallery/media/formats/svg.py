"""SVG: the intrinsic size. Nothing is rendered, and no other file is loaded."""

import io
import math
import re
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException, ElementTree

from gallery.limits import MAX_SIDE

MAX_HEAD_BYTES = 1 << 20
"""Bytes that must contain the first tag, which may follow comments."""
_MAX_BOX = 256
_PIXELS = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
    "in": 96.0,
}
_NUMBER = r"(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?"
_BOX = re.compile(rf"-?{_NUMBER}")
_LENGTH = re.compile(rf"({_NUMBER})\s*+(px|pt|pc|mm|cm|in|)")


def read(file: BinaryIO) -> tuple[int, int] | None:
    """Return width and height in CSS pixels (96 per inch), None if there is no intrinsic size.

    Raises `ValueError` if the file is no SVG.
    """
    head = io.BytesIO(file.read(MAX_HEAD_BYTES))
    try:
        _event, root = next(ElementTree.iterparse(head, events=("start",)))
    except (ParseError, DefusedXmlException, StopIteration, LookupError) as error:
        raise ValueError("no drawing") from error
    if root.tag.rpartition("}")[2] != "svg":
        raise ValueError("no drawing")
    width, height = _pixels(root.get("width")), _pixels(root.get("height"))
    box = [float(n) for n in _BOX.findall(root.get("viewBox", "")[:_MAX_BOX])]
    ratio = box[2] / box[3] if len(box) == 4 and box[2] > 0 < box[3] else 0
    if 0 < ratio < math.inf:
        if width is None and height is None:
            width, height = box[2], box[3]
        width = height * ratio if width is None and height else width
        height = width / ratio if height is None and width else height
    if not (width and height and 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        return None  # also if one of them is NaN
    return max(1, round(width)), max(1, round(height))


def _pixels(raw: str | None) -> float | None:
    found = _LENGTH.fullmatch((raw or "").strip())
    return float(found[1]) * _PIXELS[found[2]] if found else None
