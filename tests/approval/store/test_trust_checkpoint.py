"""A process that goes on from what it verified says what a replay from the start says, whatever the table has."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.evidence import Record, append
from sudo_mcp_guardrails.approval.store import trust_checkpoint
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.signers import Keys
from sudo_mcp_guardrails.approval.store.trust_checkpoint import MAX_AGE, MAX_KEPT
from sudo_mcp_guardrails.approval.store.trust_store import TrustStore
from sudo_mcp_guardrails.approval.trust import Item
from sudo_mcp_guardrails.approval.trust_ledger.facts import Canary, HardTrigger, Outcome, Result, Trigger
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Demotion, Introduced, Promotion
from tests.approval import chains
from tests.approval.chains import NOON
from tests.handlers.approval import fakes

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.approval.trust_ledger.entries import Fact

R1, R2 = RiskClass.R1, RiskClass.R2
VERSION = "a1" * 32
CHAIN = "trust/bot"
TABLE = {tier: dict(row) for tier, row in TrustPolicy().table.items()}
TABLE[TrustTier.T1] = dict(TABLE[TrustTier.T2])
POLICY = TrustPolicy(
    table=TABLE, budgets={**TrustPolicy().budgets, TrustTier.T1: TrustPolicy().budgets[TrustTier.T2]}, audit=500_000
)
"""With it an agent of T1 does R1 by rule."""


class Place:
    """A table, and the processes that look at it."""

    def __init__(self) -> None:
        self.dynamodb = fakes.FakeDynamo(page=7)
        self.keys = chains.Keys("trust")
        self.time = NOON
        self.read: list[int] = []
        self.warm = self.process()

    def process(self) -> TrustStore:
        """A process that has just started."""
        bucket = fakes.FakeS3(fakes.Faults())
        clock = lambda: self.time  # noqa: E731 - short
        store = EvidenceStore(self.dynamodb, bucket, "trust", "", self.keys, clock, pause=lambda _: None)
        return TrustStore(store, self.keys, Keys("evidence", "decision", "trust"), POLICY)

    def say(self, fact: Fact) -> Record:
        return self.process().add("bot", fact, "broker")

    def item(self, number: int) -> Item:
        return Item(f"item-{number}", VERSION, f"{number:064x}", cost=0, resources=1)

    @property
    def items(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        return self.dynamodb.tables["trust"]

    def rewrite(self, number: int, change: Callable[[Record], Record]) -> None:
        """Write another record into a row."""
        row = self.items[CHAIN, number]
        made = change(Record.from_line(row["record"]["S"]))
        row["record"] = {"S": made.line().decode().rstrip("\n")}

    def forged(self, last: Record, key: str = "trust", at: int = NOON, **changes: Any) -> None:
        """Put a record behind the last one, as nobody of ours would."""
        demoted = {"to": "T1", "by": "mallory", "reason": "", "risk": None, "environment": ""}
        made = append(CHAIN, last, time=at, kind="trust-demotion", who="x", body=demoted, signer=chains.Keys(key))
        made = replace(made, **changes)
        line = json.dumps(made.document())
        self.items[CHAIN, made.number] = {
            "chain": {"S": CHAIN},
            "number": {"N": str(made.number)},
            "record": {"S": line},
            "writer": {"S": "x"},
        }

    def check(self) -> None:
        """What the warm process says is what one says that has just started."""
        assert self.warm.state("bot") == self.process().state("bot")


@pytest.fixture
def place() -> Place:
    made = Place()
    made.say(Introduced(VERSION, "erin", "a new agent"))
    for number in range(20):
        made.say(outcome(number))
    made.check()
    return made


def outcome(number: int, result: Result = Result.CLEAN, risk: RiskClass = R1) -> Outcome:
    return Outcome(f"item-{number}", VERSION, risk, "sandbox", result, f"{number:064x}", "rita", ("ann", "ben"))


def rows(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the rows that are read from now on."""
    found: list[int] = []
    query = place.dynamodb.query

    def spied(**call: Any) -> dict[str, Any]:
        answer = query(**call)
        found.extend(int(item["number"]["N"]) for item in answer["Items"])
        return answer

    monkeypatch.setattr(place.dynamodb, "query", spied)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_recorded_the_answer_is_that_of_a_replay_from_the_start(seed: int) -> None:
    drawn, place = random.Random(seed), Place()  # noqa: S311 - made up facts
    place.check()
    version = VERSION
    for number in range(60):
        place.time += drawn.choice((0, 5, 3_000, 86_400))
        kind = drawn.randrange(12)
        if kind == 0:
            version = f"{number:064x}"
        facts: dict[int, Fact] = {
            0: Introduced(version, "erin", "another one"),
            1: Canary(version, "ee" * 32, drawn.random() < 0.8),
            2: Promotion(version, R1, "sandbox", TrustTier.T1, "olga", "sam", "as reviewed"),
            3: Demotion(TrustTier.T0, "olga", "no", R1, "sandbox"),
            4: Trigger(HardTrigger.FORBIDDEN, f"item-{number}"),
        }
        told = replace(outcome(drawn.randrange(40), drawn.choice(list(Result))), fingerprint=version)
        place.say(facts.get(kind, told) if number else Introduced(version, "erin", "the first"))
        if drawn.random() < 0.5:
            place.check()
            claimed = [
                process.claim("bot", R1, "sandbox", replace(place.item(number), fingerprint=version), "broker")
                for process in (place.warm, place.process())
            ]
            assert (claimed[0].automatic, claimed[0].tier) == (claimed[1].automatic, claimed[1].tier)
    place.check()


