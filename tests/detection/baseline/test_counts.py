from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.detection.baseline import counts as module
from sudo_mcp_guardrails.detection.baseline.calls import Call
from sudo_mcp_guardrails.detection.baseline.counts import FORGET, OTHERS, WINDOW, Counts, surplus
from sudo_mcp_guardrails.detection.baseline.document import MAX_TASKS, Baseline
from tests.detection.baseline.made import DAY, made

if TYPE_CHECKING:
    from random import Random

_ACTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("s3:GetObject", {}),
    ("s3:PutObject", {"sourceIPAddress": "198.51.100.1"}),
    ("s3:PutObject", {"errorCode": "AccessDenied"}),
    ("dynamodb:DeleteTable", {"awsRegion": "us-east-1"}),
    ("ec2:DescribeVpcs", {"userAgent": "aws-cli/2"}),
    ("iam:CreateUser", {"errorCode": "EntityAlreadyExists"}),
)
_CALLS = [Call.of(made(action, **fields).event) for action, fields in _ACTIONS]
_Run = tuple[list[tuple[int, int, int, int]], int]
_EVENTS = st.tuples(
    st.integers(0, len(_CALLS) - 1), st.integers(DAY, DAY + 45), st.integers(0, 86_399), st.integers(0, 11)
)
_RUNS = st.lists(st.tuples(st.lists(_EVENTS, min_size=1, max_size=8), st.integers(0, 60)), min_size=1, max_size=10)


def _merged(runs: list[_Run]) -> Baseline:
    baseline = Baseline("bot")
    for events, peak in runs:
        run = Baseline("bot", merges=1)
        for index, day, second, task in events:
            run.counts(f"task-{task}").add(_CALLS[index], day * 86_400 + second)
        for counts in run.tasks.values():
            counts.sessions[max(counts.calls)] = {peak: 1}
        baseline.merge(run)
    return baseline


@settings(deadline=None)
@given(_RUNS, st.randoms(use_true_random=False))
def test_the_order_in_which_runs_are_merged_does_not_matter(runs: list[_Run], random: Random) -> None:
    small = pytest.MonkeyPatch()
    with small.context() as patch:  # so that every limit is reached
        patch.setattr(module, "MAX_ACTIONS", 3)
        patch.setattr(module, "MAX_TERMS", 6)
        first = _merged(runs)
        shuffled = list(runs)
        random.shuffle(shuffled)
        second = _merged(shuffled)
    assert first.digest == second.digest
    assert len(first.tasks) <= MAX_TASKS + 1
    for counts in first.tasks.values():
        assert len(counts.last) <= 6
        assert all(len(actions) <= 4 for actions in counts.actions.values())


@settings(deadline=None)
@given(_RUNS)
def test_what_is_older_than_the_windows_is_forgotten_and_nothing_else(runs: list[_Run]) -> None:
    baseline = _merged(runs)
    latest = baseline.latest
    for counts in baseline.tasks.values():
        assert all(latest - FORGET < day <= latest for day in (*counts.calls, *counts.last.values(), *counts.sessions))
        assert all(latest - WINDOW < day <= latest for day in counts.actions)
        assert all(latest - WINDOW < hour // 24 <= latest for hour in counts.hours)
    days = [(day, task) for events, _ in runs for _, day, _, task in events if day > latest - FORGET]
    assert sum(sum(counts.calls.values()) for counts in baseline.tasks.values()) == len(days)


def test_calls_are_counted_by_day_and_hour() -> None:
    counts = Counts()
    for call in _CALLS:
        counts.add(call, DAY * 86_400 + 3_600 * 9)
    counts.add(_CALLS[0], DAY * 86_400 + 3_600 * 24)
    assert counts.calls == {DAY: 6, DAY + 1: 1}
    assert counts.actions[DAY] == {
        "s3:GetObject": 1, "s3:PutObject": 1, "s3:PutObject!": 1, "dynamodb:DeleteTable": 1, "ec2:DescribeVpcs": 1,
        "iam:CreateUser": 1,
    }  # fmt: skip
    assert counts.hours == {DAY * 24 + 9: [4, 1, 2], DAY * 24 + 24: [0, 0, 0]}
    assert counts.last["action s3:GetObject"] == DAY + 1


def test_a_refused_call_teaches_no_term() -> None:
    counts = Counts()
    counts.add(_CALLS[2], DAY * 86_400)
    assert counts.last == {}
    assert counts.actions == {DAY: {"s3:PutObject!": 1}}


def test_a_flood_of_different_actions_and_terms_stays_bounded() -> None:
    counts = Counts()
    for number in range(4_000):
        counts.add(Call.of(made(f"s3:Get{number}", sourceIPAddress=f"10.{number % 256}.0.1").event), DAY * 86_400)
    counts.trim(DAY)
    assert len(counts.actions[DAY]) == module.MAX_ACTIONS + 1
    assert counts.actions[DAY][OTHERS] == 4_000 - module.MAX_ACTIONS
    assert len(counts.last) == module.MAX_TERMS


def test_two_days_that_are_merged_stay_bounded() -> None:
    one, other = (Counts({1: 300}, {1: {f"{who}{number}": 1 for number in range(300)}}) for who in "ab")
    one.merge(other)
    assert len(one.actions[1]) == module.MAX_ACTIONS + 1
    assert sum(one.actions[1].values()) == 600


def test_the_surplus_is_the_same_in_every_order() -> None:
    names = [f"n{number}" for number in range(20)]
    assert surplus(names, 20) == []
    assert surplus([*names, OTHERS], 20) == []
    gone = surplus(names, 5)
    assert len(gone) == 15
    assert surplus(names[::-1], 5) == gone
    assert OTHERS not in surplus([*names, OTHERS], 0)
