from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.local.demo.trail import process, target
from sudo_mcp_guardrails.local.demo.trail.result import WIDTH, TrailResult
from sudo_mcp_guardrails.local.demo.trail.search_rows import SearchError, SearchIndex
from sudo_mcp_guardrails.local.demo.trail.target import StoreTarget, Targets, metrics
from sudo_mcp_guardrails.toolchain.opensearch_node import NODE_VARIABLE, URL_VARIABLE, OpenSearchAbsentError
from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.index.document import document
from sudo_mcp_guardrails.trail.metrics import metric_line
from sudo_mcp_guardrails.trail.reading.decode import decode
from sudo_mcp_guardrails.trail.sinks.transports import Answer
from sudo_mcp_guardrails.trail.trace.gather import Wanted, gather
from sudo_mcp_guardrails.trail.trace.tree import trace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RUN = "run-01K00000000000000000000000"
EVENT = {
    "eventID": "e-1",
    "eventTime": "2026-11-23T10:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "ListBuckets",
    "requestID": "r-1",
    "userIdentity": {"accessKeyId": "ASIA1", "arn": "arn:aws:sts::111111111111:assumed-role/agent/run"},
}


class Node:
    """A transport that answers each search with the same, which has no second page, and keeps what was asked."""

    where = "http://node"

    def __init__(self, body: dict[str, Any], status: int = 200) -> None:
        self.answer = Answer(status, body)
        self.asked: list[dict[str, Any]] = []

    def send(
        self, _method: str, path: str, *, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        """Answer."""
        del query
        if path == "/_search/scroll":
            return Answer(200, hits())
        self.asked.append(json.loads(body) if body else {})
        return self.answer

    def close(self) -> None:
        """Do nothing."""


def stored(event: dict[str, Any] | bytes, **known: Any) -> dict[str, Any]:
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    one = Attributed(decode(raw), Attribution(By.SOURCE_IDENTITY, **known))
    return document(one, source_object="f", ingested_at=1_795_000_000_000, write_id="w")


def hits(*sources: dict[str, Any]) -> dict[str, Any]:
    return {"hits": {"total": {"value": len(sources)}, "hits": [{"_source": source} for source in sources]}}


def test_rows_come_back_as_they_were_stored() -> None:
    node = Node(hits(stored(EVENT, run=RUN, agent="release-bot", session="ASIA1")))
    [row] = SearchIndex(node).rows(Wanted(runs=frozenset([RUN]), events=frozenset(["e-1", "e-0"])), 50_000)
    assert row.event == decode(json.dumps(EVENT).encode())
    assert row.attribution == Attribution(By.SOURCE_IDENTITY, run=RUN, agent="release-bot", session="ASIA1")
    [asked] = node.asked
    assert asked["query"]["bool"]["should"] == [
        {"terms": {"event_id": ["e-0", "e-1"]}},
        {"terms": {"run": [RUN]}},
        {"terms": {"source_identity": [RUN]}},
    ]


def test_bytes_that_are_no_text_come_back_too() -> None:
    raw = b'{"eventID":"e-2","eventName":"\xff"}'
    [row] = SearchIndex(Node(hits(stored(raw)))).rows(Wanted(events=frozenset(["e-2"])), 10)
    assert row.event.raw == raw


def test_a_trace_of_a_refused_search_is_no_empty_one() -> None:
    node = Node({"error": {"type": "parsing_exception", "reason": "no"}}, 400)
    with pytest.raises(TrailError, match="parsing_exception: no"):
        list(SearchIndex(node).rows(Wanted(runs=frozenset([RUN])), 10))


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (Node({"error": {"type": "parsing_exception", "reason": "no"}}, 400), "parsing_exception: no"),
        (Node({**hits(), "_shards": {"failed": 1}}), "in part only"),
    ],
)
def test_a_search_that_fails_is_no_empty_answer(node: Node, reason: str) -> None:
    with pytest.raises(SearchError, match=reason):
        SearchIndex(node).count()


def test_no_index_is_no_events() -> None:
    index = SearchIndex(Node({"hits": {"total": {"value": 0}, "hits": []}}))
    assert (index.count(), index.runs()) == (0, {})


def test_metrics_of_several_invocations_are_summed() -> None:
    lines = ["START RequestId: 1", metric_line("p", {"Events": 3, "Created": 2}), "{}", metric_line("p", {"Events": 4})]
    assert metrics("\n".join(line.strip() for line in lines)) == {"Events": 7, "Created": 2}


def result(**changes: Any) -> TrailResult:
    made = TrailResult("DuckDB", files=1, searchable=1, attributed=1, locked=True, runs=1)
    node = Node(hits(stored({**EVENT, "errorMessage": "long " * 100, "errorCode": "AccessDenied"}, run=RUN)))
    made.trace = trace(gather(RUN, SearchIndex(node).rows))
    made.add({"Events": 2, "Created": 1, "Duplicates": 1})
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_a_result_without_problems() -> None:
    made = result()
    assert made.problems == []
    found = made.to_dict()
    assert (found["ok"], found["unique"], found["trace"]["events"]) == (True, 1, 1)
    lines = list(made.lines())
    assert "2 events, 1 different, 1 came again, 0 dead letters, 0 refused" in lines[1]
    assert any("ListBuckets" in line for line in lines)
    assert max(len(line) for line in lines[lines.index("One run, of those with the most events:") :]) <= WIDTH


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"locked": False}, "could be deleted"),
        ({"attributed": 0}, "no event is attributed"),
        ({"searchable": 0}, "0 events are found of 1"),
        ({"searchable": 2}, "2 events are found of 1"),
        ({"trace": None}, "no run was traced"),
        ({"counts": {"rejected": 1, "unique": 1}}, "1 events were refused"),
        ({"reconciled": {"finished": False, "broken": 0}}, "did not end"),
        ({"reconciled": {"finished": True, "broken": 3}}, "3 files are broken"),
    ],
)
def test_what_is_not_as_it_must_be_is_a_problem(changes: dict[str, Any], problem: str) -> None:
    made = result(**changes)
    assert [each for each in made.problems if problem in each]
    assert made.to_dict()["ok"] is False


def test_without_a_node_duckdb_serves_and_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("duckdb")

    def absent(*_: object, **__: object) -> object:
        raise OpenSearchAbsentError("no OpenSearch: none here")

    monkeypatch.setattr(target, "opensearch_node", absent)
    said: list[str] = []
    targets = Targets(said.append)
    try:
        made = targets.wait()
        assert isinstance(made, StoreTarget)
        assert said == ["no OpenSearch: none here"]
        envelope = {"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": EVENT}
        messages = [{"MessageId": "m1", "Body": json.dumps(envelope)}, {"MessageId": "m2", "Body": "no JSON"}]
        failed, printed = made.take(None, messages)
        assert failed == {"m2"}
        assert metrics(printed)["Created"] == 1
        made.finish()
        assert (made.count(), made.count(attributed=True), made.runs()) == (1, 0, {})
        folder: Path = made._folder
        assert folder.is_dir()
    finally:
        targets.close()
    assert not folder.exists()
    targets.close()


def test_a_node_that_should_serve_and_does_not_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setenv(NODE_VARIABLE, str(tmp_path))
    targets = Targets(lambda _: None)
    targets.begin()
    with pytest.raises(Exception, match=r"no run\.sh|no java"):
        targets.wait()
    targets.close()


def test_memory_of_a_function_that_has_no_process_is_not_known() -> None:
    assert process.peak_mb("no-such-function") is None
