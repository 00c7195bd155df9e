"""Lists as one JSON text: parameters that both engines read with `json_each`, and results."""

from collections.abc import Iterable

import msgspec

from gallery.values.ids import CollectionId

NUMBERS = "SELECT CAST(value AS BIGINT) FROM json_each({})"
"""The integers of a list."""
IDS_1, IDS_2 = f"({NUMBERS.format('$1')})", f"({NUMBERS.format('$2')})"
"""The list in `$1`, or in `$2`, for use after `IN`."""
_KEYED = "(SELECT key, CAST(value AS BIGINT) FROM json_each({}))"
KEYED_1, KEYED_2 = _KEYED.format("$1"), _KEYED.format("$2")
"""The same with the index of each number in the list, for `WITH x (k, v) AS MATERIALIZED`."""
PAIRS = f"o (k, v) AS MATERIALIZED {KEYED_1}, y (k, v) AS MATERIALIZED {KEYED_2}"
"""Two lists of ids of the same length, for use after `WITH`: older items `$1`, younger ones `$2`.

In `o` and `y`, `k` is the index in the list and `v` the id.
"""


def json_list(values: Iterable[str | int]) -> str:
    """Return `values` as a JSON array, for one parameter `$n`."""
    return msgspec.json.encode(list(values)).decode()


numbers = msgspec.json.Decoder(list[int]).decode
"""Decodes the integers of a JSON array."""
collection_ids = msgspec.json.Decoder(list[CollectionId]).decode
"""Decodes the ids of a JSON array."""
texts = msgspec.json.Decoder(list[str]).decode
"""Decodes the strings of a JSON array."""
