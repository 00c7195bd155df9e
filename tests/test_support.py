"""Rules of the tests: shared code is in `tests/support`, and there is one way to wait."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MODULES = sorted(TESTS.rglob("*.py"))
MAY_SLEEP = ("support/waiting.py", "bench/")


def name(module: Path) -> str:
    return str(module.relative_to(TESTS))


def imported(tree: ast.Module) -> set[str]:
    """Return the dotted names of the modules and symbols that a module imports."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            of = "." * node.level + (node.module or "")
            found.update(f"{of}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_module_of_tests_is_imported(module: Path) -> None:
    """Changing or deleting a test module breaks no other one."""
    for dotted in imported(ast.parse(module.read_text())):
        parts = dotted.split(".")
        assert parts[0] != "", f"{dotted} is relative"
        is_ours = parts[0] == "tests"
        assert not is_ours or not any(
            it.startswith("test_") or it == "conftest" for it in parts[:-1]
        )


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_tests_wait_for_conditions_and_not_for_time(module: Path) -> None:
    tree = ast.parse(module.read_text())
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    sleeps = {call for call in calls if call.rpartition(".")[2] == "sleep"}
    assert name(module).startswith(MAY_SLEEP) or not sleeps


@pytest.mark.parametrize("module", [it for it in MODULES if "support" in it.parts], ids=name)
def test_there_are_no_tests_in_what_they_share(module: Path) -> None:
    tree = ast.parse(module.read_text())
    functions = [
        n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert not [it for it in functions if it.startswith("test_")]
