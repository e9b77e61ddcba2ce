"""One large change in small pieces: earlier plans of the same agent count together with this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.graph import touched
from sudo_mcp_guardrails.approval.risk_rules.context import MAX_RECENT
from sudo_mcp_guardrails.approval.risk_rules.escalation import actions_by_change, complete_paths, is_work
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.context import Recent
    from sudo_mcp_guardrails.approval.risk_rules.view import Looked

_MANY: Final = 3


def _of_plan(looked: Looked) -> Iterator[Found]:
    recent = _within(looked)
    if len(recent) > MAX_RECENT:
        yield Found(RiskClass.R3, f"the agent had more than {MAX_RECENT} plans in {_window(looked)}")
        recent = recent[:MAX_RECENT]
    if not recent or all(seen.reads for seen in looked.seen):
        return
    yield from _paths(looked, recent)
    near = connected(touched(looked.plan), recent)
    if not near:
        return
    limits, plans = looked.context.limits, len(near) + 1
    text = f"with {len(near)} earlier plans on connected things in {_window(looked)}"
    if plans >= limits.plans:
        risk = RiskClass.R3 if plans >= _MANY * limits.plans else RiskClass.R2
        yield Found(risk, f"{text} it is one of {plans}")
    changes = len(looked.plan.changes) + sum(one.changes for one in near)
    if changes >= limits.several:
        risk = RiskClass.R3 if changes >= limits.many else RiskClass.R2
        yield Found(risk, f"{text} it makes {changes} changes")


def connected(keys: frozenset[str], recent: tuple[Recent, ...]) -> tuple[Recent, ...]:
    """Return the earlier plans that touch what this one touches, or what one of those touches, and so on."""
    by_key: dict[str, list[int]] = {}
    for number, one in enumerate(recent):
        for key in one.touched:
            by_key.setdefault(key, []).append(number)
    found: set[int] = set()
    left, seen = list(keys), set(keys)
    while left:
        for number in by_key.get(left.pop(), ()):
            if number not in found:
                found.add(number)
                fresh = recent[number].touched - seen
                seen |= fresh
                left.extend(fresh)
    return tuple(recent[number] for number in sorted(found))


def _paths(looked: Looked, recent: tuple[Recent, ...]) -> Iterator[Found]:
    """Yield the escalation paths of which this plan has one step at least, and earlier ones the others."""
    changes = actions_by_change(looked)
    own = frozenset().union(*(actions for _, actions in changes))
    before = frozenset(action.lower() for one in recent for action in one.actions)
    alone = {path.id for path in complete_paths(own)}
    for path in complete_paths(own | before):
        names = {action.lower() for action in path.actions}
        if path.id not in alone and names & own:
            # Of what earlier plans touched no more than keys is known, which excuses nothing; its own part may be work.
            risk = RiskClass.R2 if is_work(path, changes) else RiskClass.R3
            yield Found(risk, f"with earlier plans in {_window(looked)} it completes path {path.id}: it {path.title}")


def _within(looked: Looked) -> tuple[Recent, ...]:
    """Return the earlier plans that still count, each once, without this one; what lies in the future counts too."""
    now, window = looked.context.now, looked.context.limits.window
    found = {
        one.digest: one
        for one in looked.context.recent
        if one.digest != looked.plan.digest and (now is None or now - one.at <= window)
    }
    return tuple(sorted(found.values(), key=lambda one: (one.at, one.digest), reverse=True))


def _window(looked: Looked) -> str:
    return f"{looked.context.limits.window.total_seconds() / 3600:g} hours"


RULE: Final = RiskRule(
    id="splitting",
    title="Plans of the same agent within a window that are about connected things count as one: by their number, by "
    "their changes, and by the escalation paths that they have the steps of together: R2 or R3.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("the trust model of this project: splitting one bad change into small ones",),
    of_plan=_of_plan,
)
