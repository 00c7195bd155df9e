"""Settings: their sources, and the values that are refused."""

import tomllib
from pathlib import Path
from typing import Annotated

import click
import msgspec
import pytest
from click.testing import CliRunner
from msgspec import Meta

from gallery.app import create_app, started
from gallery.cli.main import cli
from gallery.cli.options import with_settings
from gallery.config import SETTINGS, Given, Option, Setting, Settings, load, table
from gallery.errors import Misconfigured
from tests.support.application import client_of


def test_a_flag_goes_before_the_environment_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text('host = "a"\nport = 1\ndata = "c"\nignore = ["x", "y"]\n')
    environ = {"GALLERY_PORT": "2", "GALLERY_DATA": "d", "GALLERY_LIBRARY": "one:two=three"}
    found = load({"config": str(file), "data": "e", "library": ()}, environ)
    assert found == Settings(
        library=("one", "two=three"), data="e", host="a", port=2, ignore=("x", "y")
    )
    assert load({}, environ | {"GALLERY_CONFIG": str(file)}).host == "a"


class Extended(Settings, frozen=True):
    """The settings with one field more."""

    burst: Annotated[
        int, Meta(ge=1, le=9, description="Pictures of a burst."), Option("1 to 9", metavar="N")
    ] = 3


def test_a_field_with_its_bounds_is_all_that_a_new_setting_needs() -> None:
    *others, burst = table(Extended)
    assert tuple(others) == SETTINGS
    assert (burst.key, burst.variable, burst.flag) == ("burst", "GALLERY_BURST", "--burst")
    assert burst.checked(Given("GALLERY_BURST=9", "9")) == 9
    with pytest.raises(Misconfigured, match=r"^GALLERY_BURST=10: burst takes 1 to 9$"):
        burst.checked(Given("GALLERY_BURST=10", "10"))

    @click.command()
    @with_settings([burst])
    def command(**flags: object) -> None:
        click.echo(str(flags))

    shown = CliRunner().invoke(command, ["--help"]).output
    assert "--burst N  Pictures of a burst.  [GALLERY_BURST]  (default: 3)" in shown
    assert CliRunner().invoke(command, ["--burst", "4"]).output == "{'burst': '4'}\n"
    assert CliRunner().invoke(command, []).output == "{'burst': None}\n"


@pytest.mark.parametrize("setting", SETTINGS, ids=[setting.key for setting in SETTINGS])
def test_every_setting_comes_from_each_place(setting: Setting, tmp_path: Path) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text(f"[{setting.key}]\na = 1\n")
    with pytest.raises(Misconfigured) as refusal:
        load({"config": str(file)}, {})
    name = setting.key.replace("_", "-")
    assert refusal.value.message == (
        f"{file}: {setting.key} = {{'a': 1}}: {name} takes {setting.option.takes}"
    )
    good = {"port": "1", "open": "yes", "rescan": "2", "poll": "3", "thumbnails": "4"}
    text = good.get(setting.key, "one")
    typed = (text,) if setting.is_list else text
    from_flags, from_environment = (
        load({setting.key: typed}, {}),
        load({}, {setting.variable: text}),
    )
    assert from_flags == from_environment != Settings()


