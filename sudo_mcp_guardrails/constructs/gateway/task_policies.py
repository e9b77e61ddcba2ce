"""Who assumes a task's roles, and what it is started with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from aws_cdk import aws_logs as logs

    from sudo_mcp_guardrails.constructs.gateway.props import McpImage
    from sudo_mcp_guardrails.iam.documents import Conditions


def task_trust(id_: str) -> PolicyDocument:
    """Return the trust policy of a task's role: ECS, for this account's tasks.

    Args:
        id_: What its Sid carries.
    """
    source: Conditions = (
        ("StringEquals", "aws:SourceAccount", (ACCOUNT,)),
        ("ArnLike", "aws:SourceArn", (f"arn:{PARTITION}:ecs:{REGION}:{ACCOUNT}:*",)),
    )
    statement = Statement(
        f"Mcp{id_}Trust",
        "Allow",
        ("sts:AssumeRole",),
        principals=(("Service", "ecs-tasks.amazonaws.com"),),
        conditions=source,
        reason="ECS alone, for tasks of this account and Region",
    )
    return PolicyDocument("trust of a task", (statement,))


def starting_policy(sid: str, image: McpImage, log_group: logs.ILogGroup) -> PolicyDocument:
    """Return what ECS may do to start a task: pull its image, and write its log.

    Args:
        sid: What its Sids carry.
        image: Of the task.
        log_group: Of the task.
    """
    return PolicyDocument(
        "start of a task",
        (
            Statement(
                f"Mcp{sid}Login",
                "Allow",
                ("ecr:GetAuthorizationToken",),
                resources=("*",),
                reason="signs in to ECR, which has no resource to name",
            ),
            Statement(
                f"Mcp{sid}Pull",
                "Allow",
                ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
                resources=(image.repository.repository_arn,),
                reason="pulls its image",
            ),
            Statement(
                f"Mcp{sid}Log",
                "Allow",
                ("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=(log_group.log_group_arn,),
                reason="writes its log, whose streams have the ids of tasks",
            ),
        ),
    )
