"""Heads of a ledger: what a cut, a change and a late file look like."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import date

import pytest

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.ledger_head import cut_from, take_heads
from sudo_mcp_guardrails.trail.sinks.sink import SourceRecord

TODAY = date(2026, 11, 21)


def record(day: int, number: int = 0) -> SourceRecord:
    name = f"111122223333_CloudTrail_eu-central-1_202611{day:02}T1005Z_{number:016}.json.gz"
    return SourceRecord(f"s3://t/{name}", 9, f"f{day}{number}", 2, 2, 0, 0, None, None)


@pytest.fixture
def ledger() -> dict[str, SourceRecord]:
    other = replace(record(1), name="export.json", last_time="2026-11-20T23:59:59Z")
    records = [record(13), record(19), record(20), record(20, 1), other]
    return {one.name: one for one in records}


def test_a_head_is_of_one_day_and_taken_twice(ledger: dict[str, SourceRecord]) -> None:
    heads = [head for head, _ in take_heads("main", ledger, TODAY)]
    assert [(h.day, h.files, h.events, h.total) for h in heads] == [("2026-11-20", 3, 6, 5), ("2026-11-13", 1, 2, 5)]
    assert [head.name for head in heads] == ["2026-11-20/2026-11-21", "2026-11-13/2026-11-21"]
    backwards = dict(reversed(ledger.items()))
    assert take_heads("main", backwards, TODAY) == take_heads("main", ledger, TODAY), "in whatever order"


def test_a_file_that_was_taken_in_by_half_is_in_no_head(ledger: dict[str, SourceRecord]) -> None:
    half = replace(record(20, 9), fingerprint="", events=1)
    head, lines = take_heads("main", {**ledger, half.name: half}, TODAY)[0]
    assert (head.files, head.total) == (3, 5)
    assert cut_from(head.document(), lines, {**ledger, half.name: record(20, 9)}) == []


def test_a_day_without_files_has_a_head_too() -> None:
    head, lines = take_heads("main", {}, TODAY)[0]
    assert (head.files, gzip.decompress(lines)) == (0, b"")
    assert cut_from(head.document(), lines, {}) == []


def test_what_was_cut_or_changed_is_named_and_what_came_late_is_fine(ledger: dict[str, SourceRecord]) -> None:
    head, lines = take_heads("main", ledger, TODAY)[0]
    late = {**ledger, record(20, 7).name: record(20, 7)}
    assert cut_from(head.document(), lines, late) == []
    cut = {name: one for name, one in ledger.items() if name != record(20, 1).name}
    assert cut_from(head.document(), lines, cut) == [record(20, 1).name]
    for change in ({"fingerprint": "other"}, {"events": 1}):
        changed = {**ledger, record(20).name: replace(record(20), **change)}
        assert cut_from(head.document(), lines, changed) == [record(20).name]
    again = {**ledger, record(20).name: replace(record(20), created=0, duplicates=2)}
    assert cut_from(head.document(), lines, again) == [], "a file that was taken in again is the same"


_EMPTY = gzip.compress(b"", mtime=0)


@pytest.mark.parametrize(
    ("head", "lines"),
    [(b"{}", _EMPTY), (b"[", _EMPTY), (json.dumps({"digest": "x"}).encode(), b"")],
)
def test_what_is_no_head(head: bytes, lines: bytes) -> None:
    with pytest.raises(TrailError, match=r"is no published head of a ledger|are not those it was taken of"):
        cut_from(head, lines, {})


def test_lines_of_another_head(ledger: dict[str, SourceRecord]) -> None:
    (first, _), (_, second) = take_heads("main", ledger, TODAY)
    with pytest.raises(TrailError, match="are not those it was taken of"):
        cut_from(first.document(), second, ledger)
