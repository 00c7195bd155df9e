"""Answers that were made already, kept as bytes.

The key of an answer holds the state that it was made in, an entity tag or the database's
generation, so an answer never has to be taken back: after a change nobody asks for the old one any
more, and the least recently used go first.
"""

from collections import OrderedDict
from hashlib import blake2b

import msgspec

MAX_SHARE = 4
"""One answer takes at most a quarter of the room."""
OVERHEAD = 512
"""Bytes that are counted for an answer beside its own: its key and its place."""
_DIGEST_BYTES = 16


def digest(key: object) -> bytes:
    """Return what stands for a key, however long a client has made it."""
    return blake2b(msgspec.msgpack.encode(key), digest_size=_DIGEST_BYTES).digest()


class ByteCache:
    """Answers by the digest of their keys, in at most `max_bytes` bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._used = 0
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, key: bytes) -> bytes | None:
        """Return the answer kept under `key`."""
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def keep(self, key: bytes, answer: bytes) -> None:
        """Keeps an answer, and lets the least recently used ones go if it takes their room."""
        if key in self._answers or _size(answer) * MAX_SHARE > self._max_bytes:
            return
        self._answers[key] = answer
        self._used += _size(answer)
        while self._used > self._max_bytes:
            _key, oldest = self._answers.popitem(last=False)
            self._used -= _size(oldest)


def _size(answer: bytes) -> int:
    return len(answer) + OVERHEAD
