"""Small pictures and films with metadata, and the metadata expected from them."""

import io
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import av
import pillow_heif
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from gallery.media.formats.probe import probe
from gallery.model import Probed
from gallery.values.media_types import type_of

XMP = """
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
  xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
  xmlns:digiKam="http://www.digikam.org/ns/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
  {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>
""".strip()
LISTS = """
<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>Paris</rdf:li></rdf:Bag></dc:subject>
<lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Europe|Paris</rdf:li></rdf:Bag></lr:hierarchicalSubject>
<dc:title><rdf:Alt><rdf:li xml:lang="de">Titel</rdf:li><rdf:li xml:lang="x-default">A title</rdf:li>
</rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">A caption</rdf:li></rdf:Alt></dc:description>
"""


def xmp(attributes: str = "", elements: str = "") -> bytes:
    return XMP.format(attributes=attributes, elements=elements).encode()


def exif(**more: Any) -> Image.Exif:
    """Return EXIF as a camera writes it; `more` adds a rating, a caption, GPS and so on."""
    made = Image.Exif()
    made[0x010F], made[0x0110] = "Canon", "Canon EOS R5"
    own = made.get_ifd(0x8769)
    own[0x9003], own[0x9291] = "2025:07:03 12:13:14", "50"
    own[0x829A], own[0x829D] = IFDRational(1, 250), IFDRational(28, 10)
    own[0x8827], own[0x920A] = 100, IFDRational(35, 1)
    own[0xA434] = "RF24-70mm F2.8 L IS USM"
    for tag, value in more.get("main", {}).items():
        made[tag] = value
    for tag, value in more.get("own", {}).items():
        own[tag] = value
    if "gps" in more:
        made.get_ifd(0x8825).update(more["gps"])
    return made


GPS = {
    1: "N",
    2: (IFDRational(48), IFDRational(51), IFDRational(3024, 100)),
    3: "W",
    4: (IFDRational(2), IFDRational(17), IFDRational(402, 10)),
    5: b"\x01",
    6: IFDRational(355, 10),
}


def picture(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = Image.new("RGB", (64, 48), "teal")
    if kind == "HEIF":
        for key in ("exif", "xmp"):
            if key in options:
                value = options.pop(key)
                image.info[key] = value.tobytes() if isinstance(value, Image.Exif) else value
        pillow_heif.from_pillow(image).save(buffer)
    else:
        image.save(buffer, kind, **options)
    return buffer.getvalue()


def probed(content: bytes, name: str = "x.jpg", *sidecars: bytes) -> Probed:
    type_ = type_of(name)
    assert type_ is not None
    return probe(io.BytesIO(content), name, 1_600_000_000_000_000, sidecars)


def film(
    container: str,
    codec: str,
    rotation: int = 0,
    metadata: Mapping[str, str] = MappingProxyType({}),
    seconds: int = 2,
) -> bytes:
    buffer = io.BytesIO()
    options = {"movflags": "use_metadata_tags"}
    with av.open(buffer, "w", format=container, options=options) as output:
        output.metadata.update(metadata)
        stream = output.add_stream(codec, rate=24)
        assert isinstance(stream, av.VideoStream)
        if rotation:
            stream.set_display_rotation(rotation)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(24 * seconds):
            output.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes, check: bytes = b"") -> bytes:
    check = check or zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + check
