"""How texts are compared: the words a search finds them by, and the order that people expect."""

import re
import unicodedata
from collections.abc import Iterator

MAX_WORDS = 5_000
"""Of one text; the rest cannot be searched for."""
MAX_TEXT = 25_000
"""Characters of one text in which words are looked for."""
MAX_WORD = 64
"""Characters of a word that count."""
MAX_KEY = 500
"""Characters of a name that decide its place: what an index of either engine holds."""
_DIGITS = re.compile(r"[0-9]+")
# Written without spaces between words: Han, kana, bopomofo.
_UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff]+"
)


def plain(text: str) -> str:
    """`text` without case and accents: NFKD, casefold, NFKD, and no marks."""
    if text.isascii():
        return text.lower()
    # One character may stand for eighteen, and no text has reason to consist of those.
    first = unicodedata.normalize("NFKD", text)[: 2 * MAX_TEXT]
    decomposed = unicodedata.normalize("NFKD", first.casefold())
    return "".join(c for c in decomposed if not unicodedata.category(c).startswith("M"))


def words_of(text: str) -> list[str]:
    """The words of the first 25,000 characters of a text, each once, in the order of occurrence.

    A word is a run of letters and digits, without case and accents, of which 64 characters count.
    Where a script has no spaces every two neighbours are a word, and the last character is one.
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
    """Sorts names as people do, compared by code points: `img2` before `img10`, `É` as `e`.

    Each number stands behind the count of its digits, leading zeros left out. Two names may share
    a key.
    """
    return _DIGITS.sub(_number, plain(name[:MAX_KEY]))[:MAX_KEY]


def _number(digits: re.Match[str]) -> str:
    number = digits[0].lstrip("0")
    return f"{min(len(number), 99):02d}{number}"
