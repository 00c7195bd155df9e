"""Both servers as separate processes, so that neither shares a core with the client."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench.client import HOST, Connection

STOP_SECONDS = 15.0


class Server(NamedTuple):
    """A running server."""

    pid: int
    port: int

    def connection(self) -> Connection:
        return Connection(self.port)

    def peak_memory(self) -> int:
        """Return the peak resident bytes, without its worker processes."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


@contextmanager
def gallery(library: Path, data: Path, *more: str) -> Generator[Server]:
    """Run `gallery serve` as people run it, on a free port."""
    arguments = (str(library), "--data", str(data), "--port", "0", *more)
    with _serving("gallery", "serve", *arguments) as server:
        yield server


@contextmanager
def calibrator() -> Generator[Server]:
    """Run the server without a database."""
    with _serving("tests.bench.calibrator") as server:
        yield server


@contextmanager
def _serving(module: str, *arguments: str) -> Generator[Server]:
    """Run a module that prints its address; end it with SIGTERM, or SIGKILL if that fails."""
    environment = {name: value for name, value in os.environ.items() if "GALLERY_" not in name}
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            prefix = f"Serving http://{HOST}:"
            lines = (line for line in process.stdout if line.startswith(prefix))
            port = next(lines, "").removeprefix(prefix).strip()
            assert port, f"{module} did not start"
            yield Server(process.pid, int(port))
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
