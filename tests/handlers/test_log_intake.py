"""Lines of member accounts, written by a fake of CloudWatch Logs that holds to the service's limits."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.handlers import log_intake

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600_000


class NotFoundError(Exception):
    """As boto3's ResourceNotFoundException."""


class ExistsError(Exception):
    """As boto3's ResourceAlreadyExistsException."""


class FakeLogs:
    """Takes lines as PutLogEvents does, refuses what it refuses, and raises for what breaks its limits."""

    class exceptions:  # noqa: N801 - boto3's name
        ResourceNotFoundException = NotFoundError
        ResourceAlreadyExistsException = ExistsError

    def __init__(self, *, oldest: int = 0, newest: int = 1 << 60, fail: int = 0) -> None:
        self.streams: dict[str, list[tuple[int, str]]] = {}
        self.oldest, self.newest, self.fail = oldest, newest, fail
        self.puts = 0

    def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> None:  # noqa: N803 - boto3's names
        assert logGroupName == "central"
        assert 1 <= len(logStreamName) <= 512
        assert not set(":*") & set(logStreamName)
        if logStreamName in self.streams:
            raise ExistsError
        self.streams[logStreamName] = []

    def put_log_events(self, *, logGroupName: str, logStreamName: str, logEvents: list[dict[str, Any]]) -> Any:  # noqa: N803
        assert logGroupName == "central"
        if logStreamName not in self.streams:
            raise NotFoundError
        self.puts += 1
        if self.fail:
            self.fail -= 1
            raise ConnectionError("throttled")
        times = [event["timestamp"] for event in logEvents]
        assert times == sorted(times)
        assert times[-1] - times[0] <= 24 * HOUR
        assert 1 <= len(logEvents) <= 10_000
        assert sum(len(event["message"].encode()) + 26 for event in logEvents) <= 1_048_576
        assert all(1 <= len(event["message"].encode()) <= 262_144 - 26 for event in logEvents)
        old = sum(at < self.oldest for at in times)
        new = sum(at <= self.newest for at in times)
        kept = [(event["timestamp"], event["message"]) for event in logEvents[old:new]]
        self.streams[logStreamName] += kept
        refused = {}
        if old:
            refused["tooOldLogEventEndIndex"] = old
        if new < len(times):
            refused["tooNewLogEventStartIndex"] = new
        return {"rejectedLogEventsInfo": refused} if refused else {}

    @property
    def messages(self) -> list[str]:
        return [message for name, lines in self.streams.items() if name != "refused" for _, message in lines]

    @property
    def refused(self) -> list[dict[str, Any]]:
        return [json.loads(message) for _, message in self.streams.get("refused", [])]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_GROUP", "central")


def record(lines: list[tuple[int, str]], *, number: int = 1, **change: Any) -> dict[str, Any]:
    body = {
        "messageType": "DATA_MESSAGE",
        "owner": "222222222222",
        "logGroup": "/aws/lambda/broker",
        "logStream": "2026/11/23/[$LATEST]0",
        "subscriptionFilters": ["all"],
        "logEvents": [{"id": str(i), "timestamp": at, "message": m} for i, (at, m) in enumerate(lines)],
        **change,
    }
    return raw(gzip.compress(json.dumps(body).encode()), number=number)


def raw(data: bytes, *, number: int = 1) -> dict[str, Any]:
    return {"kinesis": {"data": base64.b64encode(data).decode(), "sequenceNumber": str(number)}}


def run(logs: FakeLogs, *records: dict[str, Any]) -> list[str]:
    answer = log_intake.handler({"Records": list(records)}, client=logs)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_lines_are_written_in_order_of_time() -> None:
    logs = FakeLogs()
    assert run(logs, record([(2, "b"), (1, "a"), (2, "c")])) == []
    assert logs.messages == ["a", "b", "c"]
    (stream,) = logs.streams
    assert stream.startswith("222222222222/aws/lambda/broker/2026/11/23/[$LATEST]0-")


def test_control_messages_are_nothing() -> None:
    logs = FakeLogs()
    assert run(logs, record([(1, "CWL CONTROL MESSAGE")], messageType="CONTROL_MESSAGE")) == []
    assert logs.streams == {}


