"""A finding that contains: from the agent's call to its containment, once, of that agent and of nobody else."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local import receivers
from tests.local.monitoring import app
from tests.local.monitoring.site import until

if TYPE_CHECKING:
    from tests.local.monitoring.site import Site

pytestmark = pytest.mark.integration


def contained(site: Site) -> list[str]:
    items = site.client("dynamodb").scan(TableName=site.outputs["SwitchTable"])["Items"]
    return sorted(item["target"]["S"] for item in items)


def executions(site: Site) -> list[dict[str, Any]]:
    """All executions of the state machine that ended, with what they were asked and what came of it."""
    states = site.client("stepfunctions")
    found = states.list_executions(stateMachineArn=site.outputs["Machine"])["executions"]
    described = [states.describe_execution(executionArn=one["executionArn"]) for one in found]
    return [
        {**one, "asked": json.loads(one["input"]), "said": json.loads(one.get("output") or "{}")}
        for one in described
        if one["status"] != "RUNNING"
    ]


def about(site: Site, agent: Any) -> list[dict[str, Any]]:
    """Return what findings about an agent started; the finding itself is what the machine was given."""
    return [one for one in executions(site) if one["asked"].get("unmapped", {}).get("agent") == agent]


def forged(site: Site, agent: Any, uid: str, **more: Any) -> None:
    """Put a finding on the bus as the account's root: no agent may (see the proof)."""
    detail = {
        "rule": "agent_changes_identities",
        "severity_id": 5,
        "activity_id": 1,
        "finding_info": {"uid": uid},
        "unmapped": {"contains": "true", "agent": agent},
        **more,
    }
    entry = {"Source": "mcp-guardrails.detection", "DetailType": "AgentFinding", "Detail": json.dumps(detail)}
    site.client("events").put_events(Entries=[{**entry, "EventBusName": site.outputs["Bus"]}])


@pytest.fixture(scope="module")
def notices(delivery: Site) -> str:
    """A queue that hears what people are told of containments; its name."""
    sqs, events = delivery.client("sqs"), delivery.client("events")
    arn = f"arn:aws:sqs:{app.REGION}:{app.ACCOUNT}:notices-heard"
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]}
    sqs.create_queue(QueueName="notices-heard", Attributes={"Policy": json.dumps(policy)})
    events.put_rule(Name="notices", EventPattern=json.dumps({"detail-type": ["Containment Notice"]}))
    events.put_targets(Rule="notices", Targets=[{"Id": "1", "Arn": arn}])
    return "notices-heard"


def notice(site: Site, queue: str, target: str) -> dict[str, Any]:
    """What people were told about a target."""

    def found() -> Any:
        details = [json.loads(one)["detail"] for one in site.bodies(queue)]
        return next((one for one in details if one["request"].get("target") == target), None)

    one: dict[str, Any] = until(found)
    return one


def test_an_agent_that_touches_a_honeytoken_is_stopped_at_once_and_alone(delivery: Site, notices: str) -> None:
    bad, good = delivery.agent("release-bot"), delivery.agent("cost-bot")
    secret = delivery.client("secretsmanager", bad)
    begin = time.monotonic()
    with pytest.raises(ClientError, match="AccessDenied"):
        secret.get_secret_value(SecretId=app.HONEYTOKEN)
    until(lambda: contained(delivery) == ["agent:release-bot"])
    print(f"contained after {time.monotonic() - begin:.2f} s")  # noqa: T201 - the measured delay, for the page
    [done] = until(lambda: about(delivery, "release-bot"))
    assert done["status"] == "SUCCEEDED", done
    asked = done["said"]["request"]
    assert asked["level"] == "K2"
    assert asked["reason"] == "finding of rule guardrail_honeytoken_used"
    assert asked["by"].endswith(":role/mcp-guardrails/mcp-guardrails-containment-trigger")
    # Its live session is denied at the next call, and it gets no other; the other agent works on.
    with pytest.raises(ClientError, match="AccessDenied"):
        delivery.client("sqs", bad).list_queues()
    assert delivery.mint("release-bot")[0] == 403
    delivery.client("sqs", good).list_queues()
    assert delivery.mint("cost-bot")[0] == 200
    told = notice(delivery, notices, "agent:release-bot")
    assert told["complete"]
    # The SOC knows who, by all five; the incident has the finding's id.
    _, body = delivery.hooks.wait(app.PATHS["PagerDuty"], wanted=lambda one: "honeytoken" in json.dumps(one))
    receivers.pager_duty(body)
    assert body["payload"]["severity"] == "critical"
    assert asked["incident"] == f"finding-{body['dedup_key']}"
    for name in ("Slack", "Teams", "Jira", "ServiceNow"):
        _, body = delivery.hooks.wait(
            app.PATHS[name], wanted=lambda one: "guardrail_honeytoken_used" in json.dumps(one)
        )
        receivers.CHECKS[name](body)
        assert "agent release-bot" in json.dumps(body)
    assert not delivery.letters(delivery.outputs["TriggerDead"])


