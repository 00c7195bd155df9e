"""Names and descriptions of collections, and the keys by which names are compared."""

import unicodedata

import msgspec

from gallery.errors import Invalid

MAX_NAME = 255
MAX_DESCRIPTION = 10_000
MAX_LABEL_KEY = 500

# White space as Unicode defines it; Python's strip() also removes some control characters.
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)

# Default_Ignorable_Code_Points outside the categories C and Z, and the blank braille pattern. A
# name that consists only of these is invisible.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(number) for number in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}


class CollectionName(msgspec.Struct, frozen=True):
    """A collection's name as it is shown (`text`) and as it is compared (`key`)."""

    text: str
    key: str

    @classmethod
    def parse(cls, raw: str | None) -> "CollectionName":
        """Return the name in `raw`, trimmed of Unicode white space.

        Raises `Invalid` if no visible character is left, if the name has more than 255 characters
        or if it contains a control character.
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
    """Return the key by which a name is compared: NFKC, casefold, NFKC.

    `Straße` equals `STRASSE`, and `É` equals `e` + U+0301. `İ` and `i` differ, because only some
    languages equate them.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def label_key(name: str) -> str:
    """Return the key by which the name of a camera, lens or keyword is compared.

    It is `key_of`, cut to the length that an index of either engine can hold.
    """
    return key_of(name)[:MAX_LABEL_KEY]


def is_visible(character: str) -> bool:
    """Return whether `character` is visible."""
    return unicodedata.category(character)[0] not in "CZ" and character not in _BLANK


def parse_description(raw: str) -> str:
    """Return a description as it is.

    Raises `Invalid` if it contains NUL or has more than 10,000 characters.
    """
    if "\0" in raw:
        raise Invalid("Description must not contain NUL")
    if len(raw) > MAX_DESCRIPTION:
        raise Invalid(f"Description is too long: at most {MAX_DESCRIPTION} characters")
    return raw
