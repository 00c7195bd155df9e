"""The topmost of several new folders, as a table."""

from itertools import permutations

import pytest

from gallery.indexing.hints import _is_below, _topmost

CASES: dict[tuple[str, ...], set[str]] = {
    (): set(),
    ("a",): {"a"},
    ("a", "b"): {"a", "b"},
    ("a", "a/b"): {"a"},
    ("a", "a/b/c"): {"a"},
    ("a/b", "a/c"): {"a/b", "a/c"},
    ("a/b/c", "a/b", "b/c"): {"a/b", "b/c"},
    ("a", "ab", "a b", "a/b"): {"a", "ab", "a b"},
    ("x/a/b", "x/a", "x/a/b/c"): {"x/a"},
}


@pytest.mark.parametrize("folders", CASES)
def test_what_is_above_all_others(folders: tuple[str, ...]) -> None:
    for order in permutations(folders):
        assert _topmost(order) == CASES[folders]
    tops = _topmost(folders)
    assert all(_is_below(folder, tops) for folder in folders), "each is one of them, or below one"


@pytest.mark.parametrize(
    ("folder", "is_below"),
    [("a", True), ("a/b", True), ("a/b/c", True), ("ab", False), ("b/a", False), ("", False)],
)
def test_what_is_below_another_folder(folder: str, *, is_below: bool) -> None:
    assert _is_below(folder, {"a"}) == is_below
