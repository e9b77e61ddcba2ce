"""What is asked of OpenSearch for a trace; on a real node in tests/cli/trail/test_opensearch.py."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.trail.attribution import By
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.transports import Answer
from sudo_mcp_guardrails.trail.trace.gather import Wanted
from sudo_mcp_guardrails.trail.trace.index import index_rows
from tests.trail.made import event

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = Patience(seconds=0.0)


class Pages:
    """Answers with pages of documents, and notes what it was asked."""

    where = "http://pages"

    def __init__(self, *pages: list[dict[str, Any]], status: int = 200, failed: int = 0) -> None:
        self.failed = failed
        self.pages = list(pages)
        self.status = status
        self.asked: list[tuple[str, str, Any]] = []

    def send(
        self, method: str, path: str, *, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        assert query is None or query["scroll"]
        self.asked.append((method, path, json.loads(body or b"null")))
        if method == "DELETE":
            return Answer(404, {})
        page = self.pages.pop(0) if self.pages else []
        hits = {"hits": [{"_source": each} for each in page]}
        return Answer(self.status, {"_scroll_id": "s", "_shards": {"failed": self.failed}, "hits": hits})

    def close(self) -> None:
        pass


def source(event_id: str, **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "raw": json.dumps(event(event_id)), "by": "nobody", **fields}


def test_pages_are_read_to_their_end_and_let_go() -> None:
    pages = Pages([source("a", by="session-tags", run="run-1", tool="x")], [source("b")])
    found = list(index_rows(pages, "trail", PATIENCE)(Wanted(events=frozenset(["a", "b"])), 10))
    assert [one.event.event_id for one in found] == ["a", "b"]
    assert (found[0].attribution.by, found[0].attribution.run, found[0].attribution.tool) == (
        By.SESSION_TAGS,
        "run-1",
        "x",
    )
    assert [method for method, _, _ in pages.asked] == ["POST", "POST", "POST", "DELETE"]
    assert pages.asked[0][1].startswith("/trail-0*,trail-1*,")
    assert pages.asked[0][2]["query"]["bool"]["should"] == [{"terms": {"event_id": ["a", "b"]}}]


def test_no_more_is_read_than_is_wanted() -> None:
    pages = Pages(*([source(f"{number}")] for number in range(10)))
    rows = index_rows(pages, "trail", PATIENCE)(Wanted(runs=frozenset(["r"])), 2)
    assert len(list(rows)) == 2
    assert len(pages.pages) >= 7


def test_more_values_than_a_question_takes_are_several_questions() -> None:
    pages = Pages()
    many = frozenset(f"r-{number}" for number in range(25_000))
    list(index_rows(pages, "trail", PATIENCE)(Wanted(requests=many, events=frozenset(["e"])), 10))
    asked = [body["query"]["bool"]["should"] for _, path, body in pages.asked if path.endswith("_search")]
    sizes = [len(values) for (clause,) in asked for values in clause["terms"].values()]
    assert sorted(sizes) == [1, 5_000, 10_000, 10_000]


def test_stubs_and_bytes_that_are_no_utf_8_are_events_too() -> None:
    raw = json.dumps(event("b", userAgent="caf?")).encode().replace(b"?", b"\xe9")
    pages = Pages([{"event_id": "a", "stub": True}, {"event_id": "b", "raw_base64": base64.b64encode(raw).decode()}])
    first, second = index_rows(pages, "trail", PATIENCE)(Wanted(events=frozenset(["a", "b"])), 10)
    assert (first.event.event_id, first.event.name, first.attribution.by) == ("a", None, By.NOBODY)
    assert second.event.name == "ListBuckets"


@pytest.mark.parametrize(("status", "error"), [(403, TrailError), (503, SinkUnavailableError)])
def test_an_answer_that_is_none_is_an_error(status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="pages"):
        list(index_rows(Pages(status=status), "trail", PATIENCE)(Wanted(events=frozenset(["a"])), 10))


@pytest.mark.parametrize("page", [[], [{"event_id": "a", "raw": "{}"}]])
def test_an_answer_of_some_shards_is_none(page: list[dict[str, Any]]) -> None:
    pages = Pages(page, failed=1)
    with pytest.raises(SinkUnavailableError, match=r"1 shards of http://pages"):
        list(index_rows(pages, "trail", PATIENCE)(Wanted(events=frozenset(["a"])), 10))
    assert pages.asked[-1][0] == "DELETE", "what the node holds for it is let go"
