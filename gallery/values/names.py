"""What a person may call a collection, and when two names are the same."""

import unicodedata

import msgspec

from gallery.errors import Invalid

MAX_NAME = 255
MAX_DESCRIPTION = 10_000
MAX_LABEL_KEY = 500

# What Unicode calls white space; Python's own strip() takes some control characters, too.
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)

# Default_Ignorable_Code_Points of other categories, and the blank braille pattern: a name made of
# these alone cannot be seen.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(number) for number in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}


class CollectionName(msgspec.Struct, frozen=True):
    """A collection's name as it is shown (`text`) and as it is compared (`key`)."""

    text: str
    key: str

    @classmethod
    def parse(cls, raw: str | None) -> "CollectionName":
        """The name in `raw`, trimmed of Unicode white space.

        Raises `Invalid` when nothing visible is left, when it has more than 255 characters or
        when it holds a control character.
        """
        text = (raw or "").strip(_WHITE_SPACE)
        if not any(is_visible(character) for character in text):
            raise Invalid("Name is required")
        if len(text) > MAX_NAME:
            raise Invalid(f"Name is too long: at most {MAX_NAME} characters")
        if any(unicodedata.category(character) == "Cc" for character in text):
            raise Invalid("Name must not contain control characters")
        return cls(text, key_of(text))


def key_of(name: str) -> str:
    """What two names share when they count as the same: NFKC, casefold, NFKC.

    `Straße` = `STRASSE`, `É` = `e` + U+0301; but not `İ` = `i`, which differ by language.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def label_key(name: str) -> str:
    """Return what two names of a camera, a lens or a keyword share when they count as the same.

    It is that of `key_of`, but not longer than an index of either engine holds.
    """
    return key_of(name)[:MAX_LABEL_KEY]


def is_visible(character: str) -> bool:
    """Whether a reader sees anything of `character`."""
    return unicodedata.category(character)[0] not in "CZ" and character not in _BLANK


def parse_description(raw: str) -> str:
    """A description is any text without NUL, of at most 10,000 characters; else `Invalid`."""
    if "\0" in raw:
        raise Invalid("Description must not contain NUL")
    if len(raw) > MAX_DESCRIPTION:
        raise Invalid(f"Description is too long: at most {MAX_DESCRIPTION} characters")
    return raw
