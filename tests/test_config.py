"""Settings: where they come from, and which of them are refused."""

import tomllib
from pathlib import Path

import pytest

from gallery.config import SETTINGS, Settings, load
from gallery.errors import Misconfigured


def test_a_flag_goes_before_the_environment_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text('host = "a"\nport = 1\ndata = "c"\nignore = ["x", "y"]\n')
    environ = {"GALLERY_PORT": "2", "GALLERY_DATA": "d", "GALLERY_LIBRARY": "one:two=three"}
    found = load({"config": str(file), "data": "e", "library": ()}, environ)
    assert found == Settings(
        library=("one", "two=three"), data="e", host="a", port=2, ignore=("x", "y")
    )
    assert load({}, environ | {"GALLERY_CONFIG": str(file)}).host == "a"


def test_every_setting_is_in_the_table() -> None:
    assert [setting.key for setting in SETTINGS] == list(Settings.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('port = "x"', "port"),
        ("port = -1", "port"),
        ("port = 65536", "port"),
        ("ports = 1", "ports"),
        ("open = 3", "open"),
        ("library = [1]", "library"),
        ("[host]\na = 1", "host"),
    ],
)
def test_a_bad_value_or_an_unknown_key_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text(text)
    assert tomllib.loads(text)
    with pytest.raises(Misconfigured, match=complaint):
        load({"config": str(file)}, {})


def test_one_library_may_be_written_as_one_text(tmp_path: Path) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text('library = "/pictures"')
    assert load({"config": str(file)}, {}).library == ("/pictures",)


def test_a_folder_with_an_equals_sign_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()
    assert [tuple(r) for r in Settings((str(tmp_path / "a=b"),)).roots()] == [
        ("", tmp_path / "a=b")
    ]


@pytest.mark.parametrize(
    ("host", "opened", "allowed"),
    [
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("localhost", False, True),
        ("0.0.0.0", False, False),
        ("192.168.1.5", False, False),
        ("example.org", False, False),
        ("0.0.0.0", True, True),
    ],
)
def test_without_accounts_only_this_machine_is_served(
    host: str, opened: bool, allowed: bool
) -> None:
    settings = Settings(host=host, open=opened)
    if allowed:
        settings.check_exposure()
    else:
        with pytest.raises(Misconfigured, match="--open"):
            settings.check_exposure()
