from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.approval_digest import approval_digest
from sudo_mcp_guardrails.approval.deciding.calendar import Calendar, Freeze, Window
from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.approval.deciding.evaluate import MAX_EVENTS
from sudo_mcp_guardrails.approval.deciding.events import Notified, Outcome, RuleDecision, Withdrawal
from sudo_mcp_guardrails.approval.deciding.people import People, Person
from sudo_mcp_guardrails.approval.deciding.policy import Group
from sudo_mcp_guardrails.approval.deciding.quorum import QUORUMS
from sudo_mcp_guardrails.approval.deciding.request import Requester
from sudo_mcp_guardrails.approval.deciding.status import About, State
from sudo_mcp_guardrails.approval.errors import DecisionError
from tests.approval.made import (
    GROUPS,
    IDP,
    MINUTE,
    PLAN,
    POLICY,
    REQUESTER,
    START,
    approvals,
    asked,
    decided,
    ended,
    jwt,
    reasons,
    stand_in,
    started,
    status,
    token,
    viewed,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.events import Event
    from sudo_mcp_guardrails.approval.deciding.status import Status

R1, R2, R3 = RiskClass.R1, RiskClass.R2, RiskClass.R3


def test_nothing_but_the_request_is_pending_and_says_what_is_missing() -> None:
    found = status(asked(R3), [])
    assert found.state is State.PENDING
    assert found.missing == (
        "2 more approvals of sre, security",
        "approvers of 2 different groups, 0 so far",
        "from 2026-11-23T10:30:00Z also managers may decide",
    )
    assert found.next_escalation == START + 30 * MINUTE
    assert not found.executable


def test_reads_need_nobody() -> None:
    request = asked(RiskClass.R0)
    assert status(request, []).state is State.APPROVED
    assert status(request, [started(request), ended(request)]).state is State.EXECUTED


@pytest.mark.parametrize("risk", [R1, R2])
def test_one_approves_what_takes_one(risk: RiskClass) -> None:
    request = asked(risk)
    found = status(request, approvals(request, "alice"))
    assert (found.state, found.executable, found.missing) == (State.APPROVED, True, ())
    assert found.approvers == ("alice",)


def test_two_of_different_groups_approve_r3_in_production() -> None:
    request = asked(R3)
    one = status(request, approvals(request, "alice"))
    assert (one.state, one.missing[0]) == (State.PENDING, "1 more approval of sre, security")
    of_one_group = status(request, approvals(request, "alice", "dave"))
    assert (of_one_group.state, of_one_group.missing[0]) == (State.PENDING, "1 more approval of sre, security")
    assert status(request, approvals(request, "alice", "bob")).state is State.APPROVED
    assert status(request, approvals(request, "carol", "dave")).state is State.APPROVED
    assert status(request, approvals(request, "dave", "carol")).state is State.APPROVED


def test_outside_of_production_two_of_one_group_do() -> None:
    request = asked(R3, environment="sandbox")
    assert status(request, approvals(request, "alice")).state is State.PENDING
    assert status(request, approvals(request, "alice", "dave")).state is State.APPROVED


def test_an_environment_that_nobody_named_is_production() -> None:
    request = asked(R3, environment="sandbax")
    assert status(request, approvals(request, "alice", "dave")).state is State.PENDING


def test_nobody_approves_what_is_forbidden() -> None:
    request = asked(RiskClass.R4)
    found = status(request, approvals(request, "alice", "bob", "carol"))
    assert (found.state, found.because) == (State.REFUSED, "the plan is R4, which nobody can approve")
    assert not found.executable


def ruled(request: Any, **changes: Any) -> RuleDecision:
    made = RuleDecision(request.id, approval_digest(request), PLAN, "T1 in sandbox", "65 of 65 points", START + 1)
    return replace(made, **changes)


def test_a_rule_decides_where_the_policy_lets_it() -> None:
    for risk in (R1, R2):
        request = asked(risk)
        found = status(request, [ruled(request)])
        assert (found.state, found.rule, found.approvers) == (State.APPROVED, "T1 in sandbox", ())
        assert reasons(status(request, [ruled(request, plan_digest="cd" * 32)]))[0].startswith("it is about plan cdcd")
    without = replace(POLICY, quorums=tuple(replace(one, rule=False) for one in QUORUMS))
    for risk, policy in ((R1, without), (R2, without), (R3, POLICY)):
        request = asked(risk, policy)
        found = status(request, [ruled(request)], policy=policy)
        assert (found.state, reasons(found)) == (
            State.PENDING,
            [f"no rule decides about {risk.value} here, people do"],
        )


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (f"{IDP}#rita", "is the requester"),
        ("ARN:AWS:IAM::111111111111:USER/RITA", "is the requester"),
        (f"{IDP}#owen", "is the requester"),
        ("owen@example.com", "is the requester"),
        (f"{IDP}#mallory", "is nobody that the policy knows"),
        ("run-1", "is nobody that the policy knows"),
        ("release-bot", "is nobody that the policy knows"),
    ],
)
def test_the_requester_never_decides_by_any_identity(identity: str, reason: str) -> None:
    request = asked()
    events: list[Event] = [
        replace(viewed(request, "rita"), approver=identity),
        decided(request, "rita", approver=identity),
    ]
    found = status(request, events)
    assert found.state is State.PENDING
    assert reason in reasons(found)[0]
    assert (found.uncounted[0].number, found.uncounted[0].kind, found.uncounted[0].who) == (1, "decision", identity)


