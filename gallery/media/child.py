"""The program of a worker process: it decodes files in a sandbox.

Decoders are imported before the sandbox closes. The process ends when the server closes the
connection.
"""

import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import BinaryIO, Literal

import msgspec
from defusedxml import ElementTree  # noqa: F401  (loads the parser)

from gallery.media import sandbox
from gallery.media.formats.probe import probe
from gallery.media.jobs import (
    LENGTH_BYTES,
    MAX_FILES,
    MAX_LOG_LINES,
    MAX_LOG_TEXT,
    MAX_REQUEST_BYTES,
    REQUESTS,
    Answer,
    HashPicture,
    Hello,
    LogLine,
    ReadFile,
    RenderFile,
    Rendering,
    Request,
    framed,
)
from gallery.media.metadata.broken import decoding, logger
from gallery.media.metadata.xmp import MAX_PACKET as MAX_SIDECAR
from gallery.media.render import thumbnails
from gallery.model import Probed


def main() -> None:
    """Answer requests on a socket.

    The arguments of the program are its descriptor and the process id of the server.
    """
    connection = socket.socket(fileno=int(sys.argv[1]))
    log = _Log()
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    connection.sendall(framed(Hello(sandbox.confine(int(sys.argv[2])))))
    while (received := _received(connection)) is not None:
        request, descriptors = received
        sandbox.allow_cpu_time()
        with decoding(getattr(request, "name", "a thumbnail")):
            answer = _answer(request, descriptors)
        connection.sendall(framed(msgspec.structs.replace(answer, log=log.taken())))
        if answer.error is not None:
            return  # the error may have left the decoders in a bad state


class _Log(logging.Handler):
    """Keep the first records of a request for its answer."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[LogLine] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._lines) < MAX_LOG_LINES:
            level: Literal["debug", "warning"] = (
                "warning" if record.levelno >= logging.WARNING else "debug"
            )
            text = self.format(record).encode(errors="replace").decode()
            self._lines.append(LogLine(level, text[:MAX_LOG_TEXT]))

    def taken(self) -> tuple[LogLine, ...]:
        """Return the records, and forget them."""
        lines = tuple(self._lines)
        self._lines.clear()
        return lines


def _received(connection: socket.socket) -> tuple[Request, list[int]] | None:
    """Return the next request and its descriptors, None when the connection was closed."""
    head, descriptors, _flags, _address = socket.recv_fds(connection, LENGTH_BYTES, MAX_FILES)
    if not head:
        return None
    head += _exactly(connection, LENGTH_BYTES - len(head))
    length = int.from_bytes(head)
    assert length <= MAX_REQUEST_BYTES
    return REQUESTS.decode(_exactly(connection, length)), list(descriptors)


def _exactly(connection: socket.socket, count: int) -> bytes:
    """Return the next `count` bytes. Exit if the connection was closed."""
    buffer = bytearray(count)
    view = memoryview(buffer)
    while view:
        got = connection.recv_into(view)
        if not got:
            sys.exit("the server has ended")
        view = view[got:]
    return bytes(buffer)


def _answer(request: Request, descriptors: Sequence[int]) -> Answer[Probed] | Answer[Rendering]:
    files = [os.fdopen(descriptor, "rb") for descriptor in descriptors]
    try:
        for file in files:
            file.seek(0)  # the server has read parts of them
        if isinstance(request, ReadFile):
            return Answer(_read(request, files))
        return Answer(_rendered(request, files))
    except (Exception, MemoryError) as error:  # noqa: BLE001  (the server logs it)
        return Answer(error=_described(error))
    finally:
        for file in files:
            file.close()


def _read(request: ReadFile, files: Sequence[BinaryIO]) -> Probed:
    file, *sidecars = files
    contents = [sidecar.read(MAX_SIDECAR + 1) for sidecar in sidecars]
    return probe(file, request.name, request.modified_at, contents)


def _rendered(request: RenderFile | HashPicture, files: Sequence[BinaryIO]) -> Rendering:
    if isinstance(request, HashPicture):
        return Rendering(thumbhash=thumbnails.thumbhash_of(request.picture))
    return thumbnails.render(files[0], request.name, request.sizes)


def _described(error: BaseException) -> str:
    """Return the class of an error, and the file and line that raised it."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        line = f" in {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{line}"[:1_000]
