"""Many approvals in flight at once: all proposed, all waiting, then all decided and carried out."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.local.approvals import app
from tests.local.approvals.site import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.approvals.site import Site

WIDTH = 4
"""Proposals, and then decisions, that are on their way at the same moment: ministack starts a process for each function
that is called while it works, and two cores do not get through a thousand of them at once."""
_LONG = 3_600.0


@dataclass(frozen=True)
class Flight:
    """What came of some approvals.

    Attributes:
        count: How many were proposed.
        waiting: How many waited for people at one moment.
        ends: How many came to which last state.
        once: How many were carried out exactly once, by their own checked chains.
        made: Queues that are there, of those that were to be made.
        transitions: Of one of them.
        proposed: Seconds from the first proposal until all wait.
        carried_out: Seconds from the first decision until all have ended.
    """

    count: int
    waiting: int
    ends: Counter[str]
    once: int
    made: int
    transitions: int
    proposed: float
    carried_out: float


def fly(site: Site, count: int, report: Callable[[str], None] = lambda _: None) -> Flight:
    """Have so many approvals wait at once, decide all of them, and look what became of each."""
    agent, alice, name = site.agent(), site.person("alice"), f"flight-{count}"

    def propose(number: int) -> str:
        approval = agent.calls(f"{name}-{number}")
        until(lambda: site.token(approval), _LONG)
        if not (number + 1) % 50:
            report(f"{number + 1} proposed after {time.monotonic() - begun:.0f} s")
        return approval

    def decide(approval: str) -> None:
        status, body = alice.decide(approval)
        assert status == 200, (status, body)
        until(lambda: site.status(approval) != "RUNNING", _LONG)

    begun = time.monotonic()
    with ThreadPoolExecutor(WIDTH) as pool:
        approvals = list(pool.map(propose, range(count)))
    proposed = time.monotonic() - begun
    waiting = len(_tokens(site) & {each for each in approvals if site.status(each) == "RUNNING"})
    report(f"{waiting} wait after {proposed:.0f} s")
    begun = time.monotonic()

    with ThreadPoolExecutor(WIDTH) as pool:
        list(pool.map(decide, approvals))
    carried_out = time.monotonic() - begun
    with ThreadPoolExecutor(WIDTH) as pool:
        kinds = list(pool.map(lambda approval: Counter(site.kinds(approval)), approvals))
        states = list(pool.map(site.states, approvals))
    once = sum(
        all(each[kind] == 1 for kind in ("request", "decision", "execution", "call-started", "call-ended", "outcome"))
        for each in kinds
    )
    found = (
        site.client("sqs")
        .get_paginator("list_queues")
        .paginate(QueueNamePrefix=f"release-bot-{name}-", PaginationConfig={"PageSize": 1000})
    )
    made = sum(len(page.get("QueueUrls", [])) for page in found)
    ends = Counter(each[-1] for each in states)
    return Flight(count, waiting, ends, once, made, len(states[0]), proposed, carried_out)


def bare(site: Site, count: int, transitions: int) -> float:
    """Seconds that as many executions of as many Pass states take, started as fast."""
    names = [f"P{number}" for number in range(transitions - 1)]
    after = [*names[1:], "End"]
    states: dict[str, Any] = {name: {"Type": "Pass", "Next": then} for name, then in zip(names, after, strict=True)}
    definition = {"StartAt": names[0], "States": {**states, "End": {"Type": "Succeed"}}}
    client = site.client("stepfunctions")
    arn = client.create_state_machine(
        name=f"bare-{count}",
        definition=json.dumps(definition),
        roleArn=f"arn:aws:iam::{site.spec.account}:role/{app.HOST}",
    )["stateMachineArn"]
    begun = time.monotonic()
    with ThreadPoolExecutor(WIDTH) as pool:
        started = list(
            pool.map(
                lambda number: client.start_execution(stateMachineArn=arn, name=f"bare-{number}")["executionArn"],
                range(count),
            )
        )
    until(lambda: all(client.describe_execution(executionArn=each)["status"] == "SUCCEEDED" for each in started), 600)
    return time.monotonic() - begun


def _tokens(site: Site) -> set[str]:
    found: set[str] = set()
    for page in (
        site.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=site.outputs["Tokens"], ConsistentRead=True, ProjectionExpression="approval")
    ):
        found |= {item["approval"]["S"] for item in page["Items"]}
    return found
