"""Answers that were made already, kept as bytes.

The key of an answer holds the state that it was made in, an entity tag or the database's
generation, so an answer never has to be taken back: after a change nobody asks for the old one any
more, and the least recently used go first.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

LARGEST_SHARE = 4
"""One answer takes at most a quarter of the room."""
OVERHEAD = 512
"""Bytes that are counted for an answer beside its own: its key and its place."""


class Rendered:
    """Answers by key, in at most `room` bytes."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._used = 0
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, key: Hashable) -> bytes | None:
        """The answer kept under `key`."""
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    async def current(
        self, generation: int | None, key: Hashable, make: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """The answer to `key`, made only if something may have changed since the last time.

        `generation` is that of the database; None keeps nothing.
        """
        if generation is None:
            return await make()
        answer = self.get((generation, key))
        if answer is None:
            answer = await make()
            self.keep((generation, key), answer)
        return answer

    def keep(self, key: Hashable, answer: bytes) -> None:
        """Keeps an answer, and lets the least recently used ones go if it takes their room."""
        if key in self._answers or _size(answer) * LARGEST_SHARE > self._room:
            return
        self._answers[key] = answer
        self._used += _size(answer)
        while self._used > self._room:
            _key, oldest = self._answers.popitem(last=False)
            self._used -= _size(oldest)


def _size(answer: bytes) -> int:
    return len(answer) + OVERHEAD
