"""Rules for guardrails that have another name prefix than the library's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.detection.compiled import RuleBook
from sudo_mcp_guardrails.detection.matching.condition import All, AnyOf, Comparison, Not
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.matching.condition import Condition

_WRITTEN = GuardrailNames().prefix


def for_names(book: RuleBook, names: GuardrailNames) -> RuleBook:
    """Return a book whose rules watch the guardrails' resources under other names.

    The rules that come with the package name roles, tables and functions by the library's own prefix, as their users'
    deployments do unless they choose another.

    Args:
        book: the rules as written.
        names: names of the guardrails' own resources.
    """
    if names.prefix == _WRITTEN:
        return book
    rules = tuple(replace(rule, condition=_renamed(rule.condition, names.prefix)) for rule in book.rules)
    return RuleBook(rules, book.correlations)


def _renamed(condition: Condition, prefix: str) -> Condition:
    if isinstance(condition, Comparison):
        if not any(_WRITTEN in value for value in condition.values):
            return condition
        return replace(condition, values=tuple(value.replace(_WRITTEN, prefix) for value in condition.values))
    if isinstance(condition, Not):
        return Not(_renamed(condition.part, prefix))
    parts = tuple(_renamed(part, prefix) for part in condition.parts)
    return All(parts) if isinstance(condition, All) else AnyOf(parts)
