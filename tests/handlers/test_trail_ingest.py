"""The ingester: partial failures, poison, what is gone, the fast path, and its metrics."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.handlers import trail_ingest
from sudo_mcp_guardrails.handlers.trail_parts import FileLedger, Parts
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, UnreadableFileError
from sudo_mcp_guardrails.trail.ledger import MemoryLedger
from sudo_mcp_guardrails.trail.sinks.sink import SourceRecord, Written
from tests.trail.made import event
from tests.trail.sources.fake_s3 import FakeS3

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attribution
    from sudo_mcp_guardrails.trail.sinks.sink import Batch


@dataclass
class Kept:
    """A sink that keeps events by day and id, and is down for batches with a file of some name, or altogether."""

    events: dict[tuple[str, str], bytes] = field(default_factory=dict)
    files: dict[str, SourceRecord] = field(default_factory=dict)
    writes: int = 0
    down: bool = False
    poison: str = ""

    def write(self, batch: Batch) -> Written:
        self.writes += 1
        names = [source.name for source in batch.sources]
        if self.down or any(self.poison and self.poison in name for name in names):
            raise SinkUnavailableError("no answer; given up")
        before = len(self.events)
        for one in batch.events:
            self.events.setdefault((one.event.day, one.event.event_id), one.event.raw)
        self.files.update((source.name, source) for source in batch.sources)
        created = len(self.events) - before
        return Written(created, len(batch.events) - created)

    def amend(self, changes: Sequence[tuple[str, str, Attribution]]) -> int:
        return len(changes)

    def missing(self, day: str, event_ids: Collection[str]) -> set[str]:
        return {id for id in event_ids if (day, id) not in self.events}

    def ledger(self) -> dict[str, SourceRecord]:
        return dict(self.files)

    def count(self) -> int:
        return len(self.events)

    def close(self) -> None:
        pass


class Context:
    """Lambda's, with so much time left."""

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


def trail_file(*ids: str) -> bytes:
    return gzip.compress(json.dumps({"Records": [event(id) for id in ids]}).encode())


@pytest.fixture
def bucket() -> FakeS3:
    return FakeS3("trail", {f"{name}.json.gz": trail_file(f"{name}1", f"{name}2") for name in "abc"})


@pytest.fixture
def sink() -> Kept:
    return Kept()


@pytest.fixture
def parts(bucket: FakeS3, sink: Kept) -> Parts:
    return Parts("Audit/Pipeline", bucket.client, sink, Attributor(), patience=20.0, max_object_bytes=10_000)


def message(id_: str, *keys: str, body: str | None = None) -> dict[str, Any]:
    records = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "trail"}, "object": {"key": key}}} for key in keys
    ]
    return {"messageId": id_, "eventSource": "aws:sqs", "body": body or json.dumps({"Records": records})}


