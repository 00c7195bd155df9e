"""Who there is. So far one person: the built-in owner of open mode."""

from gallery.database.engine import Tx
from gallery.model import Actor
from gallery.store import accounts


async def built_in_owner(tx: Tx) -> Actor:
    """The owner of everything while nobody has an account; made at the first start."""
    return Actor(await accounts.first(tx) or await accounts.insert(tx, accounts.BUILT_IN_OWNER))
