"""What starts the publisher of heads, once a day after midnight UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler

from sudo_mcp_guardrails.constructs.approval.statements import allow
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from constructs import Construct

    from sudo_mcp_guardrails.constructs.approval.function import ApprovalFunction
    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames


def publish_daily(scope: Construct, function: ApprovalFunction, names: WorkflowNames) -> scheduler.CfnSchedule:
    """Start the publisher at half past one, UTC, by a role that may start nothing else.

    What was missed is made up for by the next start.
    """
    start = allow(
        "ApprovalHeadsStart", ("lambda:InvokeFunction",), (function.function.attr_arn,), "starts it by the clock"
    )
    trust = Statement(
        "ApprovalHeadsClock",
        "Allow",
        ("sts:AssumeRole",),
        principals=(("Service", "scheduler.amazonaws.com"),),
        conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
    )
    policy = GuardrailPolicy(
        scope,
        "HeadsClockPolicy",
        document=PolicyDocument("heads", (start,)),
        path=names.path,
        description="Starts the publisher of approvals' heads",
        accept=False,
    )
    role = iam.CfnRole(
        scope,
        "HeadsClockRole",
        role_name=names.of("clock"),
        path=names.path,
        assume_role_policy_document=policy_json(PolicyDocument("trust", (trust,))),
        managed_policy_arns=[policy.policy_arn],
    )
    return scheduler.CfnSchedule(
        scope,
        "HeadsClock",
        schedule_expression="cron(30 1 * * ? *)",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.function.attr_arn,
            role_arn=role.attr_arn,
            input="{}",
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_retry_attempts=5, maximum_event_age_in_seconds=6 * 3600
            ),
        ),
    )
