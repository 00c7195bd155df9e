"""Lists as one JSON text: parameters that both engines read with `json_each`, and results."""

from collections.abc import Iterable

import msgspec

from gallery.values.ids import CollectionId

NUMBERS = "SELECT CAST(value AS BIGINT) FROM json_each({})"
"""The whole numbers of a list."""
IDS_1, IDS_2 = f"({NUMBERS.format('$1')})", f"({NUMBERS.format('$2')})"
"""The list that is `$1`, or `$2`, to stand behind `IN`."""
_KEYED = "(SELECT key, CAST(value AS BIGINT) FROM json_each({}))"
KEYED_1, KEYED_2 = _KEYED.format("$1"), _KEYED.format("$2")
"""The same with the place of each number in the list, for `WITH x (k, v) AS MATERIALIZED`."""
PAIRS = f"o (k, v) AS MATERIALIZED {KEYED_1}, y (k, v) AS MATERIALIZED {KEYED_2}"
"""Two lists of ids of the same length, the older items in `$1` and the younger ones in `$2`.

To stand behind `WITH`. `o` and `y` have a place in the list, `k`, and the id there, `v`.
"""


def json_list(values: Iterable[str | int]) -> str:
    """`values` as a JSON array, for one `$n`."""
    return msgspec.json.encode(list(values)).decode()


numbers = msgspec.json.Decoder(list[int]).decode
"""The whole numbers of a JSON array."""
collection_ids = msgspec.json.Decoder(list[CollectionId]).decode
"""The ids of a JSON array."""
texts = msgspec.json.Decoder(list[str]).decode
"""The texts of a JSON array."""
