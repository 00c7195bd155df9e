"""XMP packets as programs write them into files."""

import io

import pytest
from PIL import Image, PngImagePlugin

from gallery.media.formats.probe import probe
from gallery.media.metadata import iptc, xmp

HEAD, TAIL = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>'
PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" {attributes}>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Größe</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
PLAIN = PACKET.format(attributes="")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("around", [("", ""), (HEAD, TAIL), ("\0\n", "\0\0"), ("\ufeff", "\n")])
def test_xmp_is_read_in_every_encoding_that_it_may_have(
    encoding: str, around: tuple[str, str]
) -> None:
    packet = (around[0] + PLAIN + around[1]).encode(encoding)
    assert xmp.read(packet).title == "Größe"


@pytest.mark.parametrize(
    "behind",
    ["    \n" + TAIL[:-2], TAIL + ">\n </rdf:Bag>\n</rdf:RDF></x:xmpmeta>" + TAIL, "<", "&x;"],
)
def test_what_is_left_of_a_longer_packet_hides_nothing(behind: str) -> None:
    assert xmp.read((HEAD + PLAIN + behind).encode()).title == "Größe"


def test_a_packet_that_breaks_before_its_end_says_nothing() -> None:
    whole = PLAIN.encode()
    for length in range(0, whole.index(b"</rdf:RDF>"), 7):
        assert xmp.read(whole[:length]).title is None


def test_a_time_that_is_none_does_not_hide_the_next() -> None:
    packet = PACKET.format(
        attributes='exif:DateTimeOriginal="2008-05-25T19:31:26.0+1:00" '
        'xmp:CreateDate="2008-05-25T20:31:26+02:00"'
    )
    clock = xmp.read(packet.encode()).clock
    assert clock is not None
    assert str(clock.local) == "2008-05-25 20:31:26"


def test_what_a_camera_writes_is_no_caption_wherever_it_was_copied_to() -> None:
    packet = PACKET.format(attributes='dc:description="OLYMPUS DIGITAL CAMERA         "')
    assert xmp.read(packet.encode()).caption is None
    assert iptc.read({iptc.CAPTION: [b"SONY DSC"]}).caption is None
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Description", "Samsung")
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, "PNG", pnginfo=texts)
    assert probe(buffer, "x.png", 0).caption is None
