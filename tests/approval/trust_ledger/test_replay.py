from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.errors import TrustError
from sudo_mcp_guardrails.approval.trust_ledger.facts import Canary, HardTrigger, Result, ReviewTest, Trigger
from sudo_mcp_guardrails.approval.trust_ledger.points import POINT
from sudo_mcp_guardrails.approval.trust_ledger.policy import DAY
from sudo_mcp_guardrails.approval.trust_ledger.promotion import objections
from sudo_mcp_guardrails.approval.trust_ledger.replay import replay
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Demotion, Introduced, Promotion, Resolved
from tests.approval.trusting import POLICY, PROD, R0, R1, R2, R3, T0, T1, T2, T3, V1, V2, Story, trusted

FAILURE, MINOR, CRITICAL = Result.FAILURE, Result.MINOR, Result.CRITICAL


def points(story: Story, risk: Any = R2) -> int:
    return story.cell(risk).points // POINT


def introduced() -> Story:
    story = Story()
    story.introduce()
    return story


# --- where an agent begins


def test_an_agent_that_nobody_introduced_is_t0() -> None:
    story = Story()
    assert (story.cell().tier, story.cell().reason) == (T0, "the agent was never introduced")
    story.work()
    assert (story.cell().tier, story.cell().points) == (T0, 0)


def test_an_agent_that_was_introduced_is_t1_in_every_cell() -> None:
    story = introduced()
    assert {story.cell(risk, place).tier for risk in (R1, R2, R3) for place in (PROD, "sandbox")} == {T1}


def test_a_promotion_takes_all_of_it() -> None:
    story = introduced()
    story.earn(T2)
    assert story.cell().reason == "promoted by olga and sam: as reviewed"
    story.earn(T3)
    assert story.cell().tier is T3
    assert story.cell().missing[0] == "nothing leads further from T3 in R2"


# --- points


def test_a_clean_item_is_a_point_and_a_failure_costs() -> None:
    story = introduced()
    story.clean_days(20)
    assert story.cell().explanation == "20 of 65 points"
    story.work(result=FAILURE)
    assert points(story) == 20 - 50
    assert story.cell().explanation == "-30 of 65 points; the failure on 25 Nov 2026 cost 50"


def test_points_explain_themselves_on_the_way_to_t3() -> None:
    story = trusted(T2)
    story.clean_days(400)
    story.work(result=FAILURE)
    story.clean_days(66)
    assert story.cell().explanation == "211 of 332 points; the failure on 30 Jan 2027 cost 254"


def test_r0_and_r3_earn_nothing() -> None:
    story = introduced()
    for risk in (R0, R3):
        story.clean_days(30, risk)
        assert (story.cell(risk).points, story.cell(risk).credits, story.cell(risk).tier) == (0, 0, T1)
        assert not story.cell(risk).eligible


def test_trust_does_not_flow_between_cells() -> None:
    story = introduced()
    story.clean_days(30, R1)
    assert points(story, R1) == 30
    assert story.cell(R2).points == 0
    assert story.cell(R1, "sandbox").points == 0


def test_identical_work_earns_once_in_thirty_days() -> None:
    story = introduced()
    for _ in range(31):
        story.work(operation="77" * 32)
        story.wait(1)
    assert story.cell().credits == 2
    assert story.cell().uncredited == (("identical work earns once", 29),)
    assert "29 earned nothing: identical work earns once" in story.cell().explanation


def test_identical_work_in_another_cell_earns() -> None:
    story = introduced()
    for risk in (R1, R2):
        story.work(risk, operation="77" * 32)
        assert story.cell(risk).credits == 1


def test_ten_credits_a_day_and_class() -> None:
    story = introduced()
    for _ in range(30):
        story.work()
    story.work(environment="sandbox")
    story.work(R1)
    assert (story.cell().credits, story.cell(R2, "sandbox").credits, story.cell(R1).credits) == (10, 0, 1)
    story.wait(0.5)
    story.work()
    assert story.cell().credits == 11


def test_failures_are_not_capped() -> None:
    story = introduced()
    for _ in range(20):
        story.work(result=FAILURE, operation="77" * 32)
    assert points(story) == -(20 * 49_752_543) // POINT


