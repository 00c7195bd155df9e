"""Which parts of a file a `Range` means, and how they are answered: tables."""

import pytest

from gallery.api.requests.ranges import Span, parse, select
from gallery.errors import RangeNotSatisfiable


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=2-", [(2, 10)]),
        ("bytes=-3", [(7, 10)]),
        ("bytes=-99", [(0, 10)]),
        ("Bytes = 0-99", [(0, 10)]),
        ("bytes=,0-1, ,8-", [(0, 2), (8, 10)]),
        ("bytes=0-1,50-60", [(0, 2)]),
        ("bytes=0-" + "9" * 40, [(0, 10)]),
        ("bytes=3-2", None),
        ("bytes=x", None),
        ("bytes=1-2-3", None),
        ("bytes=", None),
        ("bytes", None),
        ("items=0-1", None),
        ("bytes=0-9,0-9", None),
        ("bytes=" + ",".join(["0-0"] * 101), None),
    ],
)
def test_what_a_range_means(header: str, spans: list[tuple[int, int]] | None) -> None:
    assert parse(header, 10) == spans


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=-0", "bytes=" + "9" * 40 + "-"])
def test_a_range_without_a_byte_is_refused(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse(header, 10)


@pytest.mark.parametrize("header", [None, "bytes=x"])
def test_the_whole_file(header: str | None) -> None:
    whole = select(header, 10, "image/png")
    assert (whole.status, whole.media_type, whole.pieces) == (200, "image/png", [Span(0, 10)])
    assert whole.headers == {"Content-Length": "10"}


def test_one_part() -> None:
    part = select("bytes=2-4", 10, "image/png")
    assert (part.status, part.media_type, part.pieces) == (206, "image/png", [Span(2, 5)])
    assert part.headers == {"Content-Length": "3", "Content-Range": "bytes 2-4/10"}


def test_several_parts_are_put_together() -> None:
    parts = select("bytes=0-0,-1", 10, "image/png")
    kind, _, boundary = parts.media_type.partition("; boundary=")
    content = b"0123456789"
    body = b"".join(
        piece if isinstance(piece, bytes) else content[piece.start : piece.end]
        for piece in parts.pieces
    )
    assert (parts.status, kind) == (206, "multipart/byteranges")
    assert int(parts.headers["Content-Length"]) == len(body)
    assert body.decode().split(f"--{boundary}") == [
        "\r\n",
        "\r\nContent-Type: image/png\r\nContent-Range: bytes 0-0/10\r\n\r\n0\r\n",
        "\r\nContent-Type: image/png\r\nContent-Range: bytes 9-9/10\r\n\r\n9\r\n",
        "--\r\n",
    ]