def test_only_what_follows_is_read_and_verified(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    read, verified = rows(place, monkeypatch), place.keys.verified
    place.warm.state("bot")
    assert (read, place.keys.verified) == ([21], verified)
    place.say(outcome(20))
    read.clear()
    verified = place.keys.verified
    assert place.warm.state("bot").number == 22
    assert (read, place.keys.verified) == ([21, 22], verified + 1)


def test_a_whole_ledger_is_read_again_after_a_while_and_after_a_clock_that_went_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = rows(place, monkeypatch)
    for time, whole in ((MAX_AGE - 1, False), (MAX_AGE, True), (MAX_AGE - 200, True)):
        place.time = NOON + time
        read.clear()
        place.warm.state("bot")
        assert (len(read) > 2) is whole, time


def test_a_claim_is_made_once_by_whatever_process(place: Place) -> None:
    made = place.warm.claim("bot", R1, "sandbox", place.item(50), "broker")
    assert made.automatic
    again = [store.claim("bot", R1, "sandbox", place.item(50), "broker") for store in (place.warm, place.process())]
    assert [(one.automatic, one.number, one.audit) for one in again] == [(True, 22, made.audit)] * 2
    others = [place.process().claim("bot", R1, "sandbox", place.item(number), "broker") for number in (51, 52, 53, 54)]
    assert all(one.automatic for one in others)
    # The budget of five an hour is used up, as the warm process sees too.
    assert not place.warm.claim("bot", R1, "sandbox", place.item(55), "broker").automatic
    assert len(place.items) == 26


def test_a_fact_is_recorded_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    read = rows(place, monkeypatch)
    assert place.warm.add("bot", outcome(3), "broker").number == 5
    assert read == [21]
    assert place.warm.add("bot", outcome(3, Result.FAILURE), "broker").number == 22
    assert place.process().add("bot", outcome(3, Result.FAILURE), "broker").number == 22
    assert place.warm.add("bot", outcome(3, Result.FAILURE), "broker").number == 22
    # What no approval makes is recorded as often as it is said.
    said = Canary(VERSION, "ee" * 32, passed=True)
    assert [place.warm.add("bot", said, "canary").number for _ in range(2)] == [23, 24]


@pytest.mark.parametrize(
    ("flaw", "told"),
    [
        (lambda place, last: place.forged(last, "other"), "key 'other'"),
        (lambda place, last: place.forged(last, signature=b"x"), "not signed"),
        (lambda place, last: place.forged(last, who="y"), "not what its digest was made of"),
        (lambda place, last: place.forged(replace(last, digest="0" * 64)), "does not follow"),
        (lambda place, last: place.forged(replace(last, time=NOON - 5), at=NOON - 5), "before record"),
        (lambda place, last: place.forged(replace(last, number=22)), "22 to 22 are missing"),
        (lambda place, _: place.rewrite(21, lambda one: replace(one, who="y")), "not what its digest was made of"),
        (lambda place, _: place.rewrite(21, lambda one: replace(one, who="y", digest="")), "not signed"),
    ],
    ids=["key", "signature", "digest", "previous", "clock", "gap", "last digest", "last"],
)
def test_what_is_wrong_behind_the_checkpoint_shows_at_once(
    place: Place, flaw: Callable[[Place, Record], None], told: str
) -> None:
    last = Record.from_line(place.items[CHAIN, 21]["record"]["S"])
    flaw(place, last)
    state = place.warm.state("bot")
    assert told in state.broken, state.broken
    assert state.cell(R1, "sandbox").tier is TrustTier.T0
    assert not place.warm.claim("bot", R1, "sandbox", place.item(60), "broker").allowed
    place.check()


def test_a_tail_that_was_cut_off_and_what_was_recorded_instead_are_seen(place: Place) -> None:
    kept = place.items.pop((CHAIN, 21))
    place.check()
    assert place.warm.state("bot").number == 20
    place.say(Demotion(TrustTier.T0, "olga", "no"))
    place.check()
    assert place.warm.state("bot").cell(R1, "sandbox").tier is TrustTier.T0
    # And back: two histories, each as the table has it at that moment.
    place.items[CHAIN, 21] = kept
    place.check()
    assert place.warm.state("bot").cell(R1, "sandbox").tier is TrustTier.T1


def test_what_was_verified_stays_the_answer_until_all_is_read_again(place: Place) -> None:
    before = place.warm.state("bot")
    place.rewrite(5, lambda one: replace(one, body={**one.body, "result": "critical"}, digest=""))
    assert place.process().state("bot").broken
    assert place.warm.state("bot") == before
    assert place.warm.add("bot", outcome(3), "broker").number == 22  # it is not there any more as it was
    place.time += MAX_AGE
    assert place.warm.state("bot").broken
    place.check()


def test_a_ledger_ahead_of_now_is_broken_as_from_the_start(place: Place) -> None:
    place.time += 2_000
    place.say(outcome(30))
    place.check()
    place.time -= 1_000
    place.check()
    assert "ahead of now" in place.warm.state("bot").broken


def test_an_empty_ledger_is_nobodys_and_one_more_agent_costs_another(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.warm.state("nobody").number == 0
    for number in range(MAX_KEPT):
        place.process().add(f"bot-{number}", Introduced(VERSION, "erin", "new"), "erin")
        place.warm.state(f"bot-{number}")
    read = rows(place, monkeypatch)
    place.warm.state("bot")
    assert len(read) == 21  # it was not asked for lately
    assert len(place.warm._checkpoints._known) == trust_checkpoint.MAX_KEPT
