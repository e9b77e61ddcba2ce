from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.detection.baseline.calls import Call
from sudo_mcp_guardrails.detection.baseline.counts import Counts
from sudo_mcp_guardrails.detection.baseline.document import MAX_BYTES, Baseline, day_text
from sudo_mcp_guardrails.detection.baseline.pending import Pending
from sudo_mcp_guardrails.detection.errors import DetectionError
from tests.detection.baseline.made import DAY, made

_NAMES = st.text(max_size=20)
_DAYS = st.integers(0, 30_000)
_NUMBERS = st.integers(0, 10**9)
_COUNTS = st.builds(
    Counts,
    st.dictionaries(_DAYS, _NUMBERS, max_size=4),
    st.dictionaries(_DAYS, st.dictionaries(_NAMES, _NUMBERS, max_size=4), max_size=3),
    st.dictionaries(_NAMES, _DAYS, max_size=5),
    st.dictionaries(_DAYS, st.lists(_NUMBERS, min_size=3, max_size=3), max_size=4),
    st.dictionaries(_DAYS, st.dictionaries(st.integers(0, 500), _NUMBERS, max_size=3), max_size=3),
)
_BASELINES = st.builds(
    Baseline, _NAMES, st.dictionaries(_NAMES, _COUNTS, max_size=4), _NUMBERS, st.booleans(), _NUMBERS
)


@settings(deadline=None)
@given(_BASELINES)
def test_a_document_comes_back_as_it_was(baseline: Baseline) -> None:
    packed = baseline.to_bytes()
    back = Baseline.from_bytes(packed)
    assert back == baseline
    assert back.digest == baseline.digest
    assert back.to_bytes() == packed


@settings(deadline=None)
@given(_BASELINES, st.dictionaries(_NAMES, st.integers(0, 500), max_size=4), st.booleans())
def test_a_pending_run_comes_back_as_it_was(
    baseline: Baseline,
    peaks: dict[str, int],
    spoiled: bool,  # noqa: FBT001
) -> None:
    run = Pending(baseline, peaks, spoiled)
    assert Pending.from_bytes(run.to_bytes()) == run


def test_names_may_be_any_text() -> None:
    baseline = Baseline("a\ud800b", {"\n": Counts({1: 1}, {1: {"\udfff": 2}})})
    assert Baseline.from_bytes(baseline.to_bytes()) == baseline


def _filled() -> dict[str, Any]:
    baseline = Baseline("bot")
    for number, action in enumerate(("s3:GetObject", "s3:GetObject", "s3:PutObject", "ec2:RunInstances")):
        baseline.counts("read").add(Call.of(made(action).event), (DAY + number) * 86_400)
    baseline.counts("read").sessions[DAY] = {40: 2}
    return baseline.to_data()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 2),
        (("format",), None),
        (("name",), 3),
        (("name",), "n" * 513),
        (("merges",), -1),
        (("merges",), True),
        (("merges",), 1.5),
        (("tasks",), []),
        (("tasks",), {str(number): {} for number in range(10)}),
        (("tasks", "read"), None),
        (("tasks", "read", "calls"), {"1": 2}),
        (("tasks", "read", "calls"), [[1, 2, 3]]),
        (("tasks", "read", "calls"), [[1, 2**53]]),
        (("tasks", "read", "names"), [1]),
        (("tasks", "read", "names"), ["only one"]),
        (("tasks", "read", "actions"), [[DAY, [0]]]),
        (("tasks", "read", "actions"), [[DAY, [0, "1"]]]),
        (("tasks", "read", "actions"), [[DAY, [99, 1]]]),
        (("tasks", "read", "actions"), [[DAY, list(range(900))]]),
        (("tasks", "read", "last"), [[DAY, "text"]]),
        (("tasks", "read", "last"), [["x", ["a"]]]),
        (("tasks", "read", "hours"), [[1, 2, 3]]),
        (("tasks", "read", "sessions"), [[DAY, [[1]]]]),
        (("tasks", "read", "sessions"), "x"),
    ],
)
def test_a_damaged_document_is_refused(path: tuple[str, ...], value: object) -> None:
    data = json.loads(json.dumps(_filled()))
    inner = data
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    with pytest.raises(DetectionError):
        Baseline.from_data(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zlib",
        zlib.compress(b"no JSON"),
        zlib.compress(b"[]"),
        zlib.compress(b"{}")[:-3],
        zlib.compress(b"[" * 100_000),
        zlib.compress(b" " * (MAX_BYTES + 1)),
    ],
)
def test_what_is_no_document_is_refused(data: bytes) -> None:
    for read in (Baseline.from_bytes, Pending.from_bytes):
        with pytest.raises(DetectionError):
            read(data)


def test_a_document_that_is_cut_off_or_too_large_is_refused() -> None:
    for data in (Baseline("bot").to_bytes()[:-2], zlib.compress(b" " * MAX_BYTES + b"{}")):
        with pytest.raises(DetectionError, match="cut off or too large"):
            Baseline.from_bytes(data)


@pytest.mark.parametrize(("name", "value"), [("peaks", []), ("peaks", {"a": -1}), ("counts", None)])
def test_a_damaged_run_is_refused(name: str, value: object) -> None:
    data = {"counts": _filled(), "peaks": {}, "spoiled": False, name: value}
    with pytest.raises(DetectionError):
        Pending.from_bytes(zlib.compress(json.dumps(data).encode()))


def test_a_run_that_does_not_say_that_it_is_not_spoiled_is() -> None:
    data = {"counts": _filled(), "peaks": {}}
    assert Pending.from_bytes(zlib.compress(json.dumps(data).encode())).spoiled


def test_a_baseline_tells_what_was_learned() -> None:
    baseline = Baseline.from_data(_filled())
    told = baseline.describe()
    assert told["last_day"] == "2026-09-04"
    assert told["digest"] == baseline.digest
    assert told["tasks"]["read"] == {
        "days": 4,
        "first_day": "2026-09-01",
        "calls": 4,
        "actions": 3,
        "most": {"s3:GetObject": 2, "ec2:RunInstances": 1, "s3:PutObject": 1},
        "terms": {"action": 3, "place": 1, "service": 2, "source": 1, "user-agent": 1},
        "sessions": 2,
    }
    assert Baseline("new").describe()["last_day"] is None
    json.dumps(told)


def test_days_beyond_the_calendar_have_a_number() -> None:
    assert day_text(DAY) == "2026-09-01"
    assert day_text(10**9) == str(10**9)
