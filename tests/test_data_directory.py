"""The data directory: found again after folders move, and never that of another library."""

import logging
import re
import shlex
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from gallery.app import create_app, started
from gallery.config import Settings
from gallery.errors import Misconfigured, StartRefused
from gallery.process import data_directory
from tests.support.application import client_of
from tests.support.collections import make, show
from tests.support.library import Tree, scanned
from tests.support.serving import gallery, serving


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory that holds the data directories of the user."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "gallery"


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Create two folders, A and B, each with five files of unique sizes; return their parent."""
    for number, name in enumerate("AB"):
        tree = Tree(tmp_path / name)
        for index in range(5):
            tree.write(f"{name}{index}.jpg", content=b"x" * (10 * number + index + 1))
    return tmp_path


def at(folders: Path, *library: str) -> Settings:
    """Return the settings of a library; each word is NAME=FOLDER or FOLDER, below `folders`."""
    return Settings(tuple(re.sub(r"(\w+)$", rf"{folders}/\1", word) for word in library))


async def curate(settings: Settings, *paths: str) -> Path:
    """Serve a library and create a collection in it; return its data directory."""
    settings = data_directory.locate(settings)
    async with started(create_app(settings)) as app, client_of(app) as client:
        await scanned(client)
        await make(client, folderPath="", paths=list(paths))
    return Path(settings.data)


async def check(settings: Settings, *paths: str) -> None:
    """Assert that the library holds the collection, and that its files are at these paths."""
    settings = data_directory.locate(settings)
    async with started(create_app(settings)) as app, client_of(app) as client:
        await scanned(client)
        found = await show(client, 1)
        assert [(item["path"], item["missing"]) for item in found["items"]] == [
            (path, False) for path in paths
        ]


def keep(_folders: Path) -> None:
    """Leave the folders unchanged."""


def rename(folders: Path) -> None:
    (folders / "A").rename(folders / "C")


def rename_and_replace(folders: Path) -> None:
    rename(folders)
    Tree(folders / "A").write("new.jpg")


def copy(folders: Path) -> None:
    """Copy a folder as to a new disk: inodes and times change."""
    shutil.copytree(folders / "A", folders / "new" / "A", copy_function=shutil.copyfile)
    shutil.rmtree(folders / "A")
    (folders / "new" / "A").rename(folders / "C")


def link(folders: Path) -> None:
    (folders / "C").symlink_to("A")


BOTH = ("photos=A", "videos=B")


@pytest.mark.parametrize(
    ("before", "event", "after", "prefix"),
    [
        (BOTH, keep, ("videos=B", "photos=A"), "photos/"),
        (BOTH, keep, ("clips=B", "pics=A"), "pics/"),
        (BOTH, keep, ("photos=A",), "photos/"),
        (BOTH, rename, ("photos=C",), "photos/"),
        (BOTH, rename, ("pics=C", "videos=B"), "pics/"),
        (BOTH, rename_and_replace, ("videos=B", "pics=C"), "pics/"),
        (BOTH, copy, ("photos=C",), "photos/"),
        (BOTH, link, ("pics=C",), "pics/"),
        (("A",), keep, ("photos=A", "videos=B"), "photos/"),
        (("A",), rename, ("C",), ""),
        (("A",), rename, ("photos=C",), "photos/"),
        (("A",), rename_and_replace, ("C",), ""),
        (("A",), copy, ("C",), ""),
        (("photos=A",), rename, ("C",), ""),
    ],
)
async def test_a_library_is_found_by_any_of_its_folders(
    folders: Path, before: Sequence[str], event: object, after: Sequence[str], prefix: str
) -> None:
    former = "photos/" if before[0].startswith("photos=") else ""
    place = await curate(at(folders, *before), f"{former}A1.jpg", f"{former}A3.jpg")
    assert callable(event)
    event(folders)
    assert data_directory.locate(at(folders, *after)).data == str(place)
    await check(at(folders, *after), f"{prefix}A1.jpg", f"{prefix}A3.jpg")


async def test_a_copy_beside_the_original_is_another_library(folders: Path) -> None:
    place = await curate(at(folders, "A"), "A1.jpg")
    shutil.copytree(folders / "A", folders / "C")
    assert data_directory.locate(at(folders, "C")).data != str(place)
    assert data_directory.locate(at(folders, "A")).data == str(place)


async def test_another_folder_in_its_place_by_name_only_is_another_library(folders: Path) -> None:
    place = await curate(at(folders, "A"), "A1.jpg")
    (folders / "A").rename(folders / "gone")
    assert data_directory.locate(at(folders, "B")).data != str(place)


async def test_a_new_library_never_gets_the_place_of_a_known_one(folders: Path) -> None:
    place = await curate(at(folders, "A"), "A1.jpg")
    rename(folders)
    await check(at(folders, "C"), "A1.jpg")
    Tree(folders / "A").write("new.jpg")
    fresh = data_directory.locate(at(folders, "A"))
    assert fresh.data == f"{place}-2"
    async with started(create_app(fresh)) as app, client_of(app) as client:
        await scanned(client)
    assert data_directory.locate(at(folders, "A")).data == f"{place}-2"


async def test_of_several_libraries_each_is_named_with_the_option_that_chooses_it(
    folders: Path,
) -> None:
    places = [await curate(at(folders, name), f"{name}1.jpg") for name in "AB"]
    both = at(folders, "photos=A", "videos=B")
    with pytest.raises(Misconfigured) as refusal:
        data_directory.locate(both)
    for place in places:
        assert f"--data {place} (5 items, 1 collection)" in refusal.value.message
    chosen = Settings(both.library, data=str(places[0]))
    await check(chosen, "photos/A1.jpg")


@pytest.mark.parametrize(("before", "after"), [(BOTH, ("A",)), (("A",), ("videos=B",))])
async def test_a_refusal_names_the_command_that_works(
    folders: Path, before: Sequence[str], after: Sequence[str]
) -> None:
    former = "photos/" if before == BOTH else ""
    place = await curate(at(folders, *before), f"{former}A1.jpg")
    after_all = Settings(at(folders, *after).library, data=str(place))
    with pytest.raises(StartRefused) as refusal:
        async with started(create_app(after_all)):
            pass
    command = re.search(r"gallery serve .*? (?=\()", refusal.value.message)
    assert command is not None
    words = shlex.split(command[0])[2:]
    assert words[-2:] == ["--data", str(place)]
    assert len(words) == 4
    await check(Settings(tuple(words[:2]), data=str(place)), f"{former or 'A/'}A1.jpg")


async def test_a_damaged_library_is_skipped_but_for_its_own_folder(
    folders: Path, caplog: pytest.LogCaptureFixture
) -> None:
    places = [await curate(at(folders, name), f"{name}1.jpg") for name in "AB"]
    file = places[0] / "gallery.db"
    file.write_bytes(b"damaged" * 1_000)
    with caplog.at_level(logging.WARNING):
        assert data_directory.locate(at(folders, "B")).data == str(places[1])
    assert str(file) in caplog.text
    assert data_directory.locate(at(folders, "A")).data == str(places[0])
    with pytest.raises(StartRefused, match="cannot be used"):
        async with started(create_app(at(folders, "A"))):
            pass
    assert file.read_bytes() == b"damaged" * 1_000


async def test_looking_for_a_library_writes_nothing(folders: Path) -> None:
    place = await curate(at(folders, "A"), "A1.jpg")
    before = {file.name: file.stat().st_mtime_ns for file in place.iterdir()}
    place.chmod(0o500)
    assert data_directory.locate(at(folders, "A")).data == str(place)
    assert {file.name: file.stat().st_mtime_ns for file in place.iterdir()} == before


def test_a_library_of_the_first_version_is_found_by_its_path(folders: Path, home: Path) -> None:
    (home / "old").mkdir(parents=True)
    script = (Path(__file__).parent / "database" / "schema_1.sql").read_text()
    with closing(sqlite3.connect(home / "old" / "gallery.db")) as connection, connection:
        connection.executescript(script)
        connection.execute("INSERT INTO root (name, directory) VALUES ('', ?)", [f"{folders}/A"])
        connection.execute("PRAGMA user_version = 1")
    assert data_directory.locate(at(folders, "A")).data == str(home / "old")


async def test_each_library_has_a_data_directory_of_its_own(folders: Path, home: Path) -> None:
    (folders / "A").rename(folders / "Été")
    places = set()
    for name in ("Été", "B"):
        place = data_directory.make(at(folders, name))
        assert place == data_directory.make(at(folders, f"named={name}"))
        assert place.is_relative_to(home)
        assert place.stat().st_mode & 0o777 == 0o700
        places.add(place)
    assert len(places) == 2


async def test_which_library(folders: Path, home: Path) -> None:
    library = (f"photos={folders}/A", f"videos={folders}/B")
    status, output, _errors = await gallery("scan", *library)
    assert (status, output.count("online, 5 items")) == (0, 2)
    (place,) = home.iterdir()
    settings = Settings(library, data=str(place))
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        await make(client, paths=["photos/A1.jpg"])
        status, output, errors = await gallery("serve", *reversed(library), "--port", "0")
        assert output == f"Library: {place} (10 items, 1 collection)\n"
        assert (status, "already uses" in errors) == (1, True)
        status, output, _errors = await gallery("scan", library[0])
        assert (status, output.count("online, 5 items")) == (0, 2)
    (folders / "new").mkdir()
    status, output, errors = await gallery("serve", str(folders / "new"), "--host", "192.0.2.1")
    assert status == 2
    status, output, errors = await gallery(
        *("serve", str(folders / "new"), "--host", "192.0.2.1", "--open"), HOME=str(home.parents[1])
    )
    assert re.fullmatch(r"New library: ~/home/gallery/new-\w{12}\n", output)
