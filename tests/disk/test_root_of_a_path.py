"""The root of a library path, and the place below it, as a table."""

from pathlib import Path

import pytest

from gallery.disk.roots import Root, Roots

ONE = ("",)
SEVERAL = ("photos", "photos2", "a b", "é")

CASES = {
    (ONE, ""): ("", ""),
    (ONE, "x.jpg"): ("", "x.jpg"),
    (ONE, "photos/x.jpg"): ("", "photos/x.jpg"),
    (SEVERAL, "photos"): ("photos", ""),
    (SEVERAL, "photos/x.jpg"): ("photos", "x.jpg"),
    (SEVERAL, "photos/photos/x.jpg"): ("photos", "photos/x.jpg"),
    (SEVERAL, "photos2/x.jpg"): ("photos2", "x.jpg"),
    (SEVERAL, "a b/c"): ("a b", "c"),
    (SEVERAL, "é/c"): ("é", "c"),
    (SEVERAL, ""): None,
    (SEVERAL, "x.jpg"): None,
    (SEVERAL, "photo"): None,
    (SEVERAL, "photos3/x.jpg"): None,
    (SEVERAL, "Photos/x.jpg"): None,
    (SEVERAL, "/photos/x.jpg"): None,
    (SEVERAL, "e\u0301/c"): None,
}


@pytest.mark.parametrize(("names", "path"), CASES)
def test_which_root_a_path_belongs_to(names: tuple[str, ...], path: str) -> None:
    roots = Roots([Root(name, Path("/") / name) for name in names], lambda _name: False)
    expected, found = CASES[names, path], roots.of(path)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.name, found.relative(path)) == expected
        assert found.path(found.relative(path)) == path
