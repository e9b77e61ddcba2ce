"""The role by which a trail writes to a log group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.statements import tokens
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.policies.trail_delivery import delivery_policy, delivery_trust

if TYPE_CHECKING:
    from aws_cdk import aws_logs as logs
    from constructs import Construct


def delivery_role(
    scope: Construct, *, arn: str, log_group: logs.ILogGroup, organization_id: str, prefix: str
) -> iam.CfnRole:
    """Make the role by which CloudTrail writes to one log group; costs nothing.

    Args:
        scope: The trail's construct.
        arn: ARN of the trail, which alone may use the role.
        log_group: The log group, in the stack's account and Region.
        organization_id: Of an organization trail; empty for another.
        prefix: Of the guardrails' own names.
    """
    document = delivery_policy(arn, log_group.log_group_name, organization_id)
    policy = GuardrailPolicy(
        scope,
        "DeliveryPolicy",
        document=document,
        path=f"/{prefix}/",
        description="Lets CloudTrail write to one log group",
        accept=False,
    )
    accept_wildcards(policy)
    return iam.CfnRole(
        scope,
        "Delivery",
        path=f"/{prefix}/",
        description="Writes the trail's events to a log group",
        assume_role_policy_document=tokens(policy_json(delivery_trust(arn))),
        managed_policy_arns=[policy.policy_arn],
    )
