"""What lets people ask the kill switch, and what lets brokers read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION
from sudo_mcp_guardrails.response.two_people import MFA_SECONDS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.constructs.response.names import ResponseNames
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.naming import GuardrailNames


def invoke_policy(names: ResponseNames, *, second_factor: bool, decisions: bool = False) -> PolicyDocument:
    """Return what lets somebody ask the intake, by its URL alone.

    Args:
        names: Of the kill switch.
        second_factor: Whether the session must have one, not older than an hour.
        decisions: Whether also the function that two people ask, with a second factor of five minutes at most.
    """
    mfa: Conditions = ()
    if second_factor:
        mfa = (
            ("Bool", "aws:MultiFactorAuthPresent", ("true",)),
            ("NumericLessThan", "aws:MultiFactorAuthAge", ("3600",)),
        )
    function = f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{names.intake}"
    return PolicyDocument(
        "ask the kill switch",
        (
            *(_decisions(names) if decisions else ()),
            Statement(
                sid="ContainmentAsk",
                effect="Allow",
                actions=("lambda:InvokeFunctionUrl",),
                resources=(function,),
                conditions=(("StringEquals", "lambda:FunctionUrlAuthType", ("AWS_IAM",)), *mfa),
                reason="contains agents, or restores them",
            ),
            # Through the URL alone: a direct invocation would let the caller write its own identity into the event.
            Statement(
                sid="ContainmentAskFunction",
                effect="Allow",
                actions=("lambda:InvokeFunction",),
                resources=(function,),
                conditions=(("Bool", "lambda:InvokedViaFunctionUrl", ("true",)), *mfa),
                reason="contains agents, or restores them",
            ),
            Statement(
                sid="ContainmentFindUrl",
                effect="Allow",
                actions=("lambda:GetFunctionUrlConfig",),
                resources=(function,),
                reason="finds where the intake answers, for mcp-guardrails contain",
            ),
        ),
    )


def _decisions(names: ResponseNames) -> tuple[Statement, ...]:
    """Return what lets an IAM user say what is restored: by the URL alone, with a fresh second factor."""
    function = f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{names.decisions}"
    fresh: Conditions = (
        ("Bool", "aws:MultiFactorAuthPresent", ("true",)),
        ("NumericLessThan", "aws:MultiFactorAuthAge", (str(MFA_SECONDS),)),
    )
    return (
        Statement(
            sid="ContainmentDecide",
            effect="Allow",
            actions=("lambda:InvokeFunctionUrl",),
            resources=(function,),
            conditions=(("StringEquals", "lambda:FunctionUrlAuthType", ("AWS_IAM",)), *fresh),
            reason="says, with another person, what is restored",
        ),
        Statement(
            sid="ContainmentDecideFunction",
            effect="Allow",
            actions=("lambda:InvokeFunction",),
            resources=(function,),
            conditions=(("Bool", "lambda:InvokedViaFunctionUrl", ("true",)), *fresh),
            reason="says, with another person, what is restored",
        ),
        Statement(
            sid="ContainmentDecideFindUrl",
            effect="Allow",
            actions=("lambda:GetFunctionUrlConfig",),
            resources=(function,),
            reason="finds where that function answers, for mcp-guardrails restore",
        ),
    )


def reading_policy(of: str, names: GuardrailNames, table: str, key: str) -> tuple[Statement, ...]:
    """Return what lets a broker read the switch, and nothing else of the table.

    Args:
        of: The broker; its Sids carry it.
        names: Names of the guardrails' own resources.
        table: ARN of the switch.
        key: ARN of the key that encrypts it.
    """
    return (
        Statement(
            sid=f"{of}Switch",
            effect="Allow",
            actions=("dynamodb:Query",),
            resources=(table,),
            conditions=(("ForAllValues:StringEquals", "dynamodb:LeadingKeys", (names.prefix,)),),
            reason="reads whom the kill switch contains",
        ),
        Statement(
            sid=f"{of}SwitchKey",
            effect="Allow",
            actions=("kms:Decrypt",),
            resources=(key,),
            conditions=(("StringEquals", "kms:ViaService", (f"dynamodb.{REGION}.{cdk.Aws.URL_SUFFIX}",)),),
            reason="the kill switch is encrypted with this key",
        ),
    )
