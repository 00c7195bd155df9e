"""The words by which a search finds texts, and the keys that sort names in natural order."""

import re
import unicodedata
from collections.abc import Iterator

MAX_WORDS = 5_000
"""Words of one text that a search finds."""
MAX_TEXT = 25_000
"""Characters of one text that are split into words."""
MAX_WORD = 64
"""Characters of a word that are compared."""
MAX_KEY = 500
"""Characters of a sort key: as many as an index of either engine can hold."""
_DIGITS = re.compile(r"[0-9]+")
# Scripts without spaces between words: Han, kana, bopomofo.
_UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff]+"
)


def plain(text: str) -> str:
    """Return `text` without case and accents: NFKD, casefold, NFKD, then without marks."""
    if text.isascii():
        return text.lower()
    # One character can become eighteen; an ordinary text does not even double.
    first = unicodedata.normalize("NFKD", text)[: 2 * MAX_TEXT]
    decomposed = unicodedata.normalize("NFKD", first.casefold())
    return "".join(c for c in decomposed if not unicodedata.category(c).startswith("M"))


def words_of(text: str) -> list[str]:
    """Return the words of the first 25,000 characters of a text, each once, in their order.

    A word is a run of letters and digits, without case and accents, cut to 64 characters. In a
    script without spaces each two neighbouring characters are a word, and so is the last one.
    """
    return list(dict.fromkeys(_words(plain(text[:MAX_TEXT]))))[:MAX_WORDS]


def _words(text: str) -> Iterator[str]:
    for run in "".join(c if c.isalnum() else " " for c in text).split():
        if run.isascii():
            yield run[:MAX_WORD]
            continue
        at = 0
        for unspaced in _UNSPACED.finditer(run):
            if run[at : unspaced.start()]:
                yield run[at : unspaced.start()][:MAX_WORD]
            yield from (unspaced[0][i : i + 2] for i in range(len(unspaced[0])))
            at = unspaced.end()
        if run[at:]:
            yield run[at:][:MAX_WORD]


def natural_key(name: str) -> str:
    """Return a key that sorts names in natural order: `img2` before `img10`, `É` as `e`.

    Keys are compared by code points. The count of its digits precedes each number, which has no
    leading zeros. Two names may share a key.
    """
    return _DIGITS.sub(_number, plain(name[:MAX_KEY]))[:MAX_KEY]


def _number(digits: re.Match[str]) -> str:
    number = digits[0].lstrip("0")
    return f"{min(len(number), 99):02d}{number}"
