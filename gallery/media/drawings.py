"""SVG: how large a drawing wants to be. Nothing is drawn, and nothing outside is loaded."""

import re
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

LARGEST = 20 << 20
"""Bytes of a drawing that are looked at."""
_PIXELS = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
    "in": 96.0,
}
_LENGTH = re.compile(r"\s*(\d*\.?\d+(?:[eE][+-]?\d+)?)\s*(px|pt|pc|mm|cm|in|)\s*")


def read(file: BinaryIO) -> tuple[int, int] | None:
    """Width and height in pixels (CSS: 96 to the inch), None if the drawing fits any size.

    Raises `ValueError` for what is no SVG.
    """
    from defusedxml import DefusedXmlException, ElementTree  # noqa: PLC0415

    try:
        _event, root = next(ElementTree.iterparse(file, events=("start",)))
    except (ParseError, DefusedXmlException, StopIteration, LookupError) as error:
        raise ValueError("no drawing") from error
    if root.tag.rpartition("}")[2] != "svg":
        raise ValueError("no drawing")
    width, height = _pixels(root.get("width")), _pixels(root.get("height"))
    box = [float(n) for n in re.findall(r"-?\d*\.?\d+(?:[eE][+-]?\d+)?", root.get("viewBox", ""))]
    if len(box) == 4 and box[2] > 0 < box[3]:
        ratio = box[2] / box[3]
        if width is None and height is None:
            width, height = box[2], box[3]
        width = height * ratio if width is None and height else width
        height = width / ratio if height is None and width else height
    if not width or not height or max(width, height) > 1e9:
        return None
    return max(1, round(width)), max(1, round(height))


def _pixels(raw: str | None) -> float | None:
    found = _LENGTH.fullmatch(raw or "")
    return float(found[1]) * _PIXELS[found[2]] if found else None