def test_an_agent_that_the_policy_lists_by_mistake_does_not_decide_its_own_request() -> None:
    people = People((*POLICY.people.listed, Person("bot", ("run-1",))))
    policy = replace(POLICY, people=people)
    request = asked(policy=policy)
    events: list[Event] = [
        replace(viewed(request, "bot"), approver="run-1"),
        decided(request, "bot", approver="run-1", groups=("sre",)),
    ]
    assert "is the requester" in reasons(status(request, events, policy=policy))[0]


def test_a_team_that_owns_the_agent_does_not_decide_unless_the_policy_says_so() -> None:
    requester = Requester("release-bot", "run-1", f"{IDP}#rita", "Platform@example.com")
    request = asked(requester=requester)
    events: list[Event] = [viewed(request, "alice"), decided(request, "alice", groups=("platform", "sre"))]
    assert reasons(status(request, events)) == ["'alice' is in 'platform', which owns the agent"]
    assert status(request, approvals(request, "dave")).state is State.APPROVED

    proxy = stand_in("alice", "dave", lent=("platform", "sre"))
    events = [viewed(request, "dave"), decided(request, "dave", proxy=proxy)]
    assert reasons(status(request, events)) == ["'alice' is in 'platform', which owns the agent"]

    policy = replace(POLICY, owner_team_decides=True)
    request = asked(requester=requester, policy=policy)
    events = [viewed(request, "alice"), decided(request, "alice", groups=("platform", "sre"))]
    assert status(request, events, policy=policy).state is State.APPROVED
    events = [viewed(request, "rita"), decided(request, "rita", groups=("platform", "sre"))]
    assert status(request, events, policy=policy).state is State.PENDING


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"person": "arn:aws:sts::1:assumed-role/x/y"}, "behind the request is nobody that the policy knows"),
        ({"owner": "strangers@example.com"}, "of the agent is nobody that the policy knows"),
    ],
)
def test_a_request_of_nobody_known_is_refused_since_nobody_can_be_told_from_him(
    changes: dict[str, str], reason: str
) -> None:
    request = asked(requester=replace(REQUESTER, **changes))
    found = status(request, approvals(request, "alice"))
    assert found.state is State.REFUSED
    assert reason in found.because


def test_one_person_counts_once_by_all_his_identities() -> None:
    request = asked(R3)
    mail = "alice@example.com"
    second: list[Event] = [
        replace(viewed(request, "alice", token_name="second"), approver=mail),
        decided(request, "alice", approver=mail, token_id=token("second"), groups=("security",)),
    ]
    found = status(request, [*approvals(request, "alice"), *second])
    assert found.state is State.PENDING
    assert reasons(found) == ["'alice' has approved already, and counts once"]


