from __future__ import annotations

import pytest

from sudo_mcp_guardrails.detection.baseline import MemoryStore
from sudo_mcp_guardrails.detection.baseline import hot as module
from sudo_mcp_guardrails.detection.baseline.counts import FORGET, Counts
from sudo_mcp_guardrails.detection.baseline.document import Baseline
from sudo_mcp_guardrails.detection.baseline.hot import Hot


def _document(name: str, terms: int = 1) -> Baseline:
    return Baseline(name, {"t": Counts({7: 1}, last={f"t{number}": 7 for number in range(terms)})})


def test_the_last_used_documents_stay_and_the_others_are_saved() -> None:
    store = MemoryStore()
    gone: list[str] = []
    hot = Hot(store, 2, Baseline.from_bytes, gone.append)
    hot.put("a", _document("a"))
    hot.put("b", _document("b"))
    assert len(store) == 0
    assert hot.find("a") == _document("a")
    hot.put("c", _document("c"))
    assert gone == ["b"]
    assert store.load("b") == _document("b").to_bytes()
    assert hot.find("b") == _document("b")
    assert gone == ["b", "a"]
    assert hot.find("none") is None


def test_a_flush_saves_what_changed_once_and_keeps_it() -> None:
    store = MemoryStore()
    hot = Hot(store, 5, Baseline.from_bytes)
    hot.put("a", _document("a"))
    hot.flush()
    assert store.sweep(7 + FORGET) == 0
    assert store.sweep(8 + FORGET) == 1
    hot.flush()
    assert len(store) == 0
    assert hot.find("a") == _document("a")


def test_a_document_that_is_dropped_is_gone_from_both() -> None:
    store = MemoryStore()
    hot = Hot(store, 5, Baseline.from_bytes)
    hot.put("a", _document("a"))
    hot.flush()
    hot.put("a", _document("a", 2))
    hot.drop("a")
    hot.flush()
    assert hot.find("a") is None
    assert len(store) == 0


def test_large_documents_leave_room_for_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NUMBERS", 100)
    store = MemoryStore()
    hot = Hot(store, 50, Baseline.from_bytes)
    for number in range(20):
        hot.put(str(number), _document(str(number), 9))
    assert len(hot) == 10
    hot.put("large", _document("large", 500))
    assert len(hot) == 1
    assert len(store) == 20
    hot.put("large", _document("large", 9))
    hot.put("small", _document("small", 9))
    assert len(hot) == 2
    hot.drop("small")
    for number in range(9):
        assert hot.find(str(number)) is not None
    assert len(hot) == 10


def test_what_the_store_does_not_take_stays() -> None:
    class Down(MemoryStore):
        def save(self, key: str, data: bytes, until: int) -> None:
            raise OSError(f"no room for {key}, {len(data)} bytes until {until}")

    hot = Hot(Down(), 1, Baseline.from_bytes)
    hot.put("a", _document("a"))
    with pytest.raises(OSError, match="no room for a"):
        hot.put("b", _document("b"))
    assert hot.find("a") == _document("a")
    assert hot.find("b") == _document("b")
