"""What the server asks of worker processes, and what they may answer.

Messages are msgpack behind their length (four bytes, big-endian). The files come beside a request,
as descriptors. Answers are those of a process that may have been taken over by a file: they are
bounded and validated when they are decoded, and nothing in them is executed.
"""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from gallery.model import Probed, Size
from gallery.values.times import Micros

R = TypeVar("R")

LENGTH_BYTES = 4
MAX_FILES = 16
"""Descriptors beside one request."""
MAX_REQUEST_BYTES = 64 << 20
MAX_METADATA_BYTES = 1 << 20
MAX_PICTURES_BYTES = 128 << 20
"""Of all pictures of one answer; a `full` one of 268 megapixels has rarely half of that."""


class ReadFile(msgspec.Struct, frozen=True, tag_field="ask", tag="read"):
    """Read the metadata of a file. Beside it: the file, then its sidecars.

    The name tells how to read it.
    """

    name: str
    modified_at: Micros


class RenderFile(msgspec.Struct, frozen=True, tag_field="ask", tag="render"):
    """Make pictures of a file in these sizes, and its ThumbHash. Beside it: the file."""

    name: str
    sizes: tuple[Size, ...]


class HashPicture(msgspec.Struct, frozen=True, tag_field="ask", tag="hash"):
    """Make the ThumbHash of a picture that was rendered before."""

    picture: bytes


Request = ReadFile | RenderFile | HashPicture


class Rendering(msgspec.Struct, frozen=True):
    """Pictures as WebP, by size. A `problem` says why some, or without a `thumbhash` all, lack."""

    pictures: dict[Size, bytes] = {}
    thumbhash: Annotated[str, Meta(max_length=64)] | None = None
    problem: Annotated[str, Meta(max_length=200)] | None = None

    def __post_init__(self) -> None:
        for picture in self.pictures.values():
            if picture[:4] != b"RIFF" or picture[8:12] != b"WEBP":
                raise ValueError("a picture is no WebP")


Barrier = Literal["filesystem", "network", "processes"]
"""What a sandbox keeps a worker from: other files, connections, other processes."""


class Hello(msgspec.Struct, frozen=True):
    """The first message of a worker: what its sandbox keeps it from."""

    sandbox: Annotated[tuple[Barrier, ...], Meta(max_length=3)]


class Answer(msgspec.Struct, Generic[R], frozen=True):
    """What came of a request: a result, or an error of the worker itself, for the log."""

    result: R | None = None
    error: Annotated[str, Meta(max_length=1_000)] | None = None


HELLO = msgspec.msgpack.Decoder(Hello)
METADATA = msgspec.msgpack.Decoder(Answer[Probed])
PICTURES = msgspec.msgpack.Decoder(Answer[Rendering])
REQUESTS: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)


def framed(message: msgspec.Struct) -> bytes:
    """Return a message with its length in front."""
    content = msgspec.msgpack.encode(message)
    return len(content).to_bytes(LENGTH_BYTES) + content
