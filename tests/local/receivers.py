"""What PagerDuty, Slack, Teams, Jira and ServiceNow take, as they document it: each check fails with what is wrong.

Sources: PagerDuty, "Send an Alert Event"; Slack, "Sending messages using incoming webhooks", "Text object" and
"Formatting message text"; Microsoft Teams, "Create incoming webhooks with Workflows", and the Adaptive Cards schema
1.4; Jira Cloud REST API v3, "Create issue", and the Atlassian Document Format; ServiceNow, "Table API" and the columns
of the table of incidents.
"""

from __future__ import annotations

import json
import re
from typing import Any

ACTIONS = {"trigger", "acknowledge", "resolve"}
SEVERITIES = {"critical", "error", "warning", "info"}
_UNESCAPED = re.compile(r"[<>]|&(?!amp;|lt;|gt;)")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\ud800-\udfff]")


def one_line(text: Any, most: int) -> None:
    """A text that is there, that fits, and that neither breaks nor turns a line."""
    assert isinstance(text, str), text
    assert 1 <= len(text) <= most, len(text)
    assert text.strip() == text
    assert not _UNSEEN.search(text), text


def pager_duty(body: Any) -> None:
    """An event of version 2 of the Events API."""
    assert set(body) == {"routing_key", "event_action", "dedup_key", "payload"}, sorted(body)
    assert re.fullmatch(r"[0-9a-zA-Z]{32}", body["routing_key"]), "an integration's key has 32 characters"
    assert body["event_action"] in ACTIONS
    one_line(body["dedup_key"], 255)
    payload = body["payload"]
    assert set(payload) <= {
        *("summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"),
    }, sorted(payload)
    one_line(payload["summary"], 1024)
    one_line(payload["source"], 1024)
    one_line(payload["class"], 255)
    assert payload["severity"] in SEVERITIES
    assert isinstance(payload["custom_details"], dict)
    assert len(json.dumps(body)) <= 512 * 1024


def slack(body: Any) -> None:
    """A message of an incoming webhook."""
    assert set(body) == {"text", "blocks", "unfurl_links", "unfurl_media"}, sorted(body)
    assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)
    texts = [body["text"]]
    assert 1 <= len(body["blocks"]) <= 50
    for block in body["blocks"]:
        assert set(block) == {"type", "text"}
        assert block["type"] == "section"
        assert (block["text"]["type"], block["text"]["verbatim"]) == ("mrkdwn", True)
        one_line(block["text"]["text"], 3000)
        texts.append(block["text"]["text"])
    for text in texts:
        one_line(text, 40_000)
        assert not _UNESCAPED.search(text), text


def teams(body: Any) -> None:
    """A message with one adaptive card, whose texts know no Markdown."""
    assert set(body) == {"type", "attachments"}
    assert body["type"] == "message"
    [card] = body["attachments"]
    assert set(card) == {"contentType", "contentUrl", "content"}
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["contentUrl"] is None
    content = card["content"]
    assert (content["type"], content["version"]) == ("AdaptiveCard", "1.4")
    assert content["body"]
    for element in content["body"]:
        assert element["type"] == "RichTextBlock", "a TextBlock would take Markdown, and make links of it"
        for run in element["inlines"]:
            assert run["type"] == "TextRun"
            one_line(run["text"], 4000)
    assert len(json.dumps(body).encode()) <= 28 * 1024


def jira(body: Any) -> None:
    """An issue of REST API v3, its description in the Atlassian Document Format."""
    assert set(body) == {"fields"}
    fields = body["fields"]
    assert set(fields) <= {"project", "issuetype", "summary", "description", "priority"}, sorted(fields)
    assert set(fields["project"]) == {"key"}
    assert set(fields["issuetype"]) == {"name"}
    one_line(fields["summary"], 255)
    if "priority" in fields:
        assert fields["priority"]["name"] in {"Highest", "High", "Medium", "Low", "Lowest"}
    document = fields["description"]
    assert (document["type"], document["version"]) == ("doc", 1)
    assert document["content"]
    for paragraph in document["content"]:
        assert paragraph["type"] == "paragraph"
        for node in paragraph["content"]:
            assert set(node) == {"type", "text"}
            assert node["type"] == "text"
            one_line(node["text"], 32_767)


def service_now(body: Any) -> None:
    """A record of the table of incidents."""
    assert set(body) == {"short_description", "description", "urgency", "impact", "correlation_id"}, sorted(body)
    one_line(body["short_description"], 160)
    one_line(body["description"], 4000)
    one_line(body["correlation_id"], 100)
    assert body["urgency"] in {"1", "2", "3"}
    assert body["impact"] in {"1", "2", "3"}


CHECKS = {"PagerDuty": pager_duty, "Slack": slack, "Teams": teams, "Jira": jira, "ServiceNow": service_now}
