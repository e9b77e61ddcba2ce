"""What an organization has already, so that the landing zone of agents fits in beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.organization.exempt import ExemptPrincipals
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind

_CONTROL_TOWER_TRAIL: Final = "aws-controltower-BaselineCloudTrail"
_ACCELERATOR_ROLES: Final = ("Deployment-Role", "Management-Deployment-Role")


@dataclass(frozen=True)
class AdoptedLandingZone:
    """The landing zone that is there: its roles become exemptions from the guardrails for everyone, its SCPs slots.

    The guardrails of agents bind agents alone and know no exemption, so that nothing of it weakens them. None of the
    landing zone's own resources is made again or changed.

    Args:
        owner: The person or team that answers for the exemptions.
        until: Their last day; synthesis fails after it.
        control_tower: Control Tower: its execution role, its trail, and slots for its policies.
        account_factory_terraform: AFT's two roles in each account.
        stack_sets: The execution role of StackSets with self-managed permissions.
        accelerator_prefix: Of the Landing Zone Accelerator's roles, ``"AWSAccelerator"`` unless it was changed: its
            deployment roles, and its bootstrap's role with the qualifier ``accel``. Default: no accelerator.
        bootstrap_qualifiers: Of the CDK's bootstrap stacks, ``"hnb659fds"`` for the CDK's own: the role as which
            CloudFormation deploys, in each account and Region of the landing zone. Each is written out in each
            statement for everyone, so that many accounts can be too long for an SCP.
        break_glass: ARNs of roles for emergencies.
        slots: Policies by type that others attach to the same targets, besides those of AWS and Control Tower, such
            as the accelerator's.
        trail: Name of the organization's trail. Default: Control Tower's, where it governs.

    Raises:
        OrganizationError: For negative slots.
        ExemptionError: For an owner that is empty or a role of another form, when the exemptions are made.
    """

    owner: str
    until: date
    control_tower: bool = False
    account_factory_terraform: bool = False
    stack_sets: bool = False
    accelerator_prefix: str = ""
    bootstrap_qualifiers: tuple[str, ...] = ()
    break_glass: tuple[str, ...] = ()
    slots: Mapping[PolicyKind, int] = field(default_factory=dict)
    trail: str = ""

    def __post_init__(self) -> None:
        """Validate, and fill in what Control Tower tells."""
        for kind, count in self.slots.items():
            if count < 0:
                raise OrganizationError(f"slots {count} of type {kind.value} are not allowed, expected 0 or more")
        if self.control_tower and not self.trail:
            object.__setattr__(self, "trail", _CONTROL_TOWER_TRAIL)

    def exempt(self, accounts: Sequence[str], regions: Sequence[str]) -> tuple[ExemptPrincipals, ...]:
        """Return the exemptions of its roles.

        Sources: Control Tower user guide, "How AWS Control Tower works with roles"; AFT user guide, "Required roles";
        Landing Zone Accelerator developer guide, "Bootstrap Stack".

        Args:
            accounts: Of the landing zone, where roles have names with the account.
            regions: Likewise.
        """
        found: list[ExemptPrincipals] = []
        if self.control_tower:
            found.append(ExemptPrincipals.control_tower(self.owner, self.until))
        if self.account_factory_terraform:
            found.append(ExemptPrincipals.account_factory_terraform(self.owner, self.until))
        if self.stack_sets:
            found.append(ExemptPrincipals.stack_sets(self.owner, self.until))
        qualifiers = list(self.bootstrap_qualifiers)
        if self.accelerator_prefix:
            arns = tuple(f"arn:*:iam::*:role/{self.accelerator_prefix}-{role}" for role in _ACCELERATOR_ROLES)
            found.append(ExemptPrincipals(arns, "the Landing Zone Accelerator deploys", self.owner, self.until))
            qualifiers.append("accel")
        found += (
            ExemptPrincipals.cdk_bootstrap(accounts, regions, self.owner, self.until, qualifier)
            for qualifier in dict.fromkeys(qualifiers)
        )
        found += (ExemptPrincipals.break_glass(arn, self.owner, self.until) for arn in self.break_glass)
        return tuple(found)
