"""Messages between the server and worker processes.

A message is its length (four bytes, big-endian) and msgpack. The files of a request are passed as
descriptors. A hostile file may control a worker, so answers are bounded and validated when they are
decoded, and nothing in them is executed.
"""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from gallery.model import Probed, Size
from gallery.values.times import Micros

R = TypeVar("R")

LENGTH_BYTES = 4
MAX_FILES = 16
"""Descriptors of one request."""
MAX_REQUEST_BYTES = 64 << 20
MAX_METADATA_BYTES = 1 << 20
MAX_PICTURES_BYTES = 128 << 20
"""Of all pictures of one answer. A `full` one of 268 megapixels rarely takes half of that."""

MAX_LOG_LINES = 10
"""Of one answer."""
MAX_LOG_TEXT = 4_000
"""Characters of a log line."""


class ReadFile(msgspec.Struct, frozen=True, tag_field="ask", tag="read"):
    """Read the metadata of a file. Descriptors: the file, then its sidecars.

    The extension of `name` decides between formats that share a signature.
    """

    name: str
    modified_at: Micros


class RenderFile(msgspec.Struct, frozen=True, tag_field="ask", tag="render"):
    """Render a file in these sizes, and its ThumbHash. Descriptor: the file."""

    name: str
    sizes: tuple[Size, ...]


class HashPicture(msgspec.Struct, frozen=True, tag_field="ask", tag="hash"):
    """Compute the ThumbHash of a picture that was rendered before."""

    picture: bytes


Request = ReadFile | RenderFile | HashPicture


class Rendering(msgspec.Struct, frozen=True):
    """Pictures as WebP, by size. `problem` says why pictures or `thumbhash` are missing."""

    pictures: dict[Size, bytes] = {}
    thumbhash: Annotated[str, Meta(max_length=64)] | None = None
    problem: Annotated[str, Meta(max_length=200)] | None = None

    def __post_init__(self) -> None:
        for picture in self.pictures.values():
            if picture[:4] != b"RIFF" or picture[8:12] != b"WEBP":
                raise ValueError("a picture is no WebP")


Barrier = Literal["filesystem", "network", "processes"]
"""What a sandbox denies a worker: other files, connections, other processes."""


class Hello(msgspec.Struct, frozen=True):
    """The first message of a worker: what its sandbox denies it."""

    sandbox: Annotated[tuple[Barrier, ...], Meta(max_length=3)]


class LogLine(msgspec.Struct, frozen=True):
    """A record for the log of the server; a warning is a bug of ours."""

    level: Literal["debug", "warning"]
    text: Annotated[str, Meta(max_length=MAX_LOG_TEXT)]


class Answer(msgspec.Struct, Generic[R], frozen=True):
    """The answer to a request: a result, or an error of the worker itself, for the log."""

    result: R | None = None
    error: Annotated[str, Meta(max_length=1_000)] | None = None
    log: Annotated[tuple[LogLine, ...], Meta(max_length=MAX_LOG_LINES)] = ()


HELLO = msgspec.msgpack.Decoder(Hello)
METADATA = msgspec.msgpack.Decoder(Answer[Probed])
PICTURES = msgspec.msgpack.Decoder(Answer[Rendering])
REQUESTS: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)


def framed(message: msgspec.Struct) -> bytes:
    """Return a message after its length."""
    content = msgspec.msgpack.encode(message)
    return len(content).to_bytes(LENGTH_BYTES) + content
