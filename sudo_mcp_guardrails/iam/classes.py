"""One value of a context key for each way in which the conditions on it can come out."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.automaton import (
    NO_COLON,
    CapError,
    Token,
    by_beginning,
    ignoring_case,
    like,
    literal,
    representatives,
)
from sudo_mcp_guardrails.iam.matching import ARN_PARTS
from sudo_mcp_guardrails.iam.operators import (
    ADDRESS_KIND,
    DATE_KIND,
    NUMBER_KIND,
    STRING_KIND,
    instant,
    network,
    number,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.iam.automaton import Tokens

Comparisons = frozenset[tuple[str, str]]
"""(comparison, pattern) pairs, variables replaced."""

MAX_VALUES: Final = 10
"""Classes of one key up to which all sets of values are tried."""
_BYTES: Final = "b3RoZXI="
"""Bytes that no policy names."""
_KINDS: Final = {
    **dict.fromkeys(("bool", "equals", "equals-ignore-case", "like", "arn", "binary"), STRING_KIND),
    "address": ADDRESS_KIND,
}


@lru_cache(maxsize=16_384)
def values(comparisons: Comparisons) -> tuple[str, ...]:
    """Return a value for each combination of comparisons that can come out true together.

    Args:
        comparisons: All that the key is compared with. One that is compared by ``Bool`` alone is true or false.

    Raises:
        CapError: Where it is compared as things of different kinds, or there are too many patterns.
    """
    truth = ("true", "false") if any(comparison == "bool" for comparison, _ in comparisons) else ()
    if truth and all(comparison == "bool" for comparison, _ in comparisons):
        return truth
    kinds = {kind_of(comparison) for comparison, _ in comparisons}
    if len(kinds) > 1:
        raise CapError(f"a key is compared as {' and as '.join(sorted(kinds))}")
    kind = next(iter(kinds), STRING_KIND)
    patterns = [pattern for _, pattern in sorted(comparisons)]
    if kind == NUMBER_KIND:
        return tuple(str(value) for value in _between(map(number, patterns)))
    if kind == DATE_KIND:
        return tuple(map(_date, _between(map(instant, patterns))))
    if kind == ADDRESS_KIND:
        return _addresses(patterns)
    anything = like("*")
    beginnings = _beginnings(comparisons)
    found = (None if beginnings is None else by_beginning(anything, beginnings)) or representatives(
        (anything,), tuple(_tokens(*pair) for pair in sorted(comparisons))
    )
    if any(comparison == "binary" for comparison, _ in comparisons):
        return (*found, _BYTES, *truth)
    return (*found, *truth)


def kind_of(comparison: str) -> str:
    """Return the kind of the values that a comparison takes."""
    return _KINDS.get(comparison) or comparison.split("-", 1)[0].replace("numeric", NUMBER_KIND)


def sets(singles: Iterable[str]) -> list[tuple[str, ...]]:
    """Return every set of values, for a key that can have several.

    Raises:
        CapError: For more than :data:`MAX_VALUES` values.
    """
    listed = tuple(singles)
    if len(listed) > MAX_VALUES:
        raise CapError(f"a key with several values has {len(listed)} classes of them, over the cap of {MAX_VALUES}")
    return [chosen for size in range(1, len(listed) + 1) for chosen in combinations(listed, size)]


def _beginnings(comparisons: Comparisons) -> tuple[str, ...] | None:
    """Return the patterns where each is a text, or the beginning of one; None where any is not."""
    found = []
    for comparison, pattern in sorted(comparisons):
        wild = "*" in pattern or "?" in pattern
        if comparison == "arn":
            # A wildcard of an earlier part does not reach into the next, unlike that of a string.
            earlier = pattern.split(":", ARN_PARTS - 1)[:-1]
            if len(earlier) < ARN_PARTS - 1 or any("*" in part or "?" in part for part in earlier):
                return None
        elif comparison != "like" and (comparison != "equals" or wild):
            return None
        found.append(pattern)
    return tuple(found)


def _tokens(comparison: str, pattern: str) -> Tokens:
    """Return the automaton of one string comparison."""
    if comparison == "like":
        return like(pattern)
    if comparison == "equals-ignore-case":
        return ignoring_case(literal(pattern))
    if comparison == "arn" and ":" in pattern:
        return arn_tokens(pattern)
    return like(pattern) if comparison == "arn" else literal(pattern)


def arn_tokens(pattern: str) -> Tokens:
    """Return the automaton of ``ArnLike``: a wildcard stays within its part, but for the last."""
    parts = pattern.split(":", ARN_PARTS - 1)
    if len(parts) != ARN_PARTS:
        # Such a pattern matches no ARN; no string matches two different texts at once.
        return (Token("", "", repeated=False),)
    out: list[Token] = []
    for part in parts[:-1]:
        out += [*like(part, NO_COLON), Token(":")]
    return (*out, *like(parts[-1]))


def _between(read: Iterable[Decimal | None]) -> list[Decimal]:
    """Return every threshold, and a number in each gap between them and on either side."""
    thresholds = sorted({value for value in read if value is not None})
    if not thresholds:
        return [Decimal(0)]
    low, high = thresholds[0], thresholds[-1]
    gaps = [(a + b) / 2 for a, b in pairwise(thresholds)]
    return sorted({*thresholds, *gaps, low / 2 if low > 0 else low - 1, high + 1})


def _date(seconds: Decimal) -> str:
    """Write an instant as IAM does where it is a whole second of a common year, else in seconds."""
    if seconds == seconds.to_integral_value() and 0 <= seconds < Decimal(2**33):
        return datetime.fromtimestamp(int(seconds), tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(seconds)


def _addresses(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the ends of every range and their neighbours: between them nothing changes."""
    found: dict[str, None] = {"0.0.0.0": None, "::": None}  # noqa: S104 - an address to compare, not to listen on
    for ranged in (read for read in map(network, patterns) if read is not None):
        family = ipaddress.IPv4Address if ranged.version == 4 else ipaddress.IPv6Address  # noqa: PLR2004
        last = 2**ranged.max_prefixlen - 1
        first, end = int(ranged.network_address), int(ranged.broadcast_address)
        for value in (first, end + 1):
            if value <= last:
                found[str(family(value))] = None
    return tuple(found)