def failures(parts: Parts, *messages: dict[str, Any], context: object = None) -> list[str]:
    answer = trail_ingest.handler({"Records": list(messages)}, context, parts)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    [line] = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_batch_is_one_write(parts: Parts, sink: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    assert failures(parts, message("1", "a.json.gz"), message("2", "b.json.gz", "c.json.gz")) == []
    assert sink.writes == 1
    assert sorted(id for _, id in sink.events) == ["a1", "a2", "b1", "b2", "c1", "c2"]
    line = metrics(capsys)
    assert (line["Files"], line["Events"], line["Created"], line["Messages"], line["Failed"]) == (3, 6, 6, 2, 0)
    assert line["Pipeline"] == "Audit/Pipeline"
    assert line["EventAge"] > 0
    [published] = line["_aws"]["CloudWatchMetrics"]
    assert published["Namespace"] == "McpGuardrails/Trail"
    assert published["Dimensions"] == [["Pipeline"]]
    named = {metric["Name"]: metric["Unit"] for metric in published["Metrics"]}
    assert named["EventAge"] == "Seconds"
    assert named["DeadLetters"] == "Count"
    assert all(isinstance(line[name], (int, float)) for name in named)


def test_the_same_message_again_changes_nothing(parts: Parts, sink: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    assert failures(parts, message("1", "a.json.gz"), message("1", "a.json.gz")) == []
    assert failures(parts, message("1", "a.json.gz")) == []
    assert len(sink.events) == 2
    again = json.loads(capsys.readouterr().out.splitlines()[1])
    assert (again["Created"], again["Duplicates"]) == (0, 2)


def test_only_the_messages_that_fail_alone_come_back(
    parts: Parts, sink: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    sink.poison = "b.json"
    assert failures(parts, message("1", "a.json.gz"), message("2", "b.json.gz"), message("3", "c.json.gz")) == ["2"]
    assert {id for _, id in sink.events} == {"a1", "a2", "c1", "c2"}
    line = metrics(capsys)
    assert (line["Failed"], line["Created"]) == (1, 4)


def test_what_is_no_notification_comes_back_and_the_others_do_not(parts: Parts, sink: Kept) -> None:
    assert failures(parts, message("1", body="{"), message("2", "a.json.gz"), message("3", body="{}")) == ["1", "3"]
    assert len(sink.events) == 2


def test_a_sink_that_is_down_is_not_asked_for_each_message(parts: Parts, sink: Kept) -> None:
    sink.down = True
    messages = [message(str(number), "a.json.gz") for number in range(9)]
    assert failures(parts, *messages) == [str(number) for number in range(9)]
    assert sink.writes == 3, "together, and two alone"
    sink.down = False
    assert failures(parts, *messages) == []
    assert len(sink.events) == 2, "nothing is lost"


def test_without_time_the_rest_comes_back(parts: Parts, sink: Kept) -> None:
    sink.poison = "b.json"
    messages = [message("1", "a.json.gz"), message("2", "b.json.gz")]
    assert failures(parts, *messages, context=Context(24_000)) == ["1", "2"]
    assert failures(parts, *messages, context=Context(26_000)) == ["2"]


def test_an_object_that_is_gone_is_counted_and_not_tried_again(
    parts: Parts, sink: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failures(parts, message("1", "a.json.gz"), message("2", "nothing.json.gz")) == []
    line = metrics(capsys)
    assert (line["Gone"], line["gone"], line["Created"]) == (1, ["s3://trail/nothing.json.gz"], 2)
    assert len(sink.events) == 2


def test_a_version_is_read_though_the_object_was_replaced(parts: Parts, bucket: FakeS3, sink: Kept) -> None:
    bucket.put("a.json.gz", trail_file("forged"))
    detail = {"bucket": {"name": "trail"}, "object": {"key": "a.json.gz", "version-id": "v1"}}
    told = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    assert failures(parts, message("1", body=json.dumps(told))) == []
    assert {id for _, id in sink.events} == {"a1", "a2"}


def test_two_versions_of_one_key_in_a_batch_are_both_taken_in(parts: Parts, bucket: FakeS3, sink: Kept) -> None:
    bucket.put("a.json.gz", trail_file("later"))

    def told(id_: str, version: str) -> dict[str, Any]:
        detail = {"bucket": {"name": "trail"}, "object": {"key": "a.json.gz", "version-id": version}}
        return message(id_, body=json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail}))

    assert failures(parts, told("1", "v1"), told("2", "v2"), told("3", "v1")) == []
    assert {id for _, id in sink.events} == {"a1", "a2", "later"}
    assert bucket.requests == ["get a.json.gz", "get a.json.gz"], "each version once"
    assert sink.files["s3://trail/a.json.gz"].events == 1, "the ledger has the one that was told of last"


@pytest.mark.parametrize("key", ["denied.json.gz", "large.json.gz"])
def test_what_cannot_be_read_comes_back(
    parts: Parts, bucket: FakeS3, sink: Kept, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.put("large.json.gz", b"x" * 10_001)
    bucket.put("denied.json.gz", b"x")
    bucket.errors["denied.json.gz"] = (403, "AccessDenied")
    assert failures(parts, message("1", key), message("2", "a.json.gz")) == ["1"]
    assert (len(sink.events), sink.writes) == (2, 1)
    assert metrics(capsys)["Unreadable"] == 1


def test_dead_letters_and_other_files_are_no_failure(
    parts: Parts, bucket: FakeS3, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.put("cut.json.gz", trail_file("x1", "x2")[:-20])
    bucket.put("notes.txt", b"hello")
    assert failures(parts, message("1", "cut.json.gz", "notes.txt", "a.json.gz")) == []
    line = metrics(capsys)
    assert (line["DeadLetters"], line["NoTrail"], line["Files"]) == (1, 1, 2)


def test_an_event_of_the_fast_path_is_the_file_s_own(
    parts: Parts, sink: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    call = {"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": event("a1")}
    assert trail_ingest.handler(call, None, parts) == {"batchItemFailures": []}
    assert failures(parts, message("1", body=json.dumps(call)), message("2", "a.json.gz")) == []
    assert {id for _, id in sink.events} == {"a1", "a2"}
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["Created"], second["Created"], second["Duplicates"]) == (1, 1, 2)


def test_one_message_by_itself_fails_loudly(parts: Parts, sink: Kept, bucket: FakeS3) -> None:
    sink.down = True
    call = {"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": event("a1")}
    with pytest.raises(SinkUnavailableError):
        trail_ingest.handler(call, None, parts)
    bucket.errors["a.json.gz"] = (403, "AccessDenied")
    with pytest.raises(UnreadableFileError):
        trail_ingest.handler({"s3Bucket": "trail", "s3ObjectKey": ["a.json.gz"]}, None, parts)


def test_a_test_message_does_nothing(parts: Parts, sink: Kept, bucket: FakeS3) -> None:
    assert failures(parts, message("1", body='{"Event":"s3:TestEvent"}')) == []
    assert (sink.writes, bucket.requests) == (0, [])


def test_events_that_came_whole_leave_no_line_in_the_ledger() -> None:
    ledger = MemoryLedger()
    names = ["event:0a", "s3://trail/a.json.gz"]
    FileLedger(ledger).put([SourceRecord(name, 1, "f", 1, 1, 0, 0, None, None) for name in names])
    FileLedger(ledger).put([SourceRecord("event:0b", 1, "f", 1, 1, 0, 0, None, None)])
    assert list(FileLedger(ledger).records()) == ["s3://trail/a.json.gz"]
