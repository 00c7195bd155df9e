"""What is installed runs: the wheel without its source, and a checkout by its scripts."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gallery.config import Settings
from tests.support.library import Tree, read, scanned
from tests.support.serving import serving

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
"""`scripts/install` uses the system's uv, or installs one into `.venv`."""


def run(*command: str | Path, **more: str) -> str:
    """Return the output of a command; `more` are environment variables."""
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, **more}
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` of a new environment with the locked libraries and the wheel.

    The dependencies of the wheel are compared with the lock. The wheel is `GALLERY_WHEEL`, which
    `scripts/release` sets, or else one that is built here.
    """
    wheels = tmp_path_factory.mktemp("wheels")
    environment = tmp_path_factory.mktemp("environment")
    python = environment / "bin/python"
    if released := os.environ.get("GALLERY_WHEEL"):
        shutil.copy(released, wheels)
    else:
        run(UV, "build", "--quiet", "--wheel", "--out-dir", wheels, ROOT)
    run(
        *(UV, "sync", "--quiet", "--project", ROOT, "--python", sys.executable),
        *("--frozen", "--no-default-groups", "--no-install-project"),
        UV_PROJECT_ENVIRONMENT=str(environment),
    )
    [wheel] = wheels.glob("*.whl")
    assert wheel.name.startswith("gallery_server-")
    run(UV, "pip", "install", "--quiet", "--python", python, "--no-deps", wheel)
    run(UV, "pip", "check", "--quiet", "--python", python)
    place = run(python, "-P", "-c", "import gallery; print(gallery.__file__)")
    assert place.startswith(str(environment))
    return environment / "bin"


async def test_the_wheel_serves_without_its_source(programs: Path, tmp_path: Path) -> None:
    python, gallery = str(programs / "python"), str(programs / "gallery")
    assert run(gallery, "--version").startswith("gallery, version ")
    library = Tree(tmp_path / "library")
    library.draw("x.png", (640, 480))
    settings = Settings((str(library.folder),), str(tmp_path / "data"))
    async with (
        serving(settings, python=python, program=(gallery,)) as server,
        server.client() as client,
    ):
        for path in ("/api/health", "/docs", "/openapi.yaml"):
            assert (await client.get(path)).status_code == 200, path
        await scanned(client)
        await read(settings)
        [item] = (await client.get("/api/items")).json()["items"]
        assert (item["width"], item["height"]) == (640, 480)
        picture = await client.get(f"/api/items/{item['id']}/thumbnail?size=small")
        assert picture.headers["content-type"] == "image/webp"


@pytest.mark.slow
def test_the_wheel_draws_the_demo_library(programs: Path, tmp_path: Path) -> None:
    assert f" files in {tmp_path}" in run(programs / "gallery", "demo", tmp_path / "library")
    assert (tmp_path / "library/photos/2025/trip/day1/beach.jpg").stat().st_size > 10_000


def test_a_checkout_installs_what_was_asked_for_and_keeps_it(tmp_path: Path) -> None:
    for name in ("scripts", "gallery"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "hatch_build.py", "uv.lock", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("schema.sql", "openapi.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    path = f"{Path(UV).parent}{os.pathsep}{os.environ['PATH']}"

    def have(*arguments: str) -> list[bool]:
        """Return whether gallery, rawpy and pytest are installed after `scripts/install`."""
        run(tmp_path / "scripts/install", *arguments, PATH=path)
        programs = tmp_path / ".venv/bin"
        [packages] = (tmp_path / ".venv/lib").glob("python3.*/site-packages")
        found = programs / "gallery", packages / "rawpy", programs / "pytest"
        return [file.exists() for file in found]

    assert have() == [True, False, False]
    assert have("--extra", "raw") == [True, True, False]
    assert have() == [True, True, False]
    assert have("--dev") == [True, True, True]
    assert have() == [True, True, True]


def test_an_extra_is_asked_for_by_file(programs: Path, tmp_path: Path) -> None:
    """On PyPI `gallery` belongs to another project, and `gallery-server` does not exist."""
    library = Tree(tmp_path / "library").folder
    ended = subprocess.run(
        (
            programs / "gallery",
            "serve",
            library,
            "--data",
            tmp_path / "data",
            "--database",
            "postgresql://x/y",
        ),
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert "pip install 'WHEEL[postgres]'" in ended.stderr
    assert "gallery_server-" in ended.stderr


def test_what_was_not_compared_is_counted_with_what_to_install(tmp_path: Path) -> None:
    """A program with the same name as ImageMagick's is not mistaken for it."""
    stranger = tmp_path / "convert"
    stranger.write_text("#!/bin/sh\necho Converts disks\n")
    stranger.chmod(0o755)
    report = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "independent"),
        *(f"--rootdir={ROOT}", f"--basetemp={tmp_path / 'own'}"),
        ROOT / "tests/media/test_thumbnails.py",
        PATH=str(tmp_path),
    )
    counts = re.findall(r"SKIPPED \[(\d+)\] .*: apt-get install (\w+)", report)
    assert {package for _count, package in counts} == {"imagemagick", "ffmpeg"}
    assert sum(int(count) for count, _package in counts) > 50
