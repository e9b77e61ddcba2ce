from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.chain.check import head_of, verify
from sudo_mcp_guardrails.approval.errors import ApprovalError, TrustError
from sudo_mcp_guardrails.approval.evidence import append
from sudo_mcp_guardrails.approval.trust import (
    automatic,
    chain_name,
    decide,
    entries_of,
    is_audited,
    replay_ledger,
)
from sudo_mcp_guardrails.approval.trust_ledger.facts import Automatic, HardTrigger, Result, Trigger
from sudo_mcp_guardrails.approval.trust_ledger.points import MILLION
from sudo_mcp_guardrails.approval.trust_ledger.policy import BUDGETS, TABLE, Budget, Handling
from tests.approval.chains import KEYS, NOON, ledger
from tests.approval.trusting import POLICY, PROD, R0, R1, R2, R3, R4, T0, T1, T2, T3, V2, Story, trusted

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.approval.trust_ledger.state import TrustState

STATES = {tier: trusted(tier) for tier in (T1, T2, T3)}
STATES[T0] = trusted(T1)
STATES[T0].say(Trigger(HardTrigger.HONEYTOKEN, "event 4711"))


@pytest.mark.parametrize("tier", [T0, T1, T2, T3])
@pytest.mark.parametrize("risk", [R0, R1, R2, R3, R4])
def test_every_cell_of_the_table_is_what_is_decided(tier: Any, risk: Any) -> None:
    story = STATES[tier]
    state = replace(story.state(), cells=tuple(replace(story.cell(), risk=each) for each in (R0, R1, R2, R3, R4)))
    found = decide(state, risk, PROD, story.item())
    handling = TABLE[tier][risk]
    assert found.automatic == (handling in (Handling.AUTOMATIC, Handling.AUDITED))
    assert found.allowed == (handling is not Handling.REFUSED)
    assert found.tier is tier
    assert found.number == state.number
    assert found.reason.startswith(f"{risk.value} in 'production' at {tier.value} ")


def test_reasons_are_words() -> None:
    said = {
        (tier, risk): decide(STATES[tier].state(), risk, PROD, STATES[tier].item()).reason
        for tier, risk in ((T0, R2), (T1, R2), (T3, R3), (T3, R4), (T0, R0))
    }
    assert said == {
        (T0, R2): "R2 in 'production' at T0 is refused: hard trigger honeytoken: event 4711",
        (T1, R2): "R2 in 'production' at T1 takes a person",
        (T3, R3): "R3 in 'production' at T1 takes a person",
        (T3, R4): "R4 in 'production' at T1 is refused: it is forbidden at every tier",
        (T0, R0): "R0 in 'production' at T0 is automatic",
    }


def test_trust_is_in_one_class_one_place_and_one_version() -> None:
    story = STATES[T3]
    assert decide(story.state(), R2, PROD, story.item()).automatic
    assert not decide(story.state(), R1, PROD, story.item()).automatic
    assert not decide(story.state(), R2, "staging", story.item()).automatic
    other = decide(story.state(), R2, PROD, story.item(fingerprint=V2))
    assert (other.automatic, other.allowed, other.tier) == (False, False, T0)
    assert other.reason.endswith("is refused: this version of the agent was not introduced")


def test_an_agent_without_a_ledger_is_t0() -> None:
    found = decide(Story().state(), R1, PROD, Story().item())
    assert (found.automatic, found.allowed, found.tier) == (False, False, T0)
    assert found.reason == "R1 in 'production' at T0 is refused: the agent was never introduced"


def test_r3_is_never_automatic_and_r4_never_allowed_whatever_the_state() -> None:
    for tier, story in STATES.items():
        state = story.state()
        for risk in (R3, R4):
            forged = replace(state, cells=(replace(story.cell(), risk=risk, tier=tier),))
            found = decide(forged, risk, PROD, story.item())
            assert not found.automatic
            assert found.allowed == (risk is R3 and tier is not T0)


# --- budgets


def used(story: Story, seconds_ago: int = 0, *, cost: int = 0, resources: int = 1) -> None:
    fact = Automatic("item-0", story.version, R2, PROD, cost, resources, audit=False)
    story.say(fact, story.time - seconds_ago)


