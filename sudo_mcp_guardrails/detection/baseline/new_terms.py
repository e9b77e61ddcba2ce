"""The first time that an agent does something for a task: a service, an action, a place, a program, a source.

As Elastic's ``new_terms`` and Datadog's new-value rules: 14 days of counts, 7 days or 500 calls of learning, forgotten
after 28 days. What the agent's profile declares is no news the first time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.baseline.calls import Effect, Kind
from sudo_mcp_guardrails.detection.baseline.work import Once, Topic, Works, alert, number
from sudo_mcp_guardrails.detection.facts import iam_prefix
from sudo_mcp_guardrails.detection.rule import Level, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline.baselines import Baselines
    from sudo_mcp_guardrails.detection.baseline.view import View
    from sudo_mcp_guardrails.detection.baseline.work import Work
    from sudo_mcp_guardrails.detection.profile import AgentProfile
    from sudo_mcp_guardrails.trail.attribution import Attributed

VARIES: Final = 20
"""Terms of a kind from which on one more of them tells nothing; of sources, places and programs."""
_SEEDED: Final = frozenset({Kind.SERVICE, Kind.ACTION, Kind.RESOURCE})
_OF_CALLS: Final = frozenset({Kind.SOURCE, Kind.PLACE, Kind.USER_AGENT})
_WORDS: Final = {
    Kind.SERVICE: "the service",
    Kind.ACTION: "the action",
    Kind.PLACE: "the account and Region",
    Kind.RESOURCE: "the resource type",
    Kind.SOURCE: "the source",
    Kind.USER_AGENT: "the program",
}
_TOPIC: Final = Topic("new_term", "An agent did something for the first time", Source.NEW_TERM)


class NewTerms:
    """Alerts on what is new for an agent and its task, each term once a day at most.

    Of calls that only read, less is said: nothing of a new service or action that other agents call too, nothing of a
    new program or type of resource, and nothing where they were refused.

    Args:
        baselines: what is known of agents.
        profiles: what they declare. Default: nothing is declared, and nothing is silent for it.
        works: tells what events are a part of. Default: its own, tasks are capabilities.
    """

    def __init__(
        self, baselines: Baselines, profiles: Mapping[str, AgentProfile] | None = None, works: Works | None = None
    ) -> None:
        self._baselines = baselines
        self._profiles = dict(profiles or {})
        self._works = works or Works()
        self._once = Once()

    def to_data(self) -> list[str]:
        """Return what was said, as JSON, for the next process."""
        return self._once.to_data()

    def take(self, data: object) -> None:
        """Remember what :meth:`to_data` gave; raises DetectionError for anything else."""
        self._once.take(data, "terms that were said")

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Return an alert where an event has a term that is new."""
        work = self._works.of(attributed, facts, time)
        if work is None:
            return []
        view = self._baselines.view(work.agent, work.task, work.day)
        if view.learning:
            return self._undeclared(attributed, facts, work, view)
        if all(view.knows(kind, text) for kind, text in work.call.terms):
            return []
        new = [(kind, text) for kind, text in work.call.terms if self._counts(kind, text, work, view)]
        new = [one for one in new if self._once((work.agent, work.task, work.day, *one))]
        return [self._alert(attributed, work, view, new)] if new else []

    def _undeclared(self, attributed: Attributed, facts: Mapping[str, Any], work: Work, view: View) -> list[Alert]:
        """Look at an agent without a history: nothing is new yet, but what its declared task does not hold."""
        call = work.call
        if "task" not in facts.get("outside", ()) or view.knows(Kind.ACTION, call.action):
            return []
        if not self._once((work.agent, work.task, work.day, Kind.ACTION, call.action)):
            return []
        found = alert(
            attributed,
            _TOPIC,
            Level.LOW if call.effect is Effect.READ else Level.MEDIUM,
            "{agent} (task {task}) called {action}, which its declared task does not hold; its own history is still "
            "being learned: {days} days, {calls} calls",
            {**_names(work), "days": number(view.days), "calls": number(view.calls)},
            group=(work.agent, work.task, call.action),
        )
        return [found]

    def _counts(self, kind: Kind, text: str, work: Work, view: View) -> bool:
        """Tell whether a term is new, and whether that says anything."""
        call = work.call
        if view.knows(kind, text):
            return False
        declared = kind in _SEEDED and self._declared(work)
        if declared or (kind in _OF_CALLS and view.known(kind) >= VARIES):
            return False
        if call.effect is not Effect.READ:
            return True
        if call.refused or kind in (Kind.RESOURCE, Kind.USER_AGENT):
            return False
        return kind in (Kind.PLACE, Kind.SOURCE) or not any(one for one, _ in self._others(work))

    def _declared(self, work: Work) -> bool:
        profile = self._profiles.get(work.agent)
        service, _, operation = work.call.action.partition(":")
        return profile is not None and bool(profile.declared) and profile.declares(iam_prefix(service), operation)

    def _others(self, work: Work) -> tuple[tuple[int, int], tuple[int, int]]:
        return self._baselines.others(work.agent, work.task, work.day, work.call.action)

    def _alert(self, attributed: Attributed, work: Work, view: View, new: list[tuple[Kind, str]]) -> Alert:
        call = work.call
        kind, text = new[0]
        peers, everybody = self._others(work)
        alone = peers[0] == everybody[0] == 0
        weighty = kind in (Kind.SERVICE, Kind.PLACE, Kind.SOURCE) or (kind is Kind.ACTION and alone)
        level = Level.MEDIUM if weighty and call.effect is not Effect.READ else Level.LOW
        return alert(
            attributed,
            _TOPIC,
            level,
            "{agent} (task {task}) used {kind} {term} for the first time in 28 days, with {action}: {own} of {calls} "
            "calls by this agent in 14 days, {peer} of {peers} by peers of the task, {one} of {all} by other agents"
            "{more}",
            {
                **_names(work),
                "kind": _WORDS[kind],
                "term": text,
                "own": number(view.counts[call.counted]),
                "calls": number(view.calls),
                "peer": number(peers[0]),
                "peers": number(peers[1]),
                "one": number(everybody[0]),
                "all": number(everybody[1]),
                "more": "".join(f"; also new: {_WORDS[one]} {other}" for one, other in new[1:]),
            },
            group=(work.agent, work.task, text),
        )


def _names(work: Work) -> dict[str, str]:
    return {"agent": work.agent, "task": work.task, "action": work.call.action}
