"""The SCPs of the organization, and its declarative policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.attachments import attach
from sudo_mcp_guardrails.constructs.organization_policy import OrganizationPolicy
from sudo_mcp_guardrails.constructs.policy_set import PolicySet, quota_of
from sudo_mcp_guardrails.policies.organization.guardrail import ManagementPolicy, PolicyKind
from sudo_mcp_guardrails.policies.organization.management import MANAGEMENT
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.organization.proof import open_paths
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.policies.organization.packs import Quota
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


class OrganizationGuardrails(PolicySet):
    """SCPs on roots, OUs and accounts that are there, and declarative policies beside them. Costs nothing.

    Deploy it to the management account, or to a member account that the organization has delegated policy management
    to. The types of the policies must be enabled in the organization, for which CloudFormation has no resource. SCPs
    bind no one in the management account, whatever the targets, and no service-linked role.

    Creates one ``AWS::Organizations::Policy`` for each packed document and each management policy, named by the
    prefix, and no OU. They are made one after the other, since the Organizations API is not concurrent. Each says how
    full it is at every synthesis (``sudo-mcp-guardrails:organizationGuardrails.bytes``).

    Args:
        scope: The scope.
        id: The construct's id.
        targets: Ids of roots (``r-a1b2``), OUs (``ou-a1b2-c3d4e5f6``) and accounts; CDK tokens are let through.
        settings: The organization's. Default: the library's names, no limit of Regions, nobody exempt.
        packs: Names of packs of SCPs. Default: ``agents``, which binds agents alone.
        management: Declarative and management policies, by id (``s3-public-access``) or as values. They bind whoever
            works in an account as soon as they are attached. Default: none.
        quota: What a target can take of SCPs. Default: 10 of 10,240 characters, one taken by ``FullAWSAccess``.
        management_quotas: What a target can take of each type of management policy. Default: AWS's.
        control_tower: Whether Control Tower governs the targets; two more slots are then left to its SCPs.
        policy_name: What the SCPs are called, with ``-1`` and so on after it. Default: the prefix and the packs.

    Raises:
        OrganizationError: For no targets, one of another form, an unknown pack or one of RCPs, an unknown management
            policy, packs that need more policies than a target has slots or a statement that fits into none, a name
            that is taken, policies of one prefix or pack on one target from two constructs of an app, and an exemption
            that an agent could come to match, supposing that the pack ``agents`` binds agents here or above.
        ExemptionError: For an exemption that has ended.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        targets: Sequence[str],
        settings: OrganizationSettings | None = None,
        packs: Sequence[str] = ("agents",),
        management: Sequence[str | ManagementPolicy] = (),
        quota: Quota | None = None,
        management_quotas: Mapping[PolicyKind, Quota] | None = None,
        control_tower: bool = False,
        policy_name: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            kind=PolicyKind.SCP,
            targets=targets,
            settings=settings,
            packs=packs,
            quota=quota,
            control_tower=control_tower,
            policy_name=policy_name,
        )
        if "agents" in packs and self.settings.direct_actions:
            opened = open_paths(agent_scps(self.settings), self.settings.names)
            cdk.Annotations.of(self).add_warning_v2(
                "sudo-mcp-guardrails:organizationGuardrails.openPaths",
                f"agents may do {', '.join(self.settings.direct_actions)} directly, so that the organization alone "
                f"does not block {', '.join(opened) or 'as much as it could'}",
            )
        if isinstance(management, str):
            raise OrganizationError(
                f"management {management!r} of {self.node.path!r} is text, expected a list of policies or their ids"
            )
        quotas = management_quotas or {}
        prefix = self.settings.names.prefix
        named = {f"{prefix}-{policy.id}": policy for policy in map(_management, management)}
        for kind in dict.fromkeys(policy.kind for policy in named.values()):
            names = [name for name, policy in named.items() if policy.kind is kind]
            attach(
                self,
                kind=kind,
                prefix=prefix,
                names=names,
                packs=[policy.id for policy in named.values() if policy.kind is kind],
                targets=self.targets,
                quota=quota_of(kind, quotas.get(kind), control_tower=control_tower),
            )
        self.management: tuple[OrganizationPolicy, ...] = tuple(
            OrganizationPolicy(
                self,
                policy.id,
                name=name,
                kind=policy.kind,
                content=policy.content(self.settings),
                targets=self.targets,
                quota=quota_of(policy.kind, quotas.get(policy.kind)),
                description=policy.reason,
            )
            for name, policy in named.items()
        )
        """The ``AWS::Organizations::Policy`` of each management policy."""


def _management(policy: str | ManagementPolicy) -> ManagementPolicy:
    """Return a management policy, which may be given by its id."""
    if isinstance(policy, ManagementPolicy):
        return policy
    known = {known.id: known for known in MANAGEMENT}
    if policy not in known:
        raise OrganizationError(f"management policy {policy!r} is not known, allowed are {', '.join(known)}")
    return known[policy]
