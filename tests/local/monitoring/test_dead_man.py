"""The dead man's switch: silent while canaries come through, an alarm wherever the way is cut, silent again after."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.monitoring.site import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.local.monitoring.site import Site

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def called(delivery: Site) -> Iterator[Site]:
    """The deployment, its canary called each half second: the schedule's minute, as its alarm's period is shortened."""
    stop, client = threading.Event(), delivery.client("lambda")

    def call() -> None:
        while not stop.wait(0.5):
            client.invoke(FunctionName=delivery.outputs["Canary"], Payload=b"{}")

    thread = threading.Thread(target=call)
    thread.start()
    yield delivery
    stop.set()
    thread.join()


def state(site: Site, alarm: str) -> str:
    [found] = site.client("cloudwatch").describe_alarms(AlarmNames=[site.outputs[alarm]])["MetricAlarms"]
    return str(found["StateValue"])


def rules(site: Site) -> list[str]:
    """The rules on the default bus that send to the function's queue."""
    events = site.client("events")
    arn = f":{site.outputs['Queue'].rpartition('/')[2]}"
    return [
        one["Name"]
        for one in events.list_rules()["Rules"]
        if any(each["Arn"].endswith(arn) for each in events.list_targets_by_rule(Rule=one["Name"])["Targets"])
    ]


def rules_off(site: Site) -> Callable[[], None]:
    events = site.client("events")
    found = [events.describe_rule(Name=name) for name in rules(site)]
    assert found
    for one in found:
        events.disable_rule(Name=one["Name"])

    def mend() -> None:
        for one in found:
            events.put_rule(Name=one["Name"], EventPattern=one["EventPattern"], State=one["State"])

    return mend


def bus_closed(site: Site) -> Callable[[], None]:
    """The function may tell nobody: its events are looked at, and no finding comes of them."""
    iam, name = site.client("iam"), site.client("lambda").get_function(FunctionName=site.outputs["Detect"])
    role = name["Configuration"]["Role"].rpartition("/")[2]
    deny = {"Effect": "Deny", "Action": "events:PutEvents", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName=role, PolicyName="closed", PolicyDocument=document)
    return lambda: iam.delete_role_policy(RoleName=role, PolicyName="closed")


def queue_closed(site: Site) -> Callable[[], None]:
    """The queue lets no rule send."""
    sqs, url = site.client("sqs"), site.outputs["Queue"]
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    document = json.loads(policy)
    document["Statement"].append(deny)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(document)})
    return lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def unread(site: Site) -> Callable[[], None]:
    """The function reads the queue no more."""
    client = site.client("lambda")
    [mapping] = client.list_event_source_mappings(FunctionName=site.outputs["Detect"])["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    return lambda: client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def told(site: Site, wanted: str) -> Any:
    return [one for one in site.bodies("alarms-heard") if site.outputs["CanaryAlarm"] in one and wanted in one]


@pytest.mark.parametrize("cut", [rules_off, queue_closed, unread, bus_closed])
def test_a_way_that_is_cut_is_told_of_and_mended_again(called: Site, cut: Callable[[Site], Callable[[], None]]) -> None:
    until(lambda: state(called, "CanaryAlarm") == "OK")
    before = len(told(called, '"NewStateValue": "ALARM"'))
    mend = cut(called)
    try:
        until(lambda: state(called, "CanaryAlarm") == "ALARM")
        until(lambda: len(told(called, '"NewStateValue": "ALARM"')) > before)
    finally:
        mend()
    until(lambda: state(called, "CanaryAlarm") == "OK")
    assert told(called, '"NewStateValue": "OK"')


def test_the_canary_is_heard_and_bothers_nobody(called: Site) -> None:
    until(lambda: state(called, "CanaryAlarm") == "OK")
    assert not [one for one in called.bodies("topic-heard") if "canary" in one]
    assert not [path for path, _, body in called.hooks.taken if "monitoring_canary" in json.dumps(body)]
    assert (
        called.client("securityhub").get_findings(
            Filters={"GeneratorId": [{"Value": "sudo-mcp-guardrails/monitoring_canary", "Comparison": "EQUALS"}]}
        )["Findings"]
        == []
    )
