"""The layers of the design: a module imports only from the layers below it."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gallery"

LINES = (
    ("__main__", "cli"),
    ("server",),
    ("app", "demo"),
    ("process",),
    ("api", "indexing"),
    ("domain",),
    ("store", "disk", "media"),
    ("database",),
    ("events",),
    ("model",),
    ("config", "limits"),
    ("root_settings",),
    ("values",),
    ("errors", "logs"),
)
"""The highest layer first. Rooms in one line do not import each other; modules of one room may."""

WITHIN_A_LINE = {("__main__", "cli")}

SUBJECTS = {
    "domain": {
        "collections": {"library", "sync"},
        "library": {"sync"},
        "pictures": {"collections", "sync"},
        "sync": set(),
        "people": set(),
    },
    "store": {
        "collections": {"library"},
        "library": set(),
        "pictures": set(),
        "sync": {"library", "pictures"},
        "people": set(),
    },
    "media": {
        "metadata": set(),
        "formats": {"metadata"},
        "render": {"formats", "metadata"},
    },
    "api": {
        "endpoints": {"requests", "responses"},
        "requests": {"responses"},
        "responses": set(),
    },
}
"""For each room: its subjects, and which other subjects each may import. There is no circle."""

MAX_MODULES = 12
"""The maximum in one folder, without `__init__`."""
MAX_LINES = 350

HOMES = {
    "starlette": ("api/", "app.py", "server.py"),
    "uvicorn": ("api/connections.py", "server.py"),
    "aiosqlite": ("database/sqlite", "database/integrity.py"),
    "sqlite3": ("database/",),
    "asyncpg": ("database/postgres.py",),
    "watchfiles": ("indexing/watches.py", "indexing/watched_folders.py"),
    "httpx": ("cli/client.py",),
    "PIL": ("media/metadata/", "media/formats/", "demo/"),
    "av": ("media/formats/", "media/render/", "demo/"),
    "defusedxml": ("media/metadata/", "media/formats/", "media/child.py"),
    "pyjpegxl": ("media/formats/jxl.py",),
    "rawpy": ("media/formats/raw.py",),
    "pyvips": ("media/formats/vips.py",),
    "subprocess": ("media/worker_process.py",),
    "ctypes": ("media/landlock.py", "media/seccomp.py", "media/sandbox.py", "disk/"),
}
FORBIDDEN = {"pickle", "marshal", "shelve", "multiprocessing"}
"""Input from another process or a file is data, never code."""
DECODERS = {"PIL", "av", "defusedxml", "numpy", "pillow_heif", "pyjpegxl", "pyvips", "rawpy"}
OPENERS = {"open", "os.open", "os.stat", "os.lstat", "os.scandir", "os.walk", "os.listdir"}
MAY_OPEN = (
    *("disk/", "demo/", "process/lock.py", "database/sqlite.py", "media/cache.py"),
    "media/landlock.py",  # rules name places by descriptors
)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


def room(dotted: str) -> str:
    return dotted.split(".", maxsplit=1)[0]


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "gallery":
            yield from (f"gallery.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def line_of(name_: str) -> int:
    places = [number for number, line in enumerate(LINES) if name_ in line]
    assert places, f"{name_} has no place in the design"
    return places[0]


@pytest.mark.parametrize("module", modules(), ids=name)
def test_a_module_imports_only_from_below(module: Path) -> None:
    own = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for imported in imports(module):
        if not imported.startswith("gallery."):
            continue
        other = room(imported.removeprefix("gallery."))
        allowed = other == own or {(own, other)} & WITHIN_A_LINE
        assert allowed or line_of(own) < line_of(other), f"{own} imports {other}"
        assert (own, other) != ("api", "store"), "handlers ask the domain"


@pytest.mark.parametrize("module", modules(), ids=name)
def test_each_foreign_library_has_its_home(module: Path) -> None:
    for imported in imports(module):
        homes = HOMES.get(room(imported))
        assert homes is None or name(module).startswith(homes), imported
        assert room(imported) not in FORBIDDEN, imported


def test_the_server_loads_no_decoder() -> None:
    """A fresh interpreter imports the whole server: only worker processes load decoders."""
    code = "import sys, gallery.app, gallery.server; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert not DECODERS & set(ended.stdout.split())


@pytest.mark.parametrize("module", modules(), ids=name)
def test_only_config_reads_the_environment_and_only_disk_opens_originals(module: Path) -> None:
    tree = ast.parse(module.read_text())
    names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert module.name == "config.py" or not names & {"os.environ", "os.getenv"}
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert name(module).startswith(MAY_OPEN) or not called & OPENERS


@pytest.mark.parametrize("module", modules(), ids=name)
def test_a_subject_imports_only_those_that_it_may(module: Path) -> None:
    parts = module.relative_to(PACKAGE).parts
    allowed = SUBJECTS.get(parts[0], {})
    if len(parts) < 3 or parts[1] not in allowed:
        return
    for imported in imports(module):
        other = imported.removeprefix("gallery.").split(".")
        if other[0] == parts[0] and len(other) > 1 and other[1] in allowed and other[1] != parts[1]:
            assert other[1] in allowed[parts[1]], imported


@pytest.mark.parametrize("room", sorted(SUBJECTS))
def test_every_subject_is_listed_and_there_is_no_circle(room: str) -> None:
    folders = {folder.name for folder in (PACKAGE / room).iterdir() if list(folder.glob("*.py"))}
    assert folders == set(SUBJECTS[room])
    TopologicalSorter(SUBJECTS[room]).prepare()


def test_no_public_class_name_means_two_things() -> None:
    places: dict[str, list[str]] = {}
    for module in modules():
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name(module))
    assert {found: where for found, where in places.items() if len(where) > 1} == {}


def test_no_folder_holds_more_modules_than_a_reader_can_take_in() -> None:
    count = Counter(module.parent for module in modules() if module.name != "__init__.py")
    assert {str(folder): n for folder, n in count.items() if n > MAX_MODULES} == {}


@pytest.mark.parametrize("module", modules(), ids=name)
def test_no_module_is_too_long(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("module", modules(), ids=name)
def test_every_exception_to_a_check_says_why(module: Path) -> None:
    for line in module.read_text().splitlines():
        assert "noqa" not in line or re.search(r"# noqa: [A-Z]+\d+  \(.+\)$", line), line
