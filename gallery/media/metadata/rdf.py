"""RDF in XML, as XMP uses it: properties and their values, read without entities or a tree."""

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
    """The document is not what is read here, or too large."""


def properties(raw: bytes) -> Properties:
    """Return the values of every property that we know, by its prefixed name.

    There are none if the XML is broken, has a document type, or has too many or too deep elements.
    What follows a complete `rdf:RDF` may be broken: programs that write over a longer packet leave
    its end behind.
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
    """Return XML from its first `<` on, in whatever width its characters are.

    A NUL before it may be half of it, and one behind `>` as well.
    """
    begin, end = raw.find(b"<"), raw.rfind(b">") + 1
    if raw[begin + 1 : begin + 2] == b"\0":
        end += 1
    return raw[max(begin - (raw[begin - 1 : begin] == b"\0"), 0) : end]


def _refuse(*_declaration: object) -> NoReturn:
    raise _Refused


class _Reader:
    """Hears of one element after another, and keeps the values of properties only.

    `rdf:RDF` holds descriptions, whose attributes and elements are properties. The value of an
    element is its text, or, if it holds a list, that of every `rdf:li`; of several languages the
    default one comes first.
    """

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self.is_complete = False
        """Whether `rdf:RDF` has ended."""
        self._depth = 0
        self._elements = 0
        self._list_depth = 0
        """Of the open rdf:RDF."""
        self._is_described = False
        self._property: str | None = None
        self._values: list[tuple[bool, str]] = []
        """Whether each is in another language than the default one, and the value."""
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
    """Return the name of a property with its prefix, None for one that is not read."""
    space, _brace, local = name.rpartition("}")
    prefix = _PREFIXES.get(space)
    return f"{prefix}:{local}" if prefix else None
