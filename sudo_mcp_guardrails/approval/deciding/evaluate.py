"""Where an approval stands, from its request, its events and the time: :func:`evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.deciding.quorum import lacking
from sudo_mcp_guardrails.approval.deciding.replay import Replay
from sudo_mcp_guardrails.approval.deciding.status import About, Notice, State, Status, due
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import check_time, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.approval.deciding.events import Event
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest

MAX_EVENTS: Final = 10_000
"""Most events of an approval, of which people make some ten."""
_ENDS: Final = {
    State.REFUSED: About.REFUSED,
    State.EXPIRED: About.EXPIRED,
    State.WITHDRAWN: About.WITHDRAWN,
    State.EXECUTED: About.EXECUTED,
    State.FAILED: About.FAILED,
}


def evaluate(request: ApprovalRequest, events: Sequence[Event], policy: ApprovalPolicy, now: int) -> Status:
    """Tell where an approval stands: a pure function, so that anybody can tell the same from the evidence.

    Args:
        request: what is asked for.
        events: all of its chain, in its order. What does not count is listed and not an error.
        policy: in force; a request of another version is refused, and is to be asked for again.
        now: seconds since 1970; where it is before the last event, that one's time counts.

    Raises:
        DecisionError: there are too many events, or ``now`` is no time.
    """
    if len(events) > MAX_EVENTS:
        raise DecisionError(f"the approval has {len(events)} events, allowed are {MAX_EVENTS}")
    replay = Replay(request, policy)
    for event in events:
        replay.take(event)
    replay.advance(check_time("now", now))
    state = replay.state
    closed = policy.calendar.closed(request.environment, replay.time, break_glass=replay.break_glass)
    opens = None
    if state is State.APPROVED:
        opens = policy.calendar.opens(request.environment, replay.time, request.expires, break_glass=replay.break_glass)
    return Status(
        state=state,
        because=replay.because,
        missing=_missing(replay, state, closed, opens),
        executable=state is State.APPROVED and not closed,
        approvers=tuple(sorted({person for vote in replay.votes for person in vote.people})),
        rule=replay.rule,
        break_glass=replay.break_glass,
        next_escalation=_next_escalation(replay) if state is State.PENDING else None,
        opens=opens,
        notices=due(_notices(replay, state), replay.settled),
        uncounted=tuple(replay.uncounted),
        time=replay.time,
    )


def _missing(replay: Replay, state: State, closed: str, opens: int | None) -> tuple[str, ...]:
    if state is State.APPROVED and closed:
        when = f"it opens {written(opens)}" if opens is not None else "it opens after the approval's end"
        return (f"the change calendar is closed ({closed}); {when}",)
    if state is not State.PENDING or replay.quorum is None:
        return ()
    people, groups = lacking(replay.votes, replay.quorum)
    deciding = replay.policy.deciding(replay.request, replay.time)
    who = f"of {', '.join(deciding)}" if deciding else "and no group may decide this now"
    found = [f"{max(people, groups, 1)} more approval{'s' if max(people, groups, 1) > 1 else ''} {who}"]
    if replay.quorum.groups > 1:
        found.append(f"approvers of {replay.quorum.groups} different groups, {replay.quorum.groups - groups} so far")
    later = _next_escalation(replay)
    if later is not None:
        further = [name for name in replay.policy.deciding(replay.request, later) if name not in deciding]
        found.append(f"from {written(later)} also {', '.join(further)} may decide")
    return tuple(found)


def _next_escalation(replay: Replay) -> int | None:
    """Return when the next step lets further groups decide, before the end."""
    request, policy = replay.request, replay.policy
    now = policy.deciding(request, replay.time)
    for step in policy.escalation:
        time = request.created + step.after
        if replay.time < time < request.expires and policy.deciding(request, time) != now:
            return time
    return None


def _notices(replay: Replay, state: State) -> list[Notice]:
    """Return all notices that an approval led to so far, also those that went out."""
    request, policy, quorum = replay.request, replay.policy, replay.quorum
    name = f"{request.risk.value} in {request.environment} by {request.requester.agent} ({request.ticket})"
    told: list[str] = []
    found = []
    if quorum is not None and quorum.people and not replay.rule:
        for number, step in enumerate(policy.escalation):
            time = request.created + step.after
            groups = tuple(each for each in policy.deciding(request, time) if each not in told)
            about = About.ESCALATED if number else About.REQUESTED
            notice = Notice(f"{about.value}-{number}", about, groups, f"to be decided: {name}", requester=False)
            # Whoever was not asked while it was open has nothing to decide any more.
            if groups and time <= replay.time and (state is State.PENDING or notice.id in replay.settled):
                told += groups
                found.append(notice)
    everybody = tuple(group.name for group in policy.groups)
    if replay.break_glass:
        found.append(Notice("break-glass", About.BREAK_GLASS, everybody, f"approved alone: {name}"))
    if state is State.APPROVED and quorum is not None and quorum.people:
        found.append(Notice("approved", About.APPROVED, (), f"approved: {name}"))
    if state in _ENDS:
        about = _ENDS[state]
        found.append(Notice(about.value, about, tuple(told), f"{about.value}: {name}"))
    return found
