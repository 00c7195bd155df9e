"""RDF in XML, as XMP uses it: a streaming parser of properties, without entities or a tree."""

from collections.abc import Mapping
from typing import NoReturn
from xml.parsers import expat

from gallery.media.metadata.sources import MAX_TEXT_BYTES

MAX_ELEMENTS = 100_000
MAX_DEPTH = 100
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LANGUAGE = "http://www.w3.org/XML/1998/namespace}lang"
_NAMESPACES = {
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "mediapro": "http://ns.iview-multimedia.com/mediapro/1.0/",
    "photo": "http://ns.microsoft.com/photo/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
_PREFIXES = {space: prefix for prefix, space in _NAMESPACES.items()}

Properties = Mapping[str, list[str]]


class _Refused(ValueError):
    """The document has a document type or is too large."""


def properties(raw: bytes) -> Properties:
    """Return the values of each known property by its prefixed name.

    The result is empty if the XML is broken, has a document type, or has too many or too deep
    elements. Broken text after a complete `rdf:RDF` is ignored: programs that overwrite a longer
    packet leave its end.
    """
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    reader = _Reader()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(_without_padding(raw), True)
    except (expat.ExpatError, ValueError, LookupError):
        return reader.found if reader.is_complete else {}
    return reader.found


def _without_padding(raw: bytes) -> bytes:
    """Return XML from its first `<` to its last `>`, in UTF-8 or UTF-16.

    In UTF-16 a NUL before `<`, or after `>`, is half of that character.
    """
    begin, end = raw.find(b"<"), raw.rfind(b">") + 1
    if raw[begin + 1 : begin + 2] == b"\0":
        end += 1
    return raw[max(begin - (raw[begin - 1 : begin] == b"\0"), 0) : end]


def _refuse(*_declaration: object) -> NoReturn:
    raise _Refused


class _Reader:
    """The handlers of the parser, which keep only values of properties.

    `rdf:RDF` contains descriptions, whose attributes and elements are properties. The value of an
    element is its text. If it contains a list, each `rdf:li` is a value, and the default language
    comes first.
    """

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self.is_complete = False
        """Whether `rdf:RDF` has ended."""
        self._depth = 0
        self._elements = 0
        self._list_depth = 0
        """Depth of the open rdf:RDF."""
        self._is_described = False
        self._property: str | None = None
        self._values: list[tuple[bool, str]] = []
        """For each value: whether its language is not the default one, and the text."""
        self._item_depth = 0
        self._is_foreign = False
        self._texts: list[str] = []
        self._room = MAX_TEXT_BYTES

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise _Refused
        if self._property is not None:
            if tag == _RDF + "li" and not self._item_depth:
                self._item_depth = self._depth
                self._is_foreign = attributes.get(_LANGUAGE, "x-default") != "x-default"
                self._listen()
        elif self._is_described:
            if self._depth == self._list_depth + 2 and (name := _known(tag)):
                self._property = name
                self._values.clear()
                self._listen()
        elif tag == _RDF + "RDF":
            self._list_depth = self._depth
        elif tag == _RDF + "Description" and self._depth == self._list_depth + 1:
            self._is_described = True
            for attribute, value in attributes.items():
                if name := _known(attribute):
                    self.found.setdefault(name, []).append(value[:MAX_TEXT_BYTES])

    def end(self, _tag: str) -> None:
        if self._depth == self._item_depth:
            self._values.append((self._is_foreign, "".join(self._texts)))
            self._item_depth = 0
            self._texts.clear()
        elif self._property is not None and self._depth == self._list_depth + 2:
            values = sorted(self._values, key=lambda value: value[0])
            self.found.setdefault(self._property, []).extend(
                [text for _is_foreign, text in values] or ["".join(self._texts)]
            )
            self._property = None
        elif self._is_described and self._depth == self._list_depth + 1:
            self._is_described = False
        elif self._depth == self._list_depth:
            self.is_complete = True
        self._depth -= 1

    def text(self, text: str) -> None:
        if self._property is not None and (self._item_depth or not self._values):
            kept = text[: self._room]
            self._room -= len(kept)
            self._texts.append(kept)

    def _listen(self) -> None:
        self._texts.clear()
        self._room = MAX_TEXT_BYTES


def _known(name: str) -> str | None:
    """Return the prefixed name of a property, None if it is not known."""
    space, _brace, local = name.rpartition("}")
    prefix = _PREFIXES.get(space)
    return f"{prefix}:{local}" if prefix else None
