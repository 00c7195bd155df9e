"""PNG without pixels, because Pillow decodes all of them to find metadata behind them."""

import io
import zlib
from typing import BinaryIO

from gallery.media.metadata import xmp

_BEGINNING = 8
"""Bytes: the signature of the file, and the length and the kind of a chunk."""
_CHECK = 4
_HEADER = b"IHDR"
_EXIF = b"eXIf"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_MAX_BYTES = {_HEADER: 64, _EXIF: 1 << 20} | dict.fromkeys(_TEXTS, xmp.MAX_PACKET + (1 << 10))
"""Of a chunk, by kind. Other kinds are not read. A text may be XMP after its keyword."""
_MAX_COMPRESSED_BYTES = 1 << 20
"""Of a text after decompression. Pillow refuses a file with a longer one."""
_MAX_ALL_BYTES = 24 << 20
"""Of all these chunks. Pillow refuses a file with 64 MiB of texts."""
_NO_PIXELS = b"\0\0\0\0IDAT" + zlib.crc32(b"IDAT").to_bytes(4, "big")


def without_pixels(file: BinaryIO) -> tuple[BinaryIO, bool]:
    """Return a PNG with only the metadata of `file`, and whether its EXIF precedes the pixels.

    Decoders apply only an orientation that precedes the pixels. Chunks that are broken, too large,
    or beyond the limit of all are left out.
    """
    chunks = [file.read(_BEGINNING)]
    left = _MAX_ALL_BYTES
    is_behind = is_exif_before = False
    while len(beginning := file.read(_BEGINNING)) == _BEGINNING:
        length, kind = int.from_bytes(beginning[:4]), beginning[4:]
        if kind == b"IEND":
            break
        is_behind |= kind == b"IDAT"
        if length > min(_MAX_BYTES.get(kind, -1), left):
            file.seek(length + _CHECK, io.SEEK_CUR)
            continue
        rest = file.read(length + _CHECK)
        content, check = rest[:-_CHECK], rest[-_CHECK:]
        size = _size(kind, content)
        left -= max(length, size or 0)
        is_whole = zlib.crc32(content, zlib.crc32(kind)).to_bytes(4) == check
        if kind == _HEADER or (is_whole and size is not None and left >= 0):
            is_exif_before |= kind == _EXIF and not is_behind
            chunks += [beginning, rest]
    return io.BytesIO(b"".join((*chunks, _NO_PIXELS))), is_exif_before


def _size(kind: bytes, content: bytes) -> int | None:
    """Return the size of a chunk in memory, in bytes; None if it is too large or broken."""
    _name, _nul, rest = content.partition(b"\0")
    if kind == b"zTXt" and rest[:1] == b"\0":
        packed = rest[1:]
    elif kind == b"iTXt" and rest[:1] != b"\0":
        packed = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        return None if kind == b"zTXt" else len(content)
    try:
        size = len(zlib.decompressobj().decompress(packed, _MAX_COMPRESSED_BYTES))
    except zlib.error:
        return None
    return size if size < _MAX_COMPRESSED_BYTES else None
