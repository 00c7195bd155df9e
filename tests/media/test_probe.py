"""What is read of real files, and that a decoder's crash costs a worker only."""

import io
import os
import time
from pathlib import Path

import av
import pillow_heif
import pytest
from PIL import Image

from gallery.disk.roots import Root
from gallery.indexing.queue import fingerprint, read_files
from gallery.media import worker
from gallery.media.probe import probe
from gallery.media_types import MediaType
from gallery.model import Probed
from gallery.store.unread import Unread

PICTURES = ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"]


def picture(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, kind, **options)
    return buffer.getvalue()


def heic() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "teal")).save(buffer)
    return buffer.getvalue()


def film(container: str, codec: str) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=24)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(48):
            output.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        output.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_has_dimensions(kind: str) -> None:
    assert probe(io.BytesIO(picture(kind)), "image") == Probed(64, 48)


def test_a_heic_picture_has_dimensions() -> None:
    assert probe(io.BytesIO(heic()), "image") == Probed(64, 48)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_dimensions_are_those_that_people_see(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = Probed(64, 48) if orientation < 5 else Probed(48, 64)
    assert probe(io.BytesIO(picture("JPEG", exif=exif)), "image") == upright


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "libx264"), ("mov", "libx264"), ("webm", "libvpx-vp9"), ("matroska", "libx264")]
    + [("avi", "mpeg4")],
)
def test_a_film_has_dimensions_and_a_duration(container: str, codec: str) -> None:
    found = probe(io.BytesIO(film(container, codec)), "video")
    assert (found.width, found.height, found.problem) == (64, 48, None)
    assert found.duration == pytest.approx(2_000, abs=60)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no media",
        picture("JPEG")[:20],
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"\0" * 999,
    ]
    + [b"#EXTM3U\n/etc/passwd\n", film("mp4", "libx264")[:100]],
    ids=lambda value: repr(value[:12]),
)
@pytest.mark.parametrize("type_", ["image", "video"])
def test_what_cannot_be_read_has_a_problem(content: bytes, type_: MediaType) -> None:
    found = probe(io.BytesIO(content), type_)
    assert (found.width, found.height, found.duration) == (None, None, None)
    assert found.problem is not None
    assert "passwd" not in found.problem


async def test_files_are_read_in_a_child_process(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").write_bytes(picture("JPEG"))
    (tmp_path / "x.mp4").write_bytes(film("mp4", "libx264"))
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a" / "x.jpg")
    (tmp_path / "grown.jpg").write_bytes(picture("JPEG"))
    listed = []
    for id_, path in enumerate(["a/x.jpg", "x.mp4", "link.jpg", "gone.jpg", "grown.jpg"]):
        file = tmp_path / path
        status = file.lstat() if file.is_file() else file.parent.stat()
        listed.append(Unread(id_, path, status.st_size, status.st_mtime_ns // 1000))
    (tmp_path / "grown.jpg").write_bytes(picture("JPEG") + b"more")
    found = await worker.run(30, read_files, Root("", tmp_path), listed)
    assert [each and each.width for each in found] == [64, 64, None, None, None]


def test_copies_of_a_file_have_the_same_fingerprint_and_others_have_another() -> None:
    content = bytes(range(256)) * 2_000
    same = fingerprint(io.BytesIO(content), len(content))
    assert same == fingerprint(io.BytesIO(content), len(content))
    assert len(same) == 32
    others = (b"x" + content[1:], content[:-1] + b"x", content[:-1], b"")
    different = {fingerprint(io.BytesIO(other), len(other)) for other in others}
    assert len(different - {same}) == len(others)


def die() -> None:
    os.abort()


def sleep() -> None:
    time.sleep(60)


def devour() -> int:
    return len(bytearray(worker.MEMORY))


async def test_a_child_that_dies_or_hangs_is_replaced() -> None:
    before = os.getpid()
    with pytest.raises(worker.WorkerFailed):
        await worker.run(30, die)
    with pytest.raises(worker.WorkerFailed):
        await worker.run(0.2, sleep)
    with pytest.raises(MemoryError):
        await worker.run(30, devour)
    assert await worker.run(30, os.getpid) != before