@pytest.mark.parametrize("command", ["serve", "scan", "copy-to"])
def test_the_help_of_a_command_names_its_settings(command: str) -> None:
    shown = CliRunner().invoke(cli, [command, "--help"], terminal_width=500).output
    for setting in SETTINGS:
        is_taken = command == "serve" or setting.option.is_general
        is_documented = f"{setting.help}  [{setting.variable}]" in shown
        assert is_documented is (is_taken and setting.key != "library"), setting.key


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('port = "x"', "port = 'x': port takes a whole number from 0 to 65535"),
        ("port = -1", "port = -1: port takes a whole number from 0 to 65535"),
        ("port = 65536", "port = 65536: port takes"),
        ("ports = 1", "ports is no setting: did you mean port?"),
        ("colour = 1", "colour is no setting: there are library, data, "),
        ("open = 3", "open = 3: open takes true or false"),
        ("library = [1]", "library = [1]: library takes a folder, a list of them"),
        ("[library]\na = 1", "library takes a folder"),
        ('[library]\n"a/b" = "/x"', "a root's name is one component of a path"),
        ("[host]\na = 1", "host takes an address"),
        ("data = true", "data = true: data takes a folder"),
    ],
)
def test_a_bad_value_or_an_unknown_key_is_named_with_its_file(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text(text)
    assert tomllib.loads(text)
    with pytest.raises(Misconfigured) as refusal:
        load({"config": str(file)}, {})
    assert refusal.value.message.startswith(f"{file}: ")
    assert complaint in refusal.value.message


@pytest.mark.parametrize(
    ("key", "value", "takes"),
    [
        ("port", "99999", "a whole number from 0 to 65535"),
        ("port", "http", "a whole number from 0 to 65535"),
        ("host_name", "not a name", "DNS names"),
        ("host_name", "a_b.example", "DNS names"),
        ("host_name", "example.org\n", "DNS names"),
        ("host_name", "*", "DNS names"),
        ("host_name", "-a.example", "DNS names"),
        ("rescan", "0", "seconds from 1 to 2,592,000"),
        ("rescan", "nan", "seconds from 1"),
        ("rescan", "hourly", "seconds from 1"),
        ("poll", "0.5", "seconds from 1 to 2,592,000, or 0"),
        ("poll", "-1", "or 0"),
        ("thumbnails", "-1", "GiB from 0 to 1,000,000"),
        ("thumbnails", "inf", "GiB from 0"),
    ],
)
def test_a_bad_value_is_named_with_its_option_or_variable(key: str, value: str, takes: str) -> None:
    variable = f"GALLERY_{key.upper()}"
    option = f"--{key.replace('_', '-')}"
    shown = value.replace("\n", "\\u000a")
    typed = (value,) if key == "host_name" else value
    cases: tuple[tuple[dict[str, object], dict[str, str], str], ...] = (
        ({key: typed}, {}, f"{option} {shown}: "),
        ({}, {variable: value}, f"{variable}={shown}: "),
    )
    for flags, environ, origin in cases:
        with pytest.raises(Misconfigured) as refusal:
            load(flags, environ)
        assert refusal.value.message.startswith(origin)
        assert f"{option[2:]} takes {takes}" in refusal.value.message or takes in (
            refusal.value.message
        )


@pytest.mark.parametrize(
    ("text", "opened"),
    [("yes", True), ("TRUE", True), ("on", True), ("1", True), ("no", False), ("off", False)],
)
def test_open_may_be_said_in_words(text: str, opened: bool) -> None:
    assert load({}, {"GALLERY_OPEN": text}).open is opened


def test_other_words_for_open_are_refused() -> None:
    with pytest.raises(Misconfigured, match="GALLERY_OPEN=maybe: open takes true or false"):
        load({}, {"GALLERY_OPEN": "maybe"})


@pytest.mark.parametrize("name", ["localhost", "photos.example.org", "*.example.org", "a-b.c1"])
def test_a_host_name_is_a_dns_name(name: str) -> None:
    assert load({"host_name": (name,)}, {}).host_name == (name,)


def test_numbers_are_taken_as_text_or_as_numbers(tmp_path: Path) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text("poll = 0\nrescan = 60\nthumbnails = 0.5\n")
    found = load({"config": str(file)}, {})
    assert (found.poll, found.rescan, found.thumbnails) == (0, 60, 0.5)
    found = load({"poll": "0", "rescan": "60"}, {"GALLERY_THUMBNAILS": "0.5"})
    assert (found.poll, found.rescan, found.thumbnails) == (0, 60, 0.5)
    assert load({"poll": "2.5"}, {}).poll == 2.5
    file.write_text("poll = 60\n")
    assert load({"config": str(file)}, {}).poll == 60
    assert load({"poll": "60"}, {}).poll == load({}, {"GALLERY_POLL": "60"}).poll == 60


def test_a_table_of_libraries_names_them(tmp_path: Path) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text('[library]\nphotos = "/a"\n"my videos" = "/b=c"\n')
    found = load({"config": str(file)}, {})
    assert [tuple(root) for root in found.roots()] == [
        ("photos", Path("/a")),
        ("my videos", Path("/b=c")),
    ]


@pytest.mark.parametrize("text", ["a/b=/x", "..=/x", "=/x"])
def test_the_name_of_a_root_is_one_component(text: str) -> None:
    with pytest.raises(Misconfigured, match="in NAME=FOLDER the name is one component"):
        Settings((text,)).roots()


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


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("a.example.org", 200),
        ("A.Example.org:80", 200),
        ("example.org", 403),
        ("x.a.example.org", 403),
    ],
)
async def test_a_star_stands_for_one_label(settings: Settings, host: str, status: int) -> None:
    starred = msgspec.structs.replace(settings, host_name=("*.example.org",))
    async with started(create_app(starred)) as app, client_of(app) as client:
        answer = await client.get("/api/health", headers={"Host": host})
        assert answer.status_code == status
