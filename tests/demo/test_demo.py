"""The demo library: real, varied files to try an index on."""

from pathlib import Path

import av
import pytest
from PIL import Image

from gallery.demo import write_demo_library
from gallery.values.media_types import DEFAULT_IGNORE, junk_filter, type_of
from tests.support.library import TRIP


def media(folder: Path) -> list[Path]:
    is_junk = junk_filter(DEFAULT_IGNORE)
    return [
        file
        for file in folder.rglob("*")
        if file.is_file()
        and type_of(file.name)
        and not any(is_junk(part) for part in file.relative_to(folder).parts)
    ]


def test_it_has_some_60_files_with_the_paths_of_the_tour(demo: Path) -> None:
    assert 50 <= len(media(demo)) <= 70
    assert all((demo / path).is_file() for path in TRIP)
    names = {file.name for file in media(demo)}
    assert {"café à Nice.jpg", "100% bleu #1.jpg", "IMG_2.JPG", "IMG_10.JPG"} <= names
    assert {file.suffix.lower() for file in media(demo)} >= {
        *(".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".bmp"),
        *(".mp4", ".mov", ".webm"),
    }
    assert (demo / "photos/Thumbs.db").is_file(), "and a little junk, as everywhere"


def test_every_picture_and_film_can_be_opened(demo: Path) -> None:
    for file in media(demo):
        if type_of(file.name) == "image":
            with Image.open(file) as image:
                shades = set(image.convert("L").resize((40, 40)).tobytes())
            assert len(shades) > 8, "it shows something"
        else:
            with av.open(str(file)) as container:
                assert container.duration is not None
                assert 1 < container.duration / 1_000_000 < 5
                assert len(list(container.decode(video=0))) > 24


def test_pictures_tell_when_where_and_by_what_they_were_taken(demo: Path) -> None:
    cameras, years, zones, places, turned = set(), set(), set(), 0, set()
    for file in media(demo):
        if file.suffix.lower() not in (".jpg", ".jpeg"):
            continue
        with Image.open(file) as image:
            exif = image.getexif()
        details = exif.get_ifd(0x8769)
        cameras.add(exif[0x0110])
        years.add(details[0x9003][:4])
        zones.add(details.get(0x9011))
        places += 2 in exif.get_ifd(0x8825)
        turned.add(exif[0x0112])
    assert len(cameras) == 4
    assert len(years) >= 5
    assert None in zones
    assert len(zones) >= 3
    assert places > 10
    assert turned == {1, 6, 8}


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        write_demo_library(tmp_path / "mine")
    assert [file.name for file in tmp_path.rglob("*")] == ["mine", "a.txt"]


def test_a_demo_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo_library(tmp_path / "demo", interrupt)
    assert list(tmp_path.iterdir()) == []
