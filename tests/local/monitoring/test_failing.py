"""Receivers that fail: tried again, kept with the reason, told of by an alarm; and what the others get all the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local import receivers
from tests.local.monitoring import app
from tests.local.monitoring.site import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local.monitoring.site import Site

pytestmark = pytest.mark.integration
EVENTS = 20


@pytest.fixture
def broken(delivery: Site) -> Iterator[Site]:
    """The deployment; receivers mend and dead letters go at the end."""
    yield delivery
    delivery.hooks.failing.clear()
    delivery.client("sqs").purge_queue(QueueUrl=delivery.outputs["Dead"])
    until(lambda: state(delivery) == "OK")


def state(site: Site) -> str:
    [found] = site.client("cloudwatch").describe_alarms(AlarmNames=[site.outputs["DeadAlarm"]])["MetricAlarms"]
    return str(found["StateValue"])


def letters(site: Site, marks: str, wanted: int = 1) -> Any:
    """So many dead letters that have the marks, or more."""
    kept: dict[str, Any] = {}

    def found() -> Any:
        kept.update({one["MessageId"]: one for one in site.letters(site.outputs["Dead"], hidden=30)})
        own = [one for one in kept.values() if marks in one["Body"]]
        return own if len(own) >= wanted else None

    return until(found)


@pytest.mark.parametrize(("target", "status"), [("PagerDuty", 503), ("Jira", 429), ("Slack", 400), ("ServiceNow", 401)])
def test_what_is_not_taken_is_tried_again_kept_and_told_of(broken: Site, target: str, status: int) -> None:
    path, role = app.PATHS[target], f"ops-fails-{target.lower()}"
    broken.hooks.failing[path] = status
    before = broken.hooks.asked[path]
    broken.call(role)
    [letter] = letters(broken, role)
    again = status != 400
    assert broken.hooks.asked[path] - before == (3 if again else 1)
    said = {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}
    assert said["ERROR_MESSAGE"] == f"the endpoint answered {status}"
    assert ("EXHAUSTED_RETRY_CONDITION" in said) is again
    # What is kept is the message itself, which can be sent once more; the connection's secrets are not in it.
    kept = json.loads(letter["Body"])
    if target == "PagerDuty":
        assert "routing_key" not in kept
        kept["routing_key"] = app.ROUTING_KEY
    receivers.CHECKS[target](kept)
    assert app.TOKEN not in letter["Body"]
    until(lambda: state(broken) == "ALARM")
    # The alarm's text and state came to its topic.
    until(lambda: [one for one in broken.bodies("alarms-heard") if broken.outputs["DeadAlarm"] in one])
    for other in set(app.PATHS) - {target}:
        _, body = broken.hooks.wait(app.PATHS[other], wanted=lambda body: role in json.dumps(body))
        receivers.CHECKS[other](body)


def test_a_receiver_that_mends_gets_it(broken: Site) -> None:
    path = app.PATHS["Teams"]
    broken.hooks.failing[path] = 500
    before = broken.hooks.asked[path]
    broken.call("ops-mends")
    until(lambda: broken.hooks.asked[path] > before, 30)
    broken.hooks.failing.clear()
    _, body = broken.hooks.wait(path, wanted=lambda body: "ops-mends" in json.dumps(body))
    receivers.teams(body)
    assert not broken.letters(broken.outputs["Dead"])


def test_all_fail_and_nothing_is_lost(broken: Site) -> None:
    """Each finding is either with its receiver or in the queue, once: none is lost, and none is there twice."""
    for path in app.PATHS.values():
        broken.hooks.failing[path] = 500
    for number in range(EVENTS):
        broken.call(f"ops-storm-{number:02d}")
    found = letters(broken, "ops-storm-", EVENTS * len(app.PATHS))
    for number in range(EVENTS):
        assert sum(f"ops-storm-{number:02d}" in one["Body"] for one in found) == len(app.PATHS)
    assert len(found) == EVENTS * len(app.PATHS)
    told = [one for one in until(lambda: broken.bodies("topic-heard")) if "ops-storm-" in one]
    assert len(told) == EVENTS


def test_security_hub_that_is_off_loses_nothing_either(broken: Site) -> None:
    hub, sqs, url = broken.client("securityhub"), broken.client("sqs"), broken.outputs["Queue"]
    kept = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    # Else it would be shown again after six times the function's timeout, which nobody waits for here.
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "4"})
    hub.disable_security_hub()
    try:
        event = broken.call("ops-hub-off")
        # The bus has it at once; the message goes back to the queue until Security Hub takes it too.
        broken.hooks.wait(app.PATHS["PagerDuty"], wanted=lambda body: "ops-hub-off" in json.dumps(body))
    finally:
        hub.enable_security_hub()
    until(lambda: broken.hub(event))
    sqs.set_queue_attributes(QueueUrl=url, Attributes=kept)
    pages = [path for path, _, body in broken.hooks.taken if "ops-hub-off" in json.dumps(body)]
    assert sorted(pages) == sorted(app.PATHS.values())
