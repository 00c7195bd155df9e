"""The README tells the truth: its tour, its settings, its files."""

import asyncio
import re
from pathlib import Path

import pytest

from gallery.config import SETTINGS, Settings
from gallery.values.media_types import IMAGE_TYPES, JXL_TYPES, RAW_TYPES, VIDEO_TYPES
from tests.library import read, scanned, serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TOUR = README.partition("## A tour with curl")[2].partition("\n## ")[0]
STEPS = re.findall(r"```sh\n(.*?)```\n\n```json\n(.*?)\n```", TOUR, re.DOTALL)


NEXT = "-- next --"


async def toured(url: str) -> list[str]:
    """Return what each step prints, all in one shell, as a reader types them."""
    steps = "".join(f"{command}\nprintf '\\n{NEXT}'\n" for command, _expected in STEPS)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", steps.replace("http://127.0.0.1:8000", url)), stdout=asyncio.subprocess.PIPE
    )
    output, _errors = await process.communicate()
    told = output.decode().split(NEXT)
    assert process.returncode == 0, STEPS[len(told) - 1]
    return [text.strip("\n") for text in told[:-1]]


async def test_the_tour_gives_what_it_shows_each_time(demo: Path, tmp_path: Path) -> None:
    settings = Settings((str(demo),), str(tmp_path / "data"))
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        await read(settings)
        for _ in range(2):
            told = await toured(server.url)
            for (command, expected), text in zip(STEPS, told, strict=True):
                pattern = ".*".join(map(re.escape, expected.split("…")))
                assert re.fullmatch(pattern, text, re.DOTALL), f"{command}\n{text}"
    assert len(STEPS) == TOUR.count("```sh") >= 7


def test_the_table_of_settings_is_complete() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(GALLERY_\w+)` \|.*\| (.*) \|$", README, re.MULTILINE)
    assert rows == [(setting.key, setting.variable, setting.help) for setting in SETTINGS]


def test_the_table_of_formats_is_complete() -> None:
    table = README.partition("### Formats")[2].partition("\n- **")[0]
    rows = re.findall(r"^\| (.+) \| (`.+`) \| (.*)\|$", table, re.MULTILINE)
    told = {
        ending: (name, extra.strip("` "))
        for name, endings, extra in rows
        for ending in re.findall(r"`\.(\w+)`", endings)
    }
    assert len(told) == table.count("`.")
    extras = (IMAGE_TYPES | VIDEO_TYPES, ""), (RAW_TYPES, "raw"), (JXL_TYPES, "jxl")
    for types, extra in extras:
        for endings in types.values():
            [row] = {told.pop(ending) for ending in endings.split()}
            assert row[1] == extra, "one format, one row"
    assert told == {}


def test_every_file_of_the_rule_index_exists() -> None:
    index = README.partition("### Rule index")[2].partition("### ")[0]
    rows = [row.split("|")[2:5] for row in index.splitlines() if row.startswith("| ")][1:]
    for decided, _guard, tests in rows:
        for name in re.findall(r"`([\w/]+\.py)`", decided):
            assert (ROOT / "gallery" / name).is_file(), name
        for name in re.findall(r"`([\w/]+\.py)`", tests):
            assert (ROOT / "tests" / name).is_file(), name


@pytest.mark.parametrize("command", ["serve", "test"])
def test_the_two_commands_stand_at_the_top(command: str) -> None:
    assert f"scripts/{command}" in README.partition("## ")[0]
    assert (ROOT / "scripts" / command).stat().st_mode & 0o111
