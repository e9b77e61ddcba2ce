"""Questions about patterns themselves: does one cover another, and can two match the same string?"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sudo_mcp_guardrails.iam.matching import glob

_LONGEST_ARN: Final = 2048
"""Characters; a longer pattern is not walked, and taken to match anything (IAM quotas: names and paths)."""


def covers(wide: str, narrow: str, *, ignore_case: bool = False) -> bool:
    """Return whether every string that ``narrow`` matches is matched by ``wide`` too.

    May say False where it is True (with ``?`` in the wider one), never the reverse.
    """
    if "?" in wide and "*" in narrow:
        return wide == narrow
    # The narrower one's wildcards are taken as characters, which only a wildcard of the wider one matches.
    return glob(wide, ignore_case=ignore_case)(narrow)


@lru_cache(maxsize=65_536)
def overlap(first: str, second: str) -> bool:
    """Return whether some string is matched by both patterns; ``*`` and ``?`` are wildcards in each.

    Takes time in proportion to the product of their lengths.
    """
    if len(first) > _LONGEST_ARN or len(second) > _LONGEST_ARN:
        return True
    # below[j]: whether first[i+1:] and second[j:] overlap, from the ends backwards.
    ends = len(second)
    below = [all(char == "*" for char in second[j:]) for j in range(ends + 1)]
    for mine in reversed(first):
        row = [False] * (ends + 1)
        row[ends] = mine == "*" and below[ends]
        for j in range(ends - 1, -1, -1):
            theirs = second[j]
            if mine == "*":
                row[j] = below[j] or row[j + 1]
            elif theirs == "*":
                row[j] = row[j + 1] or below[j]
            else:
                row[j] = below[j + 1] and ("?" in (mine, theirs) or mine == theirs)
        below = row
    return below[0]
