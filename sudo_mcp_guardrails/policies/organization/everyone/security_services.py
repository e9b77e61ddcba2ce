"""Deny: switching off, or blinding, what records and watches an account.

Reading goes on, and so does switching these services on. What is denied has no use in a workload's account, since the
services are run from a delegated administrator, whose account is therefore no target of this; what sets accounts up,
such as Config's recorder, by calls that could narrow it as well, is exempt.
Source: AWS Security Reference Architecture, "Security services"; Service Authorization Reference, the services' pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.everyone._parts import allowed, denied, not_exempt
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind, Target
from sudo_mcp_guardrails.policies.organization.reference import CONTROL_TOWER

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

TRAIL: Final = (
    *("cloudtrail:DeleteChannel", "cloudtrail:DeleteEventDataStore", "cloudtrail:DeleteTrail"),
    *("cloudtrail:DeleteServiceLinkedChannel", "cloudtrail:DeregisterOrganizationDelegatedAdmin"),
    *("cloudtrail:DisableFederation", "cloudtrail:PutEventConfiguration", "cloudtrail:PutEventSelectors"),
    *("cloudtrail:PutInsightSelectors", "cloudtrail:StopEventDataStoreIngestion", "cloudtrail:StopLogging"),
    *("cloudtrail:UpdateEventDataStore", "cloudtrail:UpdateTrail", "ec2:DeleteFlowLogs"),
)
CONFIG: Final = (
    *("config:DeleteAggregationAuthorization", "config:DeleteConfigurationRecorder", "config:DeleteDeliveryChannel"),
    *("config:DeleteRetentionConfiguration", "config:DeleteServiceLinkedConfigurationRecorder"),
    *("config:DisassociateResourceTypes", "config:PutConfigurationRecorder", "config:PutDeliveryChannel"),
    *("config:PutRetentionConfiguration", "config:StopConfigurationRecorder"),
)
GUARDDUTY: Final = (
    *("guardduty:CreateFilter", "guardduty:CreateIPSet", "guardduty:CreateTrustedEntitySet"),
    *("guardduty:DeleteDetector", "guardduty:DeleteMalwareProtectionPlan", "guardduty:DeleteMembers"),
    *("guardduty:DeletePublishingDestination", "guardduty:DisableOrganizationAdminAccount"),
    *("guardduty:DisassociateFrom*", "guardduty:DisassociateMembers", "guardduty:StopMonitoringMembers"),
    *("guardduty:UpdateDetector", "guardduty:UpdateFilter", "guardduty:UpdateIPSet"),
    *("guardduty:UpdateMemberDetectors", "guardduty:UpdateOrganizationConfiguration"),
    *("guardduty:UpdatePublishingDestination", "guardduty:UpdateTrustedEntitySet"),
)
"""A filter, or a list of trusted addresses, silences findings."""
SECURITY_HUB: Final = (
    *("securityhub:BatchDisableStandards", "securityhub:BatchUpdateStandardsControlAssociations"),
    *("securityhub:DeleteAggregatorV2", "securityhub:DeleteFindingAggregator", "securityhub:DeleteMembers"),
    *("securityhub:DisableImportFindingsForProduct", "securityhub:DisableOrganizationAdminAccount"),
    *("securityhub:DisableSecurityHub*", "securityhub:DisassociateFrom*", "securityhub:DisassociateMembers"),
    "securityhub:UpdateStandardsControl",
)
ACCESS_ANALYZER: Final = (
    *("access-analyzer:CreateArchiveRule", "access-analyzer:Delete*Analyzer", "access-analyzer:UpdateAnalyzer"),
    "access-analyzer:UpdateArchiveRule",
)
MACIE: Final = (
    *("macie2:DeleteMember", "macie2:DisableMacie", "macie2:DisableOrganizationAdminAccount"),
    *("macie2:DisassociateFrom*", "macie2:DisassociateMember", "macie2:UpdateMacieSession"),
    "macie2:UpdateMemberSession",
)


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    rest = not_exempt(settings)
    return (
        Statement(
            sid="EveryoneTrail",
            effect="Deny",
            actions=(*TRAIL, *CONFIG),
            resources=("*",),
            conditions=rest,
            reason="what was done, and what changed by it, is recorded whoever did it",
        ),
        Statement(
            sid="EveryoneDetectors",
            effect="Deny",
            actions=(*GUARDDUTY, *SECURITY_HUB, *ACCESS_ANALYZER, *MACIE),
            resources=("*",),
            conditions=rest,
            reason="what watches is switched by its delegated administrator alone",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="everyone-security-services",
    kind=PolicyKind.SCP,
    stops=("hiding what was done", "switching detection off before an attack"),
    build=statements,
    scenarios=(
        denied("stop-trail", "cloudtrail:StopLogging", "*", "EveryoneTrail", "stops the trail"),
        denied(
            "stop-trail-by-stack",
            "cloudtrail:StopLogging",
            "*",
            "EveryoneTrail",
            "has CloudFormation stop the trail in its name",
            {"aws:ViaAWSService": "true", "aws:CalledVia": "cloudformation.amazonaws.com"},
        ),
        allowed("look-up-trail", "cloudtrail:LookupEvents", "*", "looks at what was done"),
        denied("stop-config", "config:StopConfigurationRecorder", "*", "EveryoneTrail", "stops the recorder"),
        allowed(
            "control-tower-recorder",
            "config:PutConfigurationRecorder",
            "*",
            "Control Tower sets the recorder up",
            principal=CONTROL_TOWER,
        ),
        denied("guardduty-off", "guardduty:DeleteDetector", "*", "EveryoneDetectors", "switches GuardDuty off"),
        denied("guardduty-silent", "guardduty:CreateFilter", "*", "EveryoneDetectors", "has findings archived unseen"),
        denied("hub-off", "securityhub:DisableSecurityHub", "*", "EveryoneDetectors", "switches Security Hub off"),
        denied("analyzer-off", "access-analyzer:DeleteAnalyzer", "*", "EveryoneDetectors", "deletes the analyzer"),
        denied("macie-off", "macie2:DisableMacie", "*", "EveryoneDetectors", "switches Macie off"),
        allowed("read-findings", "guardduty:GetFindings", "*", "reads findings"),
    ),
    target=Target.WORKLOADS,
)
