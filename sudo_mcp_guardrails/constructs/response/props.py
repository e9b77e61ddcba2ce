"""What the kill switch is told: who responds, and what K3 and K4 attach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.constructs.response.names import KillSwitchError
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION
from sudo_mcp_guardrails.response.two_people import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.response.levels import Level


@dataclass(frozen=True)
class Responder:
    """Who may contain agents, and whether also restore them. Make one with a class method.

    Args:
        pattern: Pattern of the caller's ARN as AWS verifies it, with ``*`` and ``?``.
        restores: Whether this one may restore too.
        grantee: The role or user, which is then granted the invocation; None where it is granted elsewhere.
        person: Who a user is: one of two people who restore. Empty for what tells no person, which is every role.
        break_glass: Whether this person may restore alone what takes two, in an emergency.

    Raises:
        KillSwitchError: Somebody breaks the glass who is no person, or may not restore.
    """

    pattern: str
    restores: bool = False
    grantee: iam.IRole | iam.IUser | None = None
    person: str = ""
    break_glass: bool = False

    def __post_init__(self) -> None:
        """Validate."""
        if self.break_glass and not (self.restores and self.person):
            raise KillSwitchError(f"break-glass of {self.pattern!r} is not allowed, expected an IAM user who restores")

    @classmethod
    def iam_role(cls, role: iam.IRole, *, restores: bool = False) -> Responder:
        """Return a responder that is a role: the SOC's, or a runbook's."""
        return cls(f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/{role.role_name}/*", restores, role)

    @classmethod
    def iam_user(
        cls, user: iam.IUser, *, restores: bool = False, person: str = "", break_glass: bool = False
    ) -> Responder:
        """Return a responder that is a person with an IAM user, whose session must have a fresh second factor.

        Args:
            user: The user.
            restores: Whether this one may restore too.
            person: Who it is, where somebody has several users: they count once. Default: the user itself.
            break_glass: Whether this one may restore alone what takes two people, in an emergency.
        """
        return cls(user.user_arn, restores, user, person or user.user_arn, break_glass)

    @classmethod
    def permission_set(cls, name: str, *, restores: bool = False) -> Responder:
        """Return a responder that is an IAM Identity Center permission set.

        Give the permission set ``lambda:InvokeFunctionUrl`` and ``lambda:InvokeFunction`` on the intake.
        """
        if not name or any(c in name for c in "*?/"):
            raise KillSwitchError(f"permission set {name!r} is not allowed, expected the name of one")
        return cls(f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_{name}_????????????????/*", restores)


@dataclass(frozen=True)
class OrganizationContainment:
    """What K3 and K4 attach: the resources of :class:`ContainmentOrganization`, which are in another account.

    Args:
        account: The account that attaches SCPs.
        scps: Pattern of agents' names (``release-*``, or ``*`` for all) to the id of the SCP that contains them.
        targets: Ids of the roots, OUs or accounts that they are attached to.
    """

    account: str
    scps: Mapping[str, str]
    targets: Sequence[str]


def check(organization: OrganizationContainment | None, two_people_from: Level | None) -> None:
    """Raise KillSwitchError for an organization without SCPs or targets, or a level that takes no two people."""
    if two_people_from is not None and two_people_from not in LEVELS:
        allowed = ", ".join(level.value for level in LEVELS)
        raise KillSwitchError(f"two people from {two_people_from.value} on are not allowed, expected {allowed} or None")
    if organization is not None and not (organization.scps and organization.targets):
        raise KillSwitchError("organization without SCPs or targets is not allowed, expected at least one of each")


def stacks_of(agents: Sequence[Agent]) -> tuple[str, ...]:
    """Return the ARN patterns of the stacks that agents own, by their prefixes."""
    prefixes = {prefix for agent in agents for one in agent.environments for prefix in agent.prefixes(one)}
    return tuple(f"arn:{PARTITION}:cloudformation:*:{ACCOUNT}:stack/{prefix}*" for prefix in sorted(prefixes))
