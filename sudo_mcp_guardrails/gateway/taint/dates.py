"""Days that a request speaks of, so that ``May 15th, 2024`` picks ``2024-05-15``."""

from __future__ import annotations

import re
from typing import Final

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sep sept", "october oct", "november nov", "december dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_NAMES: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ISO: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_MONTH_DAY: Final = re.compile(rf"\b({_NAMES})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(\d{{4}})\b)?", re.IGNORECASE)
_DAY_MONTH: Final = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({_NAMES})\b(?:,?\s+(\d{{4}})\b)?", re.IGNORECASE
)


def days(text: str) -> frozenset[str]:
    """Return the days in a text as ``YYYY-MM-DD``, and as ``-MM-DD`` where it names no year."""
    found = {f"{year}-{month}-{day}" for year, month, day in _ISO.findall(text)}
    for name, day, year in _MONTH_DAY.findall(text):
        found.add(f"{year}-{_MONTHS[name.lower()]:02}-{int(day):02}")
    for day, name, year in _DAY_MONTH.findall(text):
        found.add(f"{year}-{_MONTHS[name.lower()]:02}-{int(day):02}")
    return frozenset(found)


def speaks_of(value: str, known: frozenset[str]) -> bool:
    """Tell whether a value is, or begins with, one of the days of :func:`days`."""
    match = _ISO.match(value)
    return bool(match) and (value[:10] in known or value[4:10] in known)
