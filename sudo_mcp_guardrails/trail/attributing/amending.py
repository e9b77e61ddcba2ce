"""Better attributions of events that were attributed before what tells of them came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.trail.attributing.explain import doubted, explained
from sudo_mcp_guardrails.trail.attributing.knowledge import CALL, SESSION, SessionFacts
from sudo_mcp_guardrails.trail.attributing.waiting import Waiting
from sudo_mcp_guardrails.trail.attribution import By

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.attributing.knowledge import Knowledge
    from sudo_mcp_guardrails.trail.attribution import Attribution
    from sudo_mcp_guardrails.trail.event import Event


@dataclass(frozen=True, slots=True)
class Amendment:
    """A better attribution of an event that was attributed before what tells of it came."""

    day: str
    event_id: str
    attribution: Attribution


class Amending:
    """Gives events that wait what is learned of them.

    Args:
        knowledge: what is remembered, and who waits.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._known = knowledge
        self._waiting = Waiting(knowledge)
        self._better_ones: dict[tuple[str, str], Attribution] = {}

    @property
    def refused(self) -> int:
        """Events that do not wait, since too many do for the same thing."""
        return self._waiting.refused

    def amendments(self) -> list[Amendment]:
        """Return what was learned since the last flush."""
        return [Amendment(day, event_id, better) for (day, event_id), better in self._better_ones.items()]

    def flushed(self) -> None:
        """Forget what was handed out, and tell those that wait what another process has learned meanwhile."""
        self._better_ones.clear()
        for key in self._waiting.since_flush():
            self._tell_if_known(key)

    def wait(self, key: str, event: Event, found: Attribution) -> None:
        """Let an event wait for what a key tells."""
        self._waiting.add(key, event, found)

    def wait_for_session(self, event: Event, found: Attribution) -> Attribution:
        """Note an event whose session may yet be told of."""
        if found.by not in (By.SESSION_TAGS, By.SIGN_IN_SESSION):
            run = event.source_identity if found.run else None
            for key in filter(None, (run or event.access_key, event.sign_in_session)):
                self._waiting.add(key, event, found)
        return found

    def tell_of_session(self, key: str, by: By, facts: SessionFacts, *, session: str | None = None) -> None:
        """Give the events that waited for a session what is now known of it."""
        known: dict[str, Any] = {**facts.to_dict(), **({"session": session} if session else {})}
        for identity, before in self._waiting.told(key):
            # The role is what IAM checked, and outranks what another session of the run was minted for.
            own = {name: value for name in ("agent", "capability") if (value := getattr(before, name)) is not None}
            # A run off the agents' path, or told by no broker, was chained, or somebody chose it: it stays the weaker.
            weak = before.by is By.SOURCE_IDENTITY and (before.agent is None or doubted(before))
            kept = before.by if weak else by
            self._better(identity, replace(before, by=kept, **{**known, **own}))

    def tell_of_call(self, key: str, tool: str | None, tool_call: str) -> None:
        """Give the calls that a tool call lists what it tells."""
        for identity, before in self._waiting.told(key):
            by = By.DOWNSTREAM_REQUEST if before.by is By.INVOKED_BY else before.by
            self._better(identity, before.of_call(by, tool, tool_call))

    def _tell_if_known(self, key: str) -> None:
        """Tell the events that wait for something what another process has learned of it meanwhile.

        It looked who waits before this one's events did, and this one looked for it before it was there: of two who
        each write first and read then, one sees the other.
        """
        if not self._known.shared:
            return
        if key.startswith(CALL):
            call = self._known.get(key)
            if call is not None:
                self.tell_of_call(key, *call)
            return
        facts = self._known.get(SESSION + key)
        if facts is not None:
            by = By.SIGN_IN_SESSION if key.startswith("arn:") else By.SESSION_TAGS
            self.tell_of_session(key, by, SessionFacts(**facts))

    def _better(self, identity: tuple[str, str], found: Attribution) -> None:
        """Note what is known of an earlier event by now."""
        found = explained(found)
        self._better_ones[identity] = found
        self._waiting.update(identity, found)
