"""Deny, through an MCP server: changes of the guardrails' own resources.

Twin by principal: ``AgentsGuardrails``, which names the same resources. What changes something is what does not read:
the other way round the statement would be six times as long, and would miss what AWS adds. So it also denies what
other services, such as AWS Backup, do to these resources, which the twin does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import PARTITION
from sudo_mcp_guardrails.policies.organization.agents.guardrails import KINDS
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.mcp._parts import VIA_MCP, still, through

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

_LEDGER: Final = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/{names}-ledger"

READS: Final = (
    *("cloudformation:Describe*", "cloudformation:Get*", "cloudformation:List*", "dynamodb:BatchGet*"),
    *("dynamodb:Describe*", "dynamodb:Get*", "dynamodb:List*", "dynamodb:Query", "dynamodb:Scan", "es:Describe*"),
    *("es:ESHttpGet", "es:Get*", "es:List*", "events:Describe*", "events:List*", "lambda:Get*", "lambda:List*"),
    *("logs:Describe*", "logs:Filter*", "logs:GetLog*", "logs:List*", "logs:StartQuery", "s3:Get*", "s3:List*"),
    *("sns:Get*", "sns:List*", "sqs:GetQueue*", "sqs:List*", "states:Describe*", "states:GetExecution*"),
    "states:List*",
)
"""Of the kinds of resources that the guardrails have."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="McpGuardrails",
            effect="Deny",
            not_actions=READS,
            resources=(
                *(f"arn:{PARTITION}:{service}:*:*:{kind}{names.prefix}*" for service, kind in KINDS),
                f"arn:{PARTITION}:s3:::{names.prefix}*",
            ),
            conditions=VIA_MCP,
            reason="the guardrails are changed by their pipeline, and never through what they guard",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="mcp-guardrails",
    kind=PolicyKind.SCP,
    stops=("changing the guardrails or their ledger through an MCP server",),
    build=statements,
    scenarios=(
        *through("ledger", "dynamodb:DeleteItem", _LEDGER, "McpGuardrails", "takes an entry out of the ledger"),
        *through(
            "broker-code",
            "lambda:UpdateFunctionCode",
            "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:{names}-broker",
            "McpGuardrails",
            "changes the broker",
        ),
        still("read-ledger", "dynamodb:GetItem", _LEDGER, "reads the ledger"),
        still(
            "own-table",
            "dynamodb:DeleteItem",
            "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/app",
            "takes an item out of a table of its own",
        ),
    ),
)
