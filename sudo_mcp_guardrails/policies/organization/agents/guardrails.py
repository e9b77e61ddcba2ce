"""Deny: changing the guardrails' own resources, whose names begin with their prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.proposals import INVOKE, URL
from sudo_mcp_guardrails.policies.naming import PARTITION
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

OTHERS: Final = (
    *(f"arn:{PARTITION}:s3:::{name}*" for name in ("aws-cloudtrail-logs-", "aws-controltower-")),
    f"arn:{PARTITION}:events:*:*:rule/aws-controltower-*",
)
"""Where the trail lies by default, and what Control Tower watches with."""
KINDS: Final = (
    *(("cloudformation", "stack/"), ("dynamodb", "table/"), ("es", "domain/"), ("events", "*/")),
    *(("lambda", "function:"), ("logs", "log-group:/aws/*/"), ("sns", ""), ("sqs", "")),
    *(("states", "stateMachine:"), ("states", "execution:")),
)
"""(service, beginning of the last part) of what has the guardrails' prefix."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsGuardrails",
            effect="Deny",
            # What is called of their functions is decided apart.
            not_actions=(INVOKE, URL),
            resources=(
                *(f"arn:{PARTITION}:{service}:*:*:{kind}{names.prefix}*" for service, kind in KINDS),
                f"arn:{PARTITION}:s3:::{names.prefix}*",
                *OTHERS,
            ),
            conditions=any_agent(names),
            reason="the guardrails and their ledger stay as they are",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-guardrails",
    kind=PolicyKind.SCP,
    stops=("invariant/guardrails",),
    build=statements,
    scenarios=(
        attack(
            "scp-ledger",
            "dynamodb:DeleteItem",
            "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/{names}-ledger",
            "AgentsGuardrails",
            "takes an entry out of the ledger",
        ),
        attack(
            "scp-broker-code",
            "lambda:UpdateFunctionCode",
            "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:{names}-broker",
            "AgentsGuardrails",
            "a template changes the broker",
            "execution",
        ),
        attack(
            "scp-execution-history",
            "states:GetExecutionHistory",
            "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:{names}-approval:apr-1",
            "AgentsGuardrails",
            "reads the history of an approval, where the tasks' tokens stand",
            "read",
        ),
        attack(
            "scp-redrive-approval",
            "states:RedriveExecution",
            "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:{names}-approval:apr-1",
            "AgentsGuardrails",
            "runs an approval again from where it failed",
        ),
        attack(
            "scp-read-token",
            "dynamodb:GetItem",
            "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/{names}-approval-tokens",
            "AgentsGuardrails",
            "reads the token of a task that waits for people",
            "plan",
        ),
        attack(
            "scp-workflow-lines",
            "logs:StartLiveTail",
            "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/vendedlogs/states/{names}-approval",
            "AgentsGuardrails",
            "watches the workflow's log",
            "read",
        ),
    ),
)
