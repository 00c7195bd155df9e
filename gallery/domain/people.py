"""Who there is. So far one person: the built-in owner of open mode."""

from gallery.database.engine import Tx
from gallery.model import Actor
from gallery.store import accounts


async def built_in_owner(tx: Tx) -> tuple[Actor, int]:
    """The owner of everything while nobody has an account, and when it was made: at first start."""
    found = await accounts.first(tx)
    if found is None:
        found = await accounts.insert(tx, accounts.BUILT_IN_OWNER)
    return Actor(found.id), found.created_at
