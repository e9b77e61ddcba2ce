"""What people are told of a finding, in the words of whom it goes to, so that nothing has to be put together later.

What stands in an event is chosen by whoever made the call. Texts are therefore made here, with the marks of each
service taken out, and handed on as whole values: an input transformer of EventBridge quotes what it extracts, and
escapes nothing that is put inside a text (EventBridge user guide, "Amazon EventBridge input transformation").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.detection.rule import Level

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.finding import Finding

MAX_LINE: Final = 160
"""What ServiceNow's ``short_description`` holds; Jira's summary holds 255, PagerDuty's 1,024."""
MAX_TEXT: Final = 1000
_PAGER_DUTY: Final = {Level.CRITICAL: "critical", Level.HIGH: "error", Level.MEDIUM: "warning"}
_JIRA: Final = {Level.CRITICAL: "Highest", Level.HIGH: "High", Level.MEDIUM: "Medium"}
_SERVICE_NOW: Final = {Level.CRITICAL: "1", Level.HIGH: "1", Level.MEDIUM: "2"}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>~])")


def notice(finding: Finding) -> dict[str, str]:
    """Return the texts of a finding: every one is there, and none is empty.

    Sources: PagerDuty, "Send an Alert Event" (severities); Slack, "Formatting text for app surfaces" (three characters
    to escape); Jira Cloud REST API, "Create issue"; ServiceNow, "Table API".
    """
    alert = finding.alert
    attribution = alert.subject.attribution
    line = _cut(f"[{alert.level.value}] {alert.title}", MAX_LINE)
    about = [f"{name} {value}" for name in ("agent", "run", "ticket") if (value := getattr(attribution, name))]
    text = _cut(". ".join((alert.sentence or alert.title, *about, f"rule {alert.rule}")), MAX_TEXT)
    slack = f"{line}: {text}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {
        "line": line,
        "text": text,
        "slack": slack,
        "teams": _MARKDOWN.sub(r"\\\1", text),
        "actor": _cut(finding.actor, MAX_TEXT),
        "pager_duty_severity": _PAGER_DUTY.get(alert.level, "info"),
        "jira_priority": _JIRA.get(alert.level, "Low"),
        "service_now_urgency": _SERVICE_NOW.get(alert.level, "3"),
    }


def _cut(text: str, length: int) -> str:
    text = _CONTROL.sub(" ", text).strip() or "(none)"
    return text if len(text) <= length else text[: length - 1] + "…"
