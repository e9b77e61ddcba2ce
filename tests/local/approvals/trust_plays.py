"""Plays where a scanner looks at each plan and agents earn trust. Each of them is one chapter: they go in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.local.approvals import app
from tests.local.approvals.site import queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.approvals.site import Agent, Site

PASSED = {"passed": True, "findings": []}


def _request(name: str) -> dict[str, Any]:
    state = json.dumps({"QueueName": f"{app.AGENT}-{name}"})
    return {"form": "cloud-control-request", "data": {"TypeName": "AWS::SQS::Queue", "DesiredState": state}}


def _scanned(site: Site, agent: Agent, name: str, answer: Any, **proposal: Any) -> str:
    """Propose a plan about which the scanner says this; None for a scanner that fails."""
    approval = site.approval_of(agent, f"token-{name}")
    if answer is not None:
        site.scan(approval, answer)
    assert agent.propose(token=f"token-{name}", **(proposal or _request(name))) == approval
    return approval


def an_agent_that_nobody_introduced(site: Site) -> None:
    agent = site.agent()
    approval = _scanned(site, agent, "unknown", PASSED)
    assert site.ended(approval) == "Ended"
    assert site.kinds(approval)[:2] == ["request", "refused"]
    assert "Scan" not in site.states(approval)
    assert "release-bot-unknown" not in site.queues()


def it_is_introduced(site: Site) -> None:
    stated = {"action": "introduce", "risk": "", "environment": "", "to": "T1", "reason": "the first version"}
    path = f"/api/trust/{app.AGENT}"
    for name, expected in (("alice", 403), ("bob", 200), ("bob", 409)):
        person = site.person(name)
        status, body = person.ask("POST", f"{path}/challenge", stated)
        assert status == 200, body
        status, body = person.ask("POST", f"{path}/introductions", {**stated, "issued": body["issued"]})
        assert status == expected, body
    assert site.person("alice").ask("GET", path)[1]["fingerprint"] == app.FINGERPRINT


def a_rule_decides(site: Site) -> None:
    approval = _scanned(site, site.agent(), "by-rule", PASSED)
    assert site.ended(approval) == "Executed", (site.states(approval), site.chain(approval)[-1].body)
    kinds = site.kinds(approval)
    assert "rule-decision" in kinds
    assert "decision" not in kinds
    assert "release-bot-by-rule" in site.queues()


def the_budget_is_used_up(site: Site) -> None:
    agent = site.agent()
    approvals = [_scanned(site, agent, f"more-{number}", PASSED) for number in range(3)]
    ends = []
    for approval in approvals:
        states: list[str] = []
        while not {"WaitForPeople", "Executed"} & set(states):
            states = site.states(approval)
        ends.append("WaitForPeople" in states)
        if ends[-1]:
            site.waits(approval)
            assert site.person("alice").decide(approval, "refuse")[0] == 200
            assert site.ended(approval) == "Ended"
    assert sum(ends) == 1  # three an hour, of which one was used before


def a_call_takes_people_and_a_scan(site: Site) -> None:
    """What a call costs nobody knows, so that people decide; the scanner is asked first."""
    approval = _scanned(site, site.agent(), "looked-at", PASSED, form="api-calls", data=[queue("looked-at")])
    site.waits(approval)
    assert site.kinds(approval)[:2] == ["request", "scan"]
    assert site.person("alice").decide(approval)[0] == 200
    assert site.ended(approval) == "Executed"


def a_scan_that_is_not_passed(site: Site) -> None:
    agent = site.agent()
    refused = {
        "failed": {"passed": False, "findings": ["a queue without encryption"]},
        "nonsense": {"passed": "yes", "findings": []},
        "more": {"passed": True, "findings": [], "approve": True},
        "number": 1,
    }
    for name, answer in refused.items():
        approval = _scanned(site, agent, f"scan-{name}", answer, form="api-calls", data=[queue(f"scan-{name}")])
        assert site.ended(approval) == "Ended", name
        (scan,) = [record.body for record in site.chain(approval) if record.kind == "scan"]
        assert scan["passed"] is False
        assert "WaitForPeople" not in site.states(approval)
        assert f"release-bot-scan-{name}" not in site.queues()


def a_scanner_that_fails(site: Site) -> None:
    approval = _scanned(site, site.agent(), "absent", None, form="api-calls", data=[queue("absent")])
    assert site.ended(approval) == "WorkflowFailed"
    assert site.kinds(approval)[-1] == "refused"
    assert "release-bot-absent" not in site.queues()


def what_is_forbidden_takes_all_trust_away(site: Site) -> None:
    url = site.client("sqs").get_queue_url(QueueName="mcp-guardrails-approval-undelivered")["QueueUrl"]
    call = {"service": "sqs", "operation": "PurgeQueue", "parameters": {"QueueUrl": url}}
    approval = site.agent().propose(form="api-calls", data=[call])
    assert site.ended(approval) == "Ended"
    after = _scanned(site, site.agent(), "afterwards", PASSED)
    assert site.ended(after) == "Ended"
    # Notices of the end may come after it.
    ends = [record.body for record in site.chain(after) if "notice" not in record.body]
    assert "T0" in json.dumps(ends[-1]), ends[-1]


CHAPTERS: tuple[Callable[[Site], None], ...] = (
    an_agent_that_nobody_introduced,
    it_is_introduced,
    a_rule_decides,
    the_budget_is_used_up,
    a_call_takes_people_and_a_scan,
    a_scan_that_is_not_passed,
    a_scanner_that_fails,
    what_is_forbidden_takes_all_trust_away,
)
