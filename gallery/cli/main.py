"""The command line: `gallery serve`, `gallery scan`, `gallery demo`."""

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from gallery import config, logs, server
from gallery.cli import transfer
from gallery.cli.options import library_options, server_options
from gallery.errors import GalleryError, Misconfigured
from gallery.process import data_directory
from gallery.process.progress import Bar


def main() -> NoReturn:
    """Run the command line. Exit with 2 for a wrong argument or setting, 1 for other errors."""
    logs.set_up()
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        status = 130
    except GalleryError as error:
        click.echo(f"gallery: {error.message}", err=True)
        status = 2 if isinstance(error, Misconfigured) else 1
    sys.exit(status or 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gallery-server")
def cli() -> None:
    """Serve curated collections over folders of photos and videos."""


def _settings(flags: dict[str, Any]) -> config.Settings:
    """Return the settings in force, with the data directory of the library."""
    return data_directory.locate(config.load(flags))


@cli.command(short_help="Serve folders until Ctrl-C.")
@server_options
def serve(**flags: Any) -> None:
    """Serve LIBRARY, one folder or several as NAME=FOLDER, until Ctrl-C."""
    server.serve(_settings(flags), click.echo)


@cli.command(short_help="Bring the index up to date with the disk.")
@library_options
@click.option("--accept-missing", is_flag=True, help="Accept that a folder was emptied on purpose.")
def scan(*, accept_missing: bool, **flags: Any) -> None:
    """Bring the index of LIBRARY up to date with the disk, with or without a running server."""
    from gallery.cli import client  # noqa: PLC0415  (needs httpx; `serve` does not)

    client.scan(_settings(flags), accept_missing=accept_missing)


@cli.command("copy-to", short_help="Copy all data to another database.")
@click.argument("url", metavar="URL")
@library_options
def copy_to(url: str, **flags: Any) -> None:
    """Copy all data of LIBRARY to the empty database at URL, with the server stopped.

    URL is postgresql://…, or sqlite: for the file in the data directory (then --database names
    the source).
    """
    transfer.copy_to(_settings(flags), url)


@cli.command(short_help="Make a small library to try things out.")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
def demo(directory: Path) -> None:
    """Make a small library of images and videos in DIR, to try things out."""
    from gallery.demo import write_demo_library  # noqa: PLC0415  (loads decoders)

    with Bar("Drawing") as bar:
        try:
            count = write_demo_library(directory, bar.show)
        except OSError as error:
            raise Misconfigured(error.strerror or str(error)) from None
    click.echo(f"{count} files in {directory}")
