"""The tours in the documents run exactly as written."""

import asyncio
import re
from pathlib import Path

import pytest

from gallery.config import Settings
from tests.support.library import read, scanned
from tests.support.serving import serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TOURS = {
    "README.md": README.partition("## Five steps with curl")[2].partition("\n## ")[0],
    "docs/api-tour.md": (ROOT / "docs/api-tour.md").read_text(),
}
STEP = re.compile(r"```sh\n(.*?)```\n\n```json\n(.*?)\n```", re.DOTALL)
NEXT = "-- next --"


async def toured(url: str, commands: list[str]) -> list[str]:
    """Run the steps in one shell, as a reader types them; return the output of each."""
    steps = "".join(f"{command}\nprintf '\\n{NEXT}'\n" for command in commands)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", steps.replace("http://127.0.0.1:8000", url)), stdout=asyncio.subprocess.PIPE
    )
    output, _errors = await process.communicate()
    outputs = output.decode().split(NEXT)
    assert process.returncode == 0, commands[len(outputs) - 1]
    return [text.strip("\n") for text in outputs[:-1]]


async def test_the_tours_give_what_they_show_each_time(demo: Path, tmp_path: Path) -> None:
    settings = Settings((str(demo),), str(tmp_path / "data"))
    async with serving(settings) as server, server.client() as client:
        await scanned(client)
        await read(settings)
        for text in (*TOURS.values(), *TOURS.values()):
            steps = STEP.findall(text)
            assert len(steps) == text.count("```json")
            outputs = await toured(server.url, [command for command, _expected in steps])
            for (command, expected), output in zip(steps, outputs, strict=True):
                pattern = ".*".join(map(re.escape, expected.split("…")))
                assert re.fullmatch(pattern, output, re.DOTALL), f"{command}\n{output}"


def test_the_tours_are_whole() -> None:
    assert len(STEP.findall(TOURS["README.md"])) == 5
    assert len(STEP.findall(TOURS["docs/api-tour.md"])) >= 12


@pytest.mark.parametrize("command", ["serve", "test"])
def test_the_two_commands_stand_at_the_top(command: str) -> None:
    assert f"scripts/{command}" in README.partition("## Five steps")[0]
    assert (ROOT / "scripts" / command).stat().st_mode & 0o111