def with_budget(*budgets: Budget) -> tuple[Story, TrustPolicy]:
    policy = replace(POLICY, budgets={**BUDGETS, T3: budgets})
    story = Story(policy)
    for entry in STATES[T3].entries:
        story.say(entry.fact, entry.time)
    story.time = STATES[T3].time
    return story, policy


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (Budget(3600, 2, 10**6, 10**6), "it would make 3 items within 3600 seconds, allowed are 2"),
        (Budget(3600, 99, 299, 10**6), "it would make 300 cents a month within 3600 seconds, allowed are 299"),
        (Budget(3600, 99, 10**6, 14), "it would make 15 resources within 3600 seconds, allowed are 14"),
    ],
)
def test_a_budget_that_is_used_up_takes_a_person(budget: Budget, text: str) -> None:
    story, _ = with_budget(budget)
    item = story.item(cost=100, resources=5)
    for _ in range(2):
        assert decide(story.state(), R2, PROD, item).automatic
        used(story, cost=100, resources=5)
    found = decide(story.state(), R2, PROD, item)
    assert (found.automatic, found.allowed, found.audit) == (False, True, False)
    assert found.reason == f"R2 in 'production' at T3 takes a person: {text}"
    story.time += 3599
    assert not decide(story.state(), R2, PROD, item).automatic
    story.time += 1
    assert decide(story.state(), R2, PROD, item).automatic


def test_what_just_fits_a_budget_fits() -> None:
    story, _ = with_budget(Budget(60, 1, 100, 5))
    assert decide(story.state(), R2, PROD, story.item(cost=100, resources=5)).automatic
    for over in ({"cost": 101}, {"resources": 6}):
        assert not decide(story.state(), R2, PROD, story.item(**over)).automatic


def test_every_window_of_a_budget_holds() -> None:
    story, _ = with_budget(Budget(3600, 10, 10**6, 10**6), Budget(86_400, 3, 10**6, 10**6))
    for _ in range(3):
        used(story)
        story.time += 7200
    assert "allowed are 3" in decide(story.state(), R2, PROD, story.item()).reason


def test_a_budget_is_the_agents_over_all_its_environments() -> None:
    story, _ = with_budget(Budget(3600, 1, 10**6, 10**6))
    story.say(Automatic("item-0", story.version, R1, "sandbox", 0, 1, audit=False))
    assert not decide(story.state(), R2, PROD, story.item()).automatic


@pytest.mark.parametrize("unknown", [{"cost": None}, {"resources": None}])
def test_what_nobody_knows_takes_a_person(unknown: dict[str, Any]) -> None:
    story = STATES[T3]
    found = decide(story.state(), R2, PROD, story.item(**unknown))
    assert not found.automatic
    assert found.reason.endswith("nobody knows what it costs or how much it changes")


def test_reads_use_no_budget() -> None:
    story, _ = with_budget(Budget(3600, 0, 0, 0))
    assert decide(story.state(), R0, PROD, story.item(cost=None)).automatic


def test_many_at_once_stay_within_the_budget() -> None:
    """Each records first, on the condition that its number is free; who loses decides anew."""
    story, _ = with_budget(Budget(3600, 3, 10**6, 10**6))
    applied = 0
    waiting = [story.item(id=f"item-p{number}") for number in range(20)]
    while waiting:
        state = story.state()
        decisions = [(item, decide(state, R2, PROD, item)) for item in waiting]
        item, decision = next(((i, d) for i, d in decisions if d.automatic), (None, None))
        if item is None or decision is None:
            break
        story.say(automatic(state, R2, PROD, item, decision))
        applied += 1
        waiting.remove(item)
        with pytest.raises(TrustError, match="is not decided by rule after entry"):
            automatic(story.state(), R2, PROD, item, decision)
    assert applied == 3


def test_what_is_recorded_is_the_item() -> None:
    story = STATES[T3]
    item = story.item(cost=7, resources=3)
    fact = automatic(story.state(), R2, PROD, item, decide(story.state(), R2, PROD, item))
    assert (fact.item, fact.fingerprint, fact.risk, fact.environment) == (item.id, item.fingerprint, R2, PROD)
    assert (fact.cost, fact.resources) == (7, 3)


def test_only_what_is_automatic_is_recorded_as_such() -> None:
    story = STATES[T1]
    decision = decide(story.state(), R2, PROD, story.item())
    with pytest.raises(TrustError, match="takes a person"):
        automatic(story.state(), R2, PROD, story.item(), decision)


def test_an_item_out_of_bounds_is_refused() -> None:
    for wrong in ({"cost": -1}, {"resources": 10**13}, {"id": ""}, {"fingerprint": "x"}, {"digest": "x"}):
        with pytest.raises(ApprovalError):
            STATES[T3].item(**wrong)


