"""Which regular expressions a rule may have: those that no text makes slow.

Python's engine goes back and tries again. How often is bounded here, before a rule is used, by the product of what each
part leaves open: the place where a match begins, how often a repetition repeats, which alternative is taken. Patterns
with ``*`` (:mod:`.patterns`) have no such bound, and say most of what rules want to say.
"""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.errors import RuleError

if sys.version_info >= (3, 11):
    from re import _constants as sre  # type: ignore[attr-defined]
    from re import _parser as parser  # type: ignore[attr-defined]
else:
    import sre_constants as sre
    import sre_parse as parser

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_EXPRESSION: Final = 512
"""Longest expression, in characters."""

MAX_TEXT: Final = 1024
"""Of a longer text, the first and the last so many characters are looked through."""

MAX_TRIES: Final = 1 << 24
"""How often an expression may be tried on one text at worst; takes a fraction of a second."""

_REPEATS: Final = {sre.MAX_REPEAT, sre.MIN_REPEAT, getattr(sre, "POSSESSIVE_REPEAT", sre.MAX_REPEAT)}
_ENOUGH: Final = 64
_BACK: Final = {sre.GROUPREF, sre.GROUPREF_EXISTS}


def safe_regex(expression: str) -> re.Pattern[str]:
    """Return a compiled expression.

    Raises:
        RuleError: for one that does not parse, is longer than :data:`MAX_EXPRESSION`, or may take too long.
    """
    if len(expression) > MAX_EXPRESSION:
        raise RuleError(
            f"regular expression of {len(expression)} characters is not allowed, allowed: {MAX_EXPRESSION} at most"
        )
    try:
        tree: list[tuple[Any, Any]] = [*parser.parse(expression)]  # type: ignore[misc]
        compiled = re.compile(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise RuleError(f"regular expression {expression!r} does not parse: {error}") from None
    anchored = bool(tree) and tree[0][0] is sre.AT and tree[0][1] in {sre.AT_BEGINNING, sre.AT_BEGINNING_STRING}
    tries = _choices(tree) * (1 if anchored and not compiled.flags & re.MULTILINE else MAX_TEXT)
    if tries > MAX_TRIES:
        raise RuleError(
            f"regular expression {expression!r} may be tried too often, allowed: one unbounded repetition, two where it"
            " begins with ^, none inside of another; or a pattern with *"
        )
    return compiled


def _choices(tree: list[tuple[Any, Any]]) -> float:
    """Return how many ways there are at most to read one text from one place on."""
    found = 1.0
    for op, argument in tree:
        if op in _REPEATS:
            low, high, body = argument
            inner = _choices(list(body))
            times = min(int(high), MAX_TEXT)
            # How many turns there are is open, and each may be read in as many ways.
            found *= (times - min(int(low), times) + 1) * _power(inner, times)
        elif op is sre.BRANCH:
            found *= sum(_choices(list(one)) for one in argument[1])
        elif op is sre.SUBPATTERN:
            found *= _choices(list(argument[-1]))
        elif op in {sre.ASSERT, sre.ASSERT_NOT}:
            found *= _choices(list(argument[1]))
        elif op is getattr(sre, "ATOMIC_GROUP", None):
            found *= _choices(list(argument))
        elif op in _BACK:
            return math.inf
    return found


def _power(base: float, exponent: int) -> float:
    return base**exponent if exponent * math.log2(base) < _ENOUGH else math.inf


def finder(expression: str) -> Callable[[str], bool]:
    """Return what tells whether an expression is found in a text of any length."""
    search = safe_regex(expression).search

    def found(text: str) -> bool:
        if len(text) <= MAX_TEXT:
            return search(text) is not None
        return search(text[:MAX_TEXT]) is not None or search(text[-MAX_TEXT:]) is not None

    return found
