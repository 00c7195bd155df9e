"""Decoding bytes as text, as most writers mean them: a table."""

import pytest

from gallery.media.metadata.sources import MAX_TEXT_BYTES, decoded


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        ("Été".encode(), "Été"),
        ("Été".encode("latin-1"), "Été"),
        (b"abc\0rest", "abc"),
        (b"x" * (MAX_TEXT_BYTES + 1), "x" * MAX_TEXT_BYTES),
        (b"x" * (MAX_TEXT_BYTES - 1) + "é".encode(), "x" * (MAX_TEXT_BYTES - 1)),
    ],
)
def test_bytes_as_text(raw: bytes, text: str) -> None:
    assert decoded(raw) == text
