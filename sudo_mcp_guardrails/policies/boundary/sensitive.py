"""Deny: secrets and credentials, for every role of the agent and for what it deploys."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.iam.catalogue import READS, compact, service_actions
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.scope import owned_types
from sudo_mcp_guardrails.policies.boundary.approved import projects
from sudo_mcp_guardrails.policies.scenario import Scenario
from sudo_mcp_guardrails.policies.sensitive import kept, sensitive_actions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope

_ALWAYS: Final = (SensitiveRead.SECRET, SensitiveRead.CREDENTIAL)


def statements(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the guardrail for the services inside the ceiling; the others are denied by the ceiling."""
    denied = {
        action for kind in kept(scope.agent.sensitive_reads) if kind in _ALWAYS for action in sensitive_actions(kind)
    }
    denied.update(unconfined_reads(scope))
    actions = tuple(
        pattern
        for service in scope.services
        for pattern in compact(service, {action for action in denied if action.split(":")[0] == service})
    )
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
    left = [service for service in scope.services if not harmless_reads(service)]
    elsewhere = tuple(p for service in left for p in _short(service, bool(scope.own(service))))
    if elsewhere:
        about = {pattern.split(":")[0] for pattern in elsewhere}
        own = tuple(sorted(arn for service in about for arn in scope.own(service) if arn in scope.all_own))
        if own and "codebuild" in about:
            own = (*own, *projects(scope))
        statements.append(
            Statement(
                sid="BoundaryForeignData",
                effect="Deny",
                actions=elsewhere,
                resources=() if own else ("*",),
                not_resources=own,
                reason="what an agent opted into, and what it deployed, reads its own data and nobody else's",
            )
        )
    return tuple(statements)


def data_reads(scope: AgentScope) -> tuple[str, ...]:
    """Return patterns of the sensitive reads of the agent's services that its own resources can be told apart in.

    In fewer characters, they cover other reads too: such as are granted on the agent's own resources alone.
    """
    return tuple(pattern for service in scope.services for pattern in _short(service, bool(scope.own(service))))


@cache
def harmless_reads(service: str) -> tuple[str, ...]:
    """Return patterns of a service's reads without the sensitive ones, where they are no longer than with them.

    Then ``BoundaryOutsideScope``, which leaves these alone, denies the sensitive ones too; where this is empty,
    ``BoundaryForeignData`` does.
    """
    sensitive = confinable(service)
    every = {a.name for a in service_actions(service).values() if a.level in READS}
    full, harmless = compact(service, every), compact(service, every - set(sensitive))
    if not sensitive or len("".join(harmless)) > len("".join(full)):
        return ()
    return harmless


@cache
def _short(service: str, owned: bool) -> tuple[str, ...]:  # noqa: FBT001 - the key of a cache
    """Return a service's patterns: those that cover other reads where the agent owns something by its prefix."""
    wanted = confinable(service)
    if not owned:
        return compact(service, wanted)
    types = set(owned_types(service))
    kept_out = [n for n, a in service_actions(service).items() if a.level not in READS or not types & set(a.resources)]
    kept_out = [name for name in kept_out if name not in wanted]
    patterns: list[str] = []
    for name in wanted:
        if patterns and patterns[-1].endswith("*") and name.startswith(patterns[-1][:-1]):
            continue
        ends = (i for i in range(name.index(":") + 3, len(name)) if name[i].isupper())
        beginnings = (name[:end] for end in ends)
        free = next((b for b in beginnings if not any(other.startswith(b) for other in kept_out)), name)
        several = sum(other.startswith(free) for other in wanted) > 1
        patterns.append(f"{free}*" if several else name)
    return tuple(patterns)


def unconfined_reads(scope: AgentScope) -> tuple[str, ...]:
    """Return the sensitive reads of the agent's services in which its own resources cannot be told apart.

    Such as a list of all functions, with the environment of each. Secrets and credentials are denied to everybody.
    """
    return tuple(
        action
        for kind in kept(scope.agent.sensitive_reads)
        if kind not in _ALWAYS
        for action in sensitive_actions(kind)
        if (service := action.split(":")[0]) in scope.services and action not in confinable(service)
    )


@cache
def confinable(service: str) -> tuple[str, ...]:
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
