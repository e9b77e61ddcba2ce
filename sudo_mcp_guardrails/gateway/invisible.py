"""Characters that a person does not see and a model reads: found, shown and removed.

Which these are: Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt), control characters but
for tab and line ends, what turns the direction of text, separators of lines and paragraphs, interlinear annotation,
the Braille blank, and halves of surrogate pairs. What makes an emoji one (Unicode Technical Standard #51) stays: a
variation selector right behind a symbol, and a joiner between two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_HIDDEN: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # hyphen, joiner, direction mark, fillers, selectors
    "\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f"  # of no width, separators, direction
    "\u2800\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and musical controls
    "\U000e0000-\U000e0fff"  # tags, and more variation selectors
)
_SYMBOL: Final = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_ANY: Final = re.compile(f"[{_HIDDEN}\u200d\ufe0f]")
_LINES: Final = dict.fromkeys(map(ord, "\t\n\r"))
_PATTERN: Final = re.compile(
    f"[{_HIDDEN}]|(?<![{_SYMBOL}])\ufe0f(?!\u20e3)|(?<![{_SYMBOL}\ufe0f])\u200d|\u200d(?![{_SYMBOL}])"
)


def visible(text: str) -> str:
    """Return a text without its invisible characters. Linear in its length; about 1 ms a megabyte of plain ASCII."""
    # isprintable() knows control characters, and letters without shape it takes for letters, but those are not ASCII.
    if text.isascii() and text.translate(_LINES).isprintable():
        return text
    return _PATTERN.sub("", text) if _ANY.search(text) else text


def shown(text: str) -> str:
    """Return a text with each invisible character written as its code point, such as ``<U+200B>``."""
    return _PATTERN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def invisible(text: str) -> Iterator[str]:
    """Yield the invisible characters of a text, in order."""
    for found in _PATTERN.finditer(text):
        yield found[0]