def test_a_worse_outcome_of_an_item_takes_its_credit_back() -> None:
    story = introduced()
    item = story.work()
    story.work()
    story.work(item=item, result=FAILURE)
    assert story.cell().points == 1 * POINT - 49_752_543
    story.work(item=item, result=FAILURE)
    story.work(item=item)
    assert story.cell().points == 1 * POINT - 49_752_543
    assert story.notes() == [f"item '{item}' is failure already"] * 2
    story.work(item=item, result=MINOR)
    assert story.cell().points == 1 * POINT - 49_752_543


def test_idle_days_cost_points_and_debts_stay() -> None:
    story = introduced()
    story.clean_days(60)
    story.wait(30)
    before = points(story)
    assert before == 30
    story.wait(30)
    assert points(story) == 15
    story.work()
    assert points(story) == 16
    story.work(result=FAILURE)
    debt = story.cell().points
    assert debt < 0
    story.wait(300)
    assert story.cell().points == debt


def test_a_failure_after_idle_days_comes_off_what_is_left() -> None:
    story = introduced()
    story.clean_days(60)
    story.wait(30)
    story.work(result=FAILURE)
    assert story.cell().points == 30 * POINT - 49_752_543


def test_work_that_earns_nothing_does_not_keep_points() -> None:
    story = introduced()
    story.clean_days(30)
    for _ in range(29):
        story.work(operation="77" * 32)
        story.wait(1)
    assert 15 < points(story) < 17  # but for the first of these, nothing came for thirty days


def test_a_day_of_work_is_no_idle_day() -> None:
    story = introduced()
    for _ in range(40):
        story.work()
        story.wait(1)
    assert points(story) == 40


# --- approvers


def test_two_people_must_have_approved() -> None:
    story = introduced()
    story.wait(28)
    story.clean_days(70, approvers=("ann",))
    story.canary()
    assert story.cell().missing == ("1 of 2 approvers",)
    story.work(approvers=("Ann ".strip().upper(),))
    assert story.cell().approvers == ("ann",)
    story.work(approvers=("ben",))
    assert story.cell().eligible


def test_who_asks_is_no_approver() -> None:
    story = introduced()
    story.work(requester="ann", approvers=("ann",))
    assert story.cell().credits == 0
    assert story.cell().uncredited == (("nobody but its requester approved it", 1),)
    story.work(requester="ann", approvers=("ann", "ben"))
    assert story.cell().approvers == ("ben",)


def test_who_misses_known_bad_change_sets_gives_no_evidence() -> None:
    story = introduced()
    for caught in (True, True, True, False):
        story.say(ReviewTest("ann", caught))
    story.work(approvers=("ann",))
    assert story.cell().credits == 1
    story.say(ReviewTest("ann", caught=True))
    story.work(approvers=("ann",))
    assert story.cell().credits == 2
    story.say(ReviewTest("ann", caught=False))
    story.work(approvers=("ann",))
    assert story.cell().credits == 2
    assert story.cell().uncredited == (("its approvers miss known-bad change sets", 1),)
    story.work(approvers=("ann",), result=FAILURE)
    assert story.cell().failure is not None
    story.work(approvers=("ann", "ben"))
    assert story.cell().credits == 3


def test_five_known_bad_change_sets_tell() -> None:
    story = introduced()
    for caught in (True, True, True, False):
        story.say(ReviewTest("ann", caught))
    story.say(ReviewTest("ann", caught=False))
    story.work(approvers=("ann",))
    assert story.cell().credits == 0


# --- promotion


def ready() -> Story:
    story = introduced()
    story.clean_days(280)
    story.canary()
    assert story.cell().eligible
    return story


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"owner": "sam"}, "'sam' promotes alone"),
        ({"owner": "SAM"}, "'SAM' promotes alone"),
        ({"owner": "rita"}, "'rita' is behind the evidence"),
        ({"security": "Rita"}, "'rita' is behind the evidence"),
        ({"security": "bot"}, "the agent promotes itself"),
        ({"to": T3}, "T3 does not follow T1"),
        ({"to": T1}, "T1 does not follow T1"),
        ({"to": T0}, "T0 does not follow T1"),
        ({"fingerprint": V2}, f"it is for fingerprint {V2}, and the agent has {V1}"),
    ],
)
def test_a_promotion_by_the_wrong_people_or_of_something_else_does_not_count(change: dict[str, Any], text: str) -> None:
    story = ready()
    story.promote(T2, **change) if "to" not in change else story.promote(**change)
    assert story.cell().tier is T1
    assert story.notes() == [f"promotion does not count: {text}"]
    story.promote(T2)
    assert story.cell().tier is T2


