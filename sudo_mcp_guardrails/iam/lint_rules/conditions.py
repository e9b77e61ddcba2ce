"""Rules on condition operators that say something else than they seem to, above all for an absent key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.conditions import conditions_hold, parse_operator
from sudo_mcp_guardrails.iam.lint_rules.mcp import IS_MCP_ACTION, VIA
from sudo_mcp_guardrails.iam.lint_rules.rule import Hit, Rule, Severity, statements
from sudo_mcp_guardrails.iam.operators import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement, Strings
    from sudo_mcp_guardrails.iam.lint_rules.rule import Kind

_MAY_BE_ABSENT: Final = frozenset({VIA, IS_MCP_ACTION, "aws:multifactorauthpresent"})
"""Boolean keys that a request may not have: direct calls and calls with long-term keys lack them."""
_OPERATORS_PAGE: Final = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
)
_SETS_PAGE: Final = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys"
    ".html"
)


def _deny_false(document: PolicyDocument, _kind: Kind) -> Iterator[Hit]:
    for place, statement, condition in _boolean(document, "Deny", "false"):
        operator, key, _ = condition
        others = tuple(c for c in statement.conditions if c[1].lower() == key.lower() and c != condition)
        # A Null on the same key says that the author has thought of its absence.
        if conditions_hold((condition,), {}, deny=True) or any(c[0].lower() == "null" for c in others):
            continue
        yield Hit(
            f"{place}.Condition.{operator}.{key}",
            statement.sid,
            f"{key} is absent where a call goes to AWS directly, and {operator} 'false' does not hold for an absent "
            "key, so the Deny does not apply: expected BoolIfExists",
        )


def _allow_if_exists(document: PolicyDocument, _kind: Kind) -> Iterator[Hit]:
    for place, statement, condition in _boolean(document, "Allow", "true"):
        operator, key, _ = condition
        if parse_operator(operator)[2] and conditions_hold(_on(statement, key), {}, deny=False):
            yield Hit(
                f"{place}.Condition.{operator}.{key}",
                statement.sid,
                f"{operator} holds where {key} is absent, so the Allow applies without it: expected Bool",
            )


def _boolean(
    document: PolicyDocument, effect: str, value: str
) -> Iterator[tuple[str, Statement, tuple[str, str, Strings]]]:
    """Yield the conditions of an effect that compare a key that may be absent with a truth value."""
    for place, statement in statements(document):
        for condition in statement.conditions:
            operator, key, values = condition
            name = parse_operator(operator)[1]
            if (
                statement.effect == effect
                and key.lower() in _MAY_BE_ABSENT
                and name != "null"
                and not OPERATORS[name][1]
                and value in {v.lower() for v in values}
            ):
                yield place, statement, condition


def _on(statement: Statement, key: str) -> tuple[tuple[str, str, Strings], ...]:
    """Return a statement's conditions on one key."""
    return tuple(c for c in statement.conditions if c[1].lower() == key.lower())


def _for_all_values(document: PolicyDocument, _kind: Kind) -> Iterator[Hit]:
    for place, statement in statements(document):
        for operator, key, _ in statement.conditions:
            if (
                statement.effect == "Allow"
                and parse_operator(operator)[0] == "forallvalues"
                and conditions_hold(_on(statement, key), {}, deny=False)
            ):
                yield Hit(
                    f"{place}.Condition.{operator}.{key}",
                    statement.sid,
                    f"{operator} holds where {key} is absent, so the Allow applies to requests without it: expected "
                    f'also "Null": {{"{key}": "false"}}',
                )


def _for_any_value(document: PolicyDocument, _kind: Kind) -> Iterator[Hit]:
    for place, statement in statements(document):
        for operator, key, _ in statement.conditions:
            quantifier, name, _ = parse_operator(operator)
            if (
                statement.effect == "Allow"
                and quantifier == "foranyvalue"
                and name != "null"
                and OPERATORS[name][1]
                and not _restricts_all(_on(statement, key))
            ):
                yield Hit(
                    f"{place}.Condition.{operator}.{key}",
                    statement.sid,
                    f"{operator} holds as soon as one value of {key} is not listed, whatever the others are: expected "
                    "ForAllValues with the negated operator, or a Deny with ForAnyValue and the positive one",
                )


def _restricts_all(conditions: tuple[tuple[str, str, Strings], ...]) -> bool:
    """Return whether some condition on the key looks at every value."""
    return any(parse_operator(operator)[0] == "forallvalues" for operator, _, _ in conditions)


RULES: Final = (
    Rule(
        "deny-false-without-if-exists",
        "a Deny on 'false' does not apply where the key is absent",
        "A condition other than …IfExists does not hold for a key that the request lacks. A Deny of what is not "
        "called through MCP, or not with MFA, so lets direct calls and long-term keys pass.",
        f"{_OPERATORS_PAGE}#Conditions_IfExists",
        Severity.ERROR,
        _deny_false,
    ),
    Rule(
        "allow-if-exists",
        "an Allow on 'true' applies where the key is absent",
        "BoolIfExists holds for a key that the request lacks. An Allow of what is called through MCP, or with MFA, so "
        "applies to every call that lacks the key.",
        f"{_OPERATORS_PAGE}#Conditions_IfExists",
        Severity.WARNING,
        _allow_if_exists,
    ),
    Rule(
        "for-all-values-without-null",
        "ForAllValues in an Allow applies where the key is absent",
        "ForAllValues is true for a key that the request lacks or that has no values, so an Allow with it needs a "
        "Null condition that asks for the key.",
        f"{_OPERATORS_PAGE}#Conditions_Null",
        Severity.WARNING,
        _for_all_values,
    ),
    Rule(
        "for-any-value-negated",
        "ForAnyValue with a negated operator in an Allow",
        "ForAnyValue with a negated operator is met by one value that is not listed, so a caller adds a harmless value "
        "and passes with a forbidden one.",
        _SETS_PAGE,
        Severity.WARNING,
        _for_any_value,
    ),
)
