"""A file as CloudTrail writes it, cut where two records are guessed to meet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.trail.reading import read_file
from sudo_mcp_guardrails.trail.reading.decode import decode, decode_list

pytest.importorskip("msgspec", reason="of the extra; without it each record is read by itself")


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"eventVersion": "1.11", "eventID": f"e-{number}", "userAgent": "x" * 384, **more}


def text_of(records: list[Any], **how: Any) -> bytes:
    return json.dumps({"Records": records}, **{"separators": (",", ":"), **how}).encode()


def test_each_record_has_the_bytes_that_it_was_written_in() -> None:
    records = [record(number, requestParameters={"key": "ä" * number}) for number in range(5)]
    events = decode_list(text_of(records, ensure_ascii=False))
    assert events is not None
    assert [json.loads(event.raw) for event in events] == records
    assert events == [decode(event.raw) for event in events]


@pytest.mark.parametrize(
    "inside",
    [
        [record(7), record(8)],
        json.dumps([record(7), record(8)], separators=(",", ":")),
        '},{"eventVersion":"1.11","eventID":"planted"',
        [{}, {"eventVersion": "1.11", "eventID": "planted"}, {}],
    ],
)
def test_what_looks_like_two_records_inside_of_one_makes_none(inside: Any) -> None:
    records = [record(1), record(2, requestParameters={"events": inside}), record(3)]
    found = read_file("a.json", text_of(records))
    assert [event.event_id for event in found.events] == ["e-1", "e-2", "e-3"]
    assert [json.loads(event.raw) for event in found.events] == records
    assert not found.dead_letters


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'{"Records":[]}',
        b'{"Records":[}',
        text_of([record(1), record(2)], separators=(", ", ": ")),
        text_of([record(1), {"eventID": "e-2", "eventVersion": "1.11"}]),
        text_of([record(1), {"eventVersion": "1.11"}]),
        text_of([record(1), 7]),
        text_of([{"eventVersion": "1.11", "eventID": f"short-{number}"} for number in range(3)]),
        text_of([record(1), record(2)])[:-12] + b"]}",
        text_of([record(1), record(2)]).replace(b"]}", b',"more":[]}'),
    ],
)
def test_what_is_otherwise_is_left_to_the_patient_way(text: bytes) -> None:
    assert decode_list(text) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just('},{"eventVersion":'),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["eventVersion", "eventID", "Records", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(VALUES, min_size=1, max_size=6), st.booleans())
def test_both_ways_read_the_same(values: list[Any], ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    records = [record(number, requestParameters=value) for number, value in enumerate(values)]
    quick = decode_list(text_of(records, ensure_ascii=ascii_only))
    assert quick is None or [json.loads(event.raw) for event in quick] == records
    found = read_file("a.json", text_of(records, ensure_ascii=ascii_only))
    assert [json.loads(event.raw) for event in found.events] == records
