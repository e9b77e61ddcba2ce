"""Findings in the AWS Security Finding Format, for Security Hub's ``BatchImportFindings``.

At most 100 findings a call, of at most 240 KB each; the account that calls must be ``AwsAccountId``. Sources:
Security Hub user guide, "Required top-level ASFF attributes" and "Using BatchImportFindings"; partner guide,
"Guidelines for mapping findings into the ASFF".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.notice import plain
from sudo_mcp_guardrails.detection.ocsf import techniques
from sudo_mcp_guardrails.detection.rule import Level
from sudo_mcp_guardrails.detection.times import seconds_of

if TYPE_CHECKING:
    from datetime import datetime

    from sudo_mcp_guardrails.detection.finding import Finding

MAX_TITLE: Final = 256
MAX_TEXT: Final = 1024
MAX_ID: Final = 512
_LABELS: Final = {level: level.value.upper() for level in Level}
_TYPES: Final = {
    "t1098": "TTPs/Privilege Escalation",
    "t1548": "TTPs/Privilege Escalation",
    "t1562": "TTPs/Defense Evasion",
    "t1070": "TTPs/Defense Evasion",
    "t1552": "TTPs/Credential Access",
    "t1555": "TTPs/Credential Access",
    "t1537": "Effects/Data Exfiltration",
    "t1485": "Effects/Data Destruction",
}
_OTHER: Final = "Unusual Behaviors/User"


def to_asff(finding: Finding, *, account: str, region: str, partition: str, now: datetime) -> dict[str, Any]:
    """Return a finding in ASFF.

    Args:
        finding: the finding; the same one again is an update, by its id.
        account: the account that imports it, 12 digits.
        region: the Region that it is imported in.
        partition: such as ``aws``.
        now: when it is imported, in UTC: an update is taken for one only if it is later.
    """
    alert = finding.alert
    event, attribution = alert.subject
    imported = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    principal = event.role_arn or event.principal_arn
    types = [_type(alert.tags)]
    details = {
        "actor": finding.actor,
        "agent": attribution.agent,
        "run": attribution.run,
        "ticket": attribution.ticket,
        "approval": attribution.approval,
        "person": attribution.person,
        "eventID": event.event_id,
        "eventName": event.name,
        "eventSource": event.source,
        "alerts": str(finding.alerts),
        "techniques": ", ".join(techniques(alert.tags)),
        "trace": finding.trace["text"] if finding.trace is not None else None,
        "traceCommand": finding.trace["see"] if finding.trace is not None else None,
    }
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"sudo-mcp-guardrails/{finding.id}",
        "ProductArn": f"arn:{partition}:securityhub:{region}:{account}:product/{account}/default",
        "ProductName": "sudo-mcp-guardrails",
        "CompanyName": "sudo-mcp-guardrails",
        "GeneratorId": f"sudo-mcp-guardrails/{alert.rule}",
        "AwsAccountId": account,
        "CreatedAt": _time(finding.first_time, imported),
        "UpdatedAt": imported,
        "FirstObservedAt": _time(finding.first_time, imported),
        "LastObservedAt": _time(finding.last_time, imported),
        "Title": plain(alert.title, MAX_TITLE),
        "Description": plain(alert.sentence or alert.title, MAX_TEXT),
        "Severity": {"Label": _LABELS[alert.level]},
        "Types": types,
        "FindingProviderFields": {"Severity": {"Label": _LABELS[alert.level]}, "Types": types},
        "ProductFields": {
            f"sudo-mcp-guardrails/{name}": plain(value, MAX_TEXT) for name, value in details.items() if value
        },
        "Resources": [
            {
                "Type": "AwsIamRole" if event.role_arn else "Other",
                "Id": plain(principal or finding.actor, MAX_ID),
                "Partition": partition,
                **({"Region": event.region} if event.region else {}),
            }
        ],
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
    }


def _type(tags: tuple[str, ...]) -> str:
    for tag in tags:
        technique = tag.lower().removeprefix("attack.").partition(".")[0]
        if technique in _TYPES:
            return _TYPES[technique]
    return _OTHER


def _time(text: str | None, otherwise: str) -> str:
    """Return a time of an event as it is, and another one where it is none: Security Hub would refuse the finding."""
    return text if text and seconds_of(text) is not None else otherwise
