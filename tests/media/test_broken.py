"""Errors that decoding survives are logged, and bugs of ours are warnings with a trace."""

import ast
import io
import logging
from pathlib import Path

import pytest
from PIL import Image

import gallery
from gallery.media.formats import image
from gallery.media.formats.probe import probe
from gallery.media.jobs import METADATA, Answer, LogLine, ReadFile, framed
from gallery.media.metadata import broken, exif, sources
from gallery.media.worker import open_workers
from gallery.model import Probed
from gallery.values.times import Micros
from tests.support.pictures import GPS, picture, probed
from tests.support.pictures import exif as exif_of

Bugs = list[logging.LogRecord]


def slip(value: object) -> int:
    return value + 1  # type: ignore[operator]


def test_a_bug_of_ours_is_a_warning_with_the_file_and_the_trace(
    bugs: Bugs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(slip.__globals__, "__name__", "gallery.media.metadata.exif")
    with broken.decoding("a\nb.jpg"), broken.reported():
        slip(None)
    [record] = bugs
    assert record.getMessage().startswith("a\\u000ab.jpg: TypeError: unsupported operand")
    assert record.exc_info is not None
    bugs.clear()


@pytest.mark.parametrize("error", [TypeError, AttributeError])
def test_a_bug_in_a_decoder_is_a_property_of_the_file(
    error: type[Exception], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise error("by Pillow")

    monkeypatch.setattr(Image.Image, "getexif", refuses)
    with caplog.at_level(logging.DEBUG, broken.logger.name), broken.decoding("x.jpg"):
        assert probe(io.BytesIO(picture("JPEG")), "x.jpg", 0).width == 64
    [record] = caplog.records
    assert record.getMessage() == f"x.jpg: {error.__name__}: by Pillow"
    assert record.levelno == logging.DEBUG


def test_a_bug_of_ours_leaves_the_rest_of_a_file(
    bugs: Bugs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "MAX_IPTC_BYTES", None)
    monkeypatch.setattr(image, "_raw_iptc", lambda _image: b"\x1c")
    found = probed(picture("JPEG", exif=exif_of()))
    assert (found.width, found.camera) == (64, "Canon EOS R5")
    assert [record.levelname for record in bugs] == ["WARNING"]
    bugs.clear()


def test_a_plain_file_leaves_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, broken.logger.name):
        probed(picture("JPEG"))
        probed(picture("JPEG", exif=exif_of(gps=GPS)))
        probed(picture("PNG"))
    assert caplog.messages == []


@pytest.mark.parametrize("odd", [None, (), (1, 2), b"\xff", "x", {}, float("nan"), 10**400])
def test_odd_values_of_exif_are_left_out(odd: object) -> None:
    made = Image.Exif()
    made._loaded = True  # noqa: SLF001
    own, gps = Image.Exif(), Image.Exif()
    for tag in (0x829A, 0x829D, 0x8827, 0x920A):
        own._data[tag] = odd  # noqa: SLF001
    gps._data.update({1: odd, 2: odd, 3: odd, 4: (1.0, odd), 6: odd, 7: odd, 29: odd})  # noqa: SLF001
    found = exif.read_apart(made, own, gps)
    assert (found.exposure, found.position, found.utc) == (None, None, None)


def test_a_damaged_avif_has_a_problem() -> None:
    """Pillow raises `RuntimeError` for it."""
    content = bytearray(picture("AVIF"))
    content[content.index(b"pitm") + 9] = 9
    assert probed(bytes(content), "x.avif").problem == "is damaged"


def test_a_time_of_a_satellite_that_is_no_time_is_left_out() -> None:
    gps = GPS | {29: "2025:07:03", 7: 12.0}
    assert probed(picture("JPEG", exif=exif_of(gps=gps))).position is not None


@pytest.mark.parametrize(
    ("raw", "number"), [("1.5", 1.5), (2, 2.0), (b"3", 3.0), (None, None), ("x", None), ({}, None)]
)
def test_a_number_of_any_kind(raw: object, number: float | None) -> None:
    assert sources.real(raw) == number


async def test_the_server_logs_what_a_worker_reports(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    with caplog.at_level(logging.DEBUG, "gallery.media.worker"), (tmp_path / "x.jpg").open() as f:
        async with open_workers() as workers:
            await workers.read([(ReadFile("holiday.jpg", Micros(0)), [f.fileno()])], 60.0)
    assert any(message.startswith("holiday.jpg: Unident") for message in caplog.messages)


def test_the_log_of_an_answer_is_bounded() -> None:
    def decodes(*lines: LogLine) -> bool:
        try:
            METADATA.decode(framed(Answer[Probed](error="x", log=lines))[4:])
        except ValueError:
            return False
        return True

    assert decodes(*[LogLine("debug", "x" * 4_000)] * 10)
    assert not decodes(*[LogLine("debug", "x")] * 11)
    assert not decodes(LogLine("debug", "x" * 4_001))


def test_every_error_that_is_caught_as_broken_is_reported() -> None:
    handlers = [
        (file.name, node)
        for file in Path(gallery.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ExceptHandler) and node.type and "BROKEN" in ast.unparse(node.type)
    ]
    assert len(handlers) > 10
    unreported = [
        f"{file}:{node.lineno}"
        for file, node in handlers
        if ast.unparse(node.body[0]) != f"report({node.name})"
    ]
    assert unreported == []
