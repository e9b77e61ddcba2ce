"""What a place of evidence holds: a record's name says which chain and number it should be of, and is not believed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

COPIES: Final = "records/"
"""What keys of the copies begin with, in the bucket and in a copy of it."""
NOT_READ: Final = ""
"""The chain of what cannot be read, and so belongs to none."""
MAX_RECORDS: Final = 5_000_000
"""Most records of one place."""
RECORD: Final = re.compile(r"(?P<chain>.+)/(?P<number>\d{8})\.json", re.ASCII | re.DOTALL)
"""Name of a record below :data:`COPIES`."""


class Stored(NamedTuple):
    """What stands where a record should be.

    Attributes:
        name: of the file, the object, the line or the item.
        number: that the place gives it; 0 where the place gives none.
        text: one line of JSON, as it was found.
    """

    name: str
    number: int
    text: bytes


class Place(Protocol):
    """Records, by chain."""

    def chains(self) -> list[str]:
        """Return the names of the chains, in order; :data:`NOT_READ` among them where something belongs to none."""

    def stored(self, chain: str) -> Iterator[Stored]:
        """Yield what is there of a chain, in any order."""


def counted(count: int, place: str) -> int:
    """Return the next count of a place's records; raises InputError where there are too many."""
    if count >= MAX_RECORDS:
        raise InputError(f"{place!r} has more than {MAX_RECORDS} records; verify it in parts")
    return count + 1
