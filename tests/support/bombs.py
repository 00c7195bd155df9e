"""Small files that claim to contain enormous pictures."""

import struct
import zlib

from PIL import Image

from tests.support.corpus import encoded


def png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def patched(content: bytes, former: bytes, new: bytes) -> bytes:
    assert former in content
    return content.replace(former, new, 1)


def jpeg_bomb() -> bytes:
    small = encoded(Image.new("RGB", (64, 48)), "JPEG")
    return patched(small, struct.pack(">HH", 48, 64), struct.pack(">HH", 65_500, 65_500))


def gif_bomb() -> bytes:
    small = encoded(Image.new("P", (64, 48)), "GIF")
    return small.replace(struct.pack("<HH", 64, 48), struct.pack("<HH", 65_535, 65_535))


BOMBS = {
    "bomb.png": png(60_000, 60_000, zlib.compress(bytes(60_001 * 100))),
    "bomb.jpg": jpeg_bomb(),
    "bomb.gif": gif_bomb(),
    "bomb.bmp": patched(
        encoded(Image.new("RGB", (64, 48)), "BMP"),
        struct.pack("<ii", 64, 48),
        struct.pack("<ii", 2**30, 2**30),
    ),
    "bomb.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='1000000' height='1000000'/>",
    "laughs.svg": b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'ha'>"
    + b"".join(
        b"<!ENTITY %c '%s'>" % (98 + depth, b"&%c;" % (97 + depth) * 10) for depth in range(12)
    )
    + b"]><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><text>&m;</text></svg>",
}
