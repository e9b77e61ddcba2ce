"""Groups that several processes count in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.detection import correlating_store
from sudo_mcp_guardrails.detection.correlating import Correlator, Group, Seen
from sudo_mcp_guardrails.detection.correlating_store import StoredGroups, dumps, group_key, loads
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.matching.condition import Comparison, Op
from sudo_mcp_guardrails.detection.rule import Correlation, Counting, Level, Rule

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.correlating_store import Stored

RULE = Rule("1", "denied", "t", Level.INFORMATIONAL, Comparison("e", Op.EQUALS, ("x",)))
BURST = Correlation("2", "burst", "t", Level.HIGH, ("denied",), Counting.EVENT_COUNT, ("who",), 60, 3)


class Table:
    """A table in memory."""

    def __init__(self) -> None:
        self.held: dict[str, Stored] = {}
        self.seconds = 0

    def load(self, key: str) -> Stored | None:
        return self.held.get(key)

    def save(self, key: str, new: Stored, *, seconds: int) -> bool:
        self.seconds = seconds
        before = self.held.get(key)
        if (before.version if before else 0) != new.version - 1:
            return False
        self.held[key] = new
        return True


def counted(groups: StoredGroups, number: int, who: str = "a") -> int:
    """How many hits an event makes."""
    return len(Correlator([BURST], groups).add([RULE], {"who": who}, f"e-{number}", number))


def test_processes_count_together_once_each_event() -> None:
    table = Table()
    hits = []
    for number in (1, 2, 2, 3, 4):
        groups = StoredGroups(table)
        hits.append(counted(groups, number))
        assert groups.commit()
    assert hits == [0, 0, 0, 1, 0]
    assert table.seconds == 60 + correlating_store.KEPT_SECONDS


def test_who_is_too_late_counts_anew_and_nothing_is_lost() -> None:
    table = Table()
    slow, quick = StoredGroups(table), StoredGroups(table)
    counted(slow, 1)
    counted(quick, 2)
    assert quick.commit()
    assert not slow.commit()
    slow.begin()
    counted(slow, 1)
    assert slow.commit()
    assert counted(StoredGroups(table), 3) == 1


def test_what_has_not_changed_is_not_written() -> None:
    table = Table()
    groups = StoredGroups(table)
    counted(groups, 1)
    assert groups.commit()
    assert groups.commit()
    assert [one.version for one in table.held.values()] == [1]


def test_a_group_comes_back_as_it_was_and_what_is_none_is_refused() -> None:
    group = Group([Seen(1, "e-1", "\udc00"), Seen(2, "e-2", "")], 62)
    assert loads(dumps(group)) == group
    for text in ("", "[]", '["x", []]', "[1, [[1, 2]]]", "null"):
        with pytest.raises(DetectionError, match=r"stored group .* does not parse"):
            loads(text)


def test_keys_differ_by_correlation_and_by_where_values_end() -> None:
    keys: list[Any] = [("a", "b"), ("ab",), ("a,b",), ()]
    assert len({group_key(BURST, key) for key in keys}) == 4


def test_a_batch_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlating_store, "MAX_GROUPS", 2)
    groups = StoredGroups(Table())
    counted(groups, 1, "a")
    counted(groups, 2, "b")
    with pytest.raises(DetectionError, match="a batch touches more than 2 groups, allowed: 2 at most"):
        counted(groups, 3, "c")
