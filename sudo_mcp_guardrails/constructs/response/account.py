"""What contains agents in one account: the policy and the boundary that deny all, and the role that puts them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from constructs import Construct

from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.response.names import ResponseNames
from sudo_mcp_guardrails.policies.containment.names import (
    boundary_name,
    containment_path,
    deny_name,
    response_name,
    response_path,
)
from sudo_mcp_guardrails.policies.containment.responder_trust import response_trust
from sudo_mcp_guardrails.policies.containment.responders import response_policy
from sudo_mcp_guardrails.policies.containment.roles import deny_boundary, deny_policy
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Sequence


class ContainmentAccount(Construct):
    """The parts of the kill switch that each account with agents has; :class:`KillSwitch` makes them in its own.

    Three policies and a role, which cost nothing. The role can attach the one policy, swap the guardrails' boundaries,
    change agents' trust policies, and stop agents' deployments; it makes no policy, role or user, and no agent can
    become it.

    Args:
        scope: The scope.
        id: The construct's id.
        home: Account of the kill switch. Default: this one.
        names: Names of the guardrails' own resources.
        stacks: ARN patterns of the agents' stacks, whose updates and change sets may be cancelled. Default: none.
        break_glass: ARNs of roles that may become it too, for when the kill switch itself is gone. Default: none.

    Raises:
        ContainmentPolicyError: For an ARN that is an agent's, or has a wildcard.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        home: str = "",
        names: GuardrailNames | None = None,
        stacks: Sequence[str] = (),
        break_glass: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, id)
        names = names or GuardrailNames()
        self.deny: GuardrailPolicy = GuardrailPolicy(
            self,
            "Deny",
            document=deny_policy(),
            path=containment_path(names),
            name=deny_name(names),
            description="Denies a contained agent everything",
        )
        """The policy that denies all."""
        self.boundary: GuardrailPolicy = GuardrailPolicy(
            self,
            "Boundary",
            document=deny_boundary(),
            path=containment_path(names),
            name=boundary_name(names),
            description="Boundary of a contained agent, which denies everything",
        )
        """The boundary that denies all."""
        policy = GuardrailPolicy(
            self,
            "Policy",
            document=response_policy(names, tuple(stacks)),
            path=response_path(names),
            description="What contains agents in this account may do this",
            checkov=("CKV_AWS_109", "CKV_AWS_111"),
        )
        trusted = (function_role(names, home or ACCOUNT), *break_glass)
        self.role: iam.CfnRole = iam.CfnRole(
            self,
            "Role",
            role_name=response_name(names),
            path=response_path(names),
            description="Contains agents in this account",
            assume_role_policy_document=policy_json(response_trust(names, trusted)),
            managed_policy_arns=[policy.policy_arn],
        )
        """The role that contains."""


def function_role(names: GuardrailNames, account: str) -> str:
    """Return the ARN of the role of the function that contains.

    Args:
        names: Names of the guardrails' own resources.
        account: Of the kill switch; may be a pseudo parameter.
    """
    made = ResponseNames(names)
    return f"arn:{PARTITION}:iam::{account}:role{made.path}{made.responder}"