def test_statistics_alone_promote_nobody() -> None:
    story = ready()
    story.clean_days(1000)
    story.canary()
    assert story.cell().eligible
    assert story.cell().tier is T1


@pytest.mark.parametrize(
    "missing", ["points", "time", "canary", "old canary", "failed canary", "other canary", "incident"]
)
def test_people_alone_promote_nobody(missing: str) -> None:
    story = introduced()
    story.wait(28 if missing != "time" else 0)
    story.clean_days(64 if missing == "points" else 65)
    if missing == "other canary":
        story.say(Canary(V2, "ee" * 32, passed=True))
    elif missing != "canary":
        story.canary(passed=missing != "failed canary")
    if missing == "old canary":
        for _ in range(31):
            story.work()
            story.wait(1)
    if missing == "incident":
        story.work(R1, CRITICAL)
    story.promote(T2)
    assert story.cell().tier is T1
    expected = {
        "points": "64 of 65 points",
        "time": "7 of 28 days at T1",
        "incident": "critical incident of 'item-66' is open",
    }.get(missing, "no canary suite passed in the last 30 days")
    assert story.notes() == [f"promotion does not count: {expected}"]


def test_a_promotion_begins_anew_at_the_next_tier() -> None:
    story = trusted(T2)
    cell = story.cell()
    assert (cell.points, cell.credits, cell.approvers, cell.requesters) == (0, 0, (), ())
    story.promote(T3)
    assert story.cell().tier is T2


def test_a_resolved_incident_is_open_no_more() -> None:
    story = introduced()
    item = story.work(R1, CRITICAL)
    story.say(Resolved(item, "bot", "nothing to see"))
    assert story.state().open_criticals == (item,)
    story.say(Resolved(item, "sam", "restored"))
    assert story.state().open_criticals == ()
    story.say(Resolved(item, "sam", "again"))
    assert story.notes() == [
        "an agent does not close its own incidents",
        f"item '{item}' has no open critical incident",
    ]


def test_t0_is_left_after_two_weeks_by_people_and_a_canary() -> None:
    story = introduced()
    story.say(Trigger(HardTrigger.INJECTION, "run-1"))
    story.wait(13)
    story.canary()
    story.promote(T1)
    assert story.cell().tier is T0
    story.wait(1)
    story.promote(T1)
    assert story.cell().tier is T1
    assert story.cell(R1).tier is T0


# --- demotion


@pytest.mark.parametrize("trigger", list(HardTrigger))
def test_a_hard_trigger_takes_everything_to_t0(trigger: HardTrigger) -> None:
    story = trusted(T3)
    story.say(Trigger(trigger, "event 4711"))
    for risk in (R0, R1, R2, R3):
        for place in (PROD, "sandbox", "elsewhere"):
            assert story.cell(risk, place).tier is T0
            assert story.cell(risk, place).reason == f"hard trigger {trigger.value}: event 4711"


def test_a_new_version_is_no_way_out_of_a_hard_trigger() -> None:
    story = trusted(T2)
    story.say(Trigger(HardTrigger.HONEYTOKEN, "event 4711"))
    since = story.time
    story.wait(1)
    story.introduce(V2)
    story.introduce(V1)
    assert {story.cell(risk, place).tier for risk in (R1, R2, R3) for place in (PROD, "new")} == {T0}
    assert {story.cell(risk, place).since for risk in (R1, R2, R3) for place in (PROD, "new")} == {since}


def test_a_trigger_before_the_first_version_counts() -> None:
    story = Story()
    story.say(Trigger(HardTrigger.FORBIDDEN, "event 4711"))
    story.introduce()
    assert story.cell().tier is T0


def test_two_failures_close_together_cost_a_tier_and_all_points() -> None:
    story = trusted(T3)
    story.work(result=FAILURE)
    for _ in range(5):
        story.work()
    assert story.cell().tier is T3
    story.work(result=FAILURE)
    assert (story.cell().tier, story.cell().reason, story.cell().points) == (T2, "failures became more frequent", 0)
    story.promote(T3)
    assert story.cell().tier is T2


def test_identical_clean_work_does_not_hide_failures() -> None:
    story = trusted(T3)
    story.work(result=FAILURE)
    for _ in range(500):
        story.work(operation="77" * 32)
    story.work(result=FAILURE)
    assert story.cell().tier is T2


def test_clean_work_beyond_the_days_credits_is_seen_by_the_sum() -> None:
    """A cap there would call an agent bad that does much, and nearly all of it well."""
    story = trusted(T3)
    for _ in range(10):
        for _ in range(60):
            story.work()
        story.work(result=FAILURE)
    assert story.cell().tier is T3


