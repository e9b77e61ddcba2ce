"""The team's rules, asked about one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import Reason, Verdict
from sudo_mcp_guardrails.gateway.deciding.rules.context import Known, context_of
from sudo_mcp_guardrails.gateway.deciding.rules.types import UnfitError
from sudo_mcp_guardrails.gateway.deciding.weighing import Objection, to_person

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.call import Session, ToolCall
    from sudo_mcp_guardrails.gateway.deciding.rules.ruleset import Ruleset, Ruling
    from sudo_mcp_guardrails.gateway.deciding.settings import Settings
    from sudo_mcp_guardrails.gateway.deciding.weighing import Standing
    from sudo_mcp_guardrails.gateway.meaning import Meaning

LABELS: Final = "labels"
"""In a session's state: labels of what it has seen, a set of text. Whoever tracks taint keeps them."""
UNTRUSTED: Final = "provenance.untrusted"
"""In a session's state: paths of this call's arguments whose values anybody may have written, a set of text."""
_NOBODY: Final = "unknown"
UNKNOWN: Final = "provenance.unknown"
"""Likewise, of those that came from nobody knows where. Where it is missing, that is all of them."""
CLAIMS: Final = "claims"
"""In a session's state: claims of an OAuth token, name to text, as the front that verified it read them."""


class Ruler:
    """Asks the rules.

    Args:
        rules: Validated.
        settings: What the decision rests on.
        standing: What calls are weighed against.
    """

    def __init__(self, rules: Ruleset, settings: Settings, standing: Standing) -> None:
        self._rules = rules
        self._settings = settings
        self._standing = standing
        self._session = {
            "agent": settings.agent,
            "capability": settings.capability.value,
            "environment": settings.environment.name,
            "production": settings.environment.is_production,
            "tier": settings.tier.value,
        }
        self._role = settings.role.facts.principal.arn if settings.role else ""

    @property
    def digest(self) -> str:
        """SHA-256 over the rules' text."""
        return self._rules.digest

    def against(self, session: Session, call: ToolCall, meaning: Meaning, *, approved: bool) -> list[Objection]:
        """Return what the rules say against a call; nothing where one permits it and none forbids it."""
        part = self._rules.slice(call.server, call.tool)
        if part is None:
            return [_denied("rules.unknown-tool", "this tool is not pinned, so no rule permits it.")]
        try:
            context = context_of(call, part, self._known(session, call, meaning, approved=approved))
        except UnfitError as error:
            text = f"the arguments are not as the tool declares them: {error}; send what it declares."
            return [_denied("rules.unfit", text)]
        oauth = self._rules.schema.principal == "OAuthUser"
        principal = (session.principal if oauth else self._role) or _NOBODY
        ruling = self._rules.decide(part, principal, context, _claims(session) if oauth else ())
        return [] if ruling.verdict is Verdict.ALLOW else [self._said(ruling, meaning)]

    def _said(self, ruling: Ruling, meaning: Meaning) -> Objection:
        names = ", ".join(ruling.rules)[:300]
        if ruling.error:
            return _denied("rules.failed", "a rule of the team cannot be evaluated on this call, so it is denied.")
        if not names:
            return _denied("rules.not-permitted", "no rule of the team permits this call with these arguments.")
        if ruling.verdict is Verdict.ASK:
            return to_person(meaning, self._standing, f"the team's rule {names} takes a person", names)
        return _denied("rules.forbidden", f"the team's rule {names} forbids this call; do it another way.", names)

    def _known(self, session: Session, call: ToolCall, meaning: Meaning, *, approved: bool) -> Known:
        labels = self._settings.labels(call.server, call.tool)
        state = session.state
        return Known(
            meaning=meaning,
            session={**self._session, "sop": session.sop},
            tool={"effect": labels.effect.value, "reviewed": bool(labels.reviewed_by), "server": call.server},
            approved=approved,
            labels=_texts(state.get(LABELS, ())),
            untrusted=_texts(state.get(UNTRUSTED, ())),
            unknown=_texts(state.get(UNKNOWN, call.arguments)),
        )


def _texts(value: Any) -> frozenset[str]:  # noqa: ANN401 - of a session's state
    return frozenset(str(each) for each in value)


def _claims(session: Session) -> tuple[tuple[str, str], ...]:
    found = session.state.get(CLAIMS, {})
    return tuple(sorted((str(name), str(value)) for name, value in found.items()))


def _denied(identity: str, text: str, rule: str = "") -> Objection:
    return Objection(Verdict.DENY, Reason(identity, text, rule))
