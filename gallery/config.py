"""Settings, and the only reader of the environment, the TOML file and the flags.

A flag goes before the environment, that before the file, that before the default. Each field of
`Settings` is one setting: its name, type, bounds, default and help stand there and nowhere else.
`SETTINGS` is the table made of them, from which the environment, the file and the flags are read.
"""

import ipaddress
import os
import stat
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

import msgspec
from msgspec import Meta

from gallery import root_settings
from gallery.errors import Misconfigured, printable
from gallery.root_settings import RootSetting
from gallery.values import paths
from gallery.values.media_types import DEFAULT_IGNORE

_OF_LIBRARIES = (
    *("PATH", "HOME", "TZ", "LANG", "LC_", "PYTHON", "LD_LIBRARY_PATH", "DYLD_", "FONTCONFIG_"),
    *("MALLOC_", "SYSTEMROOT"),
)
"""Beginnings of the names of variables that libraries may need."""
_WORKERS_ONLY = {
    "VIPS_DISC_THRESHOLD": str(1 << 40),  # they may not write: pictures stay in memory
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",  # every other one takes 64 MiB of the addresses they may have
}
CONFIG_VARIABLE = "GALLERY_CONFIG"
MAX_PAUSE = 30 * 24 * 3600
MAX_GIB = 1_000_000
MAX_PORT = 65_535
MAX_SHOWN = 60
"""Characters of a bad value that are shown."""
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SECONDS = f"seconds from 1 to {MAX_PAUSE:,}"

HostName = Annotated[str, Meta(pattern=rf"^(\*\.)?{_LABEL}(\.{_LABEL})*\Z", max_length=253)]
Pause = Annotated[float, Meta(ge=1, le=MAX_PAUSE)]


