"""Deny: secrets and credentials, for every role of the agent and for what it deploys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.scenario import Scenario
from sudo_mcp_guardrails.policies.sensitive import kept, sensitive_actions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope

_ALWAYS: Final = (SensitiveRead.SECRET, SensitiveRead.CREDENTIAL)


def statements(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the guardrail for the services inside the ceiling; the others are denied by the ceiling."""
    actions = tuple(
        action
        for kind in kept(scope.agent.sensitive_reads)
        if kind in _ALWAYS
        for action in sensitive_actions(kind)
        if action.split(":")[0] in scope.services
    )
    if not actions:
        return ()
    return (
        Statement(
            sid="BoundarySecrets",
            effect="Deny",
            actions=actions,
            resources=("*",),
            reason="secrets and credentials stay out of an agent's reach unless it is opted in by class",
        ),
    )


SCENARIOS: Final = (
    Scenario(
        "read-secret",
        "read",
        "secretsmanager:GetSecretValue",
        "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:{prefix}db-AbCdEf",
        allowed=False,
        layer="boundary",
        sid="BoundarySecrets",
        title="reads a secret",
    ),
)
