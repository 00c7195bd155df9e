"""A small RAW file."""

import struct
from collections.abc import Mapping

_SIZES = {"B": 1, "c": 1, "H": 2, "I": 4, "i": 4}
_TYPES = {"B": 1, "c": 2, "H": 3, "I": 4, "i": 10}


def dng(
    orientation: int = 1, more: Mapping[int, tuple[str, bytes | tuple[int, ...]]] | None = None
) -> bytes:
    """Return a small DNG: 64 x 48 values of a colour mosaic, and its time."""
    pixels = bytes(range(256)) * (64 * 48 * 2 // 256)
    own = _directory(
        {0x9003: ("c", b"2025:07:03 12:13:14\0"), 0x8827: ("H", (200,))}, 8 + len(pixels)
    )
    start = 8 + len(pixels) + len(own)
    entries: dict[int, tuple[str, bytes | tuple[int, ...]]] = {
        0x00FE: ("I", (0,)),
        0x0100: ("I", (64,)),
        0x0101: ("I", (48,)),
        0x0102: ("H", (16,)),
        0x0103: ("H", (1,)),
        0x0106: ("H", (32803,)),
        0x010F: ("c", b"Canon\0"),
        0x0110: ("c", b"Canon EOS R5\0"),
        0x0111: ("I", (8,)),
        0x0112: ("H", (orientation,)),
        0x0115: ("H", (1,)),
        0x0116: ("I", (48,)),
        0x0117: ("I", (len(pixels),)),
        0x828D: ("H", (2, 2)),
        0x828E: ("B", (0, 1, 1, 2)),
        0x8769: ("I", (8 + len(pixels),)),
        0xC612: ("B", (1, 4, 0, 0)),
        0xC614: ("c", b"Canon EOS R5\0"),
        0xC621: ("i", (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)),
        0xC65A: ("H", (21,)),
        **(more or {}),
    }
    return b"II*\0" + struct.pack("<I", start) + pixels + own + _directory(entries, start)


def dng_with_preview(preview: bytes, raw: bytes | None = None) -> bytes:
    """Return the same file with an embedded JPEG preview."""
    raw = raw or dng()
    end = len(raw) + len(raw) % 2
    start = struct.unpack_from("<I", raw, 4)[0]
    count = struct.unpack_from("<H", raw, start)[0]
    made = bytearray(raw.ljust(end, b"\0"))
    struct.pack_into("<I", made, start + 2 + 12 * count, end)  # the offset of the next directory
    entries: dict[int, tuple[str, bytes | tuple[int, ...]]] = {
        0x00FE: ("I", (1,)),
        0x0103: ("H", (6,)),
        0x0201: ("I", (0,)),
        0x0202: ("I", (len(preview),)),
    }
    at = end + len(_directory(entries, end))
    entries[0x0201] = ("I", (at,))
    return bytes(made) + _directory(entries, end) + preview


def _directory(entries: dict[int, tuple[str, bytes | tuple[int, ...]]], at: int) -> bytes:
    """Return a TIFF directory for the offset `at`, followed by its out-of-line values."""
    behind = at + 2 + 12 * len(entries) + 4
    table, values = struct.pack("<H", len(entries)), b""
    for tag, (kind, content) in sorted(entries.items()):
        raw = (
            content
            if isinstance(content, bytes)
            else struct.pack(f"<{len(content)}{kind}", *content)
        )
        count = len(raw) // _SIZES[kind] // (2 if kind == "i" else 1)
        if len(raw) > 4:
            field = struct.pack("<I", behind + len(values))
            values += raw + b"\0" * (len(raw) % 2)
        else:
            field = raw.ljust(4, b"\0")
        table += struct.pack("<HHI", tag, _TYPES[kind], count) + field
    return table + b"\0" * 4 + values
