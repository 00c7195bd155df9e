"""The collections API against a model in plain Python: any operations, in any order."""

import asyncio
import tempfile
import unicodedata
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from gallery.app import create_app, started
from gallery.config import Settings
from tests.support.application import client_of
from tests.support.library import Tree, scanned
from tests.support.postgres import empty

T = TypeVar("T")

FILES = ("top.jpg", "a/x.jpg", "a/y.jpg", "a/day1/x.jpg", "a/day2/y.jpg", "ab/z.jpg", "b/w.mp4")
FOLDERS = ("", "a", "a/day1", "a/day2", "ab", "b")
NAMES = ("News", "NEWS", "nEws", "Straße", "STRASSE", "É", "E\u0301", "i", "ı", "1", "x" * 255)

a_list = st.lists(st.sampled_from((*FILES, "")), max_size=9)
some_paths = a_list.filter(any)


def inside(folder: str, path: str) -> bool:
    return folder == "" or path.startswith(folder + "/")


def parent(path: str) -> str:
    return path.rpartition("/")[0]


def key(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def meant(paths: list[str]) -> list[str]:
    return [path for path in dict.fromkeys(paths) if path]


def folder_scope_of(paths: list[str]) -> str | None:
    """Return the shallowest parent folder if all paths lie in it, else None."""
    shallowest = min(map(parent, paths), key=lambda folder: len(folder.split("/")) * bool(folder))
    return shallowest if all(inside(shallowest, path) for path in paths) else None


class Model:
    """A collection as the contract describes it."""

    def __init__(self, name: str, folder: str | None) -> None:
        self.name = name
        self.folder = folder
        self.members: list[str] = []
        self.cover: str | None = None

    def accepts(self, new: list[str]) -> bool:
        if not new:
            return True
        if self.folder is None:
            return folder_scope_of(new) is not None
        return all(inside(self.folder, path) for path in new)

    def add(self, new: list[str]) -> None:
        if new and self.folder is None:
            self.folder = folder_scope_of(new)
        self.members += new
        self.cover = self.cover or (self.members[0] if self.members else None)

    def remove(self, gone: list[str]) -> None:
        before = self.members
        self.members = [path for path in before if path not in gone]
        if self.cover in gone and self.cover in before:
            at = before.index(self.cover)
            rest = [path for path in before[at:] + before[:at] if path in self.members]
            self.cover = rest[0] if rest else None


class Collections(RuleBasedStateMachine):
    """Requests to the real application, compared with `Model`."""

    ids = Bundle("ids")

    def __init__(self, database: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        tree = Tree(Path(self.directory.name) / "library")
        tree.write(*FILES)
        data = str(Path(self.directory.name) / "data")
        self.settings = Settings((str(tree.folder),), data, database)
        if database:
            self.run(empty(database))
        self.models: dict[int, Model] = {}
        self.stack = AsyncExitStack()
        self.run(self.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def start(self) -> None:
        app = await self.stack.enter_async_context(started(create_app(self.settings)))
        self.client = await self.stack.enter_async_context(client_of(app))
        await scanned(self.client)

    def send(self, method: str, url: str, body: object = None) -> httpx.Response:
        return self.run(self.client.request(method, f"/api/collections{url}", json=body))

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()
        self.directory.cleanup()

    def taken(self, name: str, but: int | None = None) -> bool:
        return any(key(m.name) == key(name) for id_, m in self.models.items() if id_ != but)

    @rule()
    def restart(self) -> None:
        self.run(self.stack.aclose())
        self.run(self.start())

    @rule(
        target=ids,
        name=st.sampled_from(NAMES),
        folder=st.none() | st.sampled_from(FOLDERS),
        paths=a_list,
    )
    def create(self, name: str, folder: str | None, paths: list[str]) -> int:
        answer = self.send("POST", "", {"name": name, "folderPath": folder, "paths": paths})
        model = Model(name, folder)
        if not model.accepts(meant(paths)) or self.taken(name):
            assert answer.status_code == 409
            return next(iter(self.models), 0)
        assert answer.status_code == 201, answer.text
        model.add(meant(paths))
        id_: int = answer.json()["id"]
        self.models[id_] = model
        return id_

    @rule(id_=ids, name=st.sampled_from(NAMES))
    def rename(self, id_: int, name: str) -> None:
        answer = self.send("PUT", f"/{id_}", {"name": name})
        if id_ not in self.models:
            assert answer.status_code in (400, 404)
        elif self.taken(name, but=id_):
            assert answer.status_code == 409
        else:
            assert answer.status_code == 200
            self.models[id_].name = name

    @rule(id_=ids, paths=some_paths)
    def add(self, id_: int, paths: list[str]) -> None:
        answer = self.send("POST", f"/{id_}/items", {"paths": paths})
        if (model := self.models.get(id_)) is None:
            assert answer.status_code in (400, 404)
            return
        new = [path for path in meant(paths) if path not in model.members]
        assert answer.status_code == (200 if model.accepts(new) else 409), answer.text
        if model.accepts(new):
            model.add(new)

    @rule(id_=ids, paths=some_paths)
    def remove(self, id_: int, paths: list[str]) -> None:
        answer = self.send("DELETE", f"/{id_}/items", {"paths": paths})
        if (model := self.models.get(id_)) is None:
            assert answer.status_code in (400, 404)
            return
        assert answer.status_code == 200
        model.remove(meant(paths))

    @rule(id_=ids, paths=some_paths)
    def order(self, id_: int, paths: list[str]) -> None:
        answer = self.send("PUT", f"/{id_}/order", {"paths": paths})
        if (model := self.models.get(id_)) is None:
            assert answer.status_code in (400, 404)
        elif not set(meant(paths)) <= set(model.members):
            assert answer.status_code == 400
        else:
            assert answer.status_code == 200
            listed = meant(paths)
            model.members = listed + [path for path in model.members if path not in listed]
            model.cover = model.members[0]

    @rule(id_=ids, data=st.data())
    def order_members(self, id_: int, data: st.DataObject) -> None:
        if (model := self.models.get(id_)) and model.members:
            shuffled = data.draw(st.permutations(model.members))
            self.order(id_, shuffled[: data.draw(st.integers(1, len(shuffled)))])

    @rule(id_=ids, folder=st.none() | st.sampled_from(FOLDERS), paths=a_list)
    def replace(self, id_: int, folder: str | None, paths: list[str]) -> None:
        model = self.models.get(id_)
        body = {"name": model.name if model else "x", "paths": paths, "folderPath": folder}
        answer = self.send("PUT", f"/{id_}", body)
        if model is None:
            assert answer.status_code in (400, 404)
            return
        wanted = meant(paths)
        new = [path for path in wanted if path not in model.members]
        if folder is None:
            fits = model.accepts(new)
        else:
            fits = all(inside(folder, path) for path in wanted)
        assert answer.status_code == (200 if fits else 409), answer.text
        if not fits:
            return
        if folder is not None:
            model.folder = folder
        elif model.folder is None and new:
            model.folder = folder_scope_of(new)
        model.members = wanted
        if model.cover not in wanted:
            model.cover = wanted[0] if wanted else None

    @rule(id_=ids, path=st.sampled_from(FILES))
    def choose_cover(self, id_: int, path: str) -> None:
        if model := self.models.get(id_):
            answer = self.send("PUT", f"/{id_}", {"name": model.name, "coverPath": path})
            assert answer.status_code == (200 if path in model.members else 400)
            if path in model.members:
                model.cover = path

    @rule(id_=consumes(ids))
    def delete(self, id_: int) -> None:
        answer = self.send("DELETE", f"/{id_}")
        if self.models.pop(id_, None) is None:
            assert answer.status_code in (400, 404)
        else:
            assert answer.status_code == 200

    @invariant()
    def every_collection_is_as_the_model_says(self) -> None:
        listed = {one["id"]: one for one in self.send("GET", "").json()}
        assert set(listed) == set(self.models)
        for id_, model in self.models.items():
            found = self.send("GET", f"/{id_}").json()
            assert found["name"] == model.name
            assert [item["path"] for item in found["items"]] == model.members
            assert (found["folderPath"], found["coverPath"]) == (model.folder, model.cover)
            assert found["itemCount"] == len(model.members)
            assert {name: found[name] for name in listed[id_]} == listed[id_]

    @invariant()
    def memberships_agree(self) -> None:
        expected = {
            path: ids
            for path in FILES
            if (ids := sorted(i for i, m in self.models.items() if path in m.members))
        }
        assert self.send("POST", "/memberships", {"paths": FILES}).json() == expected


def test_whatever_people_do_the_collections_are_as_the_model_says(database: str) -> None:
    class OnThisDatabase(Collections):
        def __init__(self) -> None:
            super().__init__(database)

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