# --- random audit


def test_a_tenth_of_what_t3_does_is_audited() -> None:
    heads = [hashlib.sha256(bytes([number])).hexdigest() for number in range(100)]
    item = STATES[T3].item()
    drawn = sum(is_audited(head, replace(item, id=f"i-{n}"), MILLION // 10) for head in heads for n in range(200))
    assert 1_850 < drawn < 2_150  # of 20,000: 2,000 with a deviation of 42


def test_the_audit_depends_on_the_head_and_the_item() -> None:
    item = STATES[T3].item()
    heads = [f"{number:064x}" for number in range(64)]
    by_head = [is_audited(head, item, MILLION // 2) for head in heads]
    by_item = [is_audited("0" * 64, replace(item, digest=head), MILLION // 2) for head in heads]
    assert set(by_head) == set(by_item) == {True, False}
    assert by_head == [is_audited(head, item, MILLION // 2) for head in heads]


def test_none_or_all_are_audited_where_the_policy_says_so() -> None:
    items = [replace(STATES[T3].item(), id=f"i-{number}") for number in range(200)]
    assert not any(is_audited("f" * 64, item, 0) for item in items)
    assert all(is_audited("f" * 64, item, MILLION) for item in items)


def test_an_audit_is_part_of_the_decision_and_the_record() -> None:
    story = STATES[T3]
    state = story.state()
    decisions = {
        decision.audit: (item, decision)
        for item in (story.item(id=f"i-{number}") for number in range(200))
        for decision in [decide(state, R2, PROD, item)]
    }
    assert set(decisions) == {True, False}
    for audit, (item, decision) in decisions.items():
        assert decision.automatic
        assert decision.reason.endswith(", with an audit") == audit
        assert automatic(state, R2, PROD, item, decision).audit == audit


# --- the signed ledger


def signed() -> tuple[list[Record], Story]:
    story = STATES[T3]
    return ledger("bot", ((entry.time, entry.fact) for entry in story.entries)), story


def standing(records: list[Record], story: Story, **more: Any) -> TrustState:
    return replay_ledger("bot", records, POLICY, story.time, verifier=KEYS, keys={"key-1"}, **more)


def test_a_tier_is_a_replay_of_the_signed_ledger() -> None:
    records, story = signed()
    assert verify(chain_name("bot"), records, KEYS, {"key-1"}) == []
    state = standing(records[::-1], story)
    assert (state.broken, state.cell(R2, PROD).tier, state.head) == ("", T3, records[-1].digest)
    assert [entry.fact for entry in entries_of(records)] == [entry.fact for entry in story.entries]


@pytest.mark.parametrize(
    "attack", ["changed", "missing", "unsigned", "other key", "cut", "other agent", "other kind", "ahead"]
)
def test_a_broken_ledger_is_t0_in_everything(attack: str) -> None:
    records, story = signed()
    whole = head_of(chain_name("bot"), records)
    more: dict[str, Any] = {}
    if attack == "changed":
        records[5] = replace(records[5], body={**records[5].body, "result": Result.CLEAN.value, "item": "x"})
    elif attack == "missing":
        del records[5]
    elif attack == "unsigned":
        records[5] = replace(records[5], signature=b"")
    elif attack == "other key":
        records[5] = replace(records[5], key_id="key-2")
    elif attack == "cut":
        records, more = records[:-1], {"published": whole}
    elif attack == "other agent":
        records = ledger("bob", ((entry.time, entry.fact) for entry in story.entries))
    elif attack == "other kind":
        records.append(
            append(chain_name("bot"), records[-1], time=story.time, kind="view", who="x", body={}, signer=KEYS)
        )
    else:
        fact = Trigger(HardTrigger.HONEYTOKEN, "event 4711")
        records = ledger("bot", [(NOON * 2, fact)])
    state = standing(records, story, **more)
    assert state.broken
    for risk in (R1, R2, R3):
        found = decide(state, risk, PROD, story.item())
        assert (found.automatic, found.allowed, found.tier) == (False, False, T0)
        assert "the ledger is broken: " in found.reason


def test_a_known_head_saves_signatures() -> None:
    records, story = signed()
    before = KEYS.verified
    state = standing(records, story, known=head_of(chain_name("bot"), records[:-2]))
    assert (state.broken, KEYS.verified - before) == ("", 2)
