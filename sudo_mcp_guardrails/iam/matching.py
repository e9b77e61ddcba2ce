"""IAM's pattern matching: ``*`` and ``?`` in actions, ARNs and condition values."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ARN_PARTS: Final = 6
"""Parts of an ARN; the last may hold colons."""
ACCOUNT_PART: Final = 4
"""Place of the account among the parts of an ARN."""


@lru_cache(maxsize=65_536)
def glob(pattern: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """Return a test for one IAM pattern.

    ``*`` stands for any characters, none included, ``/`` and ``:`` included; ``?`` for exactly one. Runs of
    ``*`` are one, so that a pattern built of thousands of them costs no more.

    Args:
        pattern: The pattern; everything but ``*`` and ``?`` is literal.
        ignore_case: True for actions and for the ``…IgnoreCase`` operators.
    """
    text = pattern.lower() if ignore_case else pattern
    if text == "*":
        return lambda _: True
    if "*" not in text and "?" not in text:
        return (lambda value: value.lower() == text) if ignore_case else (lambda value: value == text)
    if "?" not in text and text.count("*") == 1 and text.endswith("*"):
        start = text[:-1]
        return (
            (lambda value: value.lower().startswith(start)) if ignore_case else (lambda value: value.startswith(start))
        )
    parts = re.split(r"\*+", text)
    return _parts_matcher(tuple(parts), ignore_case=ignore_case)


def _parts_matcher(parts: tuple[str, ...], *, ignore_case: bool) -> Callable[[str], bool]:
    """Match literal parts, which may hold ``?``, in order: linear, unlike a backtracking expression."""
    compiled = [re.compile("".join("." if c == "?" else re.escape(c) for c in part), re.DOTALL) for part in parts]

    def test(value: str) -> bool:
        value = value.lower() if ignore_case else value
        if len(compiled) == 1:
            return compiled[0].fullmatch(value) is not None
        first = compiled[0].match(value)
        if first is None:
            return False
        place = first.end()
        for part in compiled[1:-1]:
            found = part.search(value, place)
            if found is None:
                return False
            place = found.end()
        # Every part matches a fixed number of characters, so the last one has one place to stand.
        tail = len(value) - len(parts[-1])
        return tail >= place and compiled[-1].fullmatch(value, tail) is not None

    return test


@lru_cache(maxsize=65_536)
def any_glob(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return a test for any of several patterns, case counting.

    Literals are looked up and beginnings compared all at once, which is what most policies consist of.
    """
    if "*" in patterns:
        return lambda _: True
    literals = frozenset(p for p in patterns if "*" not in p and "?" not in p)
    starts = tuple(p[:-1] for p in patterns if p.endswith("*") and p.count("*") == 1 and "?" not in p)
    others = tuple(glob(p) for p in patterns if p not in literals and not (p.endswith("*") and p[:-1] in starts))
    if not others:
        if not starts:
            return literals.__contains__
        if not literals:
            return lambda value: value.startswith(starts)
    return lambda value: value in literals or value.startswith(starts) or any(test(value) for test in others)


@lru_cache(maxsize=65_536)
def action_test(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return a test for any of several action patterns, on an action in lower case; ``*:*`` is everything.

    It remembers its answers: statements of many roles name the same actions.
    """
    return lru_cache(maxsize=32_768)(any_glob(tuple("*" if p == "*:*" else p.lower() for p in patterns)))


def action_matches(pattern: str, action: str) -> bool:
    """Return whether an action pattern, such as ``s3:Get*`` or ``*``, covers an action; case does not count."""
    return action_test((pattern,))(action.lower())


@lru_cache(maxsize=65_536)
def arn_glob(pattern: str) -> Callable[[str], bool]:
    """Return a test that compares as ``ArnLike`` does: each of the six colon-separated parts on its own.

    The last part may hold colons. A value that is no ARN never matches, but for the pattern ``*``.
    Source: IAM user guide, "Amazon Resource Name (ARN) condition operators".
    """
    if pattern == "*":
        return lambda _: True
    wanted = pattern.split(":", ARN_PARTS - 1)
    if len(wanted) != ARN_PARTS:
        return lambda _: False
    tests = [(index, glob(part)) for index, part in enumerate(wanted) if part != "*"]

    def test(arn: str) -> bool:
        given = arn.split(":", ARN_PARTS - 1)
        return len(given) == ARN_PARTS and all(matches(given[index]) for index, matches in tests)

    return test


def arn_matches(pattern: str, arn: str) -> bool:
    """Compare one ARN as :func:`arn_glob` does."""
    return arn_glob(pattern)(arn)


def resource_matches(pattern: str, resource: str) -> bool:
    """Compare as a Resource element does: over the whole string, case counting."""
    return glob(pattern)(resource)
