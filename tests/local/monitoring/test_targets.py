"""What every target gets of real findings, byte by byte as it documents it, and what of them Security Hub takes."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local import receivers
from tests.local.monitoring import app
from tests.local.monitoring.site import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.monitoring.site import Site

pytestmark = pytest.mark.integration

NASTY = {
    "quote": 'x", "routing_key": "stolen',
    "backslash": "ends with \\",
    "lines": "one\ntwo\r\n\tthree\u2028four\x00\x1b[31m",
    "markup": "<!channel> <script>alert(1)</script> <https://192.0.2.1|sign in> [sign in](https://192.0.2.1) &amp; *b*",
    "template": "<id> <text> <aws.events.event.json> ${x} {{y}}",
    "unicode": "Übergröße 漢字 🔥 \u202egnp.exe \u200b",
    "ampersands": "&<>" * 1500,
    "long": "Ü" * 20_000,
}


def bodies(site: Site, name: str, marks: str) -> list[tuple[dict[str, str], Any]]:
    return [
        (headers, body)
        for path, headers, body in list(site.hooks.taken)
        if path == app.PATHS[name] and marks in json.dumps(body)
    ]


def told(site: Site, name: str, uid: str) -> tuple[dict[str, str], Any]:
    """What a target got about a finding, by its id or its line."""
    found: tuple[dict[str, str], Any] = until(lambda: next(iter(bodies(site, name, uid)), None))
    return found


@pytest.mark.parametrize("kind", list(NASTY))
def test_what_a_caller_chose_breaks_no_message(delivery: Site, kind: str) -> None:
    """Each event is of a role of its own, so that it makes a finding of its own, which all five are told of."""
    role = f"ops-{kind}"
    event = delivery.call(role, requestParameters={"name": NASTY[kind]})
    uid = ""
    for target, check in receivers.CHECKS.items():
        headers, body = told(delivery, target, role)
        assert headers["content-type"].startswith("application/json")
        check(body)
        uid = uid or body.get("dedup_key", "")
        assert "stolen" not in str(body.get("routing_key"))
    assert len(uid) == 32
    [(_, incident)] = bodies(delivery, "ServiceNow", role)
    assert incident["correlation_id"] == uid
    finding = until(lambda: delivery.hub(event))
    assert finding["Id"] == f"sudo-mcp-guardrails/{uid}"
    assert finding["AwsAccountId"] == app.ACCOUNT
    assert finding["Severity"]["Label"] == "HIGH"
    assert not delivery.letters(delivery.outputs["Dead"])
    until(lambda: [one for one in delivery.bodies("topic-heard") if role in one])


def test_each_target_is_asked_with_its_own_secret(delivery: Site) -> None:
    delivery.call("ops-secrets")
    page, body = told(delivery, "PagerDuty", "ops-secrets")
    assert body["routing_key"] == app.ROUTING_KEY
    assert (body["event_action"], body["payload"]["severity"]) == ("trigger", "error")
    assert body["payload"]["class"] == "aws_trail_stopped"
    for name in ("Slack", "Teams"):
        headers, _ = told(delivery, name, "ops-secrets")
        assert headers["x-webhook"] == app.WEBHOOK_SECRET
    basic = base64.b64encode(f"soc@example.com:{app.TOKEN}".encode()).decode()
    for name in ("Jira", "ServiceNow"):
        headers, body = told(delivery, name, "ops-secrets")
        assert headers["authorization"] == f"Basic {basic}"
        assert app.TOKEN not in json.dumps(body)
    assert body["impact"] + body["urgency"] == "21", "a high finding is priority 2"
    _, issue = told(delivery, "Jira", "ops-secrets")
    assert issue["fields"]["priority"]["name"] == "High"
    assert page["user-agent"] == "Amazon/EventBridge/ApiDestinations"


def test_a_finding_that_grows_adds_to_its_incident_and_opens_no_other(delivery: Site) -> None:
    def pages(count: int) -> Callable[[], Any]:
        def found() -> Any:
            own = [body for _, body in bodies(delivery, "PagerDuty", "ops-growing")]
            return own if len(own) >= count else None

        return found

    for count in (1, 2, 3):
        event = delivery.call("ops-growing")
        found = until(pages(count))
    assert len({body["dedup_key"] for body in found}) == 1
    assert [body["payload"]["custom_details"]["alerts"] for body in found] == [1, 2, 3]
    finding = until(lambda: delivery.hub(event))
    assert finding["ProductFields"]["sudo-mcp-guardrails/alerts"] == "3"
    for target in ("Slack", "Teams", "Jira", "ServiceNow"):
        assert len(bodies(delivery, target, "ops-growing")) == 1, target


def test_an_event_that_comes_again_is_told_once(delivery: Site) -> None:
    event = delivery.call("ops-again")
    told(delivery, "PagerDuty", "ops-again")
    delivery.call("ops-again", eventID=event)
    # What comes afterwards is told afterwards: the queue is read in order here.
    delivery.call("ops-afterwards")
    told(delivery, "PagerDuty", "ops-afterwards")
    assert len(bodies(delivery, "PagerDuty", "ops-again")) == 1
