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
MAX_TRACE: Final = 400
"""Of these, what led to it."""
MAX_BLOCK: Final = 3000
"""What a text in a block of Slack holds, with the characters that stand for ``&``, ``<`` and ``>``."""
_PAGER_DUTY: Final = {Level.CRITICAL: "critical", Level.HIGH: "error", Level.MEDIUM: "warning"}
_JIRA: Final = {Level.CRITICAL: "Highest", Level.HIGH: "High", Level.MEDIUM: "Medium"}
_URGENCY: Final = {Level.CRITICAL: "1", Level.HIGH: "1", Level.MEDIUM: "2"}
_IMPACT: Final = {Level.CRITICAL: "1", Level.HIGH: "2", Level.MEDIUM: "2"}
"""ServiceNow makes the priority of both: 1 for critical, 2 for high, 3 for medium, 5 for low."""
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
"""Control characters, characters that turn or hide text, and halves of characters, which are no Unicode."""
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def notice(finding: Finding) -> dict[str, str]:
    """Return the texts of a finding: every one is there, and none is empty.

    Sources: PagerDuty, "Send an Alert Event" (severities); Slack, "Formatting message text" (three characters to
    escape) and "Text object" (length); Jira Cloud REST API, "Create issue"; ServiceNow, "Table API".
    """
    alert = finding.alert
    attribution = alert.subject.attribution
    line = plain(f"[{alert.level.value}] {alert.title}", MAX_LINE)
    about = [f"{name} {value}" for name in ("agent", "run", "ticket") if (value := getattr(attribution, name))]
    led = [f"trace: {plain(finding.trace['text'], MAX_TRACE)}"] if finding.trace is not None else []
    text = plain(". ".join((alert.sentence or alert.title, *about, f"rule {alert.rule}", *led)), MAX_TEXT)
    return {
        "line": line,
        "text": text,
        "slack": _escaped(f"{line}: {text}"),
        "actor": plain(finding.actor, MAX_TEXT),
        "pager_duty_severity": _PAGER_DUTY.get(alert.level, "info"),
        "jira_priority": _JIRA.get(alert.level, "Low"),
        "service_now_urgency": _URGENCY.get(alert.level, "3"),
        "service_now_impact": _IMPACT.get(alert.level, "3"),
    }


def plain(text: str, length: int) -> str:
    """Return a text on one line, of what can be seen, and of so many characters at most; ``(none)`` for an empty one.

    Args:
        text: As an event has it.
        length: At least 6.
    """
    text = _UNSEEN.sub(" ", text).strip() or "(none)"
    return text if len(text) <= length else text[: length - 1] + "…"


def _escaped(text: str) -> str:
    """Return a text for Slack: no longer than a block holds, and cut between what stands for a character."""
    found = [_ENTITIES.get(each, each) for each in text]
    if sum(map(len, found)) <= MAX_BLOCK:
        return "".join(found)
    room, kept = MAX_BLOCK - 1, []
    for each in found:
        room -= len(each)
        if room < 0:
            break
        kept.append(each)
    return "".join(kept) + "…"
