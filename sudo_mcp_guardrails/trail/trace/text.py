"""Text of events, made safe to look at: whoever makes a call chooses much of what its event says."""

from __future__ import annotations

import re
from typing import Final

MAX_SHOWN: Final = 500
"""Characters of one value that a trace shows; the event itself has all."""

# C0 and C1 (terminals obey them), marks that turn the direction of text around or take no room, line separators, half
# surrogate pairs, and private or unassigned code points that could look like anything.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    r"""Return a text as it may be shown: on one line, what is not seen as an escape (``\u202e``), cut at a limit."""
    kept = text if len(text) <= limit else text[: limit - 1] + "…"
    return _UNSAFE.sub(_escaped, kept)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"  # noqa: PLR2004 - the last that \u can name
