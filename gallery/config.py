"""Settings, and the only reader of the environment, the TOML file and the flags.

A flag overrides the environment, the environment the file, and the file the default. Each field of
`Settings` is one setting and defines its name, type, bounds, default and help. `SETTINGS` is the
table of these fields, by which the environment, the file and the flags are read.
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
"""Names, or their beginnings, of environment variables that libraries may need."""
_WORKERS_ONLY = {
    "VIPS_DISC_THRESHOLD": str(1 << 40),  # workers may not write: images stay in memory
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",  # another one reserves 64 MiB of a worker's address space
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
    """The command-line option of a setting.

    `takes` describes the accepted values. `metavar` stands for the value in `--help`, and `default`
    for the default value where that needs words. With `is_general` every command on a library has
    the option, not only `serve`.
    """

    takes: str
    metavar: str | None = None
    default: str | None = None
    is_general: bool = False


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings, with checked values. One field is one row of `SETTINGS`."""

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
        Meta(description="Folder for everything that gallery stores."),
        Option("a folder", metavar="DIR", is_general=True),
    ] = ""
    database: Annotated[
        str,
        Meta(description="PostgreSQL database to use in place of a file in the data directory."),
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
        Meta(description="Allow a host other than loopback; every client may change everything."),
        Option("true or false (also yes or no, on or off, 1 or 0)"),
    ] = False
    host_name: Annotated[
        tuple[HostName, ...],
        Meta(description="Further names by which clients may call the server."),
        Option("DNS names: letters, digits and hyphens between dots, and *. in front", "NAME"),
    ] = ()
    ignore: Annotated[
        tuple[str, ...],
        Meta(description="Shell patterns of file and folder names that the index skips."),
        Option("a list of shell patterns", metavar="PATTERN", is_general=True),
    ] = DEFAULT_IGNORE
    rescan: Annotated[
        Pause,
        Meta(description="Seconds between full scans, which find changes that were not noticed."),
        Option(_SECONDS, metavar="SECONDS"),
    ] = 3600
    poll: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_PAUSE)] | Pause,  # so a fraction below 1 is refused
        Meta(description="Seconds between full scans in place of watching, for network shares."),
        Option(f"{_SECONDS}, or 0", metavar="SECONDS", default="0, no polling"),
    ] = 0
    thumbnails: Annotated[
        float,
        Meta(
            ge=0,
            le=MAX_GIB,
            description="GiB of thumbnails to keep; the least recently used are deleted first.",
        ),
        Option(f"GiB from 0 to {MAX_GIB:,}", metavar="GIB"),
    ] = 10

    def roots(self) -> list[RootSetting]:
        """Return the folders to serve. Raise `Misconfigured` if there are none or they conflict."""
        return root_settings.parse(self.library)

    def check_exposure(self) -> None:
        """Raise `Misconfigured` for a host other than loopback, unless `open` allows it.

        Without accounts every client may do everything.
        """
        if self.open or self.host == "localhost" or _is_loopback(self.host):
            return
        raise Misconfigured(
            f"Refusing to listen on {self.host}: there are no accounts, so everyone who reaches it "
            "could change everything. Use --open to allow that."
        )


class Setting(NamedTuple):
    """A row of the table of settings, made from a field of `Settings`.

    `key` is its name in the TOML file. msgspec checks values against `type`.
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
        """Return the command-line option; the library is an argument and has none."""
        return "" if self.key == "library" else f"--{self.key.replace('_', '-')}"

    @property
    def is_list(self) -> bool:
        return isinstance(self.default, tuple)

    def checked(self, given: "Given") -> Any:
        """Return the value in the type of the setting. Raise `Misconfigured` if it does not fit."""
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
    """Return the fields of a class as settings, in their order."""
    hints = get_type_hints(settings, include_extras=True)
    found = []
    for field in msgspec.structs.fields(settings):
        type_ = hints[field.name]
        *_bounds, meta, option = type_.__metadata__
        found.append(Setting(field.name, meta.description, type_, field.default, option))
    return tuple(found)


SETTINGS = table(Settings)


class Given(NamedTuple):
    """A value that was given for a setting; `origin` names its place and shows it."""

    origin: str
    value: Any


def load(flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in force. `flags` are the options, with `config` for the TOML file.

    Raises `Misconfigured` for a bad value, an unknown key or a file that cannot be read. The
    message is one sentence that names the option, the variable, or the file and its key.
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
    """Return a table of NAME = FOLDER as a list of NAME=FOLDER.

    A folder that is no text becomes 0, which the check of the type refuses.
    """
    if any("=" in name or not paths.is_valid(name) or "/" in name for name in folders):
        raise Misconfigured(f"{origin}: a root's name is one component of a path, without =")
    return [
        f"{name}={folder}" if isinstance(folder, str) else 0 for name, folder in folders.items()
    ]


def _cut(text: str) -> str:
    return printable(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")


def worker_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of workers: only the variables that libraries need.

    A malicious file must find no password in it.
    """
    kept = {name: value for name, value in environ.items() if name.startswith(_OF_LIBRARIES)}
    return kept | _WORKERS_ONLY


def _of_file(file: Path) -> dict[str, Given]:
    """Return the values in a TOML file. Raise `Misconfigured` for a key that is no setting."""
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
        if not stat.S_ISREG(file.stat().st_mode):  # reading a pipe may never end
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