def test_soft_demotion_ends_at_t1() -> None:
    story = introduced()
    for _ in range(50):
        story.work(result=FAILURE)
        story.work(result=MINOR)
    assert story.cell().tier is T1
    assert story.cell().cusum < POLICY.cusum_limit


def test_the_third_minor_incident_in_thirty_days_costs_a_tier() -> None:
    story = trusted(T3)
    for days in (0, 20, 11):
        story.wait(days)
        for _ in range(60):
            story.work()
        story.work(result=MINOR)
    assert story.cell().tier is T3  # the first is 31 days old
    for _ in range(60):
        story.work()
    story.work(result=MINOR)
    assert (story.cell().tier, story.cell().reason) == (T2, "3 minor incidents within 30 days")


def test_a_critical_incident_takes_its_cell_to_t0() -> None:
    story = trusted(T3)
    item = story.work(result=CRITICAL)
    assert (story.cell().tier, story.cell().reason) == (T0, f"critical incident of '{item}'")
    assert story.cell(R1).tier is T1


def test_a_late_critical_incident_of_a_former_version_counts() -> None:
    story = introduced()
    item = story.work()
    story.introduce(V2)
    story.work(item=item, fingerprint=V1, result=CRITICAL)
    assert story.cell().tier is T0
    assert story.state().open_criticals == (item,)


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (Demotion(T1, "sam", "why"), {(R2, PROD): T1, (R1, PROD): T1, (R2, "new"): T1}),
        (Demotion(T0, "sam", "why"), {(R2, PROD): T0, (R1, PROD): T0, (R2, "new"): T0}),
        (Demotion(T0, "sam", "why", R2, PROD), {(R2, PROD): T0, (R1, PROD): T1, (R2, "new"): T1}),
        (Demotion(T0, "sam", "why", R1, PROD), {(R2, PROD): T2, (R1, PROD): T0, (R2, "new"): T1}),
        (Demotion(T0, "sam", "why", R2), {(R2, PROD): T0, (R2, "new"): T0}),
        (Demotion(T3, "sam", "why"), {(R2, PROD): T2, (R1, PROD): T1}),
    ],
)
def test_one_person_demotes_what_he_names(fact: Demotion, expected: dict[Any, Any]) -> None:
    story = trusted(T2)
    story.say(fact)
    assert {key: story.cell(*key).tier for key in expected} == expected


def test_debts_wait_in_the_tier_that_was_lost() -> None:
    story = trusted(T2)
    story.work(result=FAILURE)
    debt = story.cell().points
    story.say(Demotion(T1, "sam", "why"))
    assert story.cell().points == 0
    story.earn(T2)
    assert story.cell().points == debt


def test_credit_does_not_survive_a_fall() -> None:
    story = trusted(T2)
    story.clean_days(300)
    story.say(Demotion(T1, "sam", "why"))
    story.earn(T2)
    assert story.cell().points == 0


# --- versions


