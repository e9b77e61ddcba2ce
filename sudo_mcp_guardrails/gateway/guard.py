"""The guard: all checks in their order, of which the strictest counts, and one that fails denies."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.gateway.call import ALLOWED, Outcome, Reason, ToolResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.call import Check, ListCheck, Session, ToolCall

_log = logging.getLogger(__name__)

ELSEWHERE: Final = "the approval workflow"


class Introduction(Protocol):
    """A check of what a server says of itself: the result of ``initialize`` or ``server/discover``."""

    def introduced(self, session: Session, server: str, result: Mapping[str, Any], *, asked: str = "") -> Outcome:
        """Judge it; ``asked`` is the protocol version that the client named in ``initialize``."""
        ...


class Offer(Protocol):
    """A check of lists of ``prompts``, ``resources`` and ``resourceTemplates``."""

    def offered(
        self, session: Session, server: str, kind: str, items: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        """Return the items that the client may see."""
        ...


class Observer(Protocol):
    """Who is told what was decided, such as the log; one that raises denies, since nothing goes unrecorded."""

    def decided(self, session: Session, call: ToolCall, outcome: Outcome) -> None:
        """Take note of a call: before it is made, or instead."""
        ...

    def answered(self, session: Session, call: ToolCall, result: ToolResult, outcome: Outcome) -> None:
        """Take note of a result, also of one that never came (``{"error": …}``)."""
        ...


@dataclass(frozen=True, slots=True)
class Guard:
    """What the pump asks about every call, result and list of tools.

    Attributes:
        checks: Of calls and results, in their order; each sees what those before it redacted.
        lists: Of lists of tools.
        offers: Of other lists.
        introductions: Of what a server says of itself.
        observers: Told of each decision.
        policy_digest: Of all rules that the checks follow: an approval holds under no other.
        approval_place: Where a person decides when the client cannot ask him, as the agent reads it.
    """

    checks: Sequence[Check] = ()
    lists: Sequence[ListCheck] = ()
    offers: Sequence[Offer] = ()
    introductions: Sequence[Introduction] = ()
    observers: Sequence[Observer] = ()
    policy_digest: str = ""
    approval_place: str = ELSEWHERE

    def before(self, session: Session, call: ToolCall) -> tuple[Outcome, ToolCall]:
        """Ask all checks about a call; return the strictest answer, and the call as it may go on."""
        reasons: list[Reason] = []
        verdict, asked = Verdict.ALLOW, call
        for check in self.checks:
            try:
                outcome = check.before(session, asked)
                if outcome is ALLOWED:
                    continue
                verdict |= outcome.verdict
                reasons += outcome.reasons
                if outcome.value is not None:
                    asked = replace(asked, arguments=outcome.value)
            except Exception:  # noqa: BLE001 - whatever goes wrong in a check denies
                verdict, reasons = Verdict.DENY, [*reasons, _failed(check, "call")]
        if verdict is Verdict.ALLOW and not reasons:
            return ALLOWED, asked
        value = asked.arguments if asked is not call else None
        return Outcome(verdict, tuple(reasons), value), asked

    def ahead(self, session: Session, call: ToolCall, result: ToolResult) -> dict[int, Outcome]:
        """Return what checks say of a result that look at nothing else: ``apart = True``; safe in another thread.

        By the check's place, for :meth:`after`. None is asked behind the first that changes the result: that one has to
        see what came of it.
        """
        found = {}
        for place, check in enumerate(self.checks):
            if getattr(check, "apart", False):
                found[place] = check.after(session, call, result)
                if found[place].value is not None:
                    break
        return found

    def after(
        self, session: Session, call: ToolCall, result: ToolResult, ready: Mapping[int, Outcome] | None = None
    ) -> Outcome:
        """Ask all checks about a result, tell the observers, and return the strictest answer.

        ASK counts as DENY: nobody can decide about a result that he may not see.

        Args:
            session: The client's.
            call: That was made.
            result: Of it.
            ready: Answers of :meth:`ahead`, which hold as long as no other check changed the result.
        """
        reasons: list[Reason] = []
        verdict, seen = Verdict.ALLOW, result
        for place, check in enumerate(self.checks):
            try:
                known = ready.get(place) if ready and seen is result else None
                outcome = check.after(session, call, seen) if known is None else known
                if outcome is ALLOWED:
                    continue
                verdict |= outcome.verdict
                reasons += outcome.reasons
                if outcome.value is not None:
                    seen = replace(seen, body=outcome.value)
            except Exception:  # noqa: BLE001 - whatever goes wrong in a check denies
                verdict, reasons = Verdict.DENY, [*reasons, _failed(check, "result")]
        if verdict is Verdict.ASK:
            verdict = Verdict.DENY
        whole = ALLOWED
        if verdict is not Verdict.ALLOW or reasons:
            whole = Outcome(verdict, tuple(reasons), seen.body if seen is not result else None)
        for observer in self.observers:
            try:
                observer.answered(session, call, result, whole)
            except Exception:  # noqa: BLE001, PERF203 - as above, each for itself
                whole = Outcome(Verdict.DENY, (*whole.reasons, _failed(observer, "record of the result")))
        return whole

    def decided(self, session: Session, call: ToolCall, outcome: Outcome) -> Outcome:
        """Tell the observers what becomes of a call; return the same, or a denial where one could not note it."""
        for observer in self.observers:
            try:
                observer.decided(session, call, outcome)
            except Exception:  # noqa: BLE001, PERF203 - what cannot be recorded is not done
                outcome = Outcome(Verdict.DENY, (*outcome.reasons, _failed(observer, "record of the call")))
        return outcome

    def listed(self, session: Session, server: str, tools: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Return the tools that the client may see; a check that raises passes that on, and no tool is seen."""
        for check in self.lists:
            tools = check.listed(session, server, tools)
        return tools

    def offered(
        self, session: Session, server: str, kind: str, items: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        """Return the items of another list that the client may see; a check that raises passes that on."""
        for check in self.offers:
            items = check.offered(session, server, kind, items)
        return items

    def introduced(self, session: Session, server: str, result: Mapping[str, Any], asked: str) -> Outcome:
        """Return the strictest answer about what a server says of itself; a check that raises passes that on."""
        whole = ALLOWED
        for check in self.introductions:
            outcome = check.introduced(session, server, result, asked=asked)
            value = outcome.value if outcome.value is not None else whole.value
            whole = Outcome(whole.verdict | outcome.verdict, (*whole.reasons, *outcome.reasons), value)
            result = outcome.value if outcome.value is not None else result
        return whole


def unanswered(why: str) -> ToolResult:
    """Return what checks and observers are told of a call whose answer never came."""
    return ToolResult({"error": {"message": why}}, 0)


def _failed(check: object, what: str) -> Reason:
    name = getattr(check, "name", "") or type(check).__name__
    _log.exception("check %s failed on a %s, which denies it", name, what)
    return Reason("guard.check-failed", f"The guard's check {name!r} failed on this {what}, so it is denied.", name)