def test_a_double_click_is_one_decision() -> None:
    request = asked(R3)
    again = decided(request, "alice", at=START + 2 * MINUTE + 1)
    events: list[Event] = [*approvals(request, "alice"), again]
    found = status(request, events)
    assert (found.approvers, reasons(found)) == (("alice",), [])
    assert status(request, [*events, *approvals(request, "bob")]).state is State.APPROVED


def test_a_token_is_good_for_one_decision() -> None:
    request = asked()
    other = decided(request, "alice", verdict=Verdict.REFUSE)
    found = status(request, [*approvals(request, "alice"), other])
    assert found.state is State.APPROVED
    assert reasons(found) == ["the token was used before, allowed is one decision for each"]
    # Nor for a second try, which is recorded.
    stale, fresh = decided(request, "alice", factor=jwt(START - 999)), decided(request, "alice")
    found = status(request, [viewed(request, "alice"), stale, fresh])
    assert found.state is State.PENDING
    assert len(reasons(found)) == 2


def test_two_approvers_at_once_both_count() -> None:
    request = asked(R3)
    events: list[Event] = [
        viewed(request, "alice"),
        viewed(request, "bob"),
        decided(request, "alice"),
        decided(request, "bob"),
    ]
    assert status(request, events).approvers == ("alice", "bob")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"approval_digest": "00" * 32}, "it is about approval digest 0000"),
        ({"plan_digest": "ab" * 31 + "aa"}, "it is about plan abab"),
        ({"approval_id": "approval-0002"}, "it is about approval 'approval-0002'"),
        ({"token_id": token("guessed")}, "the token was not given out for this request"),
        ({"token_id": token("bob")}, f"the token was given to '{IDP}#bob'"),
        ({"groups": ()}, "is in no group that may decide this now, allowed are sre, security"),
        ({"groups": ("managers",)}, "is in no group that may decide this now"),
        ({"at": START + 7 * MINUTE}, "the token is 360 seconds old, allowed are 0 to 300"),
    ],
)
def test_a_decision_that_is_not_about_this_or_not_hers_does_not_count(changes: dict[str, Any], reason: str) -> None:
    request = asked()
    events: list[Event] = [viewed(request, "alice"), viewed(request, "bob"), decided(request, "alice", **changes)]
    found = status(request, events)
    assert found.state is State.PENDING
    assert reason in reasons(found)[0]


def test_who_left_the_group_between_view_and_click_is_refused_and_recorded() -> None:
    request = asked()
    found = status(request, [viewed(request, "alice"), decided(request, "alice", groups=("engineers",))])
    assert (found.state, found.uncounted[0].who) == (State.PENDING, f"{IDP}#alice")
    assert "is in no group that may decide this now" in reasons(found)[0]


def test_a_view_of_another_digest_gives_no_token() -> None:
    request = asked()
    events: list[Event] = [replace(viewed(request, "alice"), approval_digest="00" * 32), decided(request, "alice")]
    assert reasons(status(request, events)) == [
        "another digest was shown",
        "the token was not given out for this request",
    ]


def test_a_token_is_given_out_once() -> None:
    request = asked()
    events: list[Event] = [
        viewed(request, "alice"),
        viewed(request, "bob", token_name="alice"),
        decided(request, "bob"),
    ]
    assert reasons(status(request, events))[0] == "the token was given out before"


def test_a_refusal_is_final_also_after_enough_approvals() -> None:
    request = asked()
    refusal: list[Event] = [viewed(request, "bob"), decided(request, "bob", verdict=Verdict.REFUSE)]
    for events in ([*refusal, *approvals(request, "alice")], [*approvals(request, "alice"), *refusal]):
        found = status(request, [*events, started(request)])
        assert (found.state, found.because) == (State.REFUSED, f"{IDP}#bob refused")
        assert "it is refused" in reasons(found)[-1]


def test_whoever_may_not_approve_cannot_refuse() -> None:
    request = asked()
    for who in ("rita", "erin", "mallory"):
        events: list[Event] = [viewed(request, who), decided(request, who, verdict=Verdict.REFUSE)]
        assert status(request, events).state is State.PENDING