def test_the_same_finding_again_contains_nothing_again(delivery: Site) -> None:
    [first] = about(delivery, "release-bot")
    uid = first["said"]["request"]["incident"].removeprefix("finding-")
    before = delivery.client("dynamodb").scan(TableName=delivery.outputs["SwitchTable"])["Items"]
    forged(delivery, "release-bot", uid)
    until(lambda: len(about(delivery, "release-bot")) == 2)
    again = max(about(delivery, "release-bot"), key=lambda one: one["startDate"])
    assert again["status"] == "SUCCEEDED"
    assert again["said"]["report"]["already"], again["said"]["report"]
    assert delivery.client("dynamodb").scan(TableName=delivery.outputs["SwitchTable"])["Items"] == before


def test_a_person_restores_it_and_the_old_finding_does_not_come_back(delivery: Site) -> None:
    request = {"op": "restore", "target": "agent:release-bot", "reason": "a test", "incident": "INC-1"}
    intake = delivery.intake()
    ended = intake.ended(intake.ask(request))
    assert ended["status"] == "SUCCEEDED", ended
    assert delivery.mint("release-bot")[0] == 200
    time.sleep(3)
    assert contained(delivery) == []


@pytest.mark.parametrize(
    "who",
    [
        *(
            "mcp-guardrails-responder",
            "nobody-bot",
            "",
            "release-bot/../cost-bot",
            "release\\u002dbot",
            "release-bot\n",
        ),
        *('*", "target": "all', 'release-bot", "op": "restore", "x": "', ["release-bot"]),
    ],
)
def test_a_finding_about_nobody_registered_contains_nobody_and_people_are_told(
    delivery: Site, notices: str, who: Any
) -> None:
    """Also where it names the responder itself, or something that would be another request if it were text."""
    forged(delivery, who, hashlib.sha256(json.dumps(who).encode()).hexdigest()[:32])
    [failed] = until(lambda: about(delivery, who))
    assert failed["status"] == "FAILED", failed
    if isinstance(who, str):
        told = notice(delivery, notices, f"agent:{who}")
        assert not told["complete"]
        assert told["failure"]["error"]
    assert contained(delivery) == []
    for agent in app.AGENTS:
        assert delivery.mint(agent)[0] == 200


def test_a_finding_that_does_not_contain_starts_nothing(delivery: Site) -> None:
    before = len(executions(delivery))
    forged(delivery, "cost-bot", "cd" * 16, unmapped={"agent": "cost-bot"})
    forged(delivery, "cost-bot", "cd" * 16, unmapped={"agent": "cost-bot", "contains": "false"})
    forged(delivery, "cost-bot", "cd" * 16, unmapped={"contains": "true"})
    time.sleep(2)
    assert len(executions(delivery)) == before
    assert contained(delivery) == []


def test_an_agent_puts_no_finding_on_the_bus(delivery: Site) -> None:
    events = delivery.client("events", delivery.agent("cost-bot"))
    entry = {"Source": "mcp-guardrails.detection", "DetailType": "AgentFinding", "Detail": "{}"}
    with pytest.raises(ClientError, match="AccessDenied"):
        events.put_events(Entries=[{**entry, "EventBusName": delivery.outputs["Bus"]}])
