"""Plan against act: what the session of an approved plan does that the plan does not hold. It needs no history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.baseline.calls import Effect
from sudo_mcp_guardrails.detection.baseline.planned import Session
from sudo_mcp_guardrails.detection.baseline.work import Once, Topic, Works, alert
from sudo_mcp_guardrails.detection.rule import Level, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline.planned import Planned, PlannedCalls
    from sudo_mcp_guardrails.detection.baseline.work import Work
    from sudo_mcp_guardrails.trail.attribution import Attributed

_SESSIONS: Final = {one.value: one for one in Session}
_OWN: Final = frozenset({"sts", "signin", "aws-mcp"})
"""Services that every session uses, whatever its plan."""
_LOOKS: Final = ("Describe", "List", "Head", "Lookup", "GetCallerIdentity")
"""Reads that tell of resources and not of what is in them: whoever changes something looks first and afterwards."""
_MAX_ARNS: Final = 50
_OUTSIDE: Final = Topic("outside_plan", "A session does what its approved plan does not hold", Source.DEVIATION)
_UNKNOWN: Final = Topic("plan_not_known", "A session acts on a plan that it cannot be compared with", Source.DEVIATION)
_RESOURCE: Final = (
    "{agent} ({session} session of {plan}) called {action}{refused} on {arn}, which the approved plan does not touch"
)
_ACTION: Final = "{agent} ({session} session of {plan}) called {action}{refused}, which the approved plan does not hold"


class Deviation:
    """Alerts on calls and resources outside of the approved plan, each once an approval.

    It looks at apply and execution sessions. Reads of the kind Describe and List are no deviation. A session whose plan
    is not known is said to be so, once.

    Args:
        planned: tells what plans hold.
        works: tells what events are a part of. Default: its own.
    """

    def __init__(self, planned: PlannedCalls, works: Works | None = None) -> None:
        self._works = works or Works()
        self._planned = planned
        self._once = Once()

    def to_data(self) -> list[str]:
        """Return what was said, as JSON, for the next process."""
        return self._once.to_data()

    def take(self, data: object) -> None:
        """Remember what :meth:`to_data` gave; raises DetectionError for anything else."""
        self._once.take(data, "deviations that were said")

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Return alerts where an event is outside of its plan."""
        session = _SESSIONS.get(str(facts.get("capability")))
        work = self._works.of(attributed, facts, time) if session is not None else None
        if session is None or work is None or work.call.service in _OWN:
            return []
        approval, digest = attributed.attribution.approval, attributed.attribution.plan_digest
        names = {
            "agent": work.agent,
            "session": session.value,
            "plan": f"approval {approval}"
            if approval
            else f"plan {digest}"
            if digest
            else f"run {work.run or 'unknown'}",
            "action": work.call.action,
            "refused": " (refused)" if work.call.refused else "",
        }
        key = (digest or approval or f"{work.agent} {work.run}", session)
        plan = self._planned.find(approval, digest) if approval or digest else None
        if plan is None:
            return self._unknown(attributed, key, names, "{plan} is not known")
        if not plan.holds(work.call, session):
            if session is Session.EXECUTION and plan.unknown:
                names["types"] = ", ".join(plan.unknown[:5])
                return self._unknown(attributed, key, names, "nobody knows what the types {types} of {plan} need")
            return self._action(attributed, key, names, work)
        return self._resources(attributed, key, names, plan) if session is Session.APPLY and not _looks(work) else []

    def _unknown(self, attributed: Attributed, key: object, names: dict[str, str], why: str) -> list[Alert]:
        if not self._once((key, "unknown")):
            return []
        return [
            alert(
                attributed,
                _UNKNOWN,
                Level.LOW,
                "{agent} called {action} in its {session} session, which cannot be compared with its plan: " + why,
                names,
                group=(names["agent"], names["plan"]),
            )
        ]

    def _action(self, attributed: Attributed, key: object, names: dict[str, str], work: Work) -> list[Alert]:
        if _looks(work) or not self._once((key, work.call.counted)):
            return []
        level = Level.MEDIUM if work.call.effect is Effect.READ or work.call.refused else Level.HIGH
        return [_found(attributed, names, level, _ACTION, work.call.action)]

    def _resources(self, attributed: Attributed, key: object, names: dict[str, str], plan: Planned) -> list[Alert]:
        if not plan.resources or b'"resources"' not in attributed.event.raw:
            return []
        listed = attributed.event.document().get("resources")
        if not isinstance(listed, list):
            return []
        arns = {one["ARN"] for one in listed[:_MAX_ARNS] if isinstance(one, dict) and isinstance(one.get("ARN"), str)}
        return [
            _found(attributed, {**names, "arn": arn}, Level.HIGH, _RESOURCE, arn)
            for arn in sorted(arns)
            if not plan.touches(arn) and self._once((key, names["action"], arn))
        ]


def _plan(approval: str | None, digest: str | None, run: str) -> str:
    if approval is not None:
        return f"approval {approval}"
    return f"plan {digest}" if digest is not None else f"run {run or 'unknown'}, without an approval"


def _looks(work: Work) -> bool:
    return work.call.effect is Effect.READ and work.call.action.partition(":")[2].startswith(_LOOKS)


def _found(attributed: Attributed, names: dict[str, str], level: Level, sentence: str, what: str) -> Alert:
    return alert(
        attributed,
        _OUTSIDE,
        level,
        sentence,
        names,
        group=(names["agent"], names["plan"], what),
    )
