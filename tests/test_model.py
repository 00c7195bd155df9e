"""The values that the structs of the model compute, as tables."""

from datetime import UTC, datetime

from gallery.model import Collection, ListRevision, NameKeys, Revision, Taken, Versioned
from gallery.values.ids import AccountId, CollectionId
from gallery.values.times import Millis

DAY = datetime(2025, 7, 1, tzinfo=UTC)


def versioned(id_: int, revision: Revision, updated_at: int) -> Versioned:
    collection = Collection(
        id=CollectionId(id_),
        name="A",
        description="",
        folder_path=None,
        cover_path=None,
        has_artwork=False,
        cover_small_url=None,
        cover_large_url=None,
        item_count=0,
        is_public=False,
        is_favorite=False,
        owner_id=AccountId(1),
        created_at=DAY,
        updated_at=DAY,
    )
    return Versioned(collection, revision, Millis(updated_at))


def test_a_list_has_a_revision_of_all_its_members() -> None:
    rows = [versioned(1, Revision(2, 3), 7), versioned(5, Revision(1, 0), 9)]
    assert ListRevision.of(rows) == (2, 6, 9, 3, 3)
    assert ListRevision.of([]) == (0, 0, 0, 0, 0)


def test_a_name_says_stem_and_extension() -> None:
    named = NameKeys.of("IMG_0010.JPG")
    assert (named.stem, named.extension) == ("img_0010", "jpg")
    assert NameKeys.of("img 9.jpg").sort_name < NameKeys.of("IMG 10.jpg").sort_name


def test_a_time_of_taking_has_a_month() -> None:
    assert Taken(0, 1_751_328_000_000, None, "exif").month == 202507
