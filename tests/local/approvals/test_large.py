"""Plans as large as the intake takes, through the whole workflow."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.local.approvals.site import queue

if TYPE_CHECKING:
    from tests.local.approvals.site import Site

pytestmark = pytest.mark.integration
FIVE_MEGABYTES = 5_000_000


def test_five_megabytes_are_carried_out_as_they_were_approved(site: Site) -> None:
    url = site.client("sqs").create_queue(QueueName="release-bot-large")["QueueUrl"]
    bodies = [f"{number:02}" + "x" * 250_000 for number in range(20)]
    calls = [
        {"service": "sqs", "operation": "SendMessage", "parameters": {"QueueUrl": url, "MessageBody": body}}
        for body in bodies
    ]
    assert len(json.dumps(calls)) > FIVE_MEGABYTES
    approval = site.agent().propose(form="api-calls", data=calls)
    site.waits(approval)
    for name in ("alice", "bob"):
        status, body = site.person(name).decide(approval)
        assert status == 200, body
        if body["status"]["state"] == "approved":
            break
    assert site.ended(approval) == "Executed", site.chain(approval)[-1].body
    found = set()
    while messages := site.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found |= {each["Body"] for each in messages}
    assert found == set(bodies)


def test_hundreds_of_calls_are_carried_out_each_once(site: Site) -> None:
    count = 300
    approval = site.agent().propose(form="api-calls", data=[queue(f"hundreds-{number}") for number in range(count)])
    site.waits(approval)
    for name in ("alice", "bob"):
        status, body = site.person(name).decide(approval)
        assert status == 200, body
        if body["status"]["state"] == "approved":
            break
    assert site.ended(approval) == "Executed", site.chain(approval)[-1].body
    kinds = Counter(site.kinds(approval))
    assert (kinds["call-started"], kinds["call-ended"]) == (count, count)
    assert sum("hundreds-" in name for name in site.queues()) == count


def test_ten_thousand_calls_are_judged_shown_and_decided(site: Site) -> None:
    approval = site.agent().propose(form="api-calls", data=[queue(f"many-{number}") for number in range(10_000)])
    site.waits(approval)
    seen = site.person("alice").look(approval)
    assert seen["request"]["risk"] == "R3"
    assert sum(seen["plan"]["operations"].values()) == 10_000
    assert len(json.dumps(seen)) < 1_000_000  # the page gets the rest when it asks for it
    status, more = site.person("alice").ask("GET", f"/api/approvals/{approval}/changes?offset=9990")
    assert status == 200
    assert "release-bot-many-9999" in json.dumps(more)
    assert site.person("bob").decide(approval, "refuse")[0] == 200
    assert site.ended(approval) == "Ended"
    assert not any("many" in name for name in site.queues())
