"""One large change in small pieces: earlier plans of the same agent count together with this one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.risk import Recent, RiskLimits, assess
from sudo_mcp_guardrails.approval.risk_rules.context import MAX_RECENT
from tests.approval.risky import CONTEXT, call, made, plan

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.plan import Plan

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def queue(number: int) -> str:
    return f"arn:aws:sqs:eu-central-1:111111111111:bot-{number}"


def small(number: int, *resources: int) -> Plan:
    return plan(
        call("sqs:TagQueue", *map(queue, resources or (number,)), after={"Tags": {"n": str(number)}}), target=""
    )


def recent(*plans: Plan, before: timedelta = HOUR) -> tuple[Recent, ...]:
    return tuple(Recent.of(one, RiskClass.R1, NOW - before) for one in plans)


def risk(one: Plan, *earlier: Recent, limits: RiskLimits | None = None) -> tuple[RiskClass, set[str]]:
    context = replace(CONTEXT, recent=earlier, now=NOW, limits=limits or RiskLimits())
    found = assess(one, context)
    return found.risk, {reason.text for reason in found.reasons if reason.rule == "splitting"}


def test_plans_on_one_thing_sum_up() -> None:
    earlier = recent(*(small(n, 1) for n in range(2, 16)))
    assert risk(small(1), *earlier[:3])[0] is RiskClass.R1
    assert risk(small(1), *earlier[:4])[0] is RiskClass.R2
    assert risk(small(1), *earlier[:13])[0] is RiskClass.R2
    assert risk(small(1), *earlier[:14])[0] is RiskClass.R3


def test_plans_on_other_things_do_not() -> None:
    assert risk(small(1), *recent(*(small(n) for n in range(2, 30)))) == (RiskClass.R1, set())


def test_what_connects_two_things_connects_their_plans() -> None:
    chain = [small(n, n, n + 1) for n in range(1, 15)]
    assert risk(small(0, 1), *recent(*chain[:3]))[0] is RiskClass.R1
    assert risk(small(0, 1), *recent(*chain))[0] is RiskClass.R3
    assert risk(small(0, 1), *recent(*(chain[:1] + chain[2:])))[0] is RiskClass.R1


def test_changes_of_one_stack_sum_up() -> None:
    halves = [plan(*(made("AWS::SQS::Queue", id=f"Q{half}{n}") for n in range(5))) for half in range(2)]
    assert risk(halves[0])[0] is RiskClass.R1
    assert risk(halves[0], *recent(halves[1]))[0] is RiskClass.R2


def test_the_window_ends() -> None:
    earlier = tuple(small(n, 1) for n in range(2, 9))
    assert risk(small(1), *recent(*earlier, before=timedelta(hours=24)))[0] is RiskClass.R2
    assert risk(small(1), *recent(*earlier, before=timedelta(hours=24, seconds=1)))[0] is RiskClass.R1
    assert risk(small(1), *recent(*earlier, before=-HOUR))[0] is RiskClass.R2  # a clock that jumps excuses nothing


def test_one_plan_counts_once_and_this_one_is_not_its_own_past() -> None:
    assert risk(small(1), *recent(*[small(2, 1)] * 50))[0] is RiskClass.R1
    assert risk(small(1), *recent(*[small(1)] * 50))[0] is RiskClass.R1


def test_an_escalation_path_in_two_plans_is_one() -> None:
    first = plan(call("lambda:CreateFunction", "*", actions=("lambda:CreateFunction",)), target="a")
    second = plan(call("lambda:CreateEventSourceMapping", "*"), target="b")
    passing = plan(call("iam:PassRole", "arn:aws:iam::111111111111:role/x"), target="c")
    assert risk(second, *recent(first))[1] == set()
    found = risk(second, *recent(first, passing))
    assert found[0] is RiskClass.R3
    assert any("completes path" in text for text in found[1])


def test_reads_are_no_pieces() -> None:
    read = plan(call("sqs:GetQueueAttributes", queue(1)), target="")
    assert risk(read, *recent(*(small(n, 1) for n in range(2, 40)))) == (RiskClass.R0, set())


def test_more_than_can_be_looked_at_is_a_reason() -> None:
    one = recent(small(2))[0]
    many = tuple(replace(one, digest=str(n)) for n in range(MAX_RECENT + 1))
    assert risk(small(1), *many[:-1])[0] is RiskClass.R1
    assert risk(small(1), *many)[0] is RiskClass.R3


def test_times_have_zones() -> None:
    with pytest.raises(PlanError, match="has no zone"):
        replace(recent(small(1))[0], at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
    with pytest.raises(PlanError, match="has no zone"):
        replace(CONTEXT, now=datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
