"""A ledger that was verified once is not verified again by each process that starts, and is believed no more for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.chain.check import verify
from sudo_mcp_guardrails.approval.evidence import Record, append
from sudo_mcp_guardrails.approval.store import trust_mark
from sudo_mcp_guardrails.approval.trust import chain_name
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Introduced
from tests.approval import chains
from tests.approval.store.test_trust_checkpoint import CHAIN, VERSION, Place, outcome
from tests.handlers.approval import fakes

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.trust_ledger.state import TrustState

MARKS = f"{CHAIN}/verified"
STEP = 5


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_mark, "STEP", STEP)


@pytest.fixture
def place() -> Place:
    """A ledger of 21 entries of which nobody has looked at the tier yet."""
    made = Place()
    made.say(Introduced(VERSION, "erin", "a new agent"))
    for number in range(20):
        made.say(outcome(number))
    return made


def marks(place: Place) -> list[Record]:
    """The marks, which are a chain that is whole."""
    rows = sorted((number, row) for (chain, number), row in place.items.items() if chain == MARKS)
    found = [Record.from_line(row["record"]["S"]) for _, row in rows]
    assert verify(MARKS, found, place.keys, {"trust"}) == []
    return found


def looked(place: Place) -> tuple[TrustState, int]:
    """What a process says that has just started, and how many signatures it checked."""
    before = place.keys.verified
    return place.process().state("bot"), place.keys.verified - before


def put(place: Place, record: Record) -> None:
    place.items[record.chain, record.number] = {
        "chain": {"S": record.chain},
        "number": {"N": str(record.number)},
        "record": {"S": json.dumps(record.document())},
        "writer": {"S": "x"},
    }


def told(place: Place, number: int, digest: str, key: str = "trust", kind: str = trust_mark.KIND) -> Record:
    """The next mark, by somebody with a key."""
    found = marks(place)
    body = {"number": number, "digest": digest}
    last = found[-1] if found else None
    return append(MARKS, last, time=place.time, kind=kind, who="x", body=body, signer=chains.Keys(key))


def test_the_first_look_checks_all_and_the_next_process_what_came_since(place: Place) -> None:
    first, checked = looked(place)
    assert checked == 21
    assert [record.body["number"] for record in marks(place)] == [5, 10, 15, 20]
    again, checked = looked(place)
    assert (again, checked) == (first, 2)  # the mark's, and the one entry behind it
    assert first.number == 21
    place.say(outcome(20))
    state, checked = looked(place)
    assert (state.number, state.broken, checked) == (22, "", 3)


def test_a_mark_holds_how_far_and_nothing_else(place: Place) -> None:
    looked(place)
    assert {tuple(sorted(record.body)) for record in marks(place)} == {("digest", "number")}
    assert {record.kind for record in marks(place)} == {trust_mark.KIND}


@pytest.mark.parametrize("number", [1, 3, 19, 20, 21])
def test_what_was_changed_before_or_after_the_mark_is_found(place: Place, number: int) -> None:
    looked(place)
    place.rewrite(number, lambda old: replace(old, body={**old.body, "result": "failure"}))
    state, _ = looked(place)
    assert f"record {number} is not what its digest was made of" in state.broken
    assert state.cell(RiskClass.R1, "sandbox").tier is TrustTier.T0


@pytest.mark.parametrize(
    ("signed", "reason"),
    [(False, "record 12 is not signed"), (True, "record 20 is another one than was published")],
)
def test_a_ledger_that_was_written_anew_is_another_one(place: Place, reason: str, *, signed: bool) -> None:
    looked(place)
    records = [Record.from_line(place.items[CHAIN, number]["record"]["S"]) for number in range(1, 22)]
    made: list[Record] = records[:11]
    for old in records[11:]:
        body = {**old.body, "requester": "somebody else"}
        last = append(CHAIN, made[-1], time=old.time, kind=old.kind, who=old.who, body=body, signer=place.keys)
        made.append(last if signed else replace(last, signature=b"none"))
    for record in made:
        put(place, record)
    state, _ = looked(place)
    assert reason in state.broken


def test_a_tail_that_was_cut_off_is_missed(place: Place) -> None:
    looked(place)
    for number in (20, 21):
        del place.items[CHAIN, number]
    state, _ = looked(place)
    assert "the chain ends at record 19, 20 were published" in state.broken


def test_an_entry_that_nobody_signed_is_found_however_many_are_marked(place: Place) -> None:
    place.rewrite(13, lambda old: replace(old, signature=b"none"))
    for _ in range(2):
        state, _ = looked(place)
        assert "record 13 is not signed" in state.broken
    assert [record.body["number"] for record in marks(place)] == [5, 10]


@pytest.mark.parametrize("flaw", ["key", "signature", "digest", "kind", "body", "text"])
def test_a_mark_that_is_none_saves_nothing(place: Place, flaw: str) -> None:
    place.rewrite(13, lambda old: replace(old, signature=b"none"))
    head = Record.from_line(place.items[CHAIN, 21]["record"]["S"])
    made = told(
        place,
        21,
        head.digest,
        "evidence" if flaw == "key" else "trust",
        "trust-x" if flaw == "kind" else trust_mark.KIND,
    )
    flaws: dict[str, dict[str, Any]] = {
        "signature": {"signature": b"x"},
        "digest": {"who": "y"},
        "body": {"body": {}},
    }
    put(place, replace(made, **flaws.get(flaw, {})))
    if flaw == "text":
        place.items[MARKS, 1]["record"] = {"S": "{}"}
    state, checked = looked(place)
    assert "record 13 is not signed" in state.broken
    assert checked >= 13


def test_an_older_mark_in_the_place_of_the_last_one_only_costs_time(place: Place) -> None:
    looked(place)
    for number in (3, 4):
        del place.items[MARKS, number]
    state, checked = looked(place)
    assert (state.broken, checked) == ("", 1 + 10 + 1)
    assert [record.body["number"] for record in marks(place)] == [5, 10, 15, 20]


def test_another_agents_mark_is_none_of_this_one(place: Place) -> None:
    looked(place)
    other = f"{chain_name('other')}/verified"
    place.items[other, 4] = {**place.items[MARKS, 4], "chain": {"S": other}}
    place.process().add("other", Introduced(VERSION, "erin", "another agent"), "broker")
    state = place.process().state("other")
    assert (state.broken, state.number) == ("", 1)


def test_where_a_mark_cannot_be_kept_the_answer_is_the_same(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(**_: Any) -> None:
        raise fakes.aws_error("ProvisionedThroughputExceededException")

    with monkeypatch.context() as patched:
        patched.setattr(place.dynamodb, "put_item", throttled)
        state, checked = looked(place)
    assert (state.broken, state.number, checked) == ("", 21, 21)
    assert "could not be marked" in caplog.text
    assert marks(place) == []
    assert looked(place)[0] == state
    assert len(marks(place)) == 4


def test_two_that_start_at_once_say_the_same(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = place.process(), place.process()
    store = other._checkpoints._store
    records = store.records

    def later(chain: str, since: int = 1) -> list[Record]:
        found = records(chain, since)
        for number in range(30, 36):
            place.say(outcome(number))
        one.state("bot")  # its last mark is of an entry that the other does not have
        return found

    monkeypatch.setattr(store, "records", later)
    state = other.state("bot")
    assert (state.broken, state.number) == ("", 21)
    assert [record.body["number"] for record in marks(place)] == [5, 10, 15, 20, 25]
