"""The documents are true: settings, formats, symbols, links, versions."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from gallery.config import SETTINGS
from gallery.values.criteria import KEYS, LISTS
from gallery.values.media_types import IMAGE_TYPES, JXL_TYPES, RAW_TYPES, VIDEO_TYPES
from tests.bench import report, table
from tests.bench.report import Part, Result
from tests.support.symbols import PACKAGE, is_dotted_name, problem_of

ROOT = PACKAGE.parent
README = (ROOT / "README.md").read_text()
SETTINGS_PAGE = (ROOT / "docs/settings.md").read_text()
FILTERS = (ROOT / "docs/filters.md").read_text()
FORMATS = (ROOT / "docs/formats.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
SCHEMA = (ROOT / "schema.sql").read_text()
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
DOCUMENTS = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / ".github", ROOT / "scripts")
    for path in folder.rglob("*.md")
    if folder != ROOT or path.parent == ROOT
)
MAX_LINE = 120
CONTRIBUTING = ".github/CONTRIBUTING.md"
SYMBOL = re.compile(r"`([\w/]+\.py):\s+([\w.]+)`")
BARE_MODULE = re.compile(r"`([\w/]+\.py)`")


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


def section(text: str, heading: str) -> str:
    """Return the text below a heading, until the next one of its level."""
    level = heading.partition(" ")[0]
    found = text.partition(f"\n{heading}\n")[2].partition(f"\n{level} ")[0]
    assert found, heading
    return found


def rows(text: str) -> list[list[str]]:
    """Return the cells of the tables in a text, without headings."""
    lines = text.splitlines()
    rules = {number for number, line in enumerate(lines) if line.startswith("|--")}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for number, line in enumerate(lines)
        if line.startswith("|") and not {number, number + 1} & rules
    ]


def test_the_readme_is_a_front_page() -> None:
    assert len(README.encode()) <= 8 * 1024
    assert len(README.splitlines()) <= 170


def test_the_table_of_settings_is_complete() -> None:
    found = [(row[0], row[1], row[3]) for row in rows(SETTINGS_PAGE)]
    expected = [(f"`{it.key}`", f"`{it.variable}`", it.help) for it in SETTINGS]
    assert found == expected


def test_the_settings_of_the_readme_exist() -> None:
    known = {f"--{setting.key.replace('_', '-')}" for setting in SETTINGS}
    flags = {
        flag
        for row in rows(section(README, "## Commands and settings"))
        for flag in re.findall(r"`(--[a-z-]+)`", row[0])
    }
    assert flags
    assert flags <= known


def test_the_table_of_formats_is_that_of_the_code() -> None:
    """Every extension is in one row, with its extra; a media type is not split over rows."""
    found = {
        name: (number, extra.strip("`"))
        for number, (_, names, extra) in enumerate(rows(section(FORMATS, "## Formats")))
        for name in re.findall(r"`\.(\w+)`", names)
    }
    extras = (IMAGE_TYPES | VIDEO_TYPES, ""), (RAW_TYPES, "raw"), (JXL_TYPES, "jxl")
    for types, extra in extras:
        for names in types.values():
            [row] = {found.pop(name) for name in names.split()}
            assert row[1] == extra
    assert found == {}


def test_the_readme_names_every_format() -> None:
    """Everything in the table of formats is in the short list, too."""
    short = section(README, "## Formats")
    for names, extensions, _extra in rows(section(FORMATS, "## Formats")):
        listed = re.findall(r"\w+", extensions.upper()) if names == "RAW" else names.split(", ")
        for name in listed:
            assert name.partition(" (")[0] in short, name


def test_the_table_of_filters_is_that_of_the_code() -> None:
    found = [key for keys, _ in rows(FILTERS) for key in re.findall(r"`(\w+)`", keys)]
    plain = {key for key in KEYS if not key.endswith("_logic")} - {"limit"}
    assert sorted(found) == sorted(plain)
    assert LISTS - {"folders"} == {key.removesuffix("_logic") for key in KEYS if "_logic" in key}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if not link.startswith(("http://", "https://")):
            assert (document.parent / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_no_line_of_prose_is_longer_than_the_page(document: Path) -> None:
    is_code = False
    for number, line in enumerate(document.read_text().splitlines(), 1):
        is_code ^= line.startswith("```")
        assert is_code or line.startswith("|") or len(line) <= MAX_LINE, f"{number}: {line}"


def test_the_rooms_are_those_of_the_package() -> None:
    picture = section(ARCHITECTURE, "## Rooms").split("```")[1]
    lines = [line[2:18] for line in picture.splitlines() if line.startswith("  ")]
    found = {word.rstrip("/") for line in lines for word in line.split()}
    expected = {
        path.stem
        for path in PACKAGE.iterdir()
        if (path.is_dir() or path.suffix == ".py") and not path.name.startswith("__")
    }
    assert found == expected


def test_the_subjects_are_those_that_the_architecture_allows() -> None:
    """The table of the page is that of `SUBJECTS` in the test of the architecture."""
    text = (ROOT / "tests/test_architecture.py").read_text()
    literal = re.search(r"^SUBJECTS = (\{.*?^\})", text, re.MULTILINE | re.DOTALL)
    assert literal is not None
    subjects = eval(literal[1], {"set": set})  # a literal except for set()
    table_ = {row[0].strip("`/"): row[2:] for row in rows(section(ARCHITECTURE, "## Rooms"))}
    for column, room in enumerate(("domain", "store")):
        found = {
            subject: set(re.findall(r"`(\w+)`", cells[column])) for subject, cells in table_.items()
        }
        assert found == subjects[room]


def index() -> list[list[str]]:
    return rows(section(ARCHITECTURE, "## Rule index"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_symbol_that_is_named_exists(document: Path) -> None:
    problems = [problem_of(*found) for found in SYMBOL.findall(document.read_text())]
    assert [problem for problem in problems if problem] == []


@pytest.mark.parametrize("name", ["docs/architecture.md", "docs/decisions.md", CONTRIBUTING])
def test_every_module_that_is_named_exists(name: str) -> None:
    modules = BARE_MODULE.findall((ROOT / name).read_text())
    places = (PACKAGE, ROOT, ROOT / "tests")
    assert [it for it in modules if not any((place / it).is_file() for place in places)] == []
    assert modules


def test_every_rule_of_the_index_has_a_symbol() -> None:
    decisions = [decided for _rule, decided, _guard, _tests in index()]
    assert sum(len(SYMBOL.findall(decided)) for decided in decisions) > 70
    for _rule, decided, guard, _tests in index():
        assert not BARE_MODULE.search(decided + guard)


def test_every_test_of_the_rule_index_exists() -> None:
    for rule, _decided, _guard, tests in index():
        names = BARE_MODULE.findall(tests)
        assert names, rule
        for name in names:
            assert (ROOT / "tests" / name).is_file(), name


def test_every_constraint_of_the_rule_index_is_in_the_schema() -> None:
    for _rule, _decided, guard, _tests in index():
        for constraint in re.findall(r"`((?:UNIQUE|PRIMARY KEY) \([^`]+\))`", guard):
            assert constraint in SCHEMA


def test_no_word_of_the_glossary_is_defined_twice() -> None:
    words = [row[0] for row in rows(section(ARCHITECTURE, "## Glossary"))]
    assert len(set(words)) == len(words) > 20


def test_every_symbol_of_the_comments_of_the_schema_exists() -> None:
    names = re.findall(r"\b(?:store|domain|database|values)\.[\w.]*\w", SCHEMA)
    assert [name for name in names if not is_dotted_name(name)] == []
    assert len(names) > 20


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    releases = re.findall(r"^## \[([^\]]+)\]", CHANGELOG, re.MULTILINE)
    assert releases[0] == "Unreleased"
    assert releases[1] == version
    found = re.search(r"^  version: (\S+)$", (ROOT / "openapi.yaml").read_text(), re.MULTILINE)
    assert found is not None
    assert found[1] == version
    locked = re.search(
        r'name = "gallery-server"\nversion = "([^"]+)"', (ROOT / "uv.lock").read_text()
    )
    assert locked is not None
    assert locked[1] == version
    installing = (ROOT / "docs/installing.md").read_text()
    assert set(re.findall(r"gallery_server-(\d[\w.]*)-py3", installing)) == {version}


def test_the_changelog_keeps_its_form() -> None:
    """Keep a Changelog 1.1.0: dated releases, the newest first, with known kinds of change."""
    releases = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", CHANGELOG, re.MULTILINE)
    assert len(releases) == CHANGELOG.count("\n## ")
    dates = [date for _version, date in releases[1:]]
    assert all(dates)
    assert dates == sorted(dates, reverse=True)
    kinds = re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_each_script_has_one_line() -> None:
    listed = [row[0].strip("`") for row in rows((ROOT / "scripts/README.md").read_text())]
    scripts = sorted(path.name for path in (ROOT / "scripts").iterdir() if path.suffix != ".md")
    assert sorted(listed) == scripts
    for name in scripts:
        assert (ROOT / "scripts" / name).stat().st_mode & 0o111


def test_the_page_of_figures_is_what_the_bench_writes() -> None:
    """The text comes from the bench; tables and notes come from the last full run."""
    parts: tuple[Part, ...] = get_args(Part)
    empty = {part: Result([], table.HEADINGS, ["note"]) for part in parts}
    page = (ROOT / "docs/performance.md").read_text()
    assert _prose(page) == _prose(report.document(empty))
    assert page.count("\n| ") > 50


def _prose(page: str) -> list[str]:
    """Return the blocks of a page without tables and the lists after them."""
    blocks = page.strip().split("\n\n")
    before = ["", *blocks]
    return [
        block
        for block, former in zip(blocks, before, strict=False)
        if not block.startswith("| ") and not former.startswith("| ")
    ]


def test_the_pure_modules_are_there() -> None:
    """A renamed module must not silently leave the gate of `scripts/test --coverage`."""
    report_ = tomllib.loads((ROOT / "tests/pure_modules.toml").read_text())
    patterns = report_["tool"]["coverage"]["report"]["include"]
    assert [pattern for pattern in patterns if not list(ROOT.glob(pattern))] == []


STRAINED = re.compile(
    r"\b(whoever|so many|is none|are none|for ever|nobody|somebody|at one stroke|be it)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_no_document_uses_strained_words(document: Path) -> None:
    """Tables may: one in the style guide shows what to avoid, and others quote messages."""
    lines = document.read_text().splitlines()
    assert [it for it in lines if STRAINED.search(it) and not it.startswith("|")] == []
