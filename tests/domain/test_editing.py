"""The fields of a collection that an input sets directly."""

from typing import Any

import pytest

from gallery.domain.collections.editing import own_fields
from gallery.errors import Invalid
from gallery.model import CollectionInput
from gallery.store.collections.collections import Fields
from gallery.values.ids import ItemId
from gallery.values.names import CollectionName

NAME = CollectionName.parse("Beach")
BEFORE = Fields(CollectionName.parse("Market"), "Old", True, True, "photos", ItemId(5), 7)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"description": "New"}, {"description": "New"}),
        ({"description": ""}, {"description": ""}),
        ({"is_public": False}, {"is_public": False}),
        ({"is_favorite": False, "is_public": True}, {"is_favorite": False, "is_public": True}),
        ({"folder_path": "", "cover_path": "a.jpg", "paths": [], "item_ids": []}, {}),
    ],
)
def test_what_an_input_leaves_out_stays_as_it_is(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    own = own_fields(CollectionInput(name=" Beach ", **given))
    assert own == {"name": NAME} | expected
    assert BEFORE._replace(**own) == Fields(**(BEFORE._asdict() | {"name": NAME} | expected))


@pytest.mark.parametrize(
    "given",
    [CollectionInput(), CollectionInput(name=""), CollectionInput(name="a", description="\0")],
)
def test_a_value_that_a_field_does_not_take_is_refused(given: CollectionInput) -> None:
    with pytest.raises(Invalid):
        own_fields(given)