def test_the_end_is_final_and_what_comes_later_is_recorded() -> None:
    request = asked()
    late = START + 60 * MINUTE
    assert status(request, approvals(request, "alice"), now=late - 1).state is State.APPROVED
    found = status(request, approvals(request, "alice"), now=late)
    assert (found.state, found.because) == (State.EXPIRED, "the approval ended 2026-11-23T11:00:00Z")
    events: list[Event] = [*approvals(request, "alice"), started(request, at=late + 60 * MINUTE)]
    found = status(request, events, now=late)
    assert found.state is State.EXPIRED
    assert reasons(found) == ["it is expired: the approval ended 2026-11-23T11:00:00Z"]
    events = [viewed(request, "alice", at=late - MINUTE), decided(request, "alice", at=late)]
    assert status(request, events).state is State.EXPIRED


def test_a_clock_that_jumps_back_brings_nothing_to_life() -> None:
    request = asked()
    end = request.expires
    ahead: list[Event] = [viewed(request, "bob", at=end), viewed(request, "alice", at=START), decided(request, "alice")]
    assert status(request, ahead, now=START).state is State.EXPIRED
    # An hour's jump back: what was fresh by the clock that jumped is old by the one before.
    request = replace(request, expires=START + 3 * 3600)
    events: list[Event] = [
        viewed(request, "bob", at=START + 90 * MINUTE),
        viewed(request, "alice", at=START + 30 * MINUTE),
        decided(request, "alice", at=START + 31 * MINUTE),
    ]
    assert "seconds old" in reasons(status(request, events))[0]


def test_a_clock_that_jumps_back_lets_nothing_begin_early() -> None:
    request = asked()
    ahead: Event = Notified(request.id, "requested-0", START + 31 * MINUTE)
    events: list[Event] = [
        ahead,
        viewed(request, "erin", at=START + 28 * MINUTE),
        decided(request, "erin", at=START + 29 * MINUTE),
    ]
    assert "is in no group that may decide this now, allowed are sre, security" in reasons(status(request, events))[0]

    proxy = stand_in("bob", "dave", starts=START + 30 * MINUTE)
    events = [
        ahead,
        viewed(request, "dave", at=START + 28 * MINUTE),
        decided(request, "dave", at=START + 29 * MINUTE, proxy=proxy),
    ]
    assert "holds from" in reasons(status(request, events))[0]

    policy = replace(POLICY, calendar=Calendar((Window(("mon",), "10:30", "10:40"),)))
    request = asked(policy=policy)
    early: list[Event] = [*approvals(request, "alice"), ahead, started(request, at=START + 29 * MINUTE)]
    assert status(request, early, policy=policy).state is State.APPROVED
    on_time: list[Event] = [*approvals(request, "alice"), ahead, started(request, at=START + 30 * MINUTE)]
    assert status(request, on_time, policy=policy).state is State.EXECUTING


def test_a_clock_that_jumps_back_keeps_what_has_ended_at_an_end() -> None:
    request = asked()
    proxy = stand_in("bob", "dave", ends=START + 33 * MINUTE)
    events: list[Event] = [
        viewed(request, "dave", at=START + 31 * MINUTE),
        decided(request, "dave", at=START + 32 * MINUTE, proxy=proxy),
    ]
    assert status(request, events).state is State.APPROVED
    events.insert(1, Notified(request.id, "requested-0", START + 34 * MINUTE))
    assert "and not at 2026-11-23T10:34:00Z" in reasons(status(request, events))[0]

    freeze = Freeze(START + 33 * MINUTE, START + 90 * MINUTE, "launch")
    policy = replace(POLICY, calendar=Calendar(freezes=(freeze,)))
    request = asked(policy=policy)
    ahead: Event = Notified(request.id, "requested-0", START + 34 * MINUTE)
    events = [*approvals(request, "alice"), ahead, started(request, at=START + 32 * MINUTE)]
    assert status(request, events, policy=policy).state is State.APPROVED


