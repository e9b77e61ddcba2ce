"""Whether a decision counts: of this person, about this plan, now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.approval.authentication.freshness import check_fresh
from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.approval.deciding.delegation import lent
from sudo_mcp_guardrails.approval.deciding.people import plain
from sudo_mcp_guardrails.approval.deciding.policy import MIN_REASON
from sudo_mcp_guardrails.approval.deciding.quorum import Vote
from sudo_mcp_guardrails.approval.errors import DecisionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.approval.deciding.decision import Decision, Statement
    from sudo_mcp_guardrails.approval.deciding.events import Viewed
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest


@dataclass(frozen=True)
class Polling:
    """What a decision is held against.

    Attributes:
        request: what is decided.
        digest: its approval digest.
        policy: that decides it.
        views: tokens that were given out for this digest, by their ids.
    """

    request: ApprovalRequest
    digest: str
    policy: ApprovalPolicy
    views: Mapping[str, Viewed]

    def vote(self, decision: Decision, time: int) -> Vote:
        """Return the vote that a decision is.

        Where the clock jumped back, it must hold at the time that the decision says and at the later one that was
        seen before: neither what has ended nor what has not begun counts.

        Args:
            decision: what came in.
            time: when, by a clock that never runs backward.

        Raises:
            DecisionError: it does not count, with the first reason.
        """
        stated = decision.statement
        self.check_about(stated.approval_digest, stated.plan_digest)
        approver = self._person(stated)
        self._check_token(stated, approver, time)
        if decision.time != time:
            self._vote(decision, approver, time)
        return self._vote(decision, approver, decision.time)

    def _vote(self, decision: Decision, approver: str, time: int) -> Vote:
        stated = decision.statement
        people, groups = self._rights(decision, approver, time)
        allowed = self._allowed(stated, groups, time)
        rules = self.policy.freshness
        two_factors = check_fresh(decision.factor, stated.challenge, time, self.request.created, rules)
        if stated.break_glass:
            _check_emergency(decision, two_factors=two_factors)
        return Vote(people, allowed, stated.break_glass)

    def check_about(self, approval: str, plan: str) -> None:
        """Check that something is about this request and its plan; raises DecisionError."""
        if approval != self.digest:
            raise DecisionError(f"it is about approval digest {approval}, this one is {self.digest}")
        if plan != self.request.plan_digest:
            raise DecisionError(f"it is about plan {plan}, approved is {self.request.plan_digest}")

    def _person(self, stated: Statement) -> str:
        person = self.policy.people.of(stated.approver)
        if person is None:
            raise DecisionError(f"approver {stated.approver!r} is nobody that the policy knows")
        self._check_no_requester(person, stated.approver)
        return person

    def _check_no_requester(self, person: str, identity: str) -> None:
        people, _ = self.policy.excluded(self.request.requester)
        if person in people or plain(identity) in people:
            raise DecisionError(f"{identity!r} is the requester, or stands behind him, and never decides")

    def _check_token(self, stated: Statement, approver: str, time: int) -> None:
        view = self.views.get(stated.token_id)
        if view is None:
            raise DecisionError("the token was not given out for this request")
        if self.policy.people.of(view.approver) != approver:
            raise DecisionError(f"the token was given to {view.approver!r}")
        most = self.policy.freshness.max_age
        if not 0 <= time - view.time <= most:
            raise DecisionError(f"the token is {time - view.time} seconds old, allowed are 0 to {most}")

    def _rights(self, decision: Decision, approver: str, time: int) -> tuple[frozenset[str], Sequence[str]]:
        """Return who is used up by a decision, and the groups that it is made for."""
        _, teams = self.policy.excluded(self.request.requester)
        own = sorted(teams.intersection(decision.groups))
        if own:
            raise DecisionError(f"{approver!r} is in {own[0]!r}, which owns the agent")
        if decision.proxy is None:
            return frozenset({approver}), decision.groups
        delegator, groups = lent(decision.proxy, approver, time, self.policy.delegation, self.policy.people)
        self._check_no_requester(delegator, decision.proxy.delegation.delegator)
        own = sorted(teams.intersection(decision.proxy.groups))
        if own:
            raise DecisionError(f"{delegator!r} is in {own[0]!r}, which owns the agent")
        return frozenset({approver, delegator}), groups

    def _allowed(self, stated: Statement, groups: Sequence[str], time: int) -> tuple[str, ...]:
        alone = stated.break_glass
        deciding = self.policy.breaking(self.request) if alone else self.policy.deciding(self.request, time)
        allowed = tuple(group for group in deciding if group in groups)
        if not allowed:
            who = ", ".join(deciding) or "nobody"
            raise DecisionError(f"{stated.approver!r} is in no group that may decide this now, allowed are {who}")
        return allowed


def _check_emergency(decision: Decision, *, two_factors: bool) -> None:
    stated = decision.statement
    if stated.verdict is not Verdict.APPROVE:
        raise DecisionError("break-glass is for approvals alone")
    if decision.proxy is not None:
        raise DecisionError("break-glass is not delegated")
    if not two_factors:
        raise DecisionError("break-glass takes two factors, the proof shows one")
    if len(stated.comment.strip()) < MIN_REASON:
        raise DecisionError(f"break-glass takes a reason of {MIN_REASON} characters or more")
