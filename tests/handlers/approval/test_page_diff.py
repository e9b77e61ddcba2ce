"""What the page shows of a change: every difference, and no secret."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.approval.masking import masked
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.handlers.approval_api_diff import MAX_VALUE, changed_rows

if TYPE_CHECKING:
    from sudo_mcp_guardrails.handlers.approval_api_diff import Row

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab<&", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)


def rows(before: Any, after: Any, **changes: Any) -> list[Row]:
    change = Change(Operation.UPDATE, "AWS::Lambda::Function", "Worker", before=before, after=after, **changes)
    plan = Plan(Form.TEMPLATE, "stack", "", "", (change,))
    return list(changed_rows(change, masked(plan)["changes"][0]))


@given(JSON, JSON)
def test_a_row_is_shown_where_and_only_where_something_differs(before: Any, after: Any) -> None:
    found = rows({"X": before}, {"X": after})
    assert bool(found) is (json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True))
    assert len({row.path for row in found}) == len(found)


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=2), JSON, max_size=4), st.text("abc", min_size=1, max_size=2)
)
def test_what_is_added_is_named(before: dict[str, Any], name: str) -> None:
    after = {**before, name: "new value"}
    assert any(row.path[0] == name for row in rows(before, after))
    assert all(row.path[0] == name for row in rows(before, after))


def test_only_the_property_that_changes_is_shown() -> None:
    before = {"MemorySize": 128, "Tags": [{"Key": "a", "Value": "1"}], "Runtime": "python3.12"}
    after = {"MemorySize": 256, "Tags": [{"Key": "a", "Value": "2"}], "Runtime": "python3.12"}
    found = [(row.path, row.what, row.before, row.after) for row in rows(before, after)]
    assert found == [(("MemorySize",), "changed", "128", "256"), (("Tags", "0", "Value"), "changed", "1", "2")]


def test_a_password_that_changes_shows_as_a_change_and_not_as_itself() -> None:
    (row,) = rows({"MasterUserPassword": "old secret"}, {"MasterUserPassword": "new secret"})
    assert (row.what, row.hidden, row.before, row.after) == ("changed", True, "****", "****")


def test_a_path_that_the_reader_marked_is_hidden_too() -> None:
    (row,) = rows({"Note": {"inner": "x"}}, {"Note": {"inner": "y"}}, sensitive=(("Note",),))
    assert (row.path, row.hidden, row.after) == (("Note",), True, "****")


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), ("1", 1), (None, ""), ([], {})])
def test_values_that_look_alike_differ(before: Any, after: Any) -> None:
    assert len(rows({"X": before}, {"X": after})) == 1


def test_a_long_value_says_how_much_is_left_out() -> None:
    (row,) = rows({"Text": "a"}, {"Text": "b" * (MAX_VALUE + 7)})
    assert (row.cut, len(row.after or "")) == (7, MAX_VALUE)


def test_what_is_made_and_deleted_has_one_side() -> None:
    assert [row.what for row in rows(None, {"A": 1, "B": {"C": 2}})] == ["added", "added"]
    assert [row.what for row in rows({"A": 1}, None)] == ["removed"]
    assert rows(None, None) == []
    assert replace(rows({"A": 1}, None)[0], path=()).document()["after"] is None