def test_a_clock_that_is_behind_the_last_event_counts_as_that() -> None:
    request = asked()
    assert status(request, approvals(request, "alice"), now=START).time == START + 2 * MINUTE
    assert status(request, [], now=0).time == START


def test_the_requester_takes_it_back() -> None:
    request = asked()
    for by in (f"{IDP}#rita", "run-1", "owen@example.com"):
        taken = Withdrawal(request.id, by, "wrong bucket", START + 3 * MINUTE)
        found = status(request, [*approvals(request, "alice"), taken, started(request)])
        assert (found.state, found.because) == (State.WITHDRAWN, f"{by} took it back")
    stranger = Withdrawal(request.id, f"{IDP}#alice", "", START + 3 * MINUTE)
    found = status(request, [*approvals(request, "alice"), stranger])
    assert found.state is State.APPROVED
    assert "did not ask" in reasons(found)[0]


def test_it_is_carried_out_once_and_ends() -> None:
    request = asked()
    approved = approvals(request, "alice")
    assert status(request, [*approved, started(request)]).state is State.EXECUTING
    assert status(request, [*approved, started(request)], now=START + 9 * 3600).state is State.EXECUTING
    assert status(request, [*approved, started(request), ended(request)]).state is State.EXECUTED
    for outcome in (Outcome.FAILED, Outcome.ROLLED_BACK):
        found = status(request, [*approved, started(request), ended(request, outcome)])
        assert (found.state, found.because) == (State.FAILED, outcome.value)
    again = started(request, at=START + 12 * MINUTE, execution="execution-2")
    found = status(request, [*approved, started(request), ended(request), again])
    assert reasons(found) == ["it is carried out once, by execution 'execution-1'"]
    # The broker, woken again after a crash, says the same of the same execution.
    found = status(request, [*approved, started(request), started(request, at=START + 11 * MINUTE)])
    assert (found.state, reasons(found)) == (State.EXECUTING, [])
    found = status(request, [*approved, ended(request)])
    assert reasons(found) == ["execution 'execution-1' is not under way"]


def test_nothing_stops_what_is_under_way() -> None:
    request = asked()
    late: list[Event] = [
        viewed(request, "bob"),
        decided(request, "bob", at=START + 11 * MINUTE, verdict=Verdict.REFUSE),
    ]
    found = status(request, [*approvals(request, "alice"), started(request), *late])
    assert found.state is State.EXECUTING
    assert "it is executing" in reasons(found)[0]


def test_it_is_not_carried_out_before_it_is_approved() -> None:
    request = asked(R3)
    found = status(request, [*approvals(request, "alice"), started(request)])
    assert (found.state, reasons(found)) == (State.PENDING, ["it is not approved"])


@pytest.mark.parametrize("field", ["plan_digest", "approval_digest"])
def test_another_plan_at_execution_ends_it(field: str) -> None:
    request = asked()
    changes: dict[str, Any] = {field: "ab" * 31 + "ac"}
    swapped = started(request, **changes)
    found = status(request, [*approvals(request, "alice"), swapped, started(request)])
    assert found.state is State.REFUSED
    assert found.because.startswith("at execution: it is about")
    assert len(reasons(found)) == 2


def test_another_policy_or_a_longer_life_than_its_quorum_allows_is_refused() -> None:
    request = asked(policy_version="00" * 32)
    found = status(request, approvals(request, "alice"))
    assert found.state is State.REFUSED
    assert found.because.endswith("ask again")
    request = asked(R3, expires=START + 3 * 3600)
    assert "allowed for R3: 7200 seconds" in status(request, approvals(request, "alice", "bob")).because


def test_escalation_lets_the_next_group_decide_from_its_time_on() -> None:
    request = asked()
    early: list[Event] = [viewed(request, "erin"), decided(request, "erin")]
    assert status(request, early).state is State.PENDING
    later = START + 31 * MINUTE
    events: list[Event] = [viewed(request, "erin", at=later), decided(request, "erin", at=later + MINUTE)]
    found = status(request, events, now=later + MINUTE)
    assert (found.state, found.next_escalation) == (State.APPROVED, None)


