"""What a name, a digest or a comment may be: everything that comes from outside is bounded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.errors import DecisionError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_NAME: Final = 512
"""Longest identity, group or other name; an ARN of IAM has at most some 600, those of people far fewer."""
MAX_TEXT: Final = 2_000
"""Longest comment or reason."""
MAX_ITEMS: Final = 1_000
"""Longest list: groups of a person, reasons of a risk."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_BUT_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def check_name(what: str, value: str, *, empty: bool = False) -> None:
    """Check a name of one line.

    Args:
        what: it is, for the error.
        value: the name.
        empty: whether it may be empty.

    Raises:
        DecisionError: it is too long, or has characters that a reader would not see.
    """
    _check(what, value, MAX_NAME, _CONTROL, empty=empty)
    if value != value.strip():
        raise DecisionError(f"{what} {value[:40]!r} begins or ends with a blank")


def check_text(what: str, value: str, *, empty: bool = True) -> None:
    """Check what a person wrote, which may have lines; as :func:`check_name`, up to 2,000 characters."""
    _check(what, value, MAX_TEXT, _CONTROL_BUT_LINES, empty=empty)


def check_names(what: str, values: Sequence[str]) -> None:
    """Check a list of names, each once; raises DecisionError."""
    if len(values) > MAX_ITEMS:
        raise DecisionError(f"{what} has {len(values)} items, allowed are {MAX_ITEMS}")
    for value in values:
        check_name(what, value)
    if len(set(values)) < len(values):
        raise DecisionError(f"{what} has an item twice, allowed: each once")


def check_digest(what: str, value: str) -> None:
    """Check a SHA-256; raises DecisionError."""
    if not _DIGEST.fullmatch(value):
        raise DecisionError(f"{what} {value[:80]!r} is no SHA-256, allowed: 64 hexadecimal digits in lower case")


def _check(what: str, value: str, most: int, forbidden: re.Pattern[str], *, empty: bool) -> None:
    if len(value) > most or not (value.strip() or empty):
        raise DecisionError(f"{what} has {len(value)} characters, allowed are {0 if empty else 1} to {most}")
    if forbidden.search(value):
        raise DecisionError(f"{what} {value[:40]!r} has a character that controls how text is shown")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise DecisionError(f"{what} has half of a surrogate pair, which no UTF-8 has a form for") from None
