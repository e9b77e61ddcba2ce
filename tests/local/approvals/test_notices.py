"""What Slack and Teams get of an approval, by real deliveries: a link, and nothing that approves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.approvals import app
from tests.local.approvals.site import until

if TYPE_CHECKING:
    from tests.local.approvals.site import Site
    from tests.local.hooks import Hooks

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def approval(reaching: Site) -> str:
    """An approval that people are waited for."""
    approval = reaching.agent().calls("told")
    reaching.waits(approval)
    return approval


def about(approval: str) -> Any:
    return lambda body: approval in json.dumps(body)


def addresses(value: Any) -> set[str]:
    """All addresses in a message."""
    if isinstance(value, dict):
        return set().union(*(addresses(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(addresses(each) for each in value))
    return {part.strip("<>") for part in str(value).split() if "://" in part}


def test_slack_gets_a_line_and_the_pages_address(reaching: Site, hooks: Hooks, approval: str) -> None:
    headers, body = hooks.wait("/slack", wanted=about(approval))
    page = f"{reaching.outputs['Page']}#/approvals/{approval}"
    assert set(body) == {"text"}
    line, _, link = body["text"].rpartition("\n")
    assert link == f"<{page}>"
    assert "release-bot" in line
    assert headers[app.HOOK_HEADER] == app.HOOK_SECRET
    assert addresses(body) == {page}


def test_teams_gets_an_adaptive_card_that_opens_the_page(reaching: Site, hooks: Hooks, approval: str) -> None:
    headers, body = hooks.wait("/teams", wanted=about(approval))
    page = f"{reaching.outputs['Page']}#/approvals/{approval}"
    assert body["type"] == "message"
    [attachment] = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open", "url": page}]
    assert headers[app.HOOK_HEADER] == app.HOOK_SECRET
    assert addresses(body) == {page, "http://adaptivecards.io/schemas/adaptive-card.json"}


def test_the_link_of_a_notice_approves_nothing(reaching: Site, approval: str) -> None:
    records = len(reaching.chain(approval))
    decision = f"/api/approvals/{approval}/decision?verdict=approve"
    for path, expected in (("/", 200), (f"/api/approvals/{approval}", 401), (decision, 401)):
        assert reaching.page("GET", path, {})[0] == expected
    assert reaching.person("alice").ask("GET", decision)[0] == 404
    assert len(reaching.chain(approval)) == records
    assert reaching.status(approval) == "RUNNING"


def test_a_webhook_that_fails_ends_in_the_queue_of_what_was_not_delivered(
    reaching: Site, hooks: Hooks, approval: str
) -> None:
    sqs, url = reaching.client("sqs"), reaching.outputs["Undelivered"]

    def letter() -> Any:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return next((each for each in answer.get("Messages", []) if approval in each["Body"]), None)

    found = until(letter)
    said = {name: each["StringValue"] for name, each in found["MessageAttributes"].items()}
    assert set(json.loads(found["Body"])) == {"text"}
    assert said["ERROR_MESSAGE"] == "the endpoint answered 503"
    assert said["RETRY_ATTEMPTS"] == "2"
    assert hooks.asked["/broken"] >= 3
    assert app.HOOK_SECRET not in json.dumps(found)