def test_a_new_version_begins_at_t1_and_the_old_cell_stays_visible() -> None:
    story = trusted(T2)
    story.clean_days(20)
    story.introduce(V2)
    cell = story.cell()
    assert (cell.fingerprint, cell.tier, cell.points, cell.since) == (V2, T1, 0, story.time)
    (old,) = [one for one in story.state().former if one.risk is R2]
    assert (old.fingerprint, old.tier, old.points // POINT) == (V1, T2, 20)


def test_the_former_version_begins_anew_as_well() -> None:
    story = trusted(T2)
    story.introduce(V2)
    story.introduce(V1)
    assert story.cell().tier is T1


def test_the_same_version_again_changes_nothing() -> None:
    story = trusted(T2)
    story.introduce(V1)
    assert story.cell().tier is T2
    assert story.notes() == ["the agent has this fingerprint already"]


def test_late_clean_outcomes_of_a_former_version_earn_nothing_and_failures_count() -> None:
    story = introduced()
    story.introduce(V2)
    story.work(fingerprint=V1)
    assert story.cell().points == 0
    story.work(fingerprint=V1, result=FAILURE)
    assert story.cell().points == -49_752_543


def test_a_version_that_gives_up_with_debts_makes_more_points_needed() -> None:
    story = introduced()
    needed = []
    for version in (V2, V1, V2):
        story.work(result=FAILURE)
        story.introduce(version)
        scale = story.cell().scale
        assert scale is not None
        needed.append(scale.needed // POINT)
    assert needed == [80, 95, 110]
    assert story.cell().explanation == "0 of 110 points; 3 earlier versions gave up with debts"


@pytest.mark.parametrize("earned", [False, True])
def test_a_version_without_debts_costs_nothing(earned: bool) -> None:  # noqa: FBT001
    story = trusted(T2) if earned else introduced()
    story.clean_days(10)
    story.introduce(V2)
    scale = story.cell().scale
    assert (story.cell().tier, story.cell().tries) == (T1, 0)
    assert scale is not None
    assert scale.needed == 65 * POINT


def test_a_new_version_at_t0_begins_without_the_old_ones_evidence() -> None:
    story = introduced()
    story.work(result=CRITICAL)
    since = story.time
    story.wait(1)
    story.work(result=FAILURE)
    assert (story.cell().cusum > 0, story.cell().requesters) == (True, ("rita",))
    story.introduce(V2)
    assert (story.cell().cusum, story.cell().requesters, story.cell().since) == (0, (), since)


# --- clocks and order


def test_entries_come_in_the_order_of_their_numbers_without_gaps() -> None:
    entries = trusted(T2).entries
    state = replay(entries, POLICY, entries[-1].time, agent="bot")
    assert (state.number, state.head) == (len(entries), entries[-1].digest)
    for wrong in (entries[1:], entries[::-1], [*entries, entries[-1]], [*entries[:5], *entries[6:]]):
        with pytest.raises(TrustError, match="allowed: the next number"):
            replay(wrong, POLICY, entries[-1].time, agent="bot")


def test_a_clock_that_is_put_back_counts_as_the_entry_before() -> None:
    story = introduced()
    for _ in range(10):
        story.work()
    now = story.time
    for days in range(1, 20):
        story.work(time=now - days * DAY)
    assert story.cell().credits == 10  # of one day, whatever the clock says
    assert "counts as of 2026-11-23T12:00:00Z, the entry before" in story.notes()[0]
    assert len(story.notes()) == 19


def test_an_entry_ahead_of_now_is_refused() -> None:
    story = introduced()
    with pytest.raises(TrustError, match="which is ahead of now"):
        story.state(story.time - 301)
    assert story.state(story.time - 300).now == story.time


def test_a_clock_put_forward_does_not_pass_the_time() -> None:
    """Points are not made by a clock: until it is that late, the ledger cannot be replayed at all."""
    story = introduced()
    story.clean_days(70)
    now = story.time
    story.say(Canary(V1, "ee" * 32, passed=True), now + 28 * DAY)
    story.say(Promotion(V1, R2, PROD, T2, "olga", "sam", "as reviewed"), now)
    with pytest.raises(TrustError, match="ahead of now"):
        story.state(now)


@pytest.mark.parametrize("time", [-1, 10**15])
def test_a_time_that_is_none_is_refused(time: int) -> None:
    with pytest.raises(TrustError, match="which is none"):
        Story().say(Introduced(V1, "erin", "new"), time)


def test_a_replay_is_a_function_of_the_ledger_the_policy_and_the_time() -> None:
    dice = random.Random(6)  # noqa: S311 - no secret
    story = introduced()
    for _ in range(600):
        story.work(dice.choice((R0, R1, R2, R3)), dice.choices(list(Result), (96, 2, 1, 0.2))[0])
        story.wait(dice.random())
    one = replay(story.entries, POLICY, story.time, agent="bot")
    assert one == replay(list(story.entries), replace(POLICY), story.time, agent="bot") == story.state()


def test_a_stricter_policy_takes_tiers_back() -> None:
    story = trusted(T2)
    strict = replace(POLICY, steps={**POLICY.steps, (R2, T1): replace(POLICY.steps[R2, T1], days=60)})
    assert replay(story.entries, strict, story.time, agent="bot").cell(R2, PROD).tier is T1


def test_objections_are_the_replays_own() -> None:
    story = ready()
    good = Promotion(V1, R2, PROD, T2, "olga", "sam", "as reviewed")
    assert objections(story.cell(), good, agent="bot") == ()
    assert objections(story.cell(), replace(good, owner="bot"), agent="bot") == ("the agent promotes itself",)
    fresh = story.state().cell(R1, "sandbox")
    assert objections(fresh, replace(good, risk=R1, environment="sandbox"), agent="bot") == (
        "0 of 65 points",
        "0 of 2 approvers",
    )
