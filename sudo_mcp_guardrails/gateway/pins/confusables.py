# ruff: noqa: RUF001 - letters that look like others are what this file is about
"""Names that look alike: one skeleton for all of them.

The table is a small part of ``confusables.txt`` of Unicode Technical Standard #39 (Unicode License v3), made by hand:
letters of Cyrillic, Greek, Armenian, Cherokee, Lisu and Latin blocks that common fonts draw as an ASCII letter or
digit. What compatibility forms hide (full width, mathematical, circled letters) is undone by NFKC first, accents and
other marks by NFD. ASCII look-alikes (``l 1 I``, ``0 O``, ``rn m``, ``vv w``) and separators fold as well.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_ALIKE: Final = {
    "a": "аɑαⲁᴀꓮ",
    "b": "ЬƄбᏏꓐв",
    "c": "сϲⅽᴄⲥꓚ",
    "d": "ԁɗᏧⅾꓒ",
    "e": "еєҽɛεℯꓰ",
    "f": "ſϝғꓝ",
    "g": "ɡցɢԍꓖ",
    "h": "һհʜнꓧ",
    "i": "іıɩιɪⅰӏІΙꓲןאוǀ",
    "j": "јϳյʝꓙ",
    "k": "кκᴋĸꓗ",
    "m": "мᴍⅿꓟ",
    "n": "ոηпɴռꓠ",
    "o": "оοօσᴏоօଠ०๐໐ꓳ",
    "p": "рρϱⲣᴘꓑ",
    "q": "ԛգզ",
    "r": "гᴦⲅɾꓣʀ",
    "s": "ѕꜱƽսꓢ",
    "t": "тτᴛꓔ",
    "u": "υʋսцᴜꓴ",
    "v": "ѵνᴠⅴꓦ",
    "w": "ѡԝωɯᴡꓪ",
    "x": "хχⅹ×ꓫ",
    "y": "уγүყʏꓬ",
    "z": "ᴢʐꓜ",
    "3": "зэӡʒ",
    "4": "ч",
    "6": "Ꮾ",
}
_FOLD: Final = str.maketrans({letter: plain for plain, letters in _ALIKE.items() for letter in letters})
_DIGITS: Final = str.maketrans({"1": "i", "l": "i", "|": "i", "!": "i", "0": "o", "5": "s"})
_SEPARATORS: Final = str.maketrans("", "", "_-./:· \u2010\u2011\u2012\u2013\u2014\u2212")
_SCRIPTS: Final = frozenset(
    ["LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "LISU", "COPTIC", "HEBREW", "ARABIC", "GEORGIAN"]
)


def skeleton(name: str) -> str:
    """Return what a name looks like: two names of one skeleton can be taken for each other."""
    text = unicodedata.normalize("NFKC", name).translate(_FOLD).casefold()
    text = "".join(mark for mark in unicodedata.normalize("NFD", text) if not unicodedata.combining(mark))
    text = text.translate(_FOLD).translate(_SEPARATORS).translate(_DIGITS)
    return text.replace("rn", "m").replace("vv", "w")


def scripts(name: str) -> frozenset[str]:
    """Return the scripts of a name's letters, as the names of the letters say, such as ``CYRILLIC``."""
    found = set()
    for letter in name:
        if letter.isalpha():
            words = unicodedata.name(letter, "UNKNOWN").split()
            found.add(next((word for word in words if word in _SCRIPTS), words[0]))
    return frozenset(found)
