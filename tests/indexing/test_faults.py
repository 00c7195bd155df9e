"""Temporary failures of the disk or the system: they change no item."""

import errno
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from starlette.types import ASGIApp

from gallery.config import Settings
from gallery.disk.roots import Root, Roots
from gallery.errors import Unavailable
from tests.support.collections import make, show
from tests.support.library import BEACH, SUNSET, TRIP, Tree, rescan, scanned
from tests.support.serving import serving
from tests.support.waiting import eventually

FAULTS = (errno.EIO, errno.EMFILE, errno.ENOMEM)


class Faulty:
    """System calls that fail below a folder while `error` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: int | None = None
        self.place = ""
        self._fails_at: Callable[[str], bool] = lambda path: path == self.place
        for name in ("stat", "lstat", "scandir"):
            self._wrap(monkeypatch, name, getattr(os, name))

    def _wrap(self, monkeypatch: pytest.MonkeyPatch, name: str, call: Any) -> None:
        def wrapped(path: Any = ".", *args: Any, **kw: Any) -> Any:
            if self.error is not None and self._fails_at(self._real(path, kw.get("dir_fd"))):
                raise OSError(self.error, os.strerror(self.error))
            found = call(path, *args, **kw)
            return Entries(found, self, self._real(path, None)) if name == "scandir" else found

        monkeypatch.setattr(os, name, wrapped)

    def check(self, path: str) -> None:
        if self.error is not None and self._fails_at(path):
            raise OSError(self.error, os.strerror(self.error))

    def _real(self, path: Any, folder: int | None) -> str:
        if self.error is None:
            return ""
        if isinstance(path, int):
            return str(Path(f"/proc/self/fd/{path}").readlink())
        above = Path("" if folder is None else f"/proc/self/fd/{folder}")
        return str((above.readlink() if folder is not None else above) / os.fsdecode(path))

    @contextmanager
    def at(self, place: Path, error: int) -> Iterator[None]:
        """Make every call for `place` fail while the block runs."""
        self.place, self.error = str(place), error
        try:
            yield
        finally:
            self.error = None


class Entries:
    """The iterator of `os.scandir`; to stat an entry may fail, too."""

    def __init__(self, entries: Any, faulty: Faulty, folder: str) -> None:
        self._entries = entries
        self._faulty = faulty
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._entries.close()

    def __iter__(self) -> Iterator[Any]:
        return (Entry(entry, self._faulty, self._folder) for entry in self._entries)

    def close(self) -> None:
        self._entries.close()


class Entry:
    def __init__(self, entry: os.DirEntry[str], faulty: Faulty, folder: str) -> None:
        self.name = entry.name
        self.path = entry.path
        self.is_symlink = entry.is_symlink
        self.is_dir = entry.is_dir
        self.is_file = entry.is_file
        self._entry = entry
        self._faulty = faulty
        self._folder = folder

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        self._faulty.check(f"{self._folder}/{self.name}")
        return self._entry.stat(follow_symlinks=follow_symlinks)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch, app: ASGIApp) -> Faulty:
    return Faulty(monkeypatch)


async def state(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/api/library")).json()["roots"][0]
    return found


def of_the_disk(root: dict[str, Any]) -> list[dict[str, str]]:
    """Return the problems of the disk; the files here are no pictures, which is expected."""
    return [problem for problem in root["problems"] if problem["reason"] != "is not a picture"]


async def until(is_so: Callable[[dict[str, Any]], bool], client: httpx.AsyncClient) -> None:
    async def is_so_now() -> bool:
        return is_so(await state(client))

    await eventually(is_so_now)


@pytest.mark.parametrize("error", FAULTS)
async def test_a_root_that_cannot_be_listed_for_a_moment_stays_online(
    client: httpx.AsyncClient, library: Tree, faulty: Faulty, error: int
) -> None:
    library.write("new.jpg")
    with faulty.at(library.folder, error):
        await client.post("/api/library/scan")
        await until(lambda root: bool(of_the_disk(root)), client)
        root = await state(client)
        assert (root["state"], root["missingCount"]) == ("scanning", 0)
        assert of_the_disk(root) == [
            {"path": "", "reason": f"the disk cannot be read now: {os.strerror(error)}"}
        ]
    await until(lambda root: root["itemCount"] == len(TRIP) + 1, client)
    await scanned(client)
    assert of_the_disk(await state(client)) == []


@pytest.mark.parametrize("error", FAULTS)
async def test_nothing_is_missing_in_a_folder_that_cannot_be_listed_for_a_moment(
    client: httpx.AsyncClient, library: Tree, faulty: Faulty, error: int
) -> None:
    made = await make(client, paths=[BEACH])
    library.write("photos/2025/trip/day1/new.jpg")
    with faulty.at(library.folder / "photos/2025/trip/day1", error):
        await client.post("/api/library/scan")
        await until(lambda root: bool(of_the_disk(root)), client)
        assert (await state(client))["missingCount"] == 0
    await until(lambda root: root["itemCount"] == len(TRIP) + 1, client)  # without a request
    assert [item["missing"] for item in (await show(client, made["id"]))["items"]] == [False]


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES])
async def test_a_file_that_is_listed_and_cannot_be_looked_at_is_not_missing(
    client: httpx.AsyncClient, library: Tree, faulty: Faulty, error: int
) -> None:
    library.write("photos/2025/trip/day2/new.jpg")
    library.remove(SUNSET)
    with faulty.at(library.folder / BEACH, error):
        await rescan(client)
        root = await state(client)
        assert (root["state"], root["missingCount"]) == ("online", 1), "only what was deleted"
        assert root["itemCount"] == len(TRIP)
        assert [problem["path"] for problem in of_the_disk(root)] == [BEACH]


@pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE])
async def test_a_request_is_not_told_that_there_is_no_file_where_none_can_be_looked_at(
    client: httpx.AsyncClient, library: Tree, faulty: Faulty, error: int
) -> None:
    library.write("new.jpg")
    (library.folder / "folder").mkdir()
    real = os.open

    def fails(path: Any, *args: Any, **kw: Any) -> int:
        if str(path) == str(library.folder):
            raise OSError(error, os.strerror(error))
        return real(path, *args, **kw)

    bodies = ({"name": "a", "paths": ["new.jpg"]}, {"name": "b", "folderPath": "folder"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", fails)
        for body in bodies:
            answer = await client.post("/api/collections", json=body)
            assert (answer.status_code, answer.text) == (503, "The disk cannot be read now")
        assert (await client.get(f"/media/{BEACH}")).status_code == 503
    for body in bodies:
        assert (await client.post("/api/collections", json=body)).status_code == 201


def test_who_a_root_is_cannot_be_told_or_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Root("", tmp_path)
    assert root.identity() is not None
    for error in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENOTCONN, errno.EACCES):
        monkeypatch.setattr(Path, "stat", _raises(error))
        assert root.identity() is None
    for error in FAULTS:
        monkeypatch.setattr(Path, "stat", _raises(error))
        with pytest.raises(OSError, match=os.strerror(error)):
            root.identity()
        monkeypatch.setattr(os, "open", _raises(error))
        with pytest.raises(Unavailable):
            Roots([root], lambda _name: False).look(["a.jpg"])


def _raises(error: int) -> Callable[..., os.stat_result]:
    def fail(*_args: object, **_kw: object) -> os.stat_result:
        raise OSError(error, os.strerror(error))

    return fail


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is set")
async def test_a_server_without_descriptors_is_not_offline_and_goes_on_at_once(
    tmp_path: Path, library: Tree
) -> None:
    settings = Settings((str(library.folder),), str(tmp_path / "data"))
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        pid = server.process.pid
        usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, usual[1]))
        try:
            library.write("new.jpg")
            await client.post("/api/library/scan")
            seen = set[str]()

            async def has_failed() -> bool:
                root = await state(client)
                seen.add(root["state"])
                assert (root["missingCount"], root["itemCount"]) == (0, len(TRIP))
                return bool(of_the_disk(root))

            await eventually(has_failed, "a pass")
            for _ in range(100):  # the next ones fail as well
                await has_failed()
            assert seen == {"scanning"}
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        await until(lambda root: root["itemCount"] == len(TRIP) + 1, client)
        await scanned(client)
