"""The meaning of a `Range` header, as a table (RFC 9110, 14)."""

import pytest

from gallery.api.requests.ranges import MAX_RANGES, Span, parse, select
from gallery.errors import RangeNotSatisfiable

SIZE = 100
WHOLE = None

CASES: dict[str, list[tuple[int, int]] | None] = {
    "bytes=0-9": [(0, 10)],
    "bytes=0-0": [(0, 1)],
    "bytes=99-99": [(99, 100)],
    "bytes=50-": [(50, 100)],
    "bytes=0-": [(0, 100)],
    "bytes=-10": [(90, 100)],
    "bytes=-100": [(0, 100)],
    "bytes=-1000": [(0, 100)],
    "bytes=90-1000": [(90, 100)],
    f"bytes=90-{'9' * 50}": [(90, 100)],
    "bytes=0-9,20-29": [(0, 10), (20, 30)],
    "bytes=20-29,0-9": [(20, 30), (0, 10)],
    "bytes=0-9,5-14": [(0, 10), (5, 15)],
    "bytes=0-9,100-": [(0, 10)],
    "bytes=, 0-9 ,\t,": [(0, 10)],
    "BYTES=0-9": [(0, 10)],
    " bytes =0-9": [(0, 10)],
    "bytes=0-59,0-59": WHOLE,
    "bytes=9-0": WHOLE,
    "bytes=0-9,9-0": WHOLE,
    "bytes=": WHOLE,
    "bytes=,,": WHOLE,
    "bytes": WHOLE,
    "bytes=a-b": WHOLE,
    "bytes=-": WHOLE,
    "bytes=--1": WHOLE,
    "bytes=1-2-3": WHOLE,
    "bytes=+1-2": WHOLE,
    "bytes=1 - 2": WHOLE,
    "bytes=\u0661-\u0662": WHOLE,
    "items=0-9": WHOLE,
    "": WHOLE,
}


@pytest.mark.parametrize("header", CASES)
def test_which_parts_a_header_asks_for(header: str) -> None:
    expected = CASES[header]
    assert parse(header, SIZE) == (None if expected is None else [Span(*it) for it in expected])


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=200-,-0"])
def test_parts_behind_the_end_are_refused(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse(header, SIZE)


def test_of_an_empty_file_there_is_no_part() -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse("bytes=0-", 0)


@pytest.mark.parametrize(("count", "is_whole"), [(MAX_RANGES, False), (MAX_RANGES + 1, True)])
def test_who_asks_for_too_many_parts_gets_the_whole(count: int, *, is_whole: bool) -> None:
    header = "bytes=" + ",".join(f"{number}-{number}" for number in range(count))
    assert (parse(header, 10_000) is None) == is_whole


def test_an_answer_has_the_length_that_it_says() -> None:
    for header, status in ((None, 200), ("bytes=0-9", 206), ("bytes=0-9,20-29", 206)):
        answer = select(header, SIZE, "image/jpeg")
        sent = sum(p.end - p.start if isinstance(p, Span) else len(p) for p in answer.pieces)
        assert (answer.status, answer.headers["Content-Length"]) == (status, str(sent))


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
