"""HEIC pictures: their memory, and the error text for those that need too much."""

import io
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from gallery.media.formats.image import decoded_heif
from gallery.media.jobs import RenderFile
from gallery.media.render.thumbnails import render
from gallery.media.worker import open_workers
from tests.support.workers import processes_of


def heic(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (width, height), "teal")).save(buffer)
    return buffer.getvalue()


def test_a_heic_picture_is_in_memory_once() -> None:
    """Otherwise hundreds of megapixels would not fit into a worker."""
    content = io.BytesIO(heic(1_000, 750))
    tracemalloc.start()
    try:
        pixels = decoded_heif(content)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (pixels.width, pixels.height, pixels.bands) == (1_000, 750, 3)
    assert taken < 1_000 * 750


def test_a_heic_picture_that_is_too_large_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.heic").write_bytes(heic(64, 48))
    with (tmp_path / "x.heic").open("rb") as file:
        monkeypatch.setattr("gallery.media.formats.pixels.MAX_PIXELS", 64 * 48 - 1)
        assert render(file, "x.heic", ["small"]).problem == "takes too much memory or time"
        monkeypatch.undo()
        assert render(file, "x.heic", ["small"]).problem is None


_WITHOUT_MEMORY = """
import resource, sys
from gallery.media.render.thumbnails import render
from gallery.media.worker import open_workers
from tests.support.workers import processes_of
with open(sys.argv[1], "rb") as file:
    render(file, "x.heic", [])
    status = open("/proc/self/status").read().split()
    most = int(status[status.index("VmSize:") + 1]) * 1024 + (50 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with open(sys.argv[2], "rb") as large:
        print(render(large, "x.heic", ["small"]).problem)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of memory")
def test_a_heic_picture_for_which_there_is_no_memory_is_not_called_damaged(tmp_path: Path) -> None:
    """There is enough memory for the decoded values, but not for the colours as well."""
    (tmp_path / "small.heic").write_bytes(heic(64, 48))
    (tmp_path / "large.heic").write_bytes(heic(4_000, 3_000))
    files = [str(tmp_path / name) for name in ("small.heic", "large.heic")]
    drawing = subprocess.run(
        [sys.executable, "-c", _WITHOUT_MEMORY, *files],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert drawing.stdout == "takes too much memory or time\n", drawing.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_worker_keeps_the_room_that_a_large_picture_needs(tmp_path: Path) -> None:
    """Each decoder thread could reserve 64 MiB of address space, which the limit counts."""
    (tmp_path / "x.heic").write_bytes(heic(640, 480))
    async with open_workers() as workers:
        with (tmp_path / "x.heic").open("rb") as file:
            for _ in range(4):
                made = await workers.render(RenderFile("x.heic", ("small",)), [file.fileno()], 60)
                assert made.thumbhash
        [process] = processes_of(workers)
        status = Path(f"/proc/{process}/status").read_text().split()
    assert int(status[status.index("VmSize:") + 1]) < 300 << 10
