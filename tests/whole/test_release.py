"""`scripts/release` tags a complete release, and refuses everything else."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [9.8.7] - 2026-01-02\n\n### Added\n\n- A thing.\n"
TOOL = '#!/bin/sh\necho "$(basename "$0") $*" >> "$LOG"\nmkdir -p dist && touch dist/a.whl\n'
"""A stand-in for tests, uv and pytest."""


class Checkout:
    """A repository that contains only what a release needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / "log"
        (folder / "scripts").mkdir(parents=True)
        (folder / ".venv/bin").mkdir(parents=True)
        shutil.copy(ROOT / "scripts/release", folder / "scripts")
        for name in ("scripts/test", ".venv/bin/uv", ".venv/bin/pytest"):
            (folder / name).write_text(TOOL)
            (folder / name).chmod(0o755)
        (folder / ".gitignore").write_text(".venv/\ndist/\n")
        (folder / "pyproject.toml").write_text('[project]\nversion = "9.8.7"\n')
        self.commit(CHANGELOG)

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments).stdout

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        person = {
            f"GIT_{role}_{what}": text
            for role in ("AUTHOR", "COMMITTER")
            for what, text in (("NAME", "A"), ("EMAIL", "a@example.org"))
        }
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **person, **alone, "LOG": str(self.log)},
            check=False,
            capture_output=True,
            text=True,
        )

    def commit(self, changelog: str) -> None:
        (self.folder / "CHANGELOG.md").write_text(changelog)
        self.git("init", "-q")
        self.git("add", "--all")
        self.git("commit", "-qm", "All of it")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def test_a_release_is_tested_built_and_tagged(checkout: Checkout) -> None:
    ended = checkout.run("scripts/release")
    assert ended.returncode == 0, ended.stderr
    assert checkout.git("tag", "--list").split() == ["v9.8.7"]
    assert "- A thing." in checkout.git("tag", "--list", "--format=%(contents)")
    assert "git push origin main v9.8.7" in ended.stdout
    programs = [line.split()[0] for line in checkout.log.read_text().splitlines()]
    assert programs == ["test", "uv", "pytest"]
    again = checkout.run("scripts/release")
    assert (again.returncode, "tag v9.8.7 exists" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("changelog", "reason"),
    [
        (CHANGELOG.replace("9.8.7", "9.8.6"), "no section for 9.8.7"),
        (CHANGELOG.replace(" - 2026-01-02", ""), "no section for 9.8.7"),
        (CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- Other."), "unreleased changes"),
    ],
)
def test_what_is_not_complete_is_refused(checkout: Checkout, changelog: str, reason: str) -> None:
    checkout.commit(changelog)
    ended = checkout.run("scripts/release")
    assert (ended.returncode, reason in ended.stderr) == (1, True), ended.stderr
    assert not checkout.log.exists()


def test_a_working_tree_with_changes_is_refused(checkout: Checkout) -> None:
    (checkout.folder / "new").touch()
    ended = checkout.run("scripts/release")
    assert (ended.returncode, "working tree has changes" in ended.stderr) == (1, True)
    assert not checkout.log.exists()
    assert checkout.git("tag") == ""
