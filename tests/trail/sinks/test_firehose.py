"""The Firehose sink: what is not taken is sent again, what is too large is kept, nothing goes twice in a batch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.reading import read_file
from sudo_mcp_guardrails.trail.sinks.dead_letters import MemoryDeadLetters
from sudo_mcp_guardrails.trail.sinks.firehose import MAX_BYTES, FirehoseSink
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.sink import Batch, DeadLetter, SourceRecord
from tests.trail.made import event

FILE = SourceRecord("s3://t/f.json", 1, "f", 1, 0, 0, 0, None, None)


class Stream:
    """Takes records, but for the first so many of each request, so many times."""

    def __init__(self, refused: int = 0, times: int = 0, error: Exception | None = None) -> None:
        self.taken: list[dict[str, Any]] = []
        self.requests: list[list[int]] = []
        self._refused = refused
        self._times = times
        self._error = error

    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, Any]:  # noqa: N803
        assert DeliveryStreamName == "siem"
        if self._error is not None:
            raise self._error
        self.requests.append([len(record["Data"]) for record in Records])
        refused = self._refused if self._times > 0 else 0
        self._times -= 1
        for record in Records[refused:]:
            assert record["Data"].endswith(b"\n")
            self.taken.append(json.loads(record["Data"]))
        failed: list[dict[str, str]] = [{"ErrorCode": "ServiceUnavailableException"}] * min(refused, len(Records))
        return {"RequestResponses": failed + [{"RecordId": "r"}] * (len(Records) - len(failed))}


def batch(*records: dict[str, Any], letters: tuple[DeadLetter, ...] = ()) -> Batch:
    found = read_file("f.json", json.dumps({"Records": records}).encode()).events
    events = [Attributed(one, Attribution(By.SESSION_TAGS, agent="release-bot")) for one in found]
    return Batch(events, [0] * len(events), [FILE], letters)


def sink(stream: Stream, letters: MemoryDeadLetters | None = None, form: str = "ocsf") -> FirehoseSink:
    patience = Patience(seconds=10, sleep=lambda _: None, jitter=lambda: 1.0)
    return FirehoseSink(stream, "siem", letters or MemoryDeadLetters(), form=form, patience=patience)


def test_an_event_goes_once_in_ocsf() -> None:
    stream = Stream()
    written = sink(stream).write(batch(event("a"), event("b"), event("a")))
    assert (written.created, written.duplicates, written.retries) == (2, 1, 0)
    assert [one["metadata"]["uid"] for one in stream.taken] == ["a", "b"]
    assert stream.taken[0]["unmapped"]["agent"] == "release-bot"


def test_an_event_goes_as_cloudtrail_wrote_it() -> None:
    stream = Stream()
    sink(stream, form="cloudtrail").write(batch(event("a", userAgent="half of a pair: \ud800")))
    [one] = stream.taken
    assert one.pop("attribution") == {"attributed": "true", "by": "session-tags", "agent": "release-bot"}
    assert one == event("a", userAgent="half of a pair: \ud800")


def test_what_was_not_taken_is_sent_again_and_nothing_else() -> None:
    stream = Stream(refused=2, times=2)
    written = sink(stream).write(batch(*(event(f"e-{number}") for number in range(5))))
    assert sorted(one["metadata"]["uid"] for one in stream.taken) == [f"e-{number}" for number in range(5)]
    assert [len(request) for request in stream.requests] == [5, 2, 2]
    assert (written.created, written.retries) == (5, 2)


def test_a_stream_that_stays_away() -> None:
    clock = iter(range(100))
    patience = Patience(seconds=10, clock=lambda: next(clock), sleep=lambda _: None)
    away = FirehoseSink(Stream(1, 10**9), "siem", MemoryDeadLetters(), patience=patience)
    with pytest.raises(SinkUnavailableError, match="1 records not taken by stream 'siem': ServiceUnavailable"):
        away.write(batch(event("a")))
    error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutRecordBatch")
    with pytest.raises(SinkUnavailableError, match=r"stream 'siem': .*AccessDenied"):
        sink(Stream(error=error)).write(batch(event("a")))


def test_what_is_too_large_is_kept_with_the_reason() -> None:
    stream, letters = Stream(), MemoryDeadLetters()
    given = DeadLetter("s3://t/f.json", 3, "no eventID", b"{}")
    large = event("large", requestParameters={"x": "y" * 1_100_000})
    written = sink(stream, letters).write(batch(event("a"), large, letters=(given,)))
    assert (written.created, written.rejected) == (1, 1)
    reasons = sorted(letter.reason for letter in letters.letters())
    assert reasons[0] == "no eventID"
    assert "refused by Firehose" in reasons[1]


def test_requests_are_bounded() -> None:
    stream = Stream()
    sink(stream).write(batch(*(event(f"e-{number}") for number in range(1201))))
    assert [len(request) for request in stream.requests] == [500, 500, 201]
    stream = Stream()
    sink(stream).write(batch(*(event(f"e-{n}", requestParameters={"x": "y" * 200_000}) for n in range(30))))
    assert all(sum(request) <= MAX_BYTES for request in stream.requests)
    assert len(stream.taken) == 30


def test_it_keeps_nothing() -> None:
    empty = sink(Stream())
    empty.close()
    assert (empty.ledger(), empty.count(), empty.amend([])) == ({}, 0, 0)
    with pytest.raises(TrailError, match="stream 'siem' cannot tell which of 1 events of 2026-11-20 it had"):
        empty.missing("2026-11-20", ["a"])
    with pytest.raises(TrailError, match="form 'cef' is not known, expected one of ocsf, cloudtrail"):
        sink(Stream(), form="cef")
