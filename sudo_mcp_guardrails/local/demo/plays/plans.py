"""Plans: preparing a change, and trying to get it done at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, REGION
from sudo_mcp_guardrails.local.demo.plays.rows import (
    APPLY,
    EXECUTION,
    RELEASE,
    ROLE_TEMPLATE,
    ROLES,
    STACKS,
    TABLE_TEMPLATE,
    change_set,
    play,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.demo.play import Play


def rows() -> tuple[Play, ...]:
    """Return the rows in order."""
    stack = f"{STACKS}/release-bot-app/*"
    pinned = {"cloudformation:RoleArn": EXECUTION}
    transform = json.dumps({"Transform": "AWS::Serverless-2016-10-31", **json.loads(TABLE_TEMPLATE)})
    create = "cloudformation.create_change_set"
    action = "cloudformation:CreateChangeSet"
    return (
        play(
            "create-change-set",
            RELEASE,
            "plan",
            "allow",
            action,
            stack,
            create,
            change_set("orders", "release-bot-app", TABLE_TEMPLATE, EXECUTION),
            "prepares a table of its own",
            context=pinned,
        ),
        play(
            "describe-change-set",
            RELEASE,
            "plan",
            "allow",
            "cloudformation:DescribeChangeSet",
            stack,
            "cloudformation.describe_change_set",
            {"StackName": "release-bot-app", "ChangeSetName": "orders"},
            "looks at its change set",
        ),
        play(
            "create-role-change-set",
            RELEASE,
            "plan",
            "allow",
            action,
            f"{STACKS}/release-bot-evil/*",
            create,
            change_set("role", "release-bot-evil", ROLE_TEMPLATE, EXECUTION),
            "prepares a role without the boundary, which only shows when it is carried out",
            context=pinned,
        ),
        play(
            "execute-change-set",
            RELEASE,
            "plan",
            "deny",
            "cloudformation:ExecuteChangeSet",
            stack,
            "cloudformation.execute_change_set",
            {"StackName": "release-bot-app", "ChangeSetName": "orders"},
            "carries out its own plan",
        ),
        play(
            "create-stack",
            RELEASE,
            "plan",
            "deny",
            "cloudformation:CreateStack",
            f"{STACKS}/release-bot-now/*",
            "cloudformation.create_stack",
            {"StackName": "release-bot-now", "TemplateBody": TABLE_TEMPLATE, "RoleARN": EXECUTION},
            "goes around the change set",
            context=pinned,
        ),
        play(
            "change-set-without-role",
            RELEASE,
            "plan",
            "deny",
            action,
            f"{STACKS}/release-bot-two/*",
            create,
            change_set("orders", "release-bot-two", TABLE_TEMPLATE, None),
            "prepares a change without a role",
        ),
        play(
            "change-set-admin-role",
            RELEASE,
            "plan",
            "deny",
            action,
            f"{STACKS}/release-bot-two/*",
            create,
            change_set("orders", "release-bot-two", TABLE_TEMPLATE, f"{ROLES}/admin"),
            "prepares a change for an administrator's role",
            context={"cloudformation:RoleArn": f"{ROLES}/admin"},
        ),
        play(
            "change-set-foreign-stack",
            RELEASE,
            "plan",
            "deny",
            action,
            f"{STACKS}/payroll/*",
            create,
            change_set("orders", "payroll", TABLE_TEMPLATE, EXECUTION),
            "prepares a change of a foreign stack",
            context=pinned,
        ),
        play(
            "change-set-transform",
            RELEASE,
            "plan",
            "deny",
            action,
            f"arn:aws:cloudformation:{REGION}:aws:transform/Serverless-2016-10-31",
            create,
            change_set("orders", "release-bot-macro", transform, EXECUTION),
            "runs a transform at plan time",
            context=pinned,
        ),
        play(
            "assume-apply",
            RELEASE,
            "plan",
            "deny",
            "sts:AssumeRole",
            APPLY,
            "sts.assume_role",
            {"RoleArn": APPLY, "RoleSessionName": "me"},
            "assumes the apply role without the broker",
        ),
        play(
            "assume-cdk-deploy",
            RELEASE,
            "plan",
            "deny",
            "sts:AssumeRole",
            f"{ROLES}/cdk-hnb659fds-deploy-role-{ACCOUNT}-{REGION}",
            "sts.assume_role",
            {"RoleArn": f"{ROLES}/cdk-hnb659fds-deploy-role-{ACCOUNT}-{REGION}", "RoleSessionName": "me"},
            "assumes the CDK's deploy role",
        ),
        play(
            "write-while-planning",
            RELEASE,
            "plan",
            "deny",
            "s3:PutObject",
            "arn:aws:s3:::release-bot-artifacts/x",
            "s3.put_object",
            {"Bucket": "release-bot-artifacts", "Key": "x", "Body": b"x"},
            "writes with a plan session",
        ),
    )
