"""The demo library as a table of folders, and how it is written."""

import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gallery.demo import closeups, outdoors, towns
from gallery.demo.films import film
from gallery.demo.paint import Canvas, PaintSize
from gallery.demo.palettes import (
    AUTUMN,
    DAWN,
    DESERT,
    DUSK,
    GARDEN,
    LAGOON,
    NIGHT,
    NOON,
    SPRING,
    WINTER,
    Palette,
)
from gallery.demo.pictures import Camera, PaintedPlace, save, sidecar

Scene = Callable[[Canvas], None]

FUJI = Camera("FUJIFILM", "X-T4", "XF16-55mmF2.8 R LM WR", 23)
CANON = Camera("Canon", "Canon EOS R6", "RF24-105mm F4 L IS USM", 50)
NIKON = Camera("NIKON CORPORATION", "NIKON Z 6", "NIKKOR Z 24-70mm f/4 S", 35)
PHONE = Camera("Apple", "iPhone 15 Pro", "iPhone 15 Pro back camera 6.86mm f/1.78", 6.86, True)

LISBON = PaintedPlace(38.7139, -9.1334, "+01:00")
NICE = PaintedPlace(43.6959, 7.2716, "+02:00")
ICELAND = PaintedPlace(64.1466, -21.9426, "+00:00")
CAPE_TOWN = PaintedPlace(-33.9249, 18.4241, "+02:00")

WIDE, TALL, SQUARE = (960, 640), (640, 960), (800, 800)


class Group(NamedTuple):
    """The pictures of one folder, each as (name, scene), taken an hour apart."""

    folder: str
    taken: str
    camera: Camera | None
    place: PaintedPlace | None
    palette: Palette
    pictures: tuple[tuple[str, Scene], ...]
    size: PaintSize = WIDE
    orientation: int = 1


PICTURES = (
    Group("photos/2025/trip/day1", "2025-06-14 09:12", PHONE, LISBON, NOON,
          (("beach.jpg", outdoors.beach), ("tiles.jpg", closeups.tiles))),
    Group("photos/2025/trip/day1", "2025-06-14 19:40", PHONE, LISBON, DUSK,
          (("sunset.jpg", outdoors.sunset), ("skyline.jpg", towns.skyline))),
    Group("photos/2025/trip/day2", "2025-06-15 10:05", FUJI, LISBON, NOON,
          (("market.jpg", towns.market), ("harbour.jpg", towns.harbour),
           ("old town.jpg", towns.skyline))),
    Group("photos/2025/trip/day2", "2025-06-15 14:30", FUJI, LISBON, SPRING,
          (("flowers.jpg", closeups.sunflower), ("lake.jpg", outdoors.lake)), TALL, 6),
    Group("photos/2025/Été à la mer", "2025-08-02 11:00", PHONE, NICE, LAGOON,
          (("café à Nice.jpg", towns.market), ("plage.jpg", outdoors.beach),
           ("port.jpg", towns.harbour), ("100% bleu #1.jpg", outdoors.sunset))),
    Group("photos/2024/Iceland", "2024-02-09 18:00", NIKON, ICELAND, NIGHT,
          tuple((f"IMG_{n}.JPG", outdoors.aurora) for n in (1, 2, 3, 9, 10, 11, 20))),
    Group("photos/2024/Iceland", "2024-02-10 11:00", NIKON, ICELAND, WINTER,
          (("IMG_12.JPG", outdoors.mountains), ("IMG_13.JPG", outdoors.lake))),
    Group("photos/2024/garden", "2024-05-18 08:30", CANON, None, GARDEN,
          tuple((f"sunflower {n}.jpg", closeups.sunflower) for n in range(1, 5)), TALL, 8),
    Group("photos/2023/Cape Town", "2023-11-21 06:45", CANON, CAPE_TOWN, DAWN,
          (("dawn.jpg", outdoors.mountains), ("bay.jpg", outdoors.beach),
           ("waterfront.jpg", towns.harbour), ("first light.jpg", outdoors.sunset))),
    Group("photos/2022/desert", "2022-10-03 16:20", CANON, None, DESERT,
          tuple((f"dune-{n:02}.jpg", outdoors.dunes) for n in range(1, 8))),
    Group("photos/2021/Anna's birthday", "2021-09-12 20:15", NIKON, None, NIGHT,
          tuple((f"lights {n}.jpg", closeups.bokeh) for n in range(1, 7)), SQUARE),
    Group("photos/2020/autumn", "2020-10-25 13:00", FUJI, None, AUTUMN,
          (("hills.jpg", outdoors.mountains), ("lake.jpg", outdoors.lake),
           ("evening.jpg", outdoors.sunset), ("town.jpg", towns.skyline))),
    Group("photos/2019/scans", "2019-04-07 12:00", None, None, SPRING,
          (("street.png", towns.market), ("meadow.webp", closeups.sunflower),
           ("mosaic.tif", closeups.tiles), ("harbour.bmp", towns.harbour),
           ("wobble.gif", closeups.tiles)), (480, 320)),
    Group("photos/2019/scans", "2019-04-08 12:00", None, None, DUSK,
          (("evening.png", outdoors.sunset), ("lights.webp", closeups.bokeh)), (640, 480)),
    Group("", "2025-01-01 00:05", PHONE, None, NIGHT, (("midnight.jpeg", towns.skyline),), TALL),
)  # fmt: skip

