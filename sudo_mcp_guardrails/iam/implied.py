"""Whether a Deny applies to whatever a step asks about, by their conditions alone: decided once for many actions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.automaton import CapError
from sudo_mcp_guardrails.iam.open import key_variable
from sudo_mcp_guardrails.iam.reduce import reduced
from sudo_mcp_guardrails.iam.search import Name
from sudo_mcp_guardrails.iam.universe import ANYTHING

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.compiled import CompiledStatement
    from sudo_mcp_guardrails.iam.conditions import Condition
    from sudo_mcp_guardrails.iam.facts import Facts, Values

_ASKED: Final = 1
_DENIED: Final = 2
_ANY: Final = (ANYTHING,)

Known = tuple[tuple[str, tuple["Values", ...]], ...]
"""(key, the values that it can have) of the keys of which that is known."""


def applies_to_all(statement: CompiledStatement, step: CompiledStatement, facts: Facts) -> bool:
    """Return whether a Deny about every resource applies to every request of a step with one of its actions.

    Args:
        statement: The Deny.
        step: What is asked about.
        facts: What is known.

    Returns:
        False too where that is not plain to see.
    """
    if not statement.unconfined:
        return False
    # What stands in the step's Resource only narrows what is asked about.
    denied, asked = reduced(statement, _ANY, facts), reduced(step, _ANY, facts)
    if denied is None or asked is None:
        return False
    keys = sorted({condition.key for condition in denied.conditions})
    known = tuple((key, facts.alternatives[key]) for key in keys if key in facts.alternatives)
    return _implied(asked.conditions, denied.conditions, known)


@lru_cache(maxsize=8192)
def _implied(asked: tuple[Condition, ...], denied: tuple[Condition, ...], known: Known) -> bool:
    """Return whether some conditions hold wherever others do.

    Each key is looked at by itself, the account of the resource as if it could be anything: what holds for more
    requests than there are holds for all that there are.
    """
    alternatives = dict(known)
    for key in {condition.key for condition in denied}:
        conditions = [
            (mask, condition)
            for mask, found in ((_ASKED, asked), (_DENIED, denied))
            for condition in found
            if condition.key == key
        ]
        try:
            variable = key_variable(Name(0, key), conditions, alternatives)
        except CapError:
            return False
        if any(candidate.mask & _ASKED and not candidate.mask & _DENIED for candidate in variable.candidates):
            return False
    return True
