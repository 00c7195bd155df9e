"""The ids of the nouns, each of a type of its own: mypy refuses one in the place of another.

They are whole numbers from 1 to 2^63-1, which is checked where a request is decoded.
"""

from typing import NewType

ItemId = NewType("ItemId", int)
RootId = NewType("RootId", int)
FolderId = NewType("FolderId", int)
CollectionId = NewType("CollectionId", int)
AccountId = NewType("AccountId", int)

MAX_ID = 2**63 - 1
