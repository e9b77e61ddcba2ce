"""What starts the pipeline's functions: queues and the clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler

from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from sudo_mcp_guardrails.constructs.log_pipeline_function import PipelineFunction


def event_source(
    scope: Construct,
    id_: str,
    *,
    function: PipelineFunction,
    queue: sqs.CfnQueue,
    batch: int,
    window_seconds: int,
    concurrency: int,
) -> lambda_.CfnEventSourceMapping:
    """Have a function read a queue, and hand back the messages that failed alone.

    Args:
        scope: Where.
        id_: Of the construct.
        function: The function.
        queue: The queue.
        batch: Most messages at once.
        window_seconds: How long to wait for them; 0 where seconds count.
        concurrency: Most invocations for this queue at once, at least 2.
    """
    mapping = lambda_.CfnEventSourceMapping(
        scope,
        id_,
        function_name=function.function.ref,
        event_source_arn=queue.attr_arn,
        batch_size=batch,
        maximum_batching_window_in_seconds=window_seconds,
        function_response_types=["ReportBatchItemFailures"],
        scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=concurrency),
    )
    accept_risk(
        mapping,
        nag=["Serverless::Serverless-LambdaEventSourceMappingDestination"],
        reason="what fails goes back to the queue, and after five times to the queue's own dead letter queue",
    )
    mapping.add_resource_dependency(
        function.policy
    )  # the service tries the role's permissions when it makes the mapping
    return mapping


def every(
    scope: Construct, path: str, starts: Sequence[tuple[str, PipelineFunction, str, dict[str, Any]]]
) -> list[scheduler.CfnSchedule]:
    """Start functions by the clock, each with a role that may start nothing else. Costs 1 USD per million starts.

    Args:
        scope: Where.
        path: IAM path of the role and its policy.
        starts: (id, function, schedule expression, input) of each.
    """
    functions = tuple(dict.fromkeys(function.function.attr_arn for _, function, _, _ in starts))
    start = Statement(
        "PipelineScheduleStart", "Allow", ("lambda:InvokeFunction",), resources=functions, reason="starts by the clock"
    )
    trust = Statement(
        "PipelineScheduleTrust",
        "Allow",
        ("sts:AssumeRole",),
        principals=(("Service", "scheduler.amazonaws.com"),),
        conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
    )
    policy = GuardrailPolicy(
        scope,
        "SchedulePolicy",
        document=PolicyDocument("schedules", (start,)),
        path=path,
        description="Starts the functions of the audit pipeline by the clock",
        accept=False,
    )
    role = iam.CfnRole(
        scope,
        "ScheduleRole",
        path=path,
        assume_role_policy_document=policy_json(PolicyDocument("trust", (trust,))),
        managed_policy_arns=[policy.policy_arn],
    )
    return [
        scheduler.CfnSchedule(
            scope,
            id_,
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function.attr_arn,
                role_arn=role.attr_arn,
                input=json.dumps(given, sort_keys=True),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=2, maximum_event_age_in_seconds=3600
                ),
            ),
        )
        for id_, function, expression, given in starts
    ]
