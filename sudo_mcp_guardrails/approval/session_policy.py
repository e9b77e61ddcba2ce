"""The session policies of a plan: what the apply role may do while that plan is carried out, and nothing else.

STS takes a session policy of 2,048 characters. What does not fit into one session is split into several, each for some
of the changes, in their order. (STS API reference, AssumeRole, Policy.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.session.grants import ApplySettings, Grant, grants
from sudo_mcp_guardrails.approval.session.limits import limits
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.pack import PackError, pack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.iam.documents import Conditions

__all__ = [
    "ApplySettings",
    "Grant",
    "SessionPlan",
    "SessionPolicy",
    "each_session",
    "limits",
    "session_plan",
    "session_policies",
]

SESSION_POLICY_LIMIT: Final = 2048
"""Characters of the session policies of one session, inline and managed together (STS API reference)."""
MAX_SESSIONS: Final = 500
"""Sessions of one plan; each is a call to STS and a record."""
_Key = tuple[tuple[str, ...], tuple[str, ...], "Conditions"]
_ALLOWED: Final = re.compile(r"[\t\n\r\x20-\xff]*")


@dataclass(frozen=True)
class SessionPolicy:
    """The policy of one session.

    Attributes:
        document: The policy.
        changes: Ids of the changes that the session may carry out, in order.
    """

    document: PolicyDocument
    changes: tuple[str, ...]

    @property
    def json(self) -> str:
        """The policy as STS takes it."""
        return self.document.to_json()


@dataclass(frozen=True)
class SessionPlan:
    """The sessions that carry out a plan, one after the other.

    Attributes:
        digest: Of the plan.
        sessions: In the order in which they are made.
        limits: What no policy can bind, for who approves.
    """

    digest: str
    sessions: tuple[SessionPolicy, ...]
    limits: tuple[str, ...]


def session_plan(plan: Plan, settings: ApplySettings) -> SessionPlan:
    """Return the sessions that carry out a plan.

    Raises:
        PlanError: The plan cannot be carried out under policies of its own; see
            :func:`~sudo_mcp_guardrails.approval.session.grants.grants`. Also one call that does not fit into a
            policy, text that STS does not take, and more than :data:`MAX_SESSIONS` sessions.
    """
    return SessionPlan(plan.digest, session_policies(plan, settings), limits(plan))


def session_policies(plan: Plan, settings: ApplySettings) -> tuple[SessionPolicy, ...]:
    """Return the policies of a plan's sessions, as :func:`session_plan` does."""
    return tuple(each_session(plan, settings))


def each_session(plan: Plan, settings: ApplySettings) -> Iterator[SessionPolicy]:
    """Yield the policies of :func:`session_policies` one by one, for who shows the first of many.

    Raises:
        PlanError: As there, once it comes to the session that cannot be made.
    """
    wanted = grants(plan, settings)
    if not wanted:
        raise PlanError("the plan has nothing to carry out")
    groups = _split(wanted) if plan.form is Form.API_CALLS else iter((wanted,))
    for number, group in enumerate(groups, 1):
        if number > MAX_SESSIONS:
            raise PlanError(f"the plan takes more than {MAX_SESSIONS} sessions")
        yield _session(number, group)


def _split(wanted: Sequence[Grant]) -> Iterator[tuple[Grant, ...]]:
    """Part calls into as many in a row as fit into one policy; what one call takes stays together."""
    by_call: dict[str, list[Grant]] = {}
    for grant in wanted:
        by_call.setdefault(grant.changes[0], []).append(grant)
    calls = list(by_call.values())
    start = 0
    while start < len(calls):
        count = _longest(calls, start)
        yield tuple(grant for call in calls[start : start + count] for grant in call)
        start += count


def _longest(calls: Sequence[Sequence[Grant]], start: int) -> int:
    """Return how many calls from one on fit into one policy, 1 at least, in a few steps: packing takes its time."""
    left = len(calls) - start

    def fits(count: int) -> bool:
        return _fits([grant for call in calls[start : start + count] for grant in call])

    good, bad = 1, left + 1
    step = 2
    while step < bad:
        if not fits(step):
            bad = step
            break
        good, step = step, step * 2
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def _key(grant: Grant) -> _Key:
    """Return what a grant allows, whichever call it is for."""
    return grant.actions, grant.resources, grant.conditions


def _fits(wanted: Sequence[Grant]) -> bool:
    """Return whether grants fit into one policy."""
    document = _document(wanted)
    if len(document.to_json()) <= SESSION_POLICY_LIMIT:
        return True
    try:
        pack((document,), limit=SESSION_POLICY_LIMIT, slots=1, check=False)
    except PackError:
        return False
    return True


def _session(number: int, wanted: Sequence[Grant]) -> SessionPolicy:
    """Write the policy of one session, and check that packing did not change what it means."""
    try:
        packed = pack((_document(wanted),), limit=SESSION_POLICY_LIMIT, slots=1)
    except PackError as error:
        raise PlanError(f"session {number} cannot be bound by a policy: {error}") from None
    (found,) = packed.documents
    document = PolicyDocument(f"session-{number}", found.statements)
    text = document.to_json()
    if len(text) > SESSION_POLICY_LIMIT:
        raise PlanError(f"session {number} takes {len(text)} characters, expected at most {SESSION_POLICY_LIMIT}")
    if not _ALLOWED.fullmatch(text):
        raise PlanError(f"session {number} names something with characters that STS does not take in a policy")
    return SessionPolicy(document, tuple(dict.fromkeys(each for grant in wanted for each in grant.changes)))


def _document(wanted: Sequence[Grant]) -> PolicyDocument:
    unique = {_key(grant): grant for grant in wanted}
    return PolicyDocument(
        "session",
        tuple(
            Statement(
                sid=f"#{number}",
                effect="Allow",
                actions=grant.actions,
                resources=grant.resources,
                conditions=grant.conditions,
            )
            for number, grant in enumerate(unique.values())
        ),
    )
