"""Where findings go: PagerDuty, Slack, Teams, Jira and ServiceNow, by API destinations of EventBridge."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_events as events

_NOTICE: Final = "$.detail.unmapped.notice"
_PATHS: Final = {
    "id": "$.detail.finding_info.uid",
    "rule": "$.detail.rule",
    "count": "$.detail.count",
    **{name: f"{_NOTICE}.{name}" for name in ("line", "text", "slack", "actor")},
    "pagerDutySeverity": f"{_NOTICE}.pager_duty_severity",
    "jiraPriority": f"{_NOTICE}.jira_priority",
    "serviceNowUrgency": f"{_NOTICE}.service_now_urgency",
    "serviceNowImpact": f"{_NOTICE}.service_now_impact",
}
"""What templates may name: all of it is in every finding, since EventBridge leaves out what is not."""
_VARIABLE: Final = re.compile(r'"<(\w+)>"')


class MonitoringError(GuardrailsError):
    """Props of a monitoring that contradict each other, or are out of range."""


@dataclass(frozen=True)
class FindingTarget:
    """Where findings go. Make one with a class method.

    The connection is the caller's, and holds the secret: EventBridge keeps it in Secrets Manager, which costs 0.40 USD
    a month. A call costs 0.20 USD per million.

    Args:
        name: Of the service, for the ids of constructs: one of each.
        connection: With what the service asks for.
        endpoint: Where it listens; https.
        template: What is sent, with variables as whole values.
        least: The least ``severity_id`` that is sent, 2 (low) to 5 (critical).
        new_only: Whether a finding that grows is sent once alone.
    """

    name: str
    connection: events.IConnection
    endpoint: str
    template: str
    least: int
    new_only: bool

    def __post_init__(self) -> None:
        """Validate; raises MonitoringError."""
        url = urlsplit(self.endpoint)
        if url.scheme != "https" or not url.hostname:
            raise MonitoringError(f"endpoint {self.endpoint!r} of {self.name} is not allowed, expected an https URL")
        if self.least not in range(2, 6):
            raise MonitoringError(f"least {self.least!r} of {self.name} is not allowed, expected 2 to 5")

    @classmethod
    def pager_duty(
        cls,
        connection: events.IConnection,
        *,
        endpoint: str = "https://events.pagerduty.com/v2/enqueue",
        least: int = 3,
    ) -> FindingTarget:
        """Return PagerDuty's Events API v2; a finding that grows adds to its incident.

        The connection has the integration's key as the secret body parameter ``routing_key``. Source: PagerDuty,
        "Send an Alert Event".
        """
        body = {
            "event_action": "trigger",
            "dedup_key": "<id>",
            "payload": {
                "summary": "<text>",
                "source": "<actor>",
                "severity": "<pagerDutySeverity>",
                "class": "<rule>",
                "custom_details": {"title": "<line>", "alerts": "<count>"},
            },
        }
        return cls("PagerDuty", connection, endpoint, template(body), least, new_only=False)

    @classmethod
    def slack(cls, connection: events.IConnection, *, endpoint: str, least: int = 3) -> FindingTarget:
        """Return an incoming webhook of Slack.

        The text stands in a block whose addresses and names are no links, since who made the call chose some of it.
        Source: Slack, "Text object", ``verbatim``.
        """
        section = {"type": "section", "text": {"type": "mrkdwn", "verbatim": True, "text": "<slack>"}}
        body = {"text": "<slack>", "blocks": [section], "unfurl_links": False, "unfurl_media": False}
        return cls("Slack", connection, endpoint, template(body), least, new_only=True)

    @classmethod
    def teams(cls, connection: events.IConnection, *, endpoint: str, least: int = 3) -> FindingTarget:
        """Return a webhook of a Teams workflow, which takes an adaptive card.

        Its texts are runs, which know no Markdown: what an event has in it is neither formatted nor a link. Source:
        Adaptive Cards, "TextRun".
        """

        def block(text: str, **more: str) -> dict[str, Any]:
            return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **more}]}

        content = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [block("<line>", weight="Bolder"), block("<text>")],
        }
        card = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
        body = {"type": "message", "attachments": [card]}
        return cls("Teams", connection, endpoint, template(body), least, new_only=True)

    @classmethod
    def jira(
        cls,
        connection: events.IConnection,
        *,
        endpoint: str,
        project: str,
        issue_type: str = "Task",
        priority: bool = True,
        least: int = 3,
    ) -> FindingTarget:
        """Return Jira Cloud: one issue a finding.

        Args:
            connection: Basic, with an API token.
            endpoint: ``https://SITE.atlassian.net/rest/api/3/issue``.
            project: Key of the project.
            issue_type: Name of the type.
            priority: Whether the priority is set (``Highest`` to ``Low``). Jira refuses an issue with a field that is
                not on the project's screen, so say False where the project has none.
            least: The least severity.
        """
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": "<text>"}]}
        fields: dict[str, Any] = {
            "project": {"key": project},
            "issuetype": {"name": issue_type},
            "summary": "<line>",
            "description": {"type": "doc", "version": 1, "content": [paragraph]},
        }
        if priority:
            fields["priority"] = {"name": "<jiraPriority>"}
        return cls("Jira", connection, endpoint, template({"fields": fields}), least, new_only=True)

    @classmethod
    def service_now(cls, connection: events.IConnection, *, endpoint: str, least: int = 3) -> FindingTarget:
        """Return ServiceNow's table of incidents: ``https://INSTANCE.service-now.com/api/now/table/incident``.

        Impact and urgency make the priority: 1 for a critical finding, 2 for a high one, 3 for a medium one.
        """
        body = {
            "short_description": "<line>",
            "description": "<text>",
            "urgency": "<serviceNowUrgency>",
            "impact": "<serviceNowImpact>",
            "correlation_id": "<id>",
        }
        return cls("ServiceNow", connection, endpoint, template(body), least, new_only=True)

    @property
    def paths(self) -> Mapping[str, str]:
        """The paths of the variables that the template has."""
        named = set(re.findall(r"<(\w+)>", self.template))
        return {name: path for name, path in _PATHS.items() if name in named}


def template(body: object) -> str:
    """Return a body as a template, whose variables stand without quotes: EventBridge then quotes what they hold.

    Inside of quotes it would not be escaped, and who chose the name of a role would choose the body too. Source:
    EventBridge API reference, "InputTransformer".
    """
    return _VARIABLE.sub(r"<\1>", json.dumps(body, separators=(",", ":"), sort_keys=True))
