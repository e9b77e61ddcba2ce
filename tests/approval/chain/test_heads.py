from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.approval.chain.check import ChainHead, Flaw
from sudo_mcp_guardrails.approval.chain.heads import FIRST, against_published, parse_heads, take_heads
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.evidence import append
from tests.approval.chains import KEYS, NOON, chain

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.chain.heads import ApprovalHeads
    from sudo_mcp_guardrails.approval.evidence import Record

DAY = 86_400
OLD = chain("a-old", "request", "decision", time=NOON - DAY)
NEW = chain("b-new", "request", "view", "decision")
LATER = append("a-old", OLD[-1], time=NOON + 5, kind="outcome", who="carol", body={}, signer=KEYS)
STORE: dict[str, list[Record]] = {"a-old": [*OLD, LATER], "b-new": NEW}
SUNDAY = take_heads("approvals", "2026-11-22", STORE.values(), None)
MONDAY = take_heads("approvals", "2026-11-23", STORE.values(), SUNDAY)
PUBLISHED = [SUNDAY, MONDAY]


def found(store: dict[str, list[Record]], published: list[ApprovalHeads] = PUBLISHED) -> list[tuple[str, int, Flaw]]:
    problems = against_published(published, lambda name: store.get(name, []))
    return [(one.chain, one.number, one.flaw) for one in problems]


def test_a_days_head_lists_the_chains_of_that_day_as_they_were_at_its_end() -> None:
    assert SUNDAY.chains == (ChainHead("a-old", 2, OLD[-1].digest),)
    assert MONDAY.chains == (ChainHead("a-old", 3, LATER.digest), ChainHead("b-new", 3, NEW[-1].digest))
    assert (SUNDAY.previous, MONDAY.previous) == (FIRST, SUNDAY.digest)


def test_a_day_without_records_has_a_head() -> None:
    tuesday = take_heads("approvals", "2026-11-24", STORE.values(), MONDAY)
    assert tuesday.chains == ()
    assert tuesday.previous == MONDAY.digest


def test_the_boundary_of_a_day_is_midnight_utc() -> None:
    midnight = NOON + DAY // 2
    last = chain("c", "request", time=midnight - 1)
    first = chain("d", "request", time=midnight)
    assert [head.chain for head in take_heads("s", "2026-11-23", [last, first], None).chains] == ["c"]
    assert [head.chain for head in take_heads("s", "2026-11-24", [last, first], None).chains] == ["d"]


def test_what_was_published_is_read_as_it_was_written() -> None:
    for heads in PUBLISHED:
        assert parse_heads(heads.document()) == heads
    assert MONDAY.name == f"heads/approvals/2026-11-23-{MONDAY.digest[:16]}.json"


def test_a_whole_store_lacks_nothing() -> None:
    assert found(STORE) == []
    assert against_published(PUBLISHED, lambda name: STORE.get(name, []), until="2026-11-23") == []


def test_a_store_may_have_more_than_was_published() -> None:
    more = append("b-new", NEW[-1], time=NOON + 9, kind="outcome", who="carol", body={}, signer=KEYS)
    assert found({**STORE, "b-new": [*NEW, more], "c": chain("c", "request")}) == []


def test_a_cut_tail_shows() -> None:
    assert found({**STORE, "b-new": NEW[:1]}) == [("b-new", 3, Flaw.CUT)]
    assert found({**STORE, "a-old": OLD}) == [("a-old", 3, Flaw.CUT)]


def test_a_chain_that_vanished_shows() -> None:
    assert found({"b-new": NEW}) == [("a-old", 2, Flaw.CUT), ("a-old", 3, Flaw.CUT)]


def test_a_chain_that_was_written_anew_with_the_key_shows() -> None:
    assert found({**STORE, "b-new": chain("b-new", "request", "refuse", "refuse")}) == [("b-new", 3, Flaw.REWRITTEN)]


def test_a_second_record_of_a_published_number_shows() -> None:
    twin = append("b-new", NEW[1], time=NOON + 2, kind="decision", who="mallory", body={}, signer=KEYS)
    assert found({**STORE, "b-new": [*NEW, twin]}) == [("b-new", 3, Flaw.REWRITTEN)]


def test_another_chains_records_do_not_stand_in() -> None:
    assert found({**STORE, "b-new": OLD}) == [("b-new", 3, Flaw.CUT)]


def test_a_missing_head_shows() -> None:
    tuesday = take_heads("approvals", "2026-11-24", STORE.values(), MONDAY)
    assert found(STORE, [SUNDAY, tuesday]) == [("heads/approvals", 0, Flaw.HEADS)]
    assert found(STORE, [MONDAY, tuesday]) == [("heads/approvals", 0, Flaw.HEADS)]


def test_two_heads_of_one_day_show() -> None:
    other = replace(MONDAY, chains=MONDAY.chains[:1])
    assert ("heads/approvals", 0, Flaw.HEADS) in found(STORE, [SUNDAY, MONDAY, other])


def test_heads_that_end_too_early_show() -> None:
    for published in (PUBLISHED, []):
        problems = against_published(published, lambda name: STORE.get(name, []), until="2026-11-24")
        assert [one.flaw for one in problems] == [Flaw.HEADS]


def test_a_changed_head_is_none() -> None:
    document = json.loads(MONDAY.document())
    document["chains"][0][1] = 2
    with pytest.raises(EvidenceError, match="is not what its digest was made of"):
        parse_heads(json.dumps(document).encode())


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"chains": [[1,2,3]]}', b'{"chains": [["a","1","x"]]}', b"\xff"]
)
def test_what_is_no_head_is_refused(document: bytes) -> None:
    with pytest.raises(EvidenceError):
        parse_heads(document)


@pytest.mark.parametrize("day", ["2026-11-31", "2026-1-1", "", "20261123", "2026-11-23T00"])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(EvidenceError, match="allowed: YYYY-MM-DD"):
        take_heads("approvals", day, [], None)


def test_a_head_follows_that_of_the_day_before_alone() -> None:
    with pytest.raises(EvidenceError, match="cannot follow"):
        take_heads("approvals", "2026-11-24", [], SUNDAY)
    with pytest.raises(EvidenceError, match="cannot follow"):
        take_heads("others", "2026-11-24", [], MONDAY)


def test_a_chain_twice_or_out_of_order_is_refused() -> None:
    with pytest.raises(EvidenceError, match="out of order"):
        take_heads("approvals", "2026-11-23", [NEW, NEW], None)
    with pytest.raises(EvidenceError, match="out of order"):
        replace(MONDAY, chains=MONDAY.chains[::-1])


def test_a_head_out_of_bounds_is_refused() -> None:
    for wrong in (ChainHead("a", 0, FIRST), ChainHead("a", 1, "x"), ChainHead("a b", 1, FIRST)):
        with pytest.raises(EvidenceError):
            replace(MONDAY, chains=(wrong,))
    with pytest.raises(EvidenceError):
        replace(MONDAY, previous="x")
    for change in ({"store": "a b"}, {"day": "today"}):
        with pytest.raises(EvidenceError):
            replace(MONDAY, **change)  # type: ignore[arg-type]


def test_too_many_chains_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sudo_mcp_guardrails.approval.chain.heads.MAX_CHAINS", 2)
    assert replace(MONDAY) == MONDAY
    monkeypatch.setattr("sudo_mcp_guardrails.approval.chain.heads.MAX_CHAINS", 1)
    with pytest.raises(EvidenceError, match="has 2 chains, allowed are 1"):
        replace(MONDAY)
