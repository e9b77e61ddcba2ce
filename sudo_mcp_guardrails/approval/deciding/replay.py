"""The state machine of one approval, driven by its events in the order of their chain.

The clock never runs backward: where an event is earlier than one before it, both times count, and what is needed must
hold at both. So a clock that jumps back brings nothing to life again, nor does it let begin what has not begun; one
that jumps ahead past the end ends the approval, and that is final.
"""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.approval.deciding.approval_digest import approval_digest
from sudo_mcp_guardrails.approval.deciding.decision import Decision, Verdict
from sudo_mcp_guardrails.approval.deciding.events import (
    ContainmentWithdrawal,
    ExecutionEnded,
    ExecutionStarted,
    Notified,
    Outcome,
    RuleDecision,
    Viewed,
    Withdrawal,
    approval_of,
    kind_of,
)
from sudo_mcp_guardrails.approval.deciding.people import plain
from sudo_mcp_guardrails.approval.deciding.quorum import lacking
from sudo_mcp_guardrails.approval.deciding.status import State, Uncounted
from sudo_mcp_guardrails.approval.deciding.votes import Polling
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import written

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.decision import Statement
    from sudo_mcp_guardrails.approval.deciding.events import Event
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.deciding.quorum import Quorum, Vote
    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest


class Replay:
    """What the events so far made of a request.

    Args:
        request: what is decided.
        policy: that decides it; another version than the request's ends it.
    """

    def __init__(self, request: ApprovalRequest, policy: ApprovalPolicy) -> None:
        self.request = request
        self.policy = policy
        self.digest = approval_digest(request)
        self.time = request.created
        self.because = ""
        self.votes: list[Vote] = []
        self.rule = ""
        self.uncounted: list[Uncounted] = []
        self.settled: set[str] = set()
        self._end: State | None = None
        self._execution = ""
        self._views: dict[str, Viewed] = {}
        self._stated: dict[str, Statement] = {}
        self._counted: set[str] = set()
        self._seen: set[Event] = set()
        self._number = -1
        self._polling = Polling(request, self.digest, policy, self._views)
        self.quorum: Quorum | None = None
        try:
            self.quorum = self._checked_quorum()
        except DecisionError as error:
            self._finish(State.REFUSED, str(error))

    def _checked_quorum(self) -> Quorum:
        """Return what the request takes, where it can be decided at all; raises DecisionError."""
        if self.request.policy_version != self.policy.version:
            raise DecisionError(
                f"the request is for policy {self.request.policy_version}, in force is {self.policy.version}: ask again"
            )
        quorum = self.policy.quorum(self.request)
        if quorum.people:
            self.policy.excluded(self.request.requester)
        if self.request.expires - self.request.created > quorum.expires_after:
            raise DecisionError(
                f"the request expires {written(self.request.expires)}, allowed for {quorum.risk.value}: "
                f"{quorum.expires_after} seconds after {written(self.request.created)}"
            )
        return quorum

    @property
    def state(self) -> State:
        """Where it stands at :attr:`time`."""
        if self._end is not None:
            return self._end
        if self.time >= self.request.expires:
            return State.EXPIRED
        return State.APPROVED if self.enough else State.PENDING

    @property
    def enough(self) -> bool:
        """Whether enough people, or a rule, approved."""
        if self.quorum is None:
            return False
        alone = any(vote.break_glass for vote in self.votes)
        return bool(self.rule) or alone or lacking(self.votes, self.quorum) == (0, 0)

    @property
    def break_glass(self) -> bool:
        """Whether it is somebody alone who approved."""
        return any(vote.break_glass for vote in self.votes)

    def advance(self, time: int) -> None:
        """Let the clock go on to a time; never back."""
        self.time = max(self.time, time)
        if self.state is State.EXPIRED:
            self._finish(State.EXPIRED, f"the approval ended {written(self.request.expires)}")

    def take(self, event: Event) -> None:
        """Take the next event; one that was taken before changes nothing."""
        self._number += 1
        if event in self._seen:
            return
        self._seen.add(event)
        if approval_of(event) != self.request.id:
            self._refuse(event, f"it is about approval {approval_of(event)!r}, this one is {self.request.id!r}")
            return
        self.advance(event.time)
        try:
            self._apply(event)
        except DecisionError as error:
            self._refuse(event, str(error))

    @singledispatchmethod
    def _apply(self, event: Event) -> None:
        raise DecisionError(f"an event of type {type(event).__name__} is not known")

    @_apply.register
    def _(self, event: Viewed) -> None:
        if event.approval_digest != self.digest:
            raise DecisionError("another digest was shown")
        if event.token_id in self._views:
            raise DecisionError("the token was given out before")
        self._views[event.token_id] = event

    @_apply.register
    def _(self, event: Decision) -> None:
        stated = event.statement
        known = self._stated.get(stated.token_id)
        if known == stated and stated.token_id in self._counted:
            return  # a double click
        if known is not None:
            raise DecisionError("the token was used before, allowed is one decision for each")
        # Whatever becomes of it: a token is good for one try.
        self._stated[stated.token_id] = stated
        self._check_open()
        vote = self._polling.vote(event, self.time)
        if stated.verdict is Verdict.REFUSE:
            self._counted.add(stated.token_id)
            self._finish(State.REFUSED, f"{stated.approver} refused")
            return
        used = sorted(vote.people.intersection(person for each in self.votes for person in each.people))
        # Alone is more than once more: somebody who waited for a second approver may need to go ahead.
        if used and not vote.break_glass:
            raise DecisionError(f"{used[0]!r} has approved already, and counts once")
        self._counted.add(stated.token_id)
        self.votes.append(vote)

    @_apply.register
    def _(self, event: RuleDecision) -> None:
        self._check_open()
        self._polling.check_about(event.approval_digest, event.plan_digest)
        if self.quorum is None or not self.quorum.rule:  # never for R3: no policy can have such a quorum
            raise DecisionError(f"no rule decides about {self.request.risk.value} here, people do")
        self.rule = event.rule

    @_apply.register
    def _(self, event: Withdrawal) -> None:
        self._check_open()
        requester = self.request.requester
        behind = {plain(each) for each in (requester.run, requester.person, requester.owner)}
        people = {self.policy.people.of(each) for each in (requester.person, requester.owner)} - {None}
        if plain(event.by) not in behind and self.policy.people.of(event.by) not in people:
            raise DecisionError(f"{event.by!r} did not ask, and cannot take it back")
        self._finish(State.WITHDRAWN, f"{event.by} took it back")

    @_apply.register
    def _(self, event: ContainmentWithdrawal) -> None:
        # Who may is said by the key that signs such a record, and by nothing in it.
        self._check_open()
        self._finish(State.WITHDRAWN, f"its agent is contained in incident {event.containment}")

    @_apply.register
    def _(self, event: ExecutionStarted) -> None:
        if self._execution:
            if event.execution == self._execution:
                return  # the broker, once more after a crash: the execution is the same
            raise DecisionError(f"it is carried out once, by execution {self._execution!r}")
        self._check_open()
        try:
            self._polling.check_about(event.approval_digest, event.plan_digest)
        except DecisionError as error:
            # Somebody put another plan in the place of the approved one: no second try.
            self._finish(State.REFUSED, f"at execution: {error}")
            raise
        if not self.enough:
            raise DecisionError("it is not approved")
        for time in (self.time, event.time):
            closed = self.policy.calendar.closed(self.request.environment, time, break_glass=self.break_glass)
            if closed:
                raise DecisionError(closed)
        self._execution = event.execution
        self._end = State.EXECUTING

    @_apply.register
    def _(self, event: ExecutionEnded) -> None:
        if self._end is not State.EXECUTING or event.execution != self._execution:
            raise DecisionError(f"execution {event.execution!r} is not under way")
        done = event.outcome is Outcome.EXECUTED
        self._finish(State.EXECUTED if done else State.FAILED, event.detail or event.outcome.value)

    @_apply.register
    def _(self, event: Notified) -> None:
        self.settled.add(event.notice)

    def _check_open(self) -> None:
        if self._end is not None:
            raise DecisionError(f"it is {self._end.value}: {self.because or 'decided'}")

    def _finish(self, state: State, because: str) -> None:
        self._end, self.because = state, because

    def _refuse(self, event: Event, reason: str) -> None:
        who = event.statement.approver if isinstance(event, Decision) else ""
        who = (
            event.by
            if isinstance(event, (Withdrawal, ContainmentWithdrawal))
            else event.approver
            if isinstance(event, Viewed)
            else who
        )
        self.uncounted.append(Uncounted(self._number, kind_of(event), who, reason))
