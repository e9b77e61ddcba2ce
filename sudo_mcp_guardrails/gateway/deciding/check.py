"""The decision on a call, default deny: everything that is to be said against it, of which the strictest counts.

In this order, each part on its own: whose session it is, the kill switch, whose credentials it uses, what it means and
what that is worth (understood, policies, SOP, table), freezes, standing approvals, the team's rules, budgets.
"""

from __future__ import annotations

import hashlib
import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import ALLOWED, Outcome, Reason, Verdict
from sudo_mcp_guardrails.gateway.deciding.budgets import Windows
from sudo_mcp_guardrails.gateway.deciding.identity import chosen, named
from sudo_mcp_guardrails.gateway.deciding.listing import visible
from sudo_mcp_guardrails.gateway.deciding.ruling import Ruler
from sudo_mcp_guardrails.gateway.deciding.spending import Spending
from sudo_mcp_guardrails.gateway.deciding.understanding import Understanding
from sudo_mcp_guardrails.gateway.deciding.weighing import Objection
from sudo_mcp_guardrails.gateway.meaning import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.gateway.call import Session, ToolCall, ToolResult
    from sudo_mcp_guardrails.gateway.deciding.budgets import BudgetStore
    from sudo_mcp_guardrails.gateway.deciding.containment import Containment
    from sudo_mcp_guardrails.gateway.deciding.rules.ruleset import Ruleset
    from sudo_mcp_guardrails.gateway.deciding.settings import Settings
    from sudo_mcp_guardrails.gateway.deciding.understanding import Understood

_log = logging.getLogger(__name__)
_MOST: Final = 8
"""Most reasons that an agent is told."""
APPROVAL: Final = "decision.approval"
"""Id of a denial that an approval lifts."""
_LIFTED: Final = frozenset({APPROVAL, "decision.ask"})
_CONTAINED: Final = "this agent is contained: no call passes until a person restores it; stop, and say so."


class DecisionCheck:
    """Decides calls, filters lists of tools, and observes what became of calls: it must stand among all three.

    Args:
        settings: What it rests on.
        containment: The kill switch's last reading.
        rules: The team's own; None where there are none, and then they permit nothing and forbid nothing.
        store: Of what the agent took of its budgets. Default: one in memory, for this process alone.
        now: Seconds since 1970, for freezes.
    """

    name = "decision"

    def __init__(
        self,
        settings: Settings,
        containment: Containment,
        rules: Ruleset | None = None,
        store: BudgetStore | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._containment = containment
        self._understanding = Understanding(settings)
        self._ruler = Ruler(rules, settings, self._understanding.standing) if rules else None
        self._spending = Spending(settings, store or Windows())
        self._now = now

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all that it decides by but the kill switch; approvals hold under no other."""
        rules = self._ruler.digest if self._ruler else ""
        values = sorted((name, repr(value)) for name, value in vars(self.settings).items() if name not in _CALLABLES)
        return hashlib.sha256(repr((values, rules)).encode()).hexdigest()

    def watch(self) -> None:
        """Read the kill switch from now on, in a thread of its own."""
        self._containment.watch()

    def before(self, session: Session, call: ToolCall) -> Outcome:
        """Judge a call that was not made yet."""
        against = list(self._first(session, call))
        if against:
            return _outcome(against, None)
        understood = self._understanding.of(call, session.sop)
        against = [*understood.against, *self._frozen(understood)]
        against, approved = self._approved(session, call, understood, against)
        if self._ruler is not None:
            against += self._ruler.against(session, call, understood.meaning, approved=approved)
        if not any(each.verdict is Verdict.DENY for each in against):
            standing = self._understanding.standing
            spent = self._spending.take(session, call, understood.meaning, standing, approved=approved)
            against += [] if spent is None else [spent]
        own = chosen(call, self.settings) if call.server in self.settings.aws else None
        return _outcome(against, own)

    def after(self, session: Session, call: ToolCall, result: ToolResult) -> Outcome:  # noqa: ARG002 - a Check
        """Let every result pass: other checks look at those. What the call took stays taken."""
        self._spending.settle(session, call.number, made=True)
        return ALLOWED

    def decided(self, session: Session, call: ToolCall, outcome: Outcome) -> None:
        """Give back what a call took that is not made."""
        self._spending.settle(session, call.number, made=outcome.verdict in {Verdict.ALLOW, Verdict.REDACT})

    def answered(self, session: Session, call: ToolCall, result: ToolResult, outcome: Outcome) -> None:
        """Take note of nothing: what a call took stays taken, whatever came of it."""

    def listed(self, session: Session, server: str, tools: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Return the tools that a session of its capability may call at all."""
        del session
        return [tool for tool in tools if visible(self.settings, server, tool)]

    def _first(self, session: Session, call: ToolCall) -> Iterator[Objection]:
        settings = self.settings
        if (session.agent, session.capability) != (settings.agent, settings.capability.value):
            text = "this session is another agent's, or of another capability, than the guard's credentials are for."
            yield _denied("session", text)
        if session.sop and session.sop not in settings.manifests:
            yield _denied(
                "unknown-sop", "the SOP that is followed is not known to the guard, so nothing of it is allowed."
            )
        verdict = self._containment.allows(settings.agent)
        if not verdict.allowed:
            _log.warning("calls of %s are denied: %s", settings.agent, verdict.reason)
            yield _denied("contained", _CONTAINED, verdict.level)
        yield from named(call, settings)

    def _frozen(self, understood: Understood) -> Iterator[Objection]:
        if understood.meaning.effect is Effect.READ:
            return
        why = self.settings.calendar.closed(self.settings.environment.name, int(self._now()))
        if why:
            yield _denied("frozen", f"changes are frozen ({why}); reads go on, and changes wait.", "calendar")

    def _approved(
        self, session: Session, call: ToolCall, understood: Understood, against: list[Objection]
    ) -> tuple[list[Objection], bool]:
        """Take back what an approval that stands lifts: that a person has to decide, and nothing else."""
        approvals = self.settings.approvals
        if approvals is None or not any(each.reason.id in _LIFTED for each in against):
            return against, False
        try:
            stands = approvals.stands(session, call, understood.meaning) is True
        except Exception:  # noqa: BLE001 - whatever it is, nothing is approved
            _log.exception("approvals cannot be read, so none stands")
            text = "approvals cannot be read, so nothing that takes one passes; try again later."
            return [*against, _denied("approvals-lost", text)], False
        return [each for each in against if not (stands and each.reason.id in _LIFTED)], stands


_CALLABLES: Final = frozenset({"approvals", "labels"})


def _denied(what: str, text: str, rule: str = "") -> Objection:
    return Objection(Verdict.DENY, Reason(f"decision.{what}", text, rule))


def _outcome(against: Sequence[Objection], own: Mapping[str, Any] | None) -> Outcome:
    verdict = Verdict.ALLOW
    for each in against:
        verdict |= each.verdict
    # What asks is left out beside what denies: a person would be told of what he cannot lift.
    told = [each.reason for each in against if each.verdict is verdict or verdict is Verdict.ALLOW][:_MOST]
    if own is not None and verdict is not Verdict.DENY:
        told.append(Reason("decision.credentials", "The guard chose the profile."))
        return Outcome(verdict | Verdict.REDACT, tuple(told), own)
    return Outcome(verdict, tuple(told)) if told else ALLOWED
