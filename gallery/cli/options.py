"""The options of the commands, made from the table of settings."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from gallery.config import CONFIG_VARIABLE, SETTINGS, Setting

F = TypeVar("F", bound=Callable[..., Any])


def library_options(command: F) -> F:
    """Add the options that every command on a library has."""
    file = click.option(
        "--config", type=click.Path(), help=f"A TOML file of settings.  [{CONFIG_VARIABLE}]"
    )
    return with_settings(row for row in SETTINGS if row.option.is_general)(file(command))


def server_options(command: F) -> F:
    """Add an option for every setting: first those that every command has, then the others."""
    others = with_settings(row for row in SETTINGS if not row.option.is_general)
    return library_options(others(command))


def with_settings(settings: Iterable[Setting]) -> Callable[[F], F]:
    """Return a decorator that adds an option for each setting, in their order."""

    def decorate(command: F) -> F:
        for setting in reversed(rows):
            command = _parameter(setting)(command)
        return command

    rows = list(settings)
    return decorate


def _parameter(setting: Setting) -> Callable[[F], F]:
    metavar = setting.option.metavar
    if not setting.flag:
        return click.argument(setting.key, nargs=-1, metavar=metavar)
    return click.option(
        setting.flag,
        is_flag=isinstance(setting.default, bool),
        multiple=setting.is_list,
        metavar=metavar,
        help=f"{setting.help}  [{setting.variable}]{_note(setting)}",
    )


def _note(setting: Setting) -> str:
    """Return the note in the help on a list or a default; 0, false and empty are not shown."""
    if setting.is_list:
        return "  (repeatable)"
    default = setting.option.default or setting.default
    return f"  (default: {default})" if default else ""
