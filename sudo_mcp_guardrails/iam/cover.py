"""Which patterns and statements add nothing to others. "No" is always a safe answer, and the one given in doubt."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.compiled import completed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sudo_mcp_guardrails.iam.documents import Statement, Strings

MAX_WORK: Final = 1_000_000
"""Comparisons above which nothing is looked for: lists stay longer than they need to be."""

# A pseudo parameter is replaced by text without wildcards, but of unknown length.
_ELEMENT: Final = re.compile(r"\$\{AWS::\w+\}|.", re.DOTALL)
_POLICY_VARIABLE: Final = re.compile(r"\$\{(?!AWS::\w+\})")
_WILDCARD: Final = re.compile(r"[*?]")


def has_variable(pattern: str) -> bool:
    """Return whether a pattern depends on the request, and not only on where it is deployed."""
    return "${" in pattern and _POLICY_VARIABLE.search(pattern) is not None


def covers(wide: str, narrow: str) -> bool:
    """Return whether one pattern surely matches all that another one does.

    A pattern with a policy variable is covered by itself alone: AWS does not say what some of them match.
    """
    if wide == narrow:
        return True
    head = _WILDCARD.split(wide, maxsplit=1)[0]
    if len(head) == len(wide) or not narrow.startswith(head) or len(wide) * len(narrow) > MAX_WORK:
        return False
    return not has_variable(wide) and not has_variable(narrow) and _matches(_elements(wide), _elements(narrow))


@lru_cache(maxsize=16_384)
def _elements(pattern: str) -> Strings:
    return tuple(_ELEMENT.findall(pattern))


def _matches(wide: Strings, narrow: Strings) -> bool:
    """Match one pattern as the text of another: ``*`` takes anything, ``?`` a character or a ``?``."""
    at, place, star, resume = 0, 0, -1, 0
    while place < len(narrow):
        wanted, given = wide[at] if at < len(wide) else "", narrow[place]
        if wanted == "*":
            star, resume = at, place
            at += 1
        elif wanted == given or (wanted == "?" and len(given) == 1 and given != "*"):
            at += 1
            place += 1
        elif star >= 0:
            resume += 1
            at, place = star + 1, resume
        else:
            return False
    return all(rest == "*" for rest in wide[at:])


def action_key(pattern: str) -> str:
    """Return an action pattern as it is compared: case does not count, and ``*:*`` is ``*``."""
    return "*" if pattern == "*:*" else pattern.lower()


def without_covered(patterns: Strings, key: Callable[[str], str]) -> Strings:
    """Return a list without the patterns that others of it cover, in its order.

    Args:
        patterns: Of one element.
        key: How a pattern is compared: :func:`action_key`, or
            :func:`~sudo_mcp_guardrails.iam.compiled.completed` for resources.
    """
    by_key = {key(pattern): pattern for pattern in reversed(patterns)}
    unique = {key(pattern): by_key[key(pattern)] for pattern in patterns}
    wild = [k for k in unique if "*" in k or "?" in k]
    if len(wild) * len(unique) > MAX_WORK:
        return tuple(unique.values())
    kept: dict[str, None] = {}
    for k in wild:
        # What is dropped is covered by what is kept, at every step, so that nothing gets lost in a circle.
        if not any(covers(other, k) for other in kept):
            kept = {other: None for other in kept if not covers(k, other)} | {k: None}
    return tuple(
        pattern for k, pattern in unique.items() if k in kept or (k not in wild and not any(covers(w, k) for w in kept))
    )


def who(statement: Statement) -> tuple[object, ...]:
    """Return the effect and the principals, whose order does not count."""
    return statement.effect, frozenset(statement.principals), frozenset(statement.not_principals)


def conditions(statement: Statement) -> frozenset[tuple[str, str, frozenset[str]]]:
    """Return the conditions, whose order does not count, nor that of their values."""
    return frozenset((operator, key, frozenset(values)) for operator, key, values in statement.conditions)


def covers_statement(wide: Statement, narrow: Statement) -> bool:
    """Return whether one statement surely applies wherever another one of the same effect does."""
    return (
        who(wide) == who(narrow)
        and conditions(wide) <= conditions(narrow)
        and _covers_actions(wide, narrow)
        and _covers_resources(wide, narrow)
    )


def _covers_actions(wide: Statement, narrow: Statement) -> bool:
    if narrow.actions and wide.actions:
        return _all_covered(map(action_key, wide.actions), map(action_key, narrow.actions))
    if narrow.not_actions and wide.not_actions:
        return _all_covered(map(action_key, narrow.not_actions), map(action_key, wide.not_actions))
    return "*" in map(action_key, wide.actions)


def _covers_resources(wide: Statement, narrow: Statement) -> bool:
    if "*" in wide.resources or not (wide.resources or wide.not_resources):
        return True
    if narrow.resources and wide.resources:
        return _all_covered(map(completed, wide.resources), map(completed, narrow.resources))
    return bool(wide.not_resources) and frozenset(wide.not_resources) == frozenset(narrow.not_resources)


def _all_covered(wide: Iterable[str], narrow: Iterable[str]) -> bool:
    """Return whether every one of several patterns is covered by any of others."""
    whole = frozenset(wide)
    wild = [pattern for pattern in whole if "*" in pattern or "?" in pattern]
    left = [pattern for pattern in narrow if pattern not in whole]
    return len(wild) * len(left) <= MAX_WORK and all(any(covers(w, n) for w in wild) for n in left)
