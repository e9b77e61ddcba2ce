"""Deny: the guardrails' own keys, where an agent names a key of its own.

A key has no name that a prefix could own, so that an agent without one can use none. One that names a key, or a
pattern of keys, would own those that sign approvals along with it; these are told apart by their aliases, which no
agent can move: that takes the key as well. The keys' own policies keep agents out too.
Source: AWS KMS developer guide, "Use aliases to control access to KMS keys".
The scenarios of the library are written for an agent without a key; the proof asks of every agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope

_KEYS: Final = ":key/"


def statements(scope: AgentScope, sid: str = "BoundaryKeys", *, besides: tuple[str, ...] = ()) -> tuple[Statement, ...]:
    """Return the guardrail, where the agent names a key, or where something of a key is left to another guardrail.

    Args:
        scope: The agent in its account.
        sid: Of the statement; a policy other than the boundary has one of its own.
        besides: What of a key is left to another guardrail.
    """
    if not besides and not any(_KEYS in arn for arn in scope.own("kms")):
        return ()
    return (
        Statement(
            sid=sid,
            effect="Deny",
            actions=() if besides else ("kms:*",),
            # Only a request about a key has its aliases.
            not_actions=besides,
            resources=("*",),
            conditions=(("ForAnyValue:StringLike", "kms:ResourceAliases", (f"alias/{scope.names.prefix}-*",)),),
            reason="what signs approvals, and encrypts their record, is the guardrails' alone",
        ),
    )