class Option(NamedTuple):
    """How a setting is given on the command line.

    `takes` says in words what it may be. `metavar` stands for its value in `--help`, `default` for
    its default where the value says too little. With `is_general` every command on a library takes
    it, not only `serve`.
    """

    takes: str
    metavar: str | None = None
    default: str | None = None
    is_general: bool = False


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be configured, checked. One field is one row of `SETTINGS`."""

    library: Annotated[
        tuple[str, ...],
        Meta(description="Folders to serve: one, or several as NAME=FOLDER."),
        Option(
            "a folder, a list of them, each FOLDER or NAME=FOLDER, or a table of NAME = FOLDER",
            metavar="[LIBRARY]...",
            is_general=True,
        ),
    ] = ()
    data: Annotated[
        str,
        Meta(description="Folder for everything that is not the originals."),
        Option("a folder", metavar="DIR", is_general=True),
    ] = ""
    database: Annotated[
        str,
        Meta(description="PostgreSQL to use in place of a file in there."),
        Option("postgresql://USER@HOST/NAME, or sqlite:", metavar="URL", is_general=True),
    ] = ""
    host: Annotated[
        str,
        Meta(description="Address to listen on."),
        Option("an address or a name to listen on"),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(ge=0, le=MAX_PORT, description="Port to listen on; 0 picks a free one."),
        Option(f"a whole number from 0 to {MAX_PORT}", metavar="PORT"),
    ] = 8000
    open: Annotated[
        bool,
        Meta(description="Serve everybody who can reach a host other than loopback."),
        Option("true or false (also yes or no, on or off, 1 or 0)"),
    ] = False
    host_name: Annotated[
        tuple[HostName, ...],
        Meta(description="Further names by which clients may call the server."),
        Option("DNS names: letters, digits and hyphens between dots, and *. in front", "NAME"),
    ] = ()
    ignore: Annotated[
        tuple[str, ...],
        Meta(description="Names, as shell patterns, that the index skips."),
        Option("a list of shell patterns", metavar="PATTERN", is_general=True),
    ] = DEFAULT_IGNORE
    rescan: Annotated[
        Pause,
        Meta(description="Seconds between full passes, which find what was not noticed."),
        Option(_SECONDS, metavar="SECONDS"),
    ] = 3600
    poll: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_PAUSE)] | Pause,  # so a fraction below 1 is refused
        Meta(description="Seconds between full passes in place of watching: network shares."),
        Option(f"{_SECONDS}, or 0", metavar="SECONDS", default="0, it watches"),
    ] = 0
    thumbnails: Annotated[
        float,
        Meta(ge=0, le=MAX_GIB, description="GiB of thumbnails to keep; the least used go first."),
        Option(f"GiB from 0 to {MAX_GIB:,}", metavar="GIB"),
    ] = 10

    def roots(self) -> list[RootSetting]:
        """Return the folders to serve; `Misconfigured` if there are none, or they conflict."""
        return root_settings.parse(self.library)

    def check_exposure(self) -> None:
        """Without accounts everybody may do everything, so only this machine is served."""
        if self.open or self.host == "localhost" or _is_loopback(self.host):
            return
        raise Misconfigured(
            f"Refusing to listen on {self.host}: there is no account, so everybody who reaches it "
            "could change everything. Use --open if you mean it."
        )


class Setting(NamedTuple):
    """A row of the table of settings: a field of `Settings`, and what is written beside it.

    `key` is its name in the TOML file, `type` what msgspec checks a value against.
    """

    key: str
    help: str
    type: Any
    default: Any
    option: Option

    @property
    def variable(self) -> str:
        return f"GALLERY_{self.key.upper()}"

    @property
    def flag(self) -> str:
        """Return the option of the command line; the library is an argument and has none."""
        return "" if self.key == "library" else f"--{self.key.replace('_', '-')}"

    @property
    def is_list(self) -> bool:
        return isinstance(self.default, tuple)

    def checked(self, given: "Given") -> Any:
        """Return a value of the type of the setting, or raise `Misconfigured`."""
        origin, value = given
        if self.is_list and isinstance(value, str):
            value = [value]
        if self.key == "library" and isinstance(value, dict):
            value = _named_folders(origin, value)
        if isinstance(self.default, bool) and isinstance(value, str):
            words = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}
            value = words.get(value.lower(), value)
        try:
            return msgspec.convert(value, self.type, strict=False)
        except msgspec.ValidationError:
            name = self.key.replace("_", "-")
            raise Misconfigured(f"{origin}: {name} takes {self.option.takes}") from None


def table(settings: type[Settings]) -> tuple[Setting, ...]:
    """Return the settings that are the fields of a class, in their order."""
    hints = get_type_hints(settings, include_extras=True)
    found = []
    for field in msgspec.structs.fields(settings):
        type_ = hints[field.name]
        *_bounds, meta, option = type_.__metadata__
        found.append(Setting(field.name, meta.description, type_, field.default, option))
    return tuple(found)


SETTINGS = table(Settings)


class Given(NamedTuple):
    """A value as it was given; `origin` says where, as people wrote it."""

    origin: str
    value: Any


def load(flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in force. `flags` holds what was typed, and `config`, the TOML file.

    Raises `Misconfigured` with one sentence for a bad value, an unknown key or a file that cannot
    be read. It names the option, the variable, or the file and its key.
    """
    file = flags.get("config") or environ.get(CONFIG_VARIABLE)
    given = _of_file(Path(file)) if file else {}
    for setting in SETTINGS:
        if text := environ.get(setting.variable):
            value = text.split(os.pathsep) if setting.is_list else text
            given[setting.key] = Given(f"{setting.variable}={_cut(text)}", value)
        typed = flags.get(setting.key)
        if not (typed is None or typed is False or typed == ()):
            shown = _cut(" ".join(typed) if isinstance(typed, tuple) else str(typed))
            given[setting.key] = Given(f"{setting.flag} {shown}".lstrip(), typed)
    return Settings(
        **{row.key: row.checked(given[row.key]) for row in SETTINGS if row.key in given}
    )


def _named_folders(origin: str, folders: dict[str, Any]) -> list[Any]:
    """Return a table of NAME = FOLDER as a list; a folder that is no text is refused later."""
    if any("=" in name or not paths.is_valid(name) or "/" in name for name in folders):
        raise Misconfigured(f"{origin}: a root's name is one component of a path, without =")
    return [
        f"{name}={folder}" if isinstance(folder, str) else 0 for name, folder in folders.items()
    ]


def _cut(text: str) -> str:
    return printable(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")


def worker_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of processes that decode files: what finds and sets up libraries.

    Nothing else, above all no password, is there for a file to steal.
    """
    kept = {name: value for name, value in environ.items() if name.startswith(_OF_LIBRARIES)}
    return kept | _WORKERS_ONLY


def _of_file(file: Path) -> dict[str, Given]:
    """Return what a TOML file says; `Misconfigured` for a key that is no setting."""
    known = [setting.key for setting in SETTINGS]
    content = _read_file(file)
    for key in content:
        if key not in known:
            similar = get_close_matches(key, known, 1)
            hint = f"did you mean {similar[0]}?" if similar else f"there are {', '.join(known)}"
            raise Misconfigured(f"{printable(str(file))}: {_cut(key)} is no setting: {hint}")
    return {
        key: Given(f"{printable(str(file))}: {key} = {_cut(_in_toml(value))}", value)
        for key, value in content.items()
    }


def _in_toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _read_file(file: Path) -> dict[str, Any]:
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # to read some of the others never ends
            raise Misconfigured(f"{printable(str(file))} cannot be read: it is not a regular file")
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"{printable(str(file))} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} is not TOML: {error}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
