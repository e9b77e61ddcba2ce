"""What a guardrail of the organization is: statements of an SCP or RCP, why they are there, and what shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.iam.documents import Statement
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings
    from sudo_mcp_guardrails.policies.scenario import Scenario


class PolicyKind(str, Enum):
    """Type of an Organizations policy, as the API and CloudFormation name it.

    Source: Organizations API reference, ``CreatePolicy``.
    """

    SCP = "SERVICE_CONTROL_POLICY"
    RCP = "RESOURCE_CONTROL_POLICY"
    EC2 = "DECLARATIVE_POLICY_EC2"
    S3 = "S3_POLICY"


class Target(str, Enum):
    """Where a guardrail belongs by default."""

    ROOT = "root"
    """The whole organization. No SCP or RCP binds the management account."""
    WORKLOADS = "workloads"
    """The OUs or accounts in which agents and workloads are."""


@dataclass(frozen=True)
class OrganizationGuardrail:
    """Statements of an SCP or RCP.

    Args:
        id: Stable and kebab-case, unique in the library.
        kind: SCP or RCP.
        stops: The threats in words, or ids of escalation paths and invariants such as ``"invariant/trail"``.
        build: Makes the statements; none where a setting that it needs is not given. Each has a Sid that is unique in
            the library, and a reason.
        scenarios: Requests with the decision that each must get.
        target: Where it belongs by default.
    """

    id: str
    kind: PolicyKind
    stops: tuple[str, ...]
    build: Callable[[OrganizationSettings], tuple[Statement, ...]]
    scenarios: tuple[Scenario, ...]
    target: Target = Target.ROOT


@dataclass(frozen=True)
class ManagementPolicy:
    """A declarative or management policy: what an account's settings are, whatever somebody does to them.

    Args:
        id: Stable and kebab-case, unique in the library.
        kind: Its type.
        reason: Why it is there.
        stops: The threats, in words.
        content: Makes the policy's body, in the form of its type.
        target: Where it belongs by default.
    """

    id: str
    kind: PolicyKind
    reason: str
    stops: tuple[str, ...]
    content: Callable[[OrganizationSettings], Mapping[str, Any]]
    target: Target = Target.ROOT
