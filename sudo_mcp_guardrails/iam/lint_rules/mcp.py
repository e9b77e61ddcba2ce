"""Rules on the AWS MCP Server's dead actions and on the condition keys that took their place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.conditions import conditions_hold, parse_operator
from sudo_mcp_guardrails.iam.lint_rules.patterns import covers, overlap
from sudo_mcp_guardrails.iam.lint_rules.rule import Hit, Rule, Severity, action_elements, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement, Strings
    from sudo_mcp_guardrails.iam.lint_rules.rule import Kind

CALLED_VIA: Final = "aws:calledviaawsmcp"
VIA: Final = "aws:viaawsmcpservice"
IS_MCP_ACTION: Final = "aws:ismcpserviceaction"
MCP_KEYS: Final = frozenset({CALLED_VIA, VIA, IS_MCP_ACTION})

_DEAD_SERVICE: Final = "aws-mcp"
_SERVER: Final = re.compile(r"[a-z0-9-]+-mcp\.amazonaws\.com")
_ANY_SERVER: Final = "*-mcp.amazonaws.com"
_STRING_OPERATORS: Final = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
_PRINCIPAL_KEYS: Final = frozenset(
    {
        *("aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths"),
        *("aws:principaltype", "aws:sourceidentity", "aws:userid", "aws:username"),
    }
)
_PRINCIPAL_TAG: Final = "aws:principaltag/"


def _dead_actions(document: PolicyDocument, _kind: Kind) -> Iterator[Hit]:
    for place, statement in statements(document):
        element, patterns = action_elements(statement)
        article = "an" if statement.effect == "Allow" else "a"
        for pattern in patterns:
            if pattern.lower().startswith(f"{_DEAD_SERVICE}:"):
                yield Hit(
                    f"{place}.{element}",
                    statement.sid,
                    f"{pattern!r} has no effect in {article} {statement.effect}: condition the calls themselves with "
                    "aws:ViaAWSMCPService or aws:CalledViaAWSMCP instead",
                )


def _values(document: PolicyDocument, _kind: Kind) -> Iterator[Hit]:
    for place, statement in statements(document):
        for operator, key, values in statement.conditions:
            lowered = key.lower()
            if lowered not in MCP_KEYS:
                continue
            name = parse_operator(operator)[1]
            wrong = () if name == "null" else _wrong_values(name, lowered, values)
            expected = (
                "the service principal of a managed MCP server, such as 'aws-mcp.amazonaws.com', and a string operator"
                if lowered == CALLED_VIA
                else "'true' or 'false', and the operator Bool"
            )
            for value in wrong:
                yield Hit(
                    f"{place}.Condition.{operator}.{key}",
                    statement.sid,
                    f"{value!r} with {operator} never equals a value of {key}, expected {expected}",
                )


def _wrong_values(name: str, key: str, values: Strings) -> Strings:
    """Return the values that the key never has, under an operator."""
    positive = name.replace("not", "")
    if key != CALLED_VIA:
        fits = positive in {"bool", *_STRING_OPERATORS}
        return tuple(v for v in values if not fits or ("${" not in v and v.lower() not in {"true", "false"}))
    if positive not in _STRING_OPERATORS:
        return values
    if positive == "stringlike":
        return tuple(v for v in values if "${" not in v and not overlap(v, _ANY_SERVER))
    ignore_case = positive == "stringequalsignorecase"
    return tuple(v for v in values if "${" not in v and not _SERVER.fullmatch(v.lower() if ignore_case else v))


def _without_twin(document: PolicyDocument, _kind: Kind) -> Iterator[Hit]:
    denies = [s for s in document.statements if s.effect == "Deny"]
    for place, statement in statements(document):
        resting = [c for c in statement.conditions if c[1].lower() in MCP_KEYS]
        # A Deny that holds for an absent key cannot be shed by calling without it.
        if statement.effect != "Deny" or not resting or conditions_hold(tuple(resting), {}, deny=True):
            continue
        if not any(_is_twin(other, statement) for other in denies if other is not statement):
            yield Hit(
                f"{place}.Condition",
                statement.sid,
                f"the Deny rests on {resting[0][1]}, which is absent where the agent calls AWS directly or through "
                "another role: expected a second Deny of the same actions and resources that rests on the principal",
            )


def _is_twin(twin: Statement, keyed: Statement) -> bool:
    """Return whether a Deny holds for the principals of another one, whether or not MCP keys are there."""
    shared = set(keyed.conditions)
    for condition in twin.conditions:
        key = condition[1].lower()
        if key in MCP_KEYS or not (condition in shared or key in _PRINCIPAL_KEYS or key.startswith(_PRINCIPAL_TAG)):
            return False
    return (
        _as_wide(twin.actions, twin.not_actions, keyed.actions, keyed.not_actions, ignore_case=True)
        and _as_wide(twin.resources, twin.not_resources, keyed.resources, keyed.not_resources, ignore_case=False)
        and twin.not_principals == keyed.not_principals
        and (twin.principals == keyed.principals or any(value == "*" for _, value in twin.principals))
    )


def _as_wide(wide: Strings, wide_not: Strings, narrow: Strings, narrow_not: Strings, *, ignore_case: bool) -> bool:
    """Return whether one element (or its Not form) covers all that another one covers."""

    def all_covered(patterns: Strings, by: Strings) -> bool:
        return all(any(b in {"*", "*:*"} or covers(b, p, ignore_case=ignore_case) for b in by) for p in patterns)

    if wide:
        return all_covered(narrow or ("*",), wide)
    if narrow:
        return not any(overlap(n.lower(), w.lower()) for n in narrow for w in wide_not)
    return all_covered(wide_not, narrow_not)


RULES: Final = (
    Rule(
        "mcp-dead-action",
        "aws-mcp:* actions have no effect",
        "Since March 2026 the AWS MCP Server has no IAM actions of its own: an Allow of aws-mcp:* is not needed, and "
        "a Deny of it blocks nothing, while it looks like a guard.",
        "https://docs.aws.amazon.com/agent-toolkit/latest/userguide/security_iam_troubleshoot.html",
        Severity.ERROR,
        _dead_actions,
    ),
    Rule(
        "mcp-key-value",
        "an MCP condition key is compared with a value that it never has",
        "aws:CalledViaAWSMCP holds the service principal of the MCP server, and aws:ViaAWSMCPService true or false. A "
        "Deny on another value, such as the published StringEquals aws:CalledViaAWSMCP 'true', never applies.",
        "https://docs.aws.amazon.com/agent-toolkit/latest/userguide/security_iam_service-with-iam.html",
        Severity.ERROR,
        _values,
    ),
    Rule(
        "mcp-deny-without-twin",
        "a Deny rests on an MCP condition key alone",
        "MCP keys are set by the managed MCP server alone. They are absent when the agent calls AWS directly, or when "
        "a call hops to another role, and then the Deny does not apply.",
        "https://docs.aws.amazon.com/agent-toolkit/latest/userguide/security_iam_service-with-iam.html",
        Severity.WARNING,
        _without_twin,
    ),
)
