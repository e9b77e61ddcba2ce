"""What the session broker may do, and what lets somebody ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION
from sudo_mcp_guardrails.policies.trust import RUN_PATTERN

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb

    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_RUN_ATTRIBUTES: Final = ("agent", "caller", "capability", "created", "ends", "run", "ticket")


def broker_policy(names: GuardrailNames, log_group: str, runs: dynamodb.ITable | None) -> PolicyDocument:
    """Return what the broker may do: mint read and plan sessions, write down their runs, and log.

    Args:
        names: Names of the guardrails' own resources.
        log_group: Name of its log group.
        runs: Where runs are written down; None where they are not.
    """
    agents = f"arn:{PARTITION}:iam::{ACCOUNT}:role{names.agents_path}"
    return PolicyDocument(
        "broker",
        (
            Statement(
                sid="BrokerMint",
                effect="Allow",
                actions=("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"),
                resources=(f"{agents}*-plan", f"{agents}*-read"),
                reason="mints read and plan sessions of every agent; their trust policies pin what it may ask for",
            ),
            Statement(
                sid="BrokerLog",
                effect="Allow",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=(f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{log_group}:*",),
                reason="writes its own log, whose streams have names that Lambda chooses",
            ),
            *_runs_statements(runs),
        ),
    )


def invoke_policy(names: GuardrailNames, *, second_factor: bool) -> PolicyDocument:
    """Return what lets somebody ask for sessions, by the broker's URL alone.

    Args:
        names: Names of the guardrails' own resources.
        second_factor: Whether the session must have one, not older than an hour.
    """
    mfa: Conditions = ()
    if second_factor:
        mfa = (
            ("Bool", "aws:MultiFactorAuthPresent", ("true",)),
            ("NumericLessThan", "aws:MultiFactorAuthAge", ("3600",)),
        )
    function = f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{names.prefix}-session-broker"
    return PolicyDocument(
        "broker-invoke",
        (
            Statement(
                sid="BrokerInvoke",
                effect="Allow",
                actions=("lambda:InvokeFunctionUrl",),
                resources=(function,),
                conditions=(("StringEquals", "lambda:FunctionUrlAuthType", ("AWS_IAM",)), *mfa),
                reason="asks for sessions",
            ),
            # Function URLs need this one as well since October 2025; through the URL alone, since a direct
            # invocation would let the caller write its own identity into the event.
            Statement(
                sid="BrokerInvokeFunction",
                effect="Allow",
                actions=("lambda:InvokeFunction",),
                resources=(function,),
                conditions=(("Bool", "lambda:InvokedViaFunctionUrl", ("true",)), *mfa),
                reason="asks for sessions",
            ),
        ),
    )


def _runs_statements(runs: dynamodb.ITable | None) -> tuple[Statement, ...]:
    """Return how runs are written down: new items of runs, with these attributes alone, and nothing is read."""
    if runs is None:
        return ()
    found = [
        Statement(
            sid="BrokerRuns",
            effect="Allow",
            actions=("dynamodb:PutItem",),
            resources=(runs.table_arn,),
            conditions=(
                ("ForAllValues:StringEquals", "dynamodb:Attributes", _RUN_ATTRIBUTES),
                ("ForAllValues:StringLike", "dynamodb:LeadingKeys", (RUN_PATTERN,)),
                ("Null", "dynamodb:LeadingKeys", ("false",)),
            ),
            reason="writes down who is behind a run",
        )
    ]
    if runs.encryption_key is not None:
        found.append(
            Statement(
                sid="BrokerRunsKey",
                effect="Allow",
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
                resources=(runs.encryption_key.key_arn,),
                conditions=(("StringEquals", "kms:ViaService", (f"dynamodb.{REGION}.{cdk.Aws.URL_SUFFIX}",)),),
                reason="the table of runs is encrypted with this key",
            )
        )
    return tuple(found)
