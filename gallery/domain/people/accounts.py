"""Accounts. So far there is one: the built-in owner of open mode."""

from gallery.database.engine import Database, Tx
from gallery.model import Actor
from gallery.store.people import accounts
from gallery.store.people.accounts import Account
from gallery.values.times import Millis


async def built_in_owner(db: Database) -> tuple[Actor, Millis]:
    """Return the built-in owner, and when its account was created.

    The first start creates it; later starts write nothing.
    """
    found = await db.read(accounts.first)
    if found is None:
        found = await db.write(_make_owner)
    return Actor(found.id), found.created_at


async def _make_owner(tx: Tx) -> Account:
    return await accounts.first(tx) or await accounts.insert(tx, accounts.BUILT_IN_OWNER)
