"""Deny: secrets and credentials, for every role of the agent and for what it deploys."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.iam.catalogue import compact, service_actions
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.scope import owned_types
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
    actions = tuple(dict.fromkeys((*actions, *unconfined_reads(scope))))
    statements = []
    if actions:
        statements.append(
            Statement(
                sid="BoundarySecrets",
                effect="Deny",
                actions=actions,
                resources=("*",),
                reason="secrets, credentials and what nobody could confine stay out of reach unless opted in by class",
            )
        )
    elsewhere = data_reads(scope)
    if elsewhere:
        statements.append(
            Statement(
                sid="BoundaryForeignData",
                effect="Deny",
                actions=elsewhere,
                not_resources=tuple(arn for arn in scope.all_own if arn not in scope.stacks),
                reason="what an agent opted into, and what it deployed, reads its own data and nobody else's",
            )
        )
    return tuple(statements)


def data_reads(scope: AgentScope) -> tuple[str, ...]:
    """Return patterns of the sensitive reads of the agent's services that its own resources can be told apart in."""
    return tuple(pattern for service in scope.services for pattern in compact(service, _confinable(service)))


def unconfined_reads(scope: AgentScope) -> tuple[str, ...]:
    """Return the sensitive reads of the agent's services in which its own resources cannot be told apart.

    Such as a list of all functions, with the environment of each. Secrets and credentials are denied to everybody.
    """
    return tuple(
        action
        for kind in kept(scope.agent.sensitive_reads)
        if kind not in _ALWAYS
        for action in sensitive_actions(kind)
        if (service := action.split(":")[0]) in scope.services and action not in _confinable(service)
    )


@cache
def _confinable(service: str) -> tuple[str, ...]:
    """Return a service's sensitive reads that take a resource a prefix can own."""
    owned, catalogue = set(owned_types(service)), service_actions(service)
    names = {action for kind in SensitiveRead for action in sensitive_actions(kind)} & set(catalogue)
    return tuple(sorted(name for name in names if owned & set(catalogue[name].resources)))


_WORKLOAD: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/workloads/worker"

SCENARIOS: Final = (
    Scenario(
        "workload-foreign-object",
        "apply",
        "s3:GetObject",
        "arn:${AWS::Partition}:s3:::payroll/2026.csv",
        allowed=False,
        layer="boundary",
        sid="BoundaryForeignData",
        context={"aws:PrincipalArn": _WORKLOAD},
        title="a deployed function reads somebody else's object",
    ),
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
