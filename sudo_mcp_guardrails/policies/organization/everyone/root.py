"""Deny: whatever the root user of a member account does.

Sessions of ``sts:AssumeRoot`` go on working: they are how a member account without root credentials is looked after,
are limited to one task each, and are told by ``aws:AssumedRoot``. Nobody else is exempt, since an exempt principal is
a role or a user. Source: IAM user guide, "Centrally manage root access for member accounts" and "AWS global condition
context keys".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.everyone._parts import allowed, denied
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.reference import ADMIN, ROOT

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

_SERVER: Final = "arn:${AWS::Partition}:signin:${AWS::Region}:${AWS::AccountId}:service-principal/aws-mcp.amazonaws.com"


def statements(_settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    return (
        Statement(
            sid="EveryoneRoot",
            effect="Deny",
            actions=("*",),
            resources=("*",),
            conditions=(
                ("ArnLike", "aws:PrincipalArn", ("arn:*:iam::*:root",)),
                ("Null", "aws:AssumedRoot", ("true",)),
            ),
            reason="no policy limits the root user, it has no session that tells who it was, and no work needs it",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="everyone-root",
    kind=PolicyKind.SCP,
    stops=("use of the root user", "sign-in of the root user to the AWS MCP Server, which needs no permission"),
    build=statements,
    scenarios=(
        denied("root-works", "ec2:RunInstances", "*", "EveryoneRoot", "works as root", principal=ROOT),
        denied(
            "root-access-key",
            "iam:CreateAccessKey",
            "*",
            "EveryoneRoot",
            "makes a long-term key of the root user",
            principal=ROOT,
        ),
        denied(
            "root-signs-in-to-mcp",
            "signin:CreateOAuth2Token",
            _SERVER,
            "EveryoneRoot",
            "signs in to the AWS MCP Server as root",
            principal=ROOT,
        ),
        allowed(
            "assumed-root",
            "iam:DeleteLoginProfile",
            "*",
            "the management account takes a root password away, for one task",
            {"aws:AssumedRoot": "true"},
            ROOT,
        ),
        allowed("administrator-is-not-root", "ec2:RunInstances", "*", "works as an administrator", principal=ADMIN),
    ),
)
