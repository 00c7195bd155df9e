"""The rules who may see and who may change a collection."""

from collections.abc import Container
from typing import TypeVar

from gallery.database.engine import Reader, Tx
from gallery.errors import Changed, NotAllowed, NotFound
from gallery.model import Actor, Revision, Versioned
from gallery.store.collections import collections
from gallery.values.ids import AccountId, CollectionId

T = TypeVar("T")

Versions = Container[int] | None
"""The versions of a collection that the precondition of a request allows; None allows any."""


async def require_visible(reader: Reader, actor: Actor, id_: CollectionId) -> Revision:
    """Return the state of a collection that the actor may see: an own one or a public one.

    Raises `NotFound` if it does not exist, and `NotAllowed` if it is private and has another owner.
    """
    return (await see_size(reader, actor, id_))[0]


async def see_size(reader: Reader, actor: Actor, id_: CollectionId) -> tuple[Revision, int]:
    """Return the state and the number of items, under the same rule."""
    found = _existing(await collections.access(reader, id_))
    _check(actor, found.owner_id, is_public=found.is_public)
    return found.revision, found.item_count


async def get(reader: Reader, actor: Actor, id_: CollectionId) -> Versioned:
    """Return the collection itself, under the same rule."""
    found = _existing(await collections.get(reader, id_))
    _check(actor, found.collection.owner_id, is_public=found.collection.is_public)
    return found


def _existing(found: T | None) -> T:
    if found is None:
        raise NotFound("Collection not found")
    return found


def _check(actor: Actor, owner_id: AccountId, *, is_public: bool) -> None:
    if owner_id != actor.id and not is_public:
        raise NotAllowed("Not allowed")


async def lock(tx: Tx, actor: Actor, id_: CollectionId, allowed: Versions) -> collections.Locked:
    """Lock the actor's own collection for a change. Every change begins with this statement.

    Raises `NotFound` if it does not exist, `NotAllowed` if it has another owner, and `Changed` if
    its version is not among the `allowed` ones.
    """
    locked = await collections.lock(tx, id_, actor.id)
    if locked is None:
        await require_visible(tx, actor, id_)
        raise NotAllowed("Not allowed")
    if allowed is not None and locked.former_revision.version not in allowed:
        raise Changed("Collection was changed by someone else.")
    return locked
