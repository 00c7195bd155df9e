"""Decoders work within the sandbox of a worker."""

from pathlib import Path

from PIL import ImageStat

from gallery.media.jobs import ReadFile, RenderFile
from gallery.media.worker import open_workers
from gallery.model import Probed
from gallery.values.media_types import type_of
from gallery.values.times import Micros
from tests.support.corpus import corpus
from tests.support.raws import dng
from tests.support.thumbnails import opened

SVG_WITH_TEXT = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='300' height='100'><rect width='300' "
    b"height='100' fill='white'/><text x='10' y='70' font-size='60' "
    b"font-family='sans-serif'>Sandbox</text></svg>"
)


async def test_all_of_it_is_drawn_and_read_in_the_sandbox_of_a_worker(tmp_path: Path) -> None:
    """One process renders and reads all formats: no decoder needs what the sandbox forbids."""
    made = {case.name: case.make() for case in corpus()}
    made |= {"text.svg": SVG_WITH_TEXT, "raw.dng": dng()}
    async with open_workers() as workers:
        for name, content in made.items():
            (tmp_path / "file").write_bytes(content)
            type_ = type_of(name)
            assert type_
            with (tmp_path / "file").open("rb") as file:
                request = RenderFile(name, ("small", "full"))
                drawn = await workers.render(request, [file.fileno()], 60)
                [read] = await workers.read([(ReadFile(name, Micros(0)), [file.fileno()])], 60)
            assert (drawn.problem, set(drawn.pictures)) == (None, {"small", "full"}), name
            assert isinstance(read, Probed)
            assert read.problem is None, name
            if name == "text.svg":
                shown = opened(drawn.pictures["full"]).convert("L")
                assert ImageStat.Stat(shown).extrema[0][0] < 100, "text needs fonts"
