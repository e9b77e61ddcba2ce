"""What contains agents over an organization: SCPs that are attached to nothing, and the role that attaches them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from aws_cdk import aws_organizations as organizations
from constructs import Construct

from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import cloudformation, policy_json
from sudo_mcp_guardrails.constructs.response.account import function_role
from sudo_mcp_guardrails.constructs.response.names import KillSwitchError
from sudo_mcp_guardrails.policies.containment.names import ALL, organization_response_name, response_path
from sudo_mcp_guardrails.policies.containment.responder_trust import response_trust
from sudo_mcp_guardrails.policies.containment.responders import organization_policy
from sudo_mcp_guardrails.policies.containment.scps import all_scp, class_scp
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ContainmentOrganization(Construct):
    """The SCPs of K3 and K4, unattached, and the role that attaches them, in the account that manages SCPs.

    They cost nothing. Each target needs a free slot of its ten for an SCP while one is attached.

    Args:
        scope: The scope.
        id: The construct's id.
        home: Account of the kill switch.
        targets: ARNs of the roots, OUs or accounts that they may be attached to.
        classes: Classes of agents that have an SCP of their own, such as ``release-*``. Default: none, and K3 contains
            role by role.
        names: Names of the guardrails' own resources.

    Raises:
        KillSwitchError: The account of the kill switch is none.
        ContainmentPolicyError: A class is none, or a target has a wildcard.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        home: str,
        targets: Sequence[str],
        classes: Sequence[str] = (),
        names: GuardrailNames | None = None,
    ) -> None:
        super().__init__(scope, id)
        names = names or GuardrailNames()
        if not (len(home) == len("111111111111") and home.isdigit()):
            raise KillSwitchError(f"home {home[:40]!r} is no account, allowed: 12 digits")
        documents = {ALL: all_scp(names), **{pattern: class_scp(names, pattern) for pattern in sorted(set(classes))}}
        self.scps: Mapping[str, organizations.CfnPolicy] = {
            pattern: organizations.CfnPolicy(
                self,
                "All" if pattern == ALL else f"Class-{pattern.removesuffix('-*')}",
                name=document.name,
                description="Contains agents; attached in an incident alone",
                type="SERVICE_CONTROL_POLICY",
                content=json.loads(json.dumps(cloudformation(document.to_dict()))),
            )
            for pattern, document in documents.items()
        }
        """By pattern of agents' names; :class:`KillSwitch` is given their ids."""
        policy = GuardrailPolicy(
            self,
            "Policy",
            document=organization_policy([scp.attr_arn for scp in self.scps.values()], tuple(targets)),
            path=response_path(names),
            description="What attaches the SCPs that contain agents may do this",
        )
        self.role: iam.CfnRole = iam.CfnRole(
            self,
            "Role",
            role_name=organization_response_name(names),
            path=response_path(names),
            description="Attaches the SCPs that contain agents",
            assume_role_policy_document=policy_json(response_trust(names, [function_role(names, home)])),
            managed_policy_arns=[policy.policy_arn],
        )
        """The role that attaches them."""
