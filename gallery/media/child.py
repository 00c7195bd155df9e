"""A worker process: it decodes what the server hands it, and can do nothing else.

The decoders are loaded before the sandbox closes, so that this costs no more than any import. It
ends when its connection to the server does.
"""

import os
import socket
import sys
from collections.abc import Sequence
from typing import BinaryIO

from defusedxml import ElementTree  # noqa: F401  (loads the parser)

from gallery.media import sandbox
from gallery.media.formats.probe import probe
from gallery.media.jobs import (
    LENGTH_BYTES,
    MAX_FILES,
    MAX_REQUEST_BYTES,
    REQUESTS,
    Answer,
    HashPicture,
    Hello,
    ReadFile,
    RenderFile,
    Rendering,
    Request,
    framed,
)
from gallery.media.metadata.xmp import MAX_PACKET as MAX_SIDECAR
from gallery.media.render import thumbnails
from gallery.model import Probed


def main() -> None:
    """Answer requests on the socket whose descriptor is the first argument.

    The second is the number of the server's process.
    """
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.sendall(framed(Hello(sandbox.confine(int(sys.argv[2])))))
    while (received := _received(connection)) is not None:
        request, descriptors = received
        sandbox.allow_cpu_time()
        answer = _answer(request, descriptors)
        connection.sendall(framed(answer))
        if answer.error is not None:
            return  # what has failed so may not be what it was


def _received(connection: socket.socket) -> tuple[Request, list[int]] | None:
    """Return the next request and the descriptors beside it, None at the end."""
    head, descriptors, _flags, _address = socket.recv_fds(connection, LENGTH_BYTES, MAX_FILES)
    if not head:
        return None
    head += _exactly(connection, LENGTH_BYTES - len(head))
    length = int.from_bytes(head)
    assert length <= MAX_REQUEST_BYTES
    return REQUESTS.decode(_exactly(connection, length)), list(descriptors)


def _exactly(connection: socket.socket, count: int) -> bytes:
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
    file, *beside = files
    sidecars = [sidecar.read(MAX_SIDECAR + 1) for sidecar in beside]
    return probe(file, request.name, request.modified_at, sidecars)


def _rendered(request: RenderFile | HashPicture, files: Sequence[BinaryIO]) -> Rendering:
    if isinstance(request, HashPicture):
        return Rendering(thumbhash=thumbnails.thumbhash_of(request.picture))
    return thumbnails.render(files[0], request.name, request.sizes)


def _described(error: BaseException) -> str:
    """Return the kind of an error, and the line of ours that it came from."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        line = f" in {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{line}"[:1_000]
