"""Undoing: what comes back, what does not, and what is refused before anything is changed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.policies.containment.names import deny_arn
from sudo_mcp_guardrails.response.errors import ContainmentError, RecordError, RestoreError
from sudo_mcp_guardrails.response.execute import contain
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.outcome import Outcome
from sudo_mcp_guardrails.response.plan import plan_containment
from sudo_mcp_guardrails.response.record import RecordState
from sudo_mcp_guardrails.response.restore import Restoration, restore
from sudo_mcp_guardrails.state.targets import Target
from tests.response.estates import ANN, CAUSE, ESTATE, FIRST, NAMES, ORGANIZATION, build_of

if TYPE_CHECKING:
    from sudo_mcp_guardrails.response.outcome import Report
    from sudo_mcp_guardrails.response.records import Records
    from tests.response.fake_aws import FakeAws

BOT = Target.agent("release-bot")
APPLY = NAMES.role_name("release-bot", "apply")
TRUST = f"trust/{FIRST}/-/{APPLY}"


def no_pause(_: float) -> None:
    """Do not wait."""


def run(aws: FakeAws, records: Records, target: Target = BOT, level: Level = Level.K2, estate: Any = ESTATE) -> Report:
    return contain(plan_containment(estate, target, level, CAUSE), aws, records, pause=no_pause)


def undo(aws: FakeAws, records: Records, target: Target = BOT, by: str = ANN, **more: Any) -> Report:
    return restore(Restoration(target, by, **more), aws, records, NAMES, pause=no_pause)


def test_all_is_as_it_was_but_for_what_was_in_flight(aws: FakeAws, records: Records) -> None:
    before = aws.snapshot()
    contained = run(aws, records)
    report = undo(aws, records, digest=contained.record.digest)
    assert report.complete, report.failed
    assert aws.snapshot() == before
    assert report.record.state is RecordState.RESTORED
    assert report.record.previous == contained.record.digest
    listed = {step.step.split("/")[0]: step.detail for step in report.steps if step.outcome is Outcome.LISTED}
    assert "2 cancelled and not brought back: apr-1, apr-2" in listed["approvals"]
    assert build_of("release-bot", 1) in listed["builds"]
    assert "t-own" in listed["requests"]
    assert "t-nobody" not in listed["requests"]
    assert not aws.approvals


def test_the_switch_comes_last(aws: FakeAws, records: Records) -> None:
    run(aws, records)
    count = len(aws.writes)
    undo(aws, records)
    assert aws.writes[count:][-2:] == ["delete_item", "put_object"]


def test_contained_restored_and_contained_again(aws: FakeAws, records: Records) -> None:
    before = aws.snapshot()
    first = run(aws, records).record
    undo(aws, records)
    second = run(aws, records)
    assert second.complete
    assert not second.already
    assert second.record.revision > first.revision
    assert undo(aws, records).complete
    assert aws.snapshot() == before


def test_an_scp_is_detached(aws: FakeAws, records: Records) -> None:
    run(aws, records, Target.everyone(), Level.K4, ORGANIZATION)
    assert undo(aws, records, Target.everyone()).complete
    assert not aws.attached


def test_an_scp_that_was_attached_before_stays(aws: FakeAws, records: Records) -> None:
    aws.attached.add(("p-allagents", "r-abcd"))
    report = run(aws, records, Target.everyone(), Level.K4, ORGANIZATION)
    assert Outcome.ALREADY in {step.outcome for step in report.steps if step.step.startswith("scp/")}
    assert undo(aws, records, Target.everyone()).complete
    assert aws.attached == {("p-allagents", "r-abcd")}


class TestRefused:
    def test_without_a_record(self, aws: FakeAws, records: Records) -> None:
        with pytest.raises(RestoreError, match=r"'agent:release-bot' has no restore record"):
            undo(aws, records)

    def test_twice(self, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        undo(aws, records)
        with pytest.raises(RestoreError, match="is not contained: its record says restored"):
            undo(aws, records)

    def test_another_digest(self, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        self._refused(aws, records, RestoreError, "expected '0000", digest="0" * 64)

    def test_a_record_that_was_changed(self, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        key = max(aws.objects)
        aws.objects[key] = aws.objects[key].replace(b"boundary/mcp-guardrails-agent", b"boundary/mcp-guardrails-agenT")
        self._refused(aws, records, RecordError, "its content has")

    def test_a_record_of_another_target(self, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        run(aws, records, Target.agent("cost-bot"))
        keys = [max(k for k in aws.objects if name in k) for name in ("release-bot", "cost-bot")]
        aws.objects[keys[0]] = aws.objects[keys[1]]
        self._refused(aws, records, RecordError, "of 'agent:cost-bot', expected one of 'agent:release-bot'")

    def test_an_older_revision_in_the_place_of_the_newest(self, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        keys = sorted(aws.objects)
        aws.objects[keys[-1]] = aws.objects[keys[0]]
        self._refused(aws, records, RecordError, "is revision 1")

    @pytest.mark.parametrize("field", ["trust", "boundary", "attached"])
    def test_a_place_that_somebody_changed_meanwhile(self, field: str, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        changed = {"attached": ["arn:aws:iam::aws:policy/AdministratorAccess"], "boundary": "arn:aws:iam::1:policy/x"}
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "999999999999"}}
        changed["trust"] = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        aws.roles[FIRST, APPLY][field] = changed[field]
        kind = "deny" if field == "attached" else field
        self._refused(aws, records, RestoreError, rf"{kind}/{FIRST}/-/{APPLY} changed since")

    def test_and_restored_where_people_say_so(self, aws: FakeAws, records: Records) -> None:
        before = aws.snapshot()
        run(aws, records)
        aws.roles[FIRST, APPLY]["trust"] = '{"Version":"2012-10-17","Statement":[]}'
        assert undo(aws, records, drifted=frozenset({TRUST})).complete
        assert aws.snapshot() == before

    def test_a_step_that_there_is_not(self, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        self._refused(
            aws, records, RestoreError, "'trust/1/-/x' is not in the record", drifted=frozenset({"trust/1/-/x"})
        )

    def test_a_switch_that_somebody_else_threw_meanwhile(self, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        aws.items["agent:release-bot"] |= {"incident": {"S": "INC-99"}}
        self._refused(aws, records, RestoreError, "switch/")

    def test_what_cannot_be_read(self, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        aws.unreachable = {FIRST}
        self._refused(aws, records, RestoreError, "cannot be read, so nothing was restored")

    @pytest.mark.parametrize(
        "by",
        [
            f"arn:aws:sts::{FIRST}:assumed-role/{APPLY}/run-1",
            f"arn:aws:iam::{FIRST}:role/mcp-guardrails/agents/cost-bot/mcp-guardrails-cost-bot-read",
        ],
    )
    def test_by_an_agent(self, by: str, aws: FakeAws, records: Records) -> None:
        run(aws, records)
        self._refused(aws, records, ContainmentError, "is agent", by=by)

    def test_while_another_containment_rests_on_it(self, aws: FakeAws, records: Records) -> None:
        before = aws.snapshot()
        run(aws, records)
        run(aws, records, Target.everyone(), Level.K4)
        self._refused(aws, records, RestoreError, "contained by 'all' as well, restore that one first")
        assert undo(aws, records, Target.everyone()).complete
        # What the first one did still holds.
        assert deny_arn(NAMES, partition="aws", account=FIRST) in aws.roles[FIRST, APPLY]["attached"]
        assert undo(aws, records).complete
        assert aws.snapshot() == before

    def _refused(self, aws: FakeAws, records: Records, error: type[Exception], match: str, **more: Any) -> None:
        before, count = aws.snapshot(), len(aws.writes)
        with pytest.raises(error, match=match):
            undo(aws, records, **more)
        assert aws.snapshot() == before
        assert len(aws.writes) == count


class TestFailures:
    def test_one_that_fails_leaves_the_record_open(self, aws: FakeAws, records: Records) -> None:
        before = aws.snapshot()
        run(aws, records)
        aws.fail = {(FIRST, "update_assume_role_policy")}
        report = undo(aws, records)
        assert not report.complete
        assert {step.step.split("/")[0] for step in report.failed} == {"trust"}
        assert report.record.state is RecordState.CONTAINED
        aws.fail = set()
        assert undo(aws, records).complete
        assert aws.snapshot() == before

    def test_a_role_without_a_boundary_gets_none_back(self, aws: FakeAws, records: Records) -> None:
        aws.roles[FIRST, APPLY]["boundary"] = ""
        before = aws.snapshot()
        run(aws, records)
        assert undo(aws, records).complete
        assert aws.snapshot() == before


def test_the_policy_that_iam_hands_back_may_be_written_otherwise(aws: FakeAws, records: Records) -> None:
    before = aws.snapshot()
    run(aws, records)
    found = json.loads(aws.roles[FIRST, APPLY]["trust"])
    found["Statement"][0]["Principal"] = {"AWS": "*"}
    found["Statement"][0]["Action"].reverse()
    aws.roles[FIRST, APPLY]["trust"] = json.dumps(found)
    assert undo(aws, records).complete
    assert aws.snapshot() == before


def test_what_is_restored_is_what_was_read_and_not_what_the_library_would_make(aws: FakeAws, records: Records) -> None:
    theirs = {"Version": "2012-10-17", "Statement": [], "Id": "made by hand"}
    aws.roles[FIRST, APPLY]["trust"] = json.dumps(theirs)
    report = run(aws, records)
    entry = report.record.find(TRUST)
    assert entry is not None
    assert json.loads(entry.prior) == theirs
    assert replace(entry, held=True) != entry
    undo(aws, records)
    assert json.loads(aws.roles[FIRST, APPLY]["trust"]) == theirs


def test_what_held_before_and_was_taken_off_meanwhile_is_no_business_of_the_restoration(
    aws: FakeAws, records: Records
) -> None:
    aws.attached.add(("p-allagents", "r-abcd"))
    run(aws, records, Target.everyone(), Level.K4, ORGANIZATION)
    aws.attached.clear()
    assert undo(aws, records, Target.everyone()).complete
    assert not aws.attached


def test_what_held_before_and_is_put_there_again_by_containing_again_is_taken_off_again(
    aws: FakeAws, records: Records
) -> None:
    aws.attached.add(("p-allagents", "r-abcd"))
    run(aws, records, Target.everyone(), Level.K4, ORGANIZATION)
    aws.attached.clear()
    assert run(aws, records, Target.everyone(), Level.K4, ORGANIZATION).complete
    assert aws.attached
    assert undo(aws, records, Target.everyone()).complete
    assert not aws.attached
