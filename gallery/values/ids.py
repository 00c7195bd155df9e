"""Ids, each noun's of its own type, so that mypy refuses one in place of another.

An id is a whole number from 1 to 2^63-1. Decoding a request checks this.
"""

from typing import NewType

ItemId = NewType("ItemId", int)
RootId = NewType("RootId", int)
FolderId = NewType("FolderId", int)
CollectionId = NewType("CollectionId", int)
AccountId = NewType("AccountId", int)

MAX_ID = 2**63 - 1
