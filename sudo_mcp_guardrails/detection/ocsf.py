"""Findings as OCSF's Detection Finding, class 2004: what everything else is made from.

OCSF 1.6.0, which Security Hub takes. Sources: OCSF schema, "Detection Finding"; Security Hub user guide, "OCSF
findings".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.rule import Level, Source
from sudo_mcp_guardrails.detection.times import seconds_of
from sudo_mcp_guardrails.trail.ocsf import to_ocsf as activity

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.finding import Finding

VERSION: Final = "1.6.0"
CLASS_UID: Final = 2004
PRODUCT: Final = {"name": "sudo-mcp-guardrails", "vendor_name": "sudo-mcp-guardrails"}
SEVERITIES: Final = {
    Level.INFORMATIONAL: (1, "Informational"),
    Level.LOW: (2, "Low"),
    Level.MEDIUM: (3, "Medium"),
    Level.HIGH: (4, "High"),
    Level.CRITICAL: (5, "Critical"),
}
_TECHNIQUE: Final = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)|atlas\.(aml\.t\d{4}(?:\.\d{3})?)", re.IGNORECASE)
_RULE: Final = (1, "Rule")
_ANALYTICS: Final = {
    Source.NEW_TERM: (2, "Behavioral"),
    Source.DEVIATION: (2, "Behavioral"),
    Source.SURPRISE: (3, "Statistical"),
    Source.RATE: (3, "Statistical"),
}


def to_ocsf(finding: Finding) -> dict[str, Any]:
    """Return a finding as OCSF's Detection Finding. What is not known is left out; ``time`` is 0 where none is.

    ``rule`` and ``source`` stand beside OCSF's own fields, for who reads ``mcp-guardrails detect --json``.
    """
    alert = finding.alert
    event, attribution = alert.subject
    severity, severity_name = SEVERITIES[alert.level]
    activity_id, activity_name = (1, "Create") if finding.is_new else (2, "Update")
    seen = activity(alert.subject, raw=False)
    return {
        "rule": alert.rule,
        "source": alert.source.value,
        "activity_id": activity_id,
        "activity_name": activity_name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS_UID,
        "class_name": "Detection Finding",
        "type_uid": CLASS_UID * 100 + activity_id,
        "type_name": f"Detection Finding: {activity_name}",
        "time": _milliseconds(finding.last_time) or 0,
        "count": finding.alerts,
        "is_alert": True,
        "message": alert.sentence,
        "severity_id": severity,
        "severity": severity_name,
        "status_id": 1,
        "status": "New",
        "cloud": seen.get("cloud", {"provider": "AWS"}),
        "finding_info": _kept(
            uid=finding.id,
            title=alert.title,
            desc=alert.sentence,
            analytic=_analytic(finding),
            attacks=[{"technique": {"uid": uid}} for uid in techniques(alert.tags)],
            first_seen_time=_milliseconds(finding.first_time),
            last_seen_time=_milliseconds(finding.last_time),
            related_events_count=len(finding.events),
            related_events=[{"uid": uid} for uid in finding.events],
            data_sources=["CloudTrail"],
        ),
        "evidences": [_kept(actor=seen.get("actor"), api=seen.get("api"), src_endpoint=seen.get("src_endpoint"))],
        "metadata": {"version": VERSION, "uid": finding.id, "profiles": ["cloud"], "product": PRODUCT},
        "unmapped": _kept(
            actor=finding.actor,
            agent=attribution.agent,
            run=attribution.run,
            capability=attribution.capability,
            ticket=attribution.ticket,
            approval=attribution.approval,
            person=attribution.person,
            contains="true" if alert.contains else None,
            event_id=event.event_id,
            trace=dict(finding.trace) if finding.trace is not None else None,
        ),
    }


def techniques(tags: tuple[str, ...]) -> list[str]:
    """Return the ids of the ATT&CK and ATLAS techniques among a rule's tags."""
    found = (_TECHNIQUE.fullmatch(tag) for tag in tags)
    return [(one[1] or one[2]).upper() for one in found if one is not None]


def _analytic(finding: Finding) -> dict[str, Any]:
    alert = finding.alert
    type_id, type_name = _ANALYTICS.get(alert.source, _RULE)
    return {"uid": alert.rule_id, "name": alert.rule, "type_id": type_id, "type": type_name}


def _milliseconds(time: str | None) -> int | None:
    seconds = seconds_of(time)
    return None if seconds is None else seconds * 1000


def _kept(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {name: value for name, value in fields.items() if value not in (None, [], {})}
