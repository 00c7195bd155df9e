"""Rules of paths and scopes, as tables and properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.errors import Conflict, Invalid, printable
from gallery.values import paths

parts = st.sampled_from(["a", "b", "a a", "ab", "A", "a-", "0", ".", "..", "é", ""])
a_path = st.lists(parts, max_size=5).map("/".join)
valid_parts = st.sampled_from(["a", "b", "a a", "ab", "A", "a-", "a0", "é", "day1"])
a_folder = st.lists(valid_parts, max_size=4).map("/".join)
a_file = st.tuples(a_folder, valid_parts).map(lambda p: f"{p[0]}/{p[1]}" if p[0] else p[1])


@given(st.text(max_size=60) | a_path)
def test_a_valid_path_stays_below_its_root(path: str) -> None:
    if not paths.is_valid(path):
        return
    assert path.strip("/") == path
    assert not {"", ".", ".."} & set(path.split("/"))
    assert "\0" not in path
    assert paths.parse(path) == path


@pytest.mark.parametrize(
    "path", ["", "/", "a/", "/a", "a//b", ".", "a/..", "\0", "\ud800", "é" * 1001]
)
def test_what_is_no_path(path: str) -> None:
    assert not paths.is_valid(path)
    with pytest.raises(Invalid, match="Invalid path: "):
        paths.parse(path)


@given(a_folder, a_file)
def test_a_folder_covers_exactly_what_its_bounds_enclose(folder: str, path: str) -> None:
    low, high = paths.below(folder)
    assert paths.covers(folder, path) is (path == folder or low <= path < high)


@given(a_file)
def test_the_ancestors_of_a_folder_cover_it(path: str) -> None:
    above = paths.ancestors(path)
    assert above[-1] == path
    assert all(paths.covers(folder, path) for folder in above)
    assert [paths.parent(folder) for folder in above[1:]] == above[:-1]


@given(st.lists(a_file, min_size=1, max_size=6))
def test_the_scope_of_items_is_the_shallowest_folder_in_any_order(items: list[str]) -> None:
    folders = [paths.parent(path) for path in items]
    fitting = [f for f in folders if all(paths.covers(f, other) for other in folders)]
    for order in (items, items[::-1]):
        if fitting:
            assert paths.folder_scope_of(order) == fitting[0]
        else:
            with pytest.raises(Conflict):
                paths.folder_scope_of(order)


@given(st.lists(a_file | st.just("") | st.just(" "), max_size=9))
def test_a_list_means_each_path_once_at_its_first_place(raw: list[str]) -> None:
    meant = paths.parse_list(raw)
    assert len(set(meant)) == len(meant)
    assert set(meant) == {path for path in raw if path.strip()}
    assert sorted(meant, key=raw.index) == meant


@given(st.text())
def test_what_is_echoed_is_one_printable_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


@pytest.mark.parametrize(
    ("raw", "folder"), [("", ""), ("/", ""), ("a", "a"), ("/a/b/", "a/b"), (" a ", " a ")]
)
def test_a_folder_without_the_slashes_around_it(raw: str, folder: str) -> None:
    assert paths.parse_folder(raw) == folder
