"""The measured library: real files in folders, and collections of random members."""

import os
import random
from collections.abc import Sequence
from pathlib import Path

from tests.bench.client import Connection, Request

FILES_A_FOLDER = 250
MEMBERS = 500
SEED = 2026

_LONG_AGO = 1_700_000_000
"""The files look old, so the server reads them as soon as it has listed them."""
_PICTURE = (
    b"GIF89a\xc0\x0f\xd0\x0b\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b"\x2c\x00\x00\x00\x00\xc0\x0f\xd0\x0b\x00\x02\x02\x44\x01\x00\x3b"
)
"""A GIF whose header says 4032 x 3024, so that items have realistic dimensions."""


def make_library(library: Path, items: int) -> list[str]:
    """Create `items` small files in folders of 250; return their sorted library paths."""
    paths = []
    for first in range(0, items, FILES_A_FOLDER):
        number = first // FILES_A_FOLDER
        year, month = 2005 + number // 20, 1 + number % 12
        folder = f"{year}/{year}-{month:02d} Trip {number:03d}"
        (library / folder).mkdir(parents=True)
        for index in range(min(FILES_A_FOLDER, items - first)):
            path = f"{folder}/IMG_{year}{month:02d}_{index:04d}.gif"
            descriptor = os.open(library / path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
            os.write(descriptor, _PICTURE)
            os.utime(descriptor, (_LONG_AGO, _LONG_AGO))
            os.close(descriptor)
            paths.append(path)
    return sorted(paths)


def make_collections(ours: Connection, paths: Sequence[str], count: int) -> list[int]:
    """Create collections with members drawn from the whole library; return their ids."""
    drawing = random.Random(SEED)
    return [
        created(
            ours.ask(
                create_request(f"Collection {number}", drawing.sample(paths, MEMBERS)), 201
            ).header("location")
        )
        for number in range(count)
    ]


def create_request(name: str, paths: Sequence[str]) -> Request:
    """Return the request that creates a collection that can contain any item."""
    wish = {"name": name, "folderPath": "", "paths": paths}
    return Request.with_json("POST", "/api/collections", wish)


def created(location: str) -> int:
    """Return the id of a collection that was just created."""
    return int(location.rpartition("/")[2])