def test_a_group_decides_about_its_own_environments_and_services_alone() -> None:
    groups = (Group("sre", ("sandbox",)), Group("security", services=("iam",)), Group("managers"))
    policy = replace(POLICY, groups=(*groups, Group("platform")))
    for request, who in ((asked(policy=policy), "alice"), (asked(policy=policy), "bob")):
        assert status(request, approvals(request, who), policy=policy).state is State.PENDING
    request = asked(policy=policy, services=("iam",))
    assert status(request, approvals(request, "bob"), policy=policy).state is State.APPROVED
    for services in (("iam", "s3"), ()):
        request = asked(policy=policy, services=services)
        assert status(request, approvals(request, "bob"), policy=policy).state is State.PENDING
    request = asked(policy=policy, environment="sandbox")
    assert status(request, approvals(request, "alice"), policy=policy).state is State.APPROVED
    assert status(asked(policy=policy), [], policy=policy).missing[0] == (
        "1 more approval and no group may decide this now"
    )


def emergency(request: Any, who: str = "bob", **changes: Any) -> list[Event]:
    changes.setdefault("comment", "production is down, INC-77")
    return [viewed(request, who), decided(request, who, break_glass=True, **changes)]


def test_break_glass_is_one_person_with_a_reason_and_everybody_is_told() -> None:
    request = asked(R3)
    found = status(request, emergency(request))
    assert (found.state, found.break_glass) == (State.APPROVED, True)
    notice = next(each for each in found.notices if each.about is About.BREAK_GLASS)
    assert (notice.groups, notice.requester) == (("sre", "security", "managers", "platform"), True)
    # Also by somebody who was waiting for the second approver.
    waiting: list[Event] = [*approvals(request, "bob"), viewed(request, "bob", token_name="alone")]
    alone = decided(request, "bob", token_id=token("alone"), break_glass=True, comment="production is down, INC-77")
    assert status(request, [*waiting, alone]).state is State.APPROVED


@pytest.mark.parametrize(
    ("who", "changes", "reason"),
    [
        ("bob", {"comment": "down" + " " * 30}, "takes a reason of 20 characters"),
        ("bob", {"factor": jwt(START + MINUTE, "hwk")}, "takes two factors"),
        ("alice", {}, "is in no group that may decide this now, allowed are security"),
        ("bob", {"verdict": Verdict.REFUSE}, "for approvals alone"),
        ("alice", {"proxy": stand_in("bob", "alice")}, "not delegated"),
        ("rita", {}, "is the requester"),
    ],
)
def test_break_glass_has_its_limits(who: str, changes: dict[str, Any], reason: str) -> None:
    request = asked(R3)
    found = status(request, emergency(request, who, **changes))
    assert (found.state, found.break_glass) == (State.PENDING, False)
    assert reason in reasons(found)[0]


def test_break_glass_never_breaks_what_is_forbidden() -> None:
    request = asked(RiskClass.R4)
    assert status(request, emergency(request)).state is State.REFUSED


def test_a_stand_in_decides_with_the_others_rights() -> None:
    request = asked(R3)
    proxy = stand_in("bob", "dave")
    stood: list[Event] = [viewed(request, "dave"), decided(request, "dave", proxy=proxy)]
    found = status(request, [*approvals(request, "alice"), *stood])
    assert (found.state, found.approvers) == (State.APPROVED, ("alice", "bob", "dave"))


def test_a_stand_in_and_who_he_stands_in_for_are_one_vote() -> None:
    request = asked(R3)
    stood: list[Event] = [viewed(request, "dave"), decided(request, "dave", proxy=stand_in("bob", "dave"))]
    for own in ("bob", "dave"):
        own_vote: list[Event] = [
            viewed(request, own, token_name="own"),
            decided(request, own, token_id=token("own"), groups=("sre", "security")),
        ]
        for events in ([*stood, *own_vote], [*own_vote, *stood]):
            found = status(request, events)
            assert found.state is State.PENDING
            assert reasons(found) == [f"'{own}' has approved already, and counts once"]


