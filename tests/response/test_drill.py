"""A drill leaves everything as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.policies.containment.names import deny_arn
from sudo_mcp_guardrails.response.drill import drill, rehearsed
from sudo_mcp_guardrails.response.errors import ContainmentError, RestoreError
from sudo_mcp_guardrails.response.execute import contain
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.plan import plan_containment
from sudo_mcp_guardrails.state.targets import Target
from tests.response.estates import CAUSE, ESTATE, FIRST, NAMES, ORGANIZATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.response.drill import Drill
    from sudo_mcp_guardrails.response.records import Records
    from tests.response.fake_aws import FakeAws

BOT = Target.agent("release-bot")
K2 = plan_containment(ESTATE, BOT, Level.K2, CAUSE)
ROLE = NAMES.role_name("release-bot", "apply")


def run(aws: FakeAws, records: Records, probe: Callable[[], int], level: Level = Level.K2) -> Drill:
    target = {Level.K2: BOT, Level.K3: Target.of_class("release-*"), Level.K4: Target.everyone()}[level]
    plan = plan_containment(ORGANIZATION, target, level, CAUSE)
    return drill(plan, aws, records, NAMES, probe, pause=lambda _: None)


@pytest.mark.parametrize("level", [Level.K2, Level.K3, Level.K4])
def test_all_is_contained_in_between_and_as_it_was_afterwards(level: Level, aws: FakeAws, records: Records) -> None:
    before, running = aws.snapshot(), (aws.approvals.copy(), dict(aws.builds), list(aws.change_sets))
    seen = []

    def probe() -> int:
        seen.append((aws.snapshot() != before, set(aws.items)))
        return 0

    found = run(aws, records, probe, level)
    assert found.passed, found
    assert len(seen) == 1
    assert seen[0][0]
    assert seen[0][1]
    assert aws.snapshot() == before
    assert (aws.approvals, aws.builds, aws.change_sets) == running


def test_a_call_that_gets_through_is_no_pass(aws: FakeAws, records: Records) -> None:
    found = run(aws, records, lambda: 1)
    assert (found.passed, found.calls_after) == (False, 1)


def test_a_probe_that_fails_still_restores(aws: FakeAws, records: Records) -> None:
    before = aws.snapshot()

    def probe() -> int:
        raise RuntimeError("no session")

    found = run(aws, records, probe)
    assert (found.passed, found.calls_after, found.probe_error) == (False, None, "RuntimeError no session")
    assert aws.snapshot() == before


def test_a_step_that_fails_is_no_pass(aws: FakeAws, records: Records) -> None:
    aws.fail = {(FIRST, "attach_role_policy")}
    before = aws.snapshot()
    found = run(aws, records, lambda: 0)
    assert not found.passed
    assert aws.snapshot() == before


def test_a_real_containment_is_not_ended_by_a_drill(aws: FakeAws, records: Records) -> None:
    contain(K2, aws, records, pause=lambda _: None)
    with pytest.raises(ContainmentError, match="is contained in incident 'INC-42', no drill now"):
        run(aws, records, lambda: 0)
    assert deny_arn(NAMES, partition="aws", account=FIRST) in aws.roles[FIRST, ROLE]["attached"]


def test_what_cannot_be_compared_is_not_begun(aws: FakeAws, records: Records) -> None:
    aws.unreachable = {FIRST}
    with pytest.raises(ContainmentError, match="so that no drill can compare"):
        run(aws, records, lambda: 0)
    assert aws.writes == []


def test_a_change_by_somebody_else_is_not_undone(aws: FakeAws, records: Records) -> None:
    def probe() -> int:
        aws.roles[FIRST, ROLE]["boundary"] = "arn:aws:iam::111111111111:policy/theirs"
        return 0

    with pytest.raises(RestoreError, match=f"boundary/{FIRST}/-/{ROLE} changed since"):
        run(aws, records, probe)


def test_what_is_rehearsed_can_be_undone() -> None:
    assert {step.kind.value for step in rehearsed(K2).steps} == {"switch", "deny", "boundary", "trust"}
