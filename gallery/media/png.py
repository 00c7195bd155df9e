"""PNG without its pixels: Pillow decodes them all to see what stands behind them."""

import io
import zlib
from typing import BinaryIO

_BEGINNING = 8
"""Bytes: the signature of the file, and the length and the kind of a chunk."""
_CHECK = 4
_PIXELS = (b"IDAT", b"fdAT", b"acTL", b"fcTL")
"""Pixels, and what tells about moving ones."""
_NO_PIXELS = b"\0\0\0\0IDAT" + zlib.crc32(b"IDAT").to_bytes(4, "big")


def without_pixels(file: BinaryIO) -> BinaryIO:
    """Return a PNG of all other chunks of `file`, before an empty one of pixels.

    Behind the pixels a broken chunk is left out. What takes too much to read is told by `file`.
    """
    chunks = [file.read(_BEGINNING)]
    is_behind = False
    while len(beginning := file.read(_BEGINNING)) == _BEGINNING:
        length, kind = int.from_bytes(beginning[:4], "big"), beginning[4:]
        if kind == b"IEND":
            break
        if kind in _PIXELS:
            is_behind |= kind == b"IDAT"
            file.seek(length + _CHECK, io.SEEK_CUR)
            continue
        rest = file.read(length + _CHECK)
        check = zlib.crc32(rest[:-_CHECK], zlib.crc32(kind)).to_bytes(4, "big")
        if not is_behind or check == rest[-_CHECK:]:
            chunks += [beginning, rest]
    return io.BytesIO(b"".join((*chunks, _NO_PIXELS)))
