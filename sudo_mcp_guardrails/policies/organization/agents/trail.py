"""Deny: stopping, changing or blinding what records and watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.changes import changes_of
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

WATCHERS: Final = (
    *("auditmanager:*", "detective:*", "fms:*", "inspector2:*", "macie2:*", "oam:*", "observabilityadmin:*"),
    "securitylake:*",
)
"""Services that watch, of which an agent needs nothing."""
WATCHING: Final = (
    *("access-analyzer:*", "cloudtrail:*", "config:*", "guardduty:*", "securityhub:*", "ec2:DeleteFlowLogs"),
    *("kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:ScheduleKeyDeletion", "logs:DeleteAccountPolicy"),
    *("logs:DeleteDelivery", "logs:DeleteLogGroup", "logs:DeleteLogStream", "logs:PutDataProtectionPolicy"),
    *("logs:PutRetentionPolicy", "s3:PutAccountPublicAccessBlock", "wafv2:DeleteLoggingConfiguration"),
    "route53resolver:DisassociateResolverQueryLogConfig",
)
"""Services that watch, which an agent may read: of these what changes something."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsTrail",
            effect="Deny",
            actions=(*WATCHERS, *changes_of(*WATCHING)),
            resources=("*",),
            conditions=any_agent(names),
            reason="an agent must not hide",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-trail",
    kind=PolicyKind.SCP,
    stops=("invariant/trail",),
    build=statements,
    scenarios=(
        attack(
            "scp-delete-trail",
            "cloudtrail:DeleteTrail",
            "arn:${AWS::Partition}:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/organization",
            "AgentsTrail",
            "deletes the trail",
        ),
        attack(
            "scp-log-group",
            "logs:PutRetentionPolicy",
            "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/payroll",
            "AgentsTrail",
            "shortens how long logs are kept",
        ),
    ),
)
