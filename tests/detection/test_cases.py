from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.detection import cases, compiled
from sudo_mcp_guardrails.detection.cases import MAX_EVENTS, MAX_FILE, load_directory, loads
from sudo_mcp_guardrails.detection.errors import DetectionError

if TYPE_CHECKING:
    from pathlib import Path


def one(**data: Any) -> cases.Cases:
    return loads(json.dumps({"rule": "r", **data}), "r.json")


def test_positives_fire_and_negatives_do_not() -> None:
    found = one(
        positives=[{"why": "so", "event": {"eventName": "A"}, "agent": {"name": "bot"}}],
        negatives=[{"why": "not so", "event": {"eventName": "B"}, "agent": None}],
    )
    assert [(case.why, case.fires) for case in found.cases] == [("so", True), ("not so", False)]
    assert found.cases[0].steps[0].document["agent"] == {"name": "bot"}
    assert "agent" not in found.cases[1].steps[0].document


def test_an_event_is_laid_over_the_base() -> None:
    base = {"eventName": "A", "userIdentity": {"type": "IAMUser", "userName": "jane"}, "list": [1, 2]}
    over = {"eventName": None, "userIdentity": {"userName": "john"}, "list": [3], "new": {"a": None, "b": 1}}
    found = one(base=base, positives=[{"event": over}, {"event": {}}])
    event = {name: value for name, value in found.cases[0].steps[0].event.items() if name != "eventID"}
    assert event == {"userIdentity": {"type": "IAMUser", "userName": "john"}, "list": [3], "new": {"b": 1}}
    assert found.cases[1].steps[0].event["userIdentity"]["userName"] == "jane"


def test_events_have_ids_of_their_own_unless_they_name_one() -> None:
    listed = [{"event": {}}, {"event": {}}, {"event": {"eventID": "x"}}, {"event": {"eventID": "x"}}]
    found = one(sequences={"positives": [{"events": listed}]})
    ids = [step.event["eventID"] for step in found.cases[0].steps]
    assert len(set(ids[:2])) == 2
    assert ids[2:] == ["x", "x"]


def test_a_sequence_says_when() -> None:
    listed = [
        {"at": 5, "event": {}},
        {"event": {"eventTime": "1970-01-01T00:01:00Z"}},
        {"at": 100, "event": {"a": {"b": "x"}}, "repeat": 3, "every": 10, "vary": "a.b"},
    ]
    found = one(sequences={"negatives": [listed]})
    (case,) = found.cases
    assert found.sequences
    assert [step.time for step in case.steps] == [5, 60, 100, 110, 120]
    assert [step.event["a"]["b"] for step in case.steps[2:]] == ["x0", "x1", "x2"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ([], "allowed: a rule's name"),
        ({"rule": 5}, "allowed: a rule's name"),
        ({"rule": "r", "positives": {}}, "allowed: a list"),
        ({"rule": "r", "base": []}, "no object"),
        ({"rule": "r", "sequences": []}, "no object"),
        ({"rule": "r", "positives": ["x"]}, "allowed: an object"),
        ({"rule": "r", "positives": [{}]}, "no object with 'event'"),
        ({"rule": "r", "positives": [{"event": {}, "agent": "bot"}]}, "an object or null"),
        ({"rule": "r", "sequences": {"positives": [{"events": []}]}}, "a list of events"),
        ({"rule": "r", "sequences": {"positives": [[{"event": {}, "at": "x"}]]}}, "allowed: 0 or more"),
        ({"rule": "r", "sequences": {"positives": [[{"event": {}, "repeat": -1}]]}}, "allowed: 0 or more"),
        ({"rule": "r", "sequences": {"positives": [[{"event": {}, "repeat": MAX_EVENTS + 1}]]}}, "at most"),
        ({"rule": "r", "sequences": {"positives": [[{"event": {}, "repeat": MAX_EVENTS}] * 2]}}, "more than"),
        ({"rule": "r", "sequences": {"positives": [[{"event": {}, "repeat": 2, "vary": "a.b"}]]}}, "with a text"),
    ],
)
def test_what_is_no_case_is_refused(data: object, told: str) -> None:
    with pytest.raises(DetectionError, match=told) as caught:
        loads(json.dumps(data), "r.json")
    assert "r.json" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_what_does_not_parse_is_refused(text: str) -> None:
    with pytest.raises(DetectionError, match="does not parse"):
        loads(text, "r.json")


def test_a_directory_has_one_file_a_rule(tmp_path: Path) -> None:
    with pytest.raises(DetectionError, match="holds no cases"):
        load_directory(tmp_path)
    (tmp_path / "a.json").write_text('{"rule": "r"}')
    assert set(load_directory(tmp_path)) == {"r"}
    (tmp_path / "b.json").write_text('{"rule": "r"}')
    with pytest.raises(DetectionError, match="two files"):
        load_directory(tmp_path)


@pytest.mark.parametrize("content", [b" " * (MAX_FILE + 1), b"\xff"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DetectionError, match=r"a\.json"):
        load_directory(tmp_path)


def test_shipped_cases_are_named_by_their_rules() -> None:
    book = compiled.shipped()
    names = {rule.name for rule in book.rules} | {one.name for one in book.correlations}
    assert {one.rule for one in cases.shipped().values()} <= names
