from __future__ import annotations

import errno
import gzip
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.heads import GENESIS, HEADS, chained
from sudo_mcp_guardrails.trail.segment_files import read_segment, segment_path
from sudo_mcp_guardrails.trail.segment_lines import Draft
from sudo_mcp_guardrails.trail.segments import SegmentLog
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter
from tests.trail.batches import one_file, with_fields
from tests.trail.made import event

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.trail.segment_lines import Lines

WHO = Attribution(By.SESSION_TAGS, agent="release-bot")


def draft(*ids: str) -> Draft:
    some = one_file(*(event(name) for name in ids), attribution=WHO)
    return Draft(some.events, ["a.json"] * len(some.events), sources=some.sources)


def lines_of(path: Path) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    read_segment(path, lambda lines: found.append((lines.block, json.loads(lines.data))))
    return found


def test_a_segment_holds_the_very_bytes_and_needs_no_code_of_ours(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    some = draft("a", "b")
    log.append(some)
    with gzip.open(segment_path(tmp_path, 1), "rb") as file:
        header, *lines = [json.loads(line) for line in file]
    assert (header["segment"], header["events"], header["attributions"]) == (1, 2, 1)
    assert lines[0] == {"id": 0, "by": "session-tags", "agent": "release-bot"}
    assert [line["raw"].encode() for line in lines[1:3]] == [one.event.raw for one in some.events]
    assert [line["origin"] for line in lines[1:3]] == ["a.json", "a.json"]
    assert lines[3]["name"] == "a.json"


def test_heads_follow_one_another(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    one, two = log.append(draft("a")), log.append(draft("b"))
    assert (one.previous, two.previous) == (GENESIS, one.head)
    assert two.head == chained(one.head, two.sha256)
    assert SegmentLog(tmp_path).heads == [one, two]


def test_lines_come_by_kind_as_they_are_written(tmp_path: Path) -> None:
    seen: list[Lines] = []
    letter = DeadLetter("a.json", None, "cut off", b"\xff\xfe")
    change = ("2026-11-20", "a", WHO)
    log = SegmentLog(tmp_path)
    log.append(Draft(dead_letters=[letter], amendments=[change]), seen.append)
    assert [lines.block for lines in seen] == ["attributions", "amendments", "dead_letters"]
    assert [block for block, _ in lines_of(segment_path(tmp_path, 1))] == ["attributions", "amendments", "dead_letters"]
    assert lines_of(segment_path(tmp_path, 1))[2][1]["raw_base64"] == "//4="


@pytest.mark.parametrize("plain", [False, True])
def test_both_ways_to_write_json_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, plain: bool) -> None:
    from sudo_mcp_guardrails.trail import segment_lines

    odd = one_file(event("a\0\u2028", userAgent='é"\\\n', errorCode=""), event("b", readOnly=None), attribution=WHO)
    cut = one_file(event("c"), attribution=WHO)
    cut = with_fields(cut, 0, user_agent="half \ud83d")
    odd = with_fields(odd, 0, raw=b'{"bad":"\xff"}')
    if plain:
        monkeypatch.setattr(segment_lines, "_fast", lambda _: None)
    log = SegmentLog(tmp_path)
    log.append(Draft([*odd.events, *cut.events], ["o.json"] * 3))
    expected = [line for block, line in lines_of(segment_path(tmp_path, 1)) if block == "events"]
    assert expected[0]["event_id"] == "a\0\u2028"
    assert expected[0]["user_agent"] == 'é"\\\n'
    assert expected[0]["error"] == ""
    assert expected[0]["raw_base64"] == "eyJiYWQiOiL/In0="
    assert expected[0]["raw"] == '{"bad":"\ufffd"}'
    assert "read_only" not in expected[1]
    assert expected[2]["user_agent"] == "half \\ud83d"


def test_what_was_being_written_is_removed(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    log.append(draft("a"))
    (tmp_path / "segments" / "000000002.ndjson.tmp").write_bytes(b"half")
    assert len(SegmentLog(tmp_path).heads) == 1
    assert [path.name for path in (tmp_path / "segments").iterdir()] == ["000000001.ndjson.gz"]


@pytest.mark.parametrize("kept", [0, 1, 50, -1])
def test_a_torn_head_is_completed_from_its_segment(tmp_path: Path, kept: int) -> None:
    log = SegmentLog(tmp_path)
    heads = [log.append(draft("a")), log.append(draft("b"))]
    path = tmp_path / HEADS
    whole = path.read_bytes()
    path.write_bytes(heads[0].line() + heads[1].line()[:kept])
    assert SegmentLog(tmp_path).heads == heads
    assert path.read_bytes() == whole


def test_a_torn_head_that_is_not_of_its_segment_is_refused(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    heads = [log.append(draft("a")), log.append(draft("b"))]
    torn = heads[0].line() + heads[1].line()[:40].replace(b'"events":1', b'"events":2')
    (tmp_path / HEADS).write_bytes(torn)
    with pytest.raises(TrailError, match="of no segment"):
        SegmentLog(tmp_path)
    assert (tmp_path / HEADS).read_bytes() == torn


def test_a_segment_that_does_not_follow_is_not_taken_in(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path / "one")
    log.append(draft("a"))
    other = SegmentLog(tmp_path / "two")
    other.append(draft("x"))
    other.append(draft("y"))
    segment_path(tmp_path / "two", 2).rename(segment_path(tmp_path / "one", 2))
    with pytest.raises(TrailError, match="does not follow"):
        SegmentLog(tmp_path / "one")


@pytest.mark.parametrize("number", [1, 2])
def test_a_log_that_lacks_a_segment_is_refused(tmp_path: Path, number: int) -> None:
    log = SegmentLog(tmp_path)
    log.append(draft("a"))
    log.append(draft("b"))
    segment_path(tmp_path, number).unlink()
    with pytest.raises(TrailError, match="other segments than heads"):
        SegmentLog(tmp_path)


def damaged(path: Path, how: str) -> None:
    whole = path.read_bytes()
    lines = gzip.decompress(whole).split(b"\n")
    contents = {
        "cut": whole[:-9],
        "empty": b"",
        "byte": whole[:60] + bytes([whole[60] ^ 1]) + whole[61:],
        "more": whole + b"x",
        "member": whole + gzip.compress(b"{}\n"),
        "no-gzip": b"plain",
        "fewer-lines": gzip.compress(b"\n".join([*lines[:-2], b""])),
        "more-lines": gzip.compress(b"\n".join([*lines[:-1], b"{}", b""])),
        "torn-line": gzip.compress(b"\n".join(lines) + b"{"),
        "no-header": gzip.compress(b"\n".join(lines[1:])),
        "other-format": gzip.compress(b"\n".join([b'{"format":2}', *lines[1:]])),
        "counts": gzip.compress(b"\n".join([lines[0].replace(b'"events":1', b'"events":-1'), *lines[1:]])),
    }
    path.write_bytes(contents[how])


KINDS = ["cut", "empty", "byte", "more", "member", "no-gzip", "fewer-lines", "more-lines", "torn-line", "no-header"]


@pytest.mark.parametrize("how", [*KINDS, "other-format", "counts"])
def test_a_damaged_segment_is_refused(tmp_path: Path, how: str) -> None:
    SegmentLog(tmp_path).append(draft("a"))
    damaged(segment_path(tmp_path, 1), how)
    with pytest.raises(TrailError):
        read_segment(segment_path(tmp_path, 1))
    with pytest.raises(TrailError):
        SegmentLog(tmp_path)


@pytest.mark.parametrize("failing", range(4))
def test_a_full_disk_keeps_nothing_and_the_next_write_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    # A write syncs four times: the segment, its directory, the head, the store.
    log = SegmentLog(tmp_path)
    log.append(draft("a"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    calls = iter(range(100))
    sync = os.fsync

    def fsync(handle: int) -> None:
        if next(calls) == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(SinkUnavailableError, match="No space left"):
        log.append(draft("b"))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    monkeypatch.undo()
    log.append(draft("b"))
    assert [one["event_id"] for block, one in lines_of(segment_path(tmp_path, 2)) if block == "events"] == ["b"]
    assert SegmentLog(tmp_path).heads == log.heads


def test_an_attribution_stands_once_in_a_segment(tmp_path: Path) -> None:
    some = one_file(*(event(f"e{n}") for n in range(600)))
    events = [Attributed(one.event, Attribution(By.NOBODY, reason="x")) for one in some.events]
    log = SegmentLog(tmp_path)
    log.append(Draft(events, ["a.json"] * 600))
    blocks = [block for block, _ in lines_of(segment_path(tmp_path, 1))]
    assert (blocks.count("attributions"), blocks.count("events")) == (1, 600)
