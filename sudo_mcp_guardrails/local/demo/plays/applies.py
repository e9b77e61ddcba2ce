"""Applies: carrying out what was approved, and what CloudFormation is refused on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, REGION
from sudo_mcp_guardrails.local.demo.plays.rows import AGENT_ROLES, DATA, ITEM, RELEASE, STACKS, TABLES, play

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.demo.play import Play


def rows() -> tuple[Play, ...]:
    """Return the rows in order."""
    return (
        play(
            "apply-change-set",
            RELEASE,
            "apply",
            "allow",
            "cloudformation:ExecuteChangeSet",
            f"{STACKS}/release-bot-app/*",
            "cloudformation.execute_change_set",
            {"StackName": "release-bot-app", "ChangeSetName": "orders"},
            "carries out the approved change set",
            waits=("stack_create_complete", {"StackName": "release-bot-app"}),
        ),
        play(
            "put-own-item",
            RELEASE,
            "apply",
            "allow",
            "dynamodb:PutItem",
            f"{TABLES}/release-bot-orders",
            "dynamodb.put_item",
            {"TableName": "release-bot-orders", "Item": ITEM},
            "writes into its own table",
        ),
        play(
            "put-own-object",
            RELEASE,
            "apply",
            "allow",
            "s3:PutObject",
            "arn:aws:s3:::release-bot-artifacts/new",
            "s3.put_object",
            {"Bucket": "release-bot-artifacts", "Key": "new", "Body": b"new"},
            "writes into its own bucket",
        ),
        play(
            "describe-own-table",
            RELEASE,
            "read",
            "allow",
            "dynamodb:DescribeTable",
            f"{TABLES}/release-bot-orders",
            "dynamodb.describe_table",
            {"TableName": "release-bot-orders"},
            "looks at the table that was made",
        ),
        play(
            "send-own-message",
            DATA,
            "apply",
            "allow",
            "sqs:SendMessage",
            f"arn:aws:sqs:{REGION}:{ACCOUNT}:data-bot-jobs",
            "sqs.send_message",
            {"QueueUrl": "{endpoint}/" + ACCOUNT + "/data-bot-jobs", "MessageBody": "x"},
            "sends to its own queue",
        ),
        play(
            "execution-unbounded-role",
            RELEASE,
            "execution",
            "deny",
            "iam:CreateRole",
            f"{AGENT_ROLES}/release-bot/workloads/helper",
            "stack.execute",
            {"StackName": "release-bot-evil", "ChangeSetName": "role"},
            "CloudFormation makes a role without the boundary",
        ),
    )