@pytest.mark.parametrize("name", ["rita", "owen"])
def test_nobody_decides_for_the_requester_nor_he_for_another(name: str) -> None:
    request = asked()
    for who, proxy in (("dave", stand_in(name, "dave")), (name, stand_in("dave", name))):
        found = status(request, [viewed(request, who), decided(request, who, proxy=proxy)])
        assert found.state is State.PENDING
        assert "is the requester" in reasons(found)[0]


def test_changes_wait_for_the_calendar() -> None:
    window = Window(("mon",), "10:20", "10:40")
    policy = replace(POLICY, calendar=Calendar((window,)))
    request = asked(R3, policy=policy)
    found = status(request, approvals(request, "alice", "bob"), policy=policy)
    assert (found.state, found.executable, found.opens) == (State.APPROVED, False, START + 20 * MINUTE)
    assert found.missing == (
        "the change calendar is closed (outside of the change windows); it opens 2026-11-23T10:20:00Z",
    )
    early: list[Event] = [*approvals(request, "alice", "bob"), started(request)]
    assert reasons(status(request, early, policy=policy)) == ["outside of the change windows"]
    on_time: list[Event] = [*approvals(request, "alice", "bob"), started(request, at=START + 20 * MINUTE)]
    assert status(request, on_time, policy=policy).state is State.EXECUTING
    assert status(request, [*emergency(request), started(request)], policy=policy).state is State.EXECUTING


def test_a_freeze_may_hold_against_break_glass() -> None:
    for passes in (True, False):
        freeze = Freeze(START, START + 86_400, "year's end", break_glass=passes)
        policy = replace(POLICY, calendar=Calendar(freezes=(freeze,)))
        request = asked(policy=policy)
        found = status(request, approvals(request, "alice"), policy=policy)
        assert (found.executable, found.opens) == (False, None)
        assert found.missing[0].endswith("it opens after the approval's end")
        assert status(request, emergency(request), policy=policy).executable is passes


def told(found: Status) -> list[str]:
    return [notice.id for notice in found.notices]


def test_notices_are_due_until_they_are_sent() -> None:
    request = asked()
    later = START + 31 * MINUTE
    assert told(status(request, [])) == ["requested-0"]
    assert told(status(request, [], now=later)) == ["requested-0", "escalated-1"]
    sent: list[Event] = [Notified(request.id, "requested-0", START + 1)]
    found = status(request, sent, now=later)
    assert told(found) == ["escalated-1"]
    assert found.notices[0].groups == ("managers",)
    assert told(status(request, [*sent, *approvals(request, "alice")])) == ["approved"]
    assert told(status(request, approvals(request, "alice"), now=later)) == ["approved"]
    sent.append(Notified(request.id, "escalated-1", later))
    found = status(request, sent, now=request.expires)
    assert told(found) == ["expired"]
    assert (found.notices[0].groups, found.notices[0].requester) == (("sre", "security", "managers"), True)
    assert all("\n" not in notice.text and PLAN not in notice.text for notice in found.notices)


def test_an_approval_by_rule_bothers_nobody() -> None:
    request = asked(R1)
    assert told(status(request, [ruled(request)])) == ["approved"]


def test_events_of_another_approval_are_recorded_and_nothing_else() -> None:
    request = asked()
    other = asked(id="approval-0002", nonce="aa" * 16)
    found = status(request, approvals(other, "alice"))
    assert found.state is State.PENDING
    assert set(reasons(found)) == {"it is about approval 'approval-0002', this one is 'approval-0001'"}


def test_too_many_events_are_no_approval() -> None:
    request = asked()
    events: list[Event] = [Notified(request.id, "x", START)] * (MAX_EVENTS + 1)
    with pytest.raises(DecisionError, match="has 10001 events"):
        status(request, events)


def test_a_status_is_json() -> None:
    document = status(asked(R3), []).document()
    assert (document["state"], document["time"]) == ("pending", "2026-11-23T10:05:00Z")
    assert document["notices"][0]["about"] == "requested"


def test_the_groups_of_the_tests_are_those_of_the_policy() -> None:
    known = {group.name for group in POLICY.groups}
    assert {group for groups in GROUPS.values() for group in groups} <= known
    assert len(QUORUMS) == 8
