"""Schedules act as their roles, and a schedule that gets another time comes due at it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.local.embedded.conftest import Account

TRUST = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
WINDOW = {"Mode": "OFF"}
PAST = "at(2020-01-01T00:00:00)"


def target(account: Account, queue: str, role: str) -> dict[str, Any]:
    return {"Arn": f"arn:aws:sqs:us-east-1:{account.id}:{queue}", "RoleArn": role, "Input": '{"for": "' + queue + '"}'}


def test_only_a_role_that_may_call_the_target_does(account: Account) -> None:
    sqs, scheduler = account.client("sqs"), account.client("scheduler")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("open", "closed", "untrusted", "moved")}
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    may = account.role("may", send, trust=TRUST)
    roles = {"open": may, "closed": account.role("may-not", trust=TRUST), "untrusted": account.role("other", send)}
    scheduler.create_schedule(
        Name="moved",
        ScheduleExpression="cron(0 0 1 1 ? 2099)",
        FlexibleTimeWindow=WINDOW,
        Target=target(account, "moved", may),
    )
    time.sleep(11)  # a sweep has seen it, which is what kept it from coming due
    scheduler.update_schedule(
        Name="moved", ScheduleExpression=PAST, FlexibleTimeWindow=WINDOW, Target=target(account, "moved", may)
    )
    for name in ("closed", "untrusted", "open"):
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression=PAST,
            FlexibleTimeWindow=WINDOW,
            Target=target(account, name, roles[name]),
        )
    end = time.monotonic() + 25
    found: dict[str, str] = {}
    while set(found) != {"open", "moved"} and time.monotonic() < end:
        for name, url in urls.items():
            for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
                found[name] = message["Body"]
        time.sleep(0.2)
    assert found == {name: f'{{"for": "{name}"}}' for name in ("open", "moved")}
    for name in ("closed", "untrusted"):
        assert not sqs.receive_message(QueueUrl=urls[name]).get("Messages")