FILMS = (
    ("videos/2025/waves.mp4", "2025-06-14 19:45", outdoors.sunset, DUSK, 3.0),
    ("videos/2024/northern lights.mp4", "2024-02-09 21:00", outdoors.aurora, NIGHT, 2.5),
    ("videos/2024/port.mov", "2024-07-01 10:00", towns.harbour, LAGOON, 2.0),
    ("videos/2023/dunes.webm", "2023-03-03 17:00", outdoors.dunes, DESERT, 2.0),
)
NOTES = (
    ("photos/2025/trip/day1/beach.jpg", 5, "The first morning", ("sea", "Places|Europe|Portugal")),
    ("photos/2025/trip/day2/market.jpg", 4, "Oranges", ("food", "Places|Europe|Portugal")),
    ("photos/2024/Iceland/IMG_9.JPG", 5, "Green all over", ("Places|Europe|Iceland", "night")),
    ("videos/2024/northern lights.mp4", 4, "The same, moving", ("night",)),
)
"""The sidecars of some files: path, rating, title, keywords."""
JUNK = ("photos/Thumbs.db", "photos/2024/.DS_Store", "photos/2024/@eaDir/IMG_1.jpg", "notes.txt")


def write_demo_library(
    directory: Path, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> int:
    """Write some 60 pictures and films and a few junk files; return the number of media files.

    The library is written beside `directory` and then renamed, so it is complete or absent.
    `progress` is called with (done, total). Raises `FileExistsError` if `directory` exists.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise FileExistsError(f"{directory} is not empty: a demo library needs a folder of its own")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".demo-") as beside:
        draft = Path(beside) / "library"
        count = _draw(draft, progress)
        draft.chmod(0o755)
        if directory.exists():
            directory.rmdir()
        shutil.move(draft, directory)
    return count


def _draw(draft: Path, progress: Callable[[int, int], None]) -> int:
    total = sum(len(group.pictures) for group in PICTURES) + len(FILMS)
    done = 0
    for group in PICTURES:
        taken = _moment(group.taken)
        for name, scene in group.pictures:
            file = _place(draft, f"{group.folder}/{name}" if group.folder else name)
            image = _painted(scene, group.size, group.palette, seed=done)
            save(image, file, taken, group.camera, group.place, group.orientation)
            _date(file, taken)
            taken += timedelta(hours=1)
            done += 1
            progress(done, total)
    for path, when, scene, palette, seconds in FILMS:
        file = _place(draft, path)
        film(_painted(scene, (800, 450), palette, seed=done), file, _moment(when), seconds)
        _date(file, _moment(when))
        done += 1
        progress(done, total)
    for path, rating, title, keywords in NOTES:
        sidecar(_place(draft, f"{path}.xmp"), rating, title, keywords)
    for path in JUNK:
        _place(draft, path).write_bytes(b"no picture")
    return done


def _painted(scene: Scene, size: PaintSize, palette: Palette, seed: int) -> Image.Image:
    canvas = Canvas(size, palette, seed)
    scene(canvas)
    return canvas.finish()


def _place(draft: Path, path: str) -> Path:
    file = draft / path
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def _date(file: Path, taken: datetime) -> None:
    os.utime(file, (taken.timestamp(), taken.timestamp()))
