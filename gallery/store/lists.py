"""Lists as one JSON text: parameters that both engines read with `json_each`, and results."""

from collections.abc import Iterable

import msgspec


def json_list(values: Iterable[str | int]) -> str:
    """`values` as a JSON array, for one `$n`."""
    return msgspec.json.encode(list(values)).decode()


numbers = msgspec.json.Decoder(list[int]).decode
"""The whole numbers of a JSON array."""
texts = msgspec.json.Decoder(list[str]).decode
"""The texts of a JSON array."""
