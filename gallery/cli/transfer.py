"""Copying all data of a library to another database, with the server stopped."""

import click

from gallery.config import Settings
from gallery.database.copy import copy
from gallery.database.open import is_postgres, open_database
from gallery.errors import Misconfigured
from gallery.events import Bus
from gallery.process import data_directory
from gallery.process.lock import locked
from gallery.process.progress import Bar
from gallery.server import run


def copy_to(settings: Settings, url: str) -> None:
    """Copy all data to the empty database at `url`, and print how to serve it from there."""
    if (url or "sqlite:") == (settings.database or "sqlite:"):
        raise Misconfigured("The library is already in this database")
    run(_copy_to(settings, url))


async def _copy_to(settings: Settings, url: str) -> None:
    data, bus = data_directory.make(settings), Bus()
    with locked(data), Bar("Copying") as bar:
        async with (
            open_database(settings.database, data, bus) as source,
            open_database(url, data, bus) as target,
        ):
            copied = await copy(source, target, bar.show)
    for table, count in copied.items():
        click.echo(f"{table}: {count:,}")
    option = f" --database {url}" if is_postgres(url) else ""
    click.echo(f"Counts and checksums agree. Serve it with: gallery serve{option} …")
