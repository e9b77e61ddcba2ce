"""The RCPs of the organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.constructs.policy_set import PolicySet
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.policies.organization.packs import Quota
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


class ResourceGuardrails(PolicySet):
    """RCPs on roots, OUs and accounts that are there: who may reach the organization's data. Costs nothing.

    Deploy it as :class:`~sudo_mcp_guardrails.constructs.organization_guardrails.OrganizationGuardrails`. RCPs bind no
    resource of the management account, and no service-linked role.

    Creates one ``AWS::Organizations::Policy`` for each packed document, one after the other, each with its size in an
    info message at every synthesis.

    Args:
        scope: The scope.
        id: The construct's id.
        targets: Ids of roots (``r-a1b2``), OUs (``ou-a1b2-c3d4e5f6``) and accounts; CDK tokens are let through.
        settings: The organization's, with its ``organization_id``.
        packs: Names of packs of RCPs. Default: ``perimeter``.
        quota: What a target can take. Default: 5 of 5,120 characters, one taken by ``RCPFullAWSAccess``.
        control_tower: Whether Control Tower governs the targets; one more slot is then left to its RCP.
        policy_name: What the RCPs are called, with ``-1`` and so on after it. Default: the prefix and the packs.

    Raises:
        OrganizationError: As for SCPs, and where the settings lack what the packs rest on.
        ExemptionError: For an exemption that has ended.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        targets: Sequence[str],
        settings: OrganizationSettings,
        packs: Sequence[str] = ("perimeter",),
        quota: Quota | None = None,
        control_tower: bool = False,
        policy_name: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            kind=PolicyKind.RCP,
            targets=targets,
            settings=settings,
            packs=packs,
            quota=quota,
            control_tower=control_tower,
            policy_name=policy_name,
        )