class TestLimits:
    def test_many_lines_are_several_batches(self) -> None:
        logs = FakeLogs()
        lines = [(at, f"line {at}") for at in range(25_000)]
        assert run(logs, record(lines)) == []
        assert logs.messages == [message for _, message in lines]
        assert logs.puts == 3

    def test_many_bytes_are_several_batches(self) -> None:
        logs = FakeLogs()
        lines = [(at, f"{at:06}" + "x" * 200_000) for at in range(20)]
        assert run(logs, record(lines)) == []
        assert logs.messages == [message for _, message in lines]

    def test_many_days_are_several_batches(self) -> None:
        logs = FakeLogs()
        assert run(logs, record([(day * 24 * HOUR, str(day)) for day in range(10)])) == []
        assert logs.messages == [str(day) for day in range(10)]

    def test_a_long_line_is_written_in_pieces_that_make_it_up(self) -> None:
        logs = FakeLogs()
        line = "ä€😀" * 100_000
        assert run(logs, record([(1, line)])) == []
        assert "".join(logs.messages) == line
        assert len(logs.messages) > 3

    def test_an_empty_line_is_kept(self) -> None:
        logs = FakeLogs()
        assert run(logs, record([(1, "")])) == []
        assert logs.messages == [" "]

    def test_half_a_character_is_kept(self) -> None:
        logs = FakeLogs()
        assert run(logs, record([(1, "x\ud800y")])) == []
        assert logs.messages == ["x\\ud800y"]


class TestStreamNames:
    def test_different_streams_stay_different(self) -> None:
        names = {
            log_intake.stream_name(owner, group, stream)
            for owner in ("1", "2")
            for group in ("a", "/a", "a/", "a" * 600, "a" * 601)
            for stream in ("x", "x:y", "x*y", "x_y", "y" * 512)
        }
        assert len(names) == 2 * 5 * 5
        assert all(len(name) <= 512 and not set(":*") & set(name) for name in names)

    def test_a_plain_one_stays_plain(self) -> None:
        assert log_intake.stream_name("1", "group", "stream") == "1/group/stream"


class TestRefused:
    def test_too_old_and_too_new_lines_are_kept_with_the_reason(self) -> None:
        logs = FakeLogs(oldest=100, newest=1 << 50)
        assert run(logs, record([(1, "old"), (150, "good"), ((1 << 50) + 1, "new")])) == []
        assert logs.messages == ["good"]
        kept = {line["message"]: (line["refused"], line["timestamp"]) for line in logs.refused}
        assert kept == {"old": ("too old", 1), "new": ("too far in the future", (1 << 50) + 1)}

    def test_a_long_one_is_kept_whole(self) -> None:
        logs = FakeLogs(oldest=100)
        line = '"😀' * 60_000
        assert run(logs, record([(1, line)])) == []
        assert "".join(part["message"] for part in logs.refused) == line

    @pytest.mark.parametrize(
        "data",
        [
            b"no gzip",
            gzip.compress(b"no json"),
            gzip.compress(b"[1]"),
            gzip.compress(b'{"messageType": "OTHER"}'),
            gzip.compress(b'{"messageType": "DATA_MESSAGE", "logEvents": [{}]}'),
            gzip.compress(b'{"messageType": "DATA_MESSAGE", "owner": "1"}')[:-9],
            gzip.compress(b"[" * 100_000),
            b"",
        ],
        ids=["no-gzip", "no-json", "array", "kind", "no-time", "cut-off", "deep", "empty"],
    )
    def test_what_is_no_record_stops_nothing_and_is_kept(self, data: bytes) -> None:
        logs = FakeLogs()
        assert run(logs, raw(data, number=1), record([(1, "behind")], number=2)) == []
        assert logs.messages == ["behind"]
        assert "".join(line["message"] for line in logs.refused) == base64.b64encode(data).decode()
        assert all(
            "record" in line["refused"] or "cut off" in line["refused"] or "kind" in line["refused"]
            for line in logs.refused
        )

    def test_what_inflates_without_end_does_not_fill_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(log_intake, "_MOST_BYTES", 1_000_000)
        logs = FakeLogs()
        assert run(logs, raw(gzip.compress(b" " * 5_000_000))) == []
        assert "1000000 bytes" in logs.refused[0]["refused"]


class TestFailures:
    def test_lambda_starts_again_from_what_failed(self) -> None:
        logs = FakeLogs(fail=1)
        batch = [record([(1, "a")], number=1), record([(2, "b")], number=2)]
        assert run(logs, *batch) == ["1"]
        assert run(logs, *batch) == []
        assert logs.messages == ["a", "b"]

    def test_what_was_written_before_stays(self) -> None:
        logs = FakeLogs()
        first, second = record([(1, "a")], number=1), record([(2, "b")], number=2)
        run(logs, first)
        logs.fail = 1
        assert run(logs, second) == ["2"]
        assert logs.messages == ["a"]

    def test_a_stream_that_another_invocation_made_is_used(self) -> None:
        class Racing(FakeLogs):
            def create_log_stream(self, **names: Any) -> None:
                super().create_log_stream(**names)
                raise ExistsError

        logs = Racing()
        assert run(logs, record([(1, "a")])) == []
        assert logs.messages == ["a"]


def test_it_runs_alone_without_the_package(tmp_path: Path) -> None:
    shutil.copy(log_intake.__file__, tmp_path / "log_intake.py")
    code = "import sys, log_intake; print([m for m in sys.modules if m.startswith(('sudo', 'boto'))])"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; {code}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
