"""Restore records: their text, their digest, and where they are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.response.errors import RecordError
from sudo_mcp_guardrails.response.execute import contain
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.plan import plan_containment
from sudo_mcp_guardrails.response.record import Entry, RecordState, RestoreRecord, read_record
from sudo_mcp_guardrails.response.records import DirectoryRecords
from sudo_mcp_guardrails.response.restore import Restoration, restore
from sudo_mcp_guardrails.response.steps.step import Kind, Step
from sudo_mcp_guardrails.state.targets import Target
from tests.response.estates import ANN, CAUSE, ESTATE, NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.response.records import Records
    from tests.response.fake_aws import FakeAws

BOT = Target.agent("release-bot")
STEP = Step(Kind.BOUNDARY, "111111111111", "", "role", {"boundary": "arn:x"}, 2)
RECORD = RestoreRecord(BOT, Level.K2, ANN, "because ü", "INC-1", 7, 1, entries=(Entry(STEP, "arn:before", held=False),))


def test_it_is_read_back_as_it_was_written_and_always_with_the_same_text() -> None:
    assert read_record(RECORD.to_json()) == RECORD
    assert read_record(RECORD.to_json().encode()).to_json() == RECORD.to_json()


def test_every_field_is_in_the_digest() -> None:
    others = (
        replace(RECORD, target=Target.everyone()),
        replace(RECORD, level=Level.K1),
        replace(RECORD, by="x"),
        replace(RECORD, reason="x"),
        replace(RECORD, incident="x"),
        replace(RECORD, at=8),
        replace(RECORD, revision=2),
        replace(RECORD, state=RecordState.RESTORED),
        replace(RECORD, previous="0" * 64),
        replace(RECORD, entries=()),
        replace(RECORD, entries=(replace(RECORD.entries[0], prior=""),)),
        replace(RECORD, entries=(replace(RECORD.entries[0], held=True),)),
        replace(RECORD, entries=(replace(RECORD.entries[0], step=replace(STEP, wanted={})),)),
    )
    assert len({RECORD.digest, *(other.digest for other in others)}) == len(others) + 1


def _changed(**changes: Any) -> str:
    document = json.loads(RECORD.to_json())
    document.update(changes)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is not JSON"),
        ("[]", "expected an object"),
        ("{}", "expected an object"),
        ("[" * 100_000, "nested too deep"),
        (_changed(format=2), "format 2 of a restore record is not known, allowed is 1"),
        (_changed(more=1), "expected an object with exactly"),
        (_changed(reason="other"), "its content has"),
        (_changed(digest="0" * 64), "has digest '0000"),
        (_changed(digest=None), "has digest 'None'"),
        (_changed(level="K9"), "not understood"),
        (_changed(target="agent:"), "not understood"),
        (_changed(revision=True), "not understood"),
        (_changed(revision="1"), "not understood"),
        (_changed(entries={}), "not understood"),
        (_changed(entries=[1]), "not understood"),
        (_changed(entries=[{"id": "x"}]), "not understood"),
        (RECORD.to_json()[:-1] + ',"by":"twice"}', "names 'by' twice"),
        ('"' + "x" * 16_000_001 + '"', "allowed are 16000000"),
    ],
)
def test_what_is_no_record(text: str, match: str) -> None:
    with pytest.raises(RecordError, match=match):
        read_record(text)


def test_what_has_no_form_in_json_cannot_be_written() -> None:
    for prior in ({1, 2}, b"bytes", float("nan")):
        with pytest.raises(RecordError, match="cannot be written down"):
            replace(RECORD, entries=(Entry(STEP, prior, held=False),)).to_json()


@pytest.fixture(params=["bucket", "directory"])
def either(request: pytest.FixtureRequest, records: Records, tmp_path: Path) -> Records:
    return records if request.param == "bucket" else DirectoryRecords(tmp_path / "records")


class TestStores:
    def test_the_newest_revision_of_each_target(self, either: Records) -> None:
        assert either.latest(BOT) is None
        assert either.waiting() == ()
        record = RECORD
        either.save(record)
        for number in range(11):
            record = record.followed(reason=str(number))
            either.save(record)
        other = replace(RECORD, target=Target.of_class("release-*"))
        either.save(other)
        assert either.latest(BOT) == record
        assert either.waiting() == (record, other)
        assert either.latest(Target.everyone()) is None
        either.save(record.followed(state=RecordState.RESTORED))
        assert either.waiting() == (other,)

    def test_a_revision_is_written_once(self, either: Records) -> None:
        either.save(RECORD)
        with pytest.raises(RecordError, match="cannot be written"):
            either.save(replace(RECORD, reason="somebody else"))
        assert either.latest(BOT) == RECORD

    @pytest.mark.parametrize("revision", [0, 10_000, -1])
    def test_revisions_are_bounded(self, revision: int, either: Records) -> None:
        with pytest.raises(RecordError, match="allowed are 1 to 9999"):
            either.save(replace(RECORD, revision=revision))

    def test_a_containment_and_its_undo(self, either: Records, aws: FakeAws) -> None:
        before = aws.snapshot()
        plan = plan_containment(ESTATE, BOT, Level.K2, CAUSE)
        assert contain(plan, aws, either, pause=lambda _: None).complete
        assert restore(Restoration(BOT, ANN), aws, either, NAMES, pause=lambda _: None).complete
        assert aws.snapshot() == before


class TestDirectory:
    def test_a_folder_of_nobody(self, tmp_path: Path) -> None:
        (tmp_path / "agent=A").mkdir()
        with pytest.raises(RecordError, match="folder 'agent=A' of restore records is no target's"):
            DirectoryRecords(tmp_path).waiting()

    def test_nothing_but_the_record_is_left_there(self, tmp_path: Path) -> None:
        DirectoryRecords(tmp_path).save(RECORD)
        assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["0001.json"]

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_text("x")
        with pytest.raises(RecordError, match="cannot be written"):
            DirectoryRecords(file).save(RECORD)


class TestBucket:
    def test_one_that_cannot_be_read(self, aws: FakeAws, records: Records) -> None:
        records.save(RECORD)
        aws.fail = {(ESTATE.account, "get_object")}
        with pytest.raises(RecordError, match="cannot be read: ClientError"):
            records.latest(BOT)
        aws.fail = {(ESTATE.account, "list_objects_v2")}
        with pytest.raises(RecordError, match="cannot be listed: ClientError"):
            records.latest(BOT)
