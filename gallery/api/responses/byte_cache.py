"""A cache of answers as bytes.

The key of an answer contains the state in which it was made: an entity tag, or the generation of
the database. Therefore no answer becomes wrong: after a change the old key is not requested any
more. The least recently used answers are dropped first.
"""

from collections import OrderedDict
from hashlib import blake2b

import msgspec

MAX_SHARE = 4
"""One answer takes at most a quarter of the cache."""
OVERHEAD = 512
"""Bytes that are added to the length of an answer for its key and its place."""
_DIGEST_BYTES = 16


def digest(key: object) -> bytes:
    """Return a short digest of a key, however long a client made the key."""
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
        """Keep an answer, and drop the least recently used ones if there is no room."""
        if key in self._answers or _size(answer) * MAX_SHARE > self._max_bytes:
            return
        self._answers[key] = answer
        self._used += _size(answer)
        while self._used > self._max_bytes:
            _key, oldest = self._answers.popitem(last=False)
            self._used -= _size(oldest)


def _size(answer: bytes) -> int:
    return len(answer) + OVERHEAD
