"""Whatever happens in whatever order: no approval without enough people who may, were there, and did not ask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.approval_digest import approval_digest
from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.approval.deciding.events import Notified, RuleDecision, Withdrawal
from sudo_mcp_guardrails.approval.deciding.replay import Replay
from sudo_mcp_guardrails.approval.deciding.status import State
from tests.approval.made import (
    GROUPS,
    IDP,
    MINUTE,
    PLAN,
    POLICY,
    START,
    asked,
    decided,
    ended,
    jwt,
    stand_in,
    started,
    status,
    token,
    viewed,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.decision import Decision
    from sudo_mcp_guardrails.approval.deciding.delegation import Proxy
    from sudo_mcp_guardrails.approval.deciding.events import Event
    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest

WHO = (*GROUPS, "mallory")
WRONG_DIGEST = "ab" * 31 + "aa"


@dataclass(frozen=True)
class Cast:
    """One decision of the play, and all that is wrong with it."""

    who: str
    fault: str
    stands_in_for: str
    minute: int
    verdict: Verdict
    by_mail: bool

    def decision(self, request: ApprovalRequest, number: int) -> Decision:
        at = START + self.minute * MINUTE
        factor = {
            "stale": jwt(at - 301),
            "password": jwt(at - 30, "pwd"),
            "another page": replace(jwt(at - 30), issuer="https://evil.example"),
        }.get(self.fault, jwt(at - 30))
        made = decided(
            request,
            self.who,
            at=at,
            verdict=self.verdict,
            token_id=token(f"{'guessed' if self.fault == 'token' else self.who}-{number}"),
            factor=factor,
            groups=() if self.fault == "left" else GROUPS.get(self.who, ("sre", "security")),
            proxy=self._proxy() if self.stands_in_for else None,
            approval_digest=WRONG_DIGEST if self.fault == "digest" else approval_digest(request),
            plan_digest=WRONG_DIGEST if self.fault == "plan" else PLAN,
        )
        if not self.by_mail:
            return made
        return replace(made, statement=replace(made.statement, approver=f"{self.who}@example.com"))

    def _proxy(self) -> Proxy:
        # Whose rights are used is who must be in the group still.
        groups = () if self.fault == "left" else GROUPS[self.stands_in_for]
        return stand_in(self.stands_in_for, self.who, lent=groups)

    @property
    def may_count(self) -> bool:
        """By the rules in words, and not by the code: who, which groups, when, how."""
        if self.fault or self.verdict is not Verdict.APPROVE or {self.who, self.stands_in_for} & {"rita", "owen"}:
            return False
        if self.who not in GROUPS or self.stands_in_for == self.who:
            return False
        return bool(self.groups) and self.minute < 60

    @property
    def groups(self) -> set[str]:
        deciding = {"sre", "security"} | ({"managers"} if self.minute >= 30 else set())
        return deciding & set(GROUPS[self.stands_in_for or self.who])

    @property
    def people(self) -> set[str]:
        return {self.who, *([self.stands_in_for] if self.stands_in_for else [])}


FAULTS = ("", "", "", "stale", "password", "another page", "left", "digest", "plan", "token")
CASTS = st.builds(
    Cast,
    who=st.sampled_from(WHO),
    fault=st.sampled_from(FAULTS),
    stands_in_for=st.sampled_from(("", "", "", *GROUPS)),
    minute=st.integers(2, 70),
    verdict=st.sampled_from((Verdict.APPROVE, Verdict.APPROVE, Verdict.APPROVE, Verdict.REFUSE)),
    by_mail=st.booleans(),
)
RISKS = st.sampled_from((RiskClass.R1, RiskClass.R2, RiskClass.R3, RiskClass.R4))


def quorum_of(casts: list[Cast], risk: RiskClass) -> bool:
    """Whether some of those who may count are a quorum: tried one by one."""
    people = {RiskClass.R1: 1, RiskClass.R2: 1, RiskClass.R3: 2}.get(risk, 99)
    good = [cast for cast in casts if cast.may_count]
    for chosen in combinations(good, min(people, len(good) + 1)):
        apart = all(not one.people & other.people for one, other in combinations(chosen, 2))
        different = people < 2 or any(a != b for a in chosen[0].groups for b in chosen[1].groups)
        if apart and different:
            return True
    return False


def play(request: ApprovalRequest, casts: list[Cast], ordering: list[int]) -> list[Event]:
    """The decisions and a view before each, in any order of decisions, and clocks that jump as they like."""
    events: list[Event] = []
    for number in ordering:
        cast = casts[number]
        decision = cast.decision(request, number)
        view = viewed(request, cast.who, at=decision.time - MINUTE, token_name=f"{cast.who}-{number}")
        events += [replace(view, approver=decision.statement.approver), decision]
    return events


@settings(max_examples=200, deadline=None)
@given(st.lists(CASTS, max_size=6), RISKS, st.data())
def test_no_order_of_events_approves_without_a_quorum(casts: list[Cast], risk: RiskClass, data: st.DataObject) -> None:
    request = asked(risk)
    ordering = data.draw(st.permutations(range(len(casts))))
    events = play(request, casts, ordering)
    found = status(request, [*events, started(request, at=START + 59 * MINUTE)], now=START + 59 * MINUTE)
    if found.state in (State.APPROVED, State.EXECUTING):
        assert quorum_of(casts, risk)
        assert not {"rita", "owen", "mallory"} & set(found.approvers)
    decided_by = [each for each in found.uncounted if each.kind == "decision"]
    counted = len(casts) - len(decided_by)
    assert counted <= sum(cast.may_count or cast.verdict is Verdict.REFUSE for cast in casts)


@settings(max_examples=150, deadline=None)
@given(st.lists(CASTS, min_size=1, max_size=4), RISKS)
def test_in_the_order_of_time_a_quorum_that_nothing_stops_approves(casts: list[Cast], risk: RiskClass) -> None:
    good = sorted((cast for cast in casts if cast.may_count and not cast.stands_in_for), key=lambda cast: cast.minute)
    request = asked(risk)
    found = status(request, play(request, good, list(range(len(good)))), now=START + 59 * MINUTE)
    assert (found.state is State.APPROVED) == quorum_of(good, risk)


def anything(request: ApprovalRequest, casts: list[Cast]) -> list[Event]:
    return [
        *play(request, casts, list(range(len(casts)))),
        Notified(request.id, "requested-0", START + 1),
        RuleDecision(request.id, approval_digest(request), PLAN, "T1", "points", START + 1),
        Withdrawal(request.id, f"{IDP}#rita", "", START + 50 * MINUTE),
        started(request, at=START + 40 * MINUTE),
        ended(request),
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(CASTS, max_size=5), RISKS, st.data())
def test_events_that_are_replayed_change_nothing(casts: list[Cast], risk: RiskClass, data: st.DataObject) -> None:
    request = asked(risk)
    events = data.draw(st.permutations(anything(request, casts)))
    once = status(request, events)
    assert status(request, [*events, *events]) == once
    twice = [each for event in events for each in (event, event)]
    found = status(request, twice)
    assert replace(found, uncounted=()) == replace(once, uncounted=())
    assert [each.reason for each in found.uncounted] == [each.reason for each in once.uncounted]


@settings(max_examples=150, deadline=None)
@given(st.lists(CASTS, max_size=5), RISKS, st.data())
def test_what_is_final_stays_and_time_never_runs_back(casts: list[Cast], risk: RiskClass, data: st.DataObject) -> None:
    request = asked(risk)
    events = data.draw(st.permutations(anything(request, casts)))
    replay = Replay(request, POLICY)
    for event in events:
        before_state, before_time = replay.state, replay.time
        replay.take(event)
        assert replay.time >= before_time
        if before_state.final:
            assert replay.state is before_state
        if before_state is State.EXECUTING:
            assert replay.state in (State.EXECUTING, State.EXECUTED, State.FAILED)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"), st.sampled_from(("plan_digest", "approval_digest")))
def test_one_digit_changed_never_passes(place: int, digit: str, field: str) -> None:
    request = asked()
    right = PLAN if field == "plan_digest" else approval_digest(request)
    changed = right[:place] + digit + right[place + 1 :]
    changes: dict[str, Any] = {field: changed}
    decision = decided(request, "alice", **changes)
    found = status(request, [viewed(request, "alice"), decision])
    assert (found.state is State.APPROVED) == (changed == right)
    events: list[Event] = [viewed(request, "alice"), decided(request, "alice"), started(request, **changes)]
    assert status(request, events).state is (State.EXECUTING if changed == right else State.REFUSED)
