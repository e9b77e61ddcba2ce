from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.detection.matching.values import MAX_FOUND, getter, text_of, texts

EVENT: dict[str, Any] = {
    "a": 1,
    "none": None,
    "b": {"c": "x", "d": {"e": [{"f": 1}, {"f": 2}, {"g": 3}], "h": [["i"], "j"]}},
    "list": ["p", ["q", None]],
    "objects": [{"k": "r"}, {"k": ["s", "t"]}, "u"],
    "empty": [],
}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("a", 1),
        ("none", None),
        ("missing", None),
        ("b.c", "x"),
        ("b.missing", None),
        ("a.b", None),
        ("b.d.e.f", [1, 2]),
        ("b.d.e.g", [3]),
        ("b.d.e.z", None),
        ("b.d.h", ["i", "j"]),
        ("list", ["p", "q"]),
        ("objects.k", ["r", "s", "t"]),
        ("empty", None),
        ("b.c.d.e", None),
    ],
)
def test_a_path_leads_to_all_values_below_lists(field: str, expected: object) -> None:
    assert getter(field)(EVENT) == expected


def test_every_value_of_an_event_is_text() -> None:
    found = set(texts({"a": [1, {"b": True}], "c": "x", "d": None, "e": 1.5}))
    assert found == {"1", "true", "x", "1.5"}
    assert [text_of(one) for one in (False, True)] == ["false", "true"]


def test_values_are_bounded() -> None:
    assert len(list(texts({"a": list(range(3 * MAX_FOUND))}))) == MAX_FOUND
    found = getter("a")({"a": list(range(3 * MAX_FOUND))})
    assert len(found) == MAX_FOUND
