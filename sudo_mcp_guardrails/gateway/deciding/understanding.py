"""What a call means and what is to be said against it by that alone: it needs no session, and is kept for a while."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.gateway.call import ToolCall
from sudo_mcp_guardrails.gateway.deciding.asking import Role
from sudo_mcp_guardrails.gateway.deciding.weighing import Standing, rows, weigh
from sudo_mcp_guardrails.gateway.meaning import Effect, Meaning, Situation, meaning_of
from sudo_mcp_guardrails.gateway.pins.labels import Effect as Labelled
from sudo_mcp_guardrails.regions import partition_of

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.deciding.settings import Settings
    from sudo_mcp_guardrails.gateway.deciding.weighing import Objection

_KEPT: Final = 512
_LONGEST: Final = 16_384


class Understood(NamedTuple):
    """A call, understood.

    Attributes:
        meaning: What it means.
        against: What is to be said against it; with the SOP's manifest, where one is followed.
    """

    meaning: Meaning
    against: tuple[Objection, ...]


class Understanding:
    """Understands calls under one set of settings; the same call once, as long as it is among the last 512.

    Args:
        settings: What the decision rests on.
    """

    def __init__(self, settings: Settings) -> None:
        via = next(iter(settings.aws.values()), "aws-mcp")
        role = Role(settings.role, via) if settings.role else None
        self._settings = settings
        self._situation = Situation(settings.context())
        self.standing = Standing(
            capability=settings.capability,
            tier=settings.tier,
            role=role,
            policy=settings.policy,
            askable=settings.client_answers,
            account=settings.account,
            partition=settings.role.facts.partition if settings.role else (partition_of(settings.region) or "aws"),
            propose=settings.propose,
        )
        self._kept = lru_cache(maxsize=_KEPT)(self._again)

    def of(self, call: ToolCall, sop: str) -> Understood:
        """Return what a call means, and what is to be said against it.

        Args:
            call: The call.
            sop: Name of the SOP that is followed, which the settings know; empty for none.
        """
        if call.server not in self._settings.aws:
            return self._understood(call, self._labelled(call), sop)
        text = json.dumps(call.arguments, sort_keys=True)
        if len(text) > _LONGEST:
            return self._understood(call, meaning_of(call, self._situation), sop)
        return self._kept(call.server, call.tool, text, sop)

    def _again(self, server: str, tool: str, arguments: str, sop: str) -> Understood:
        call = ToolCall(server, tool, json.loads(arguments))
        return self._understood(call, meaning_of(call, self._situation), sop)

    def _understood(self, call: ToolCall, meaning: Meaning, sop: str) -> Understood:
        manifest = self._settings.manifests[sop] if sop else None
        found = tuple(rows(meaning, self.standing))
        name = f"{call.server}/{call.tool}"
        return Understood(meaning, tuple(weigh(meaning, self.standing, found, manifest, name)))

    def _labelled(self, call: ToolCall) -> Meaning:
        """Return what a tool outside AWS means: what a person said who reviewed it, whatever its name is."""
        labels = self._settings.labels(call.server, call.tool)
        if not labels.reviewed_by:
            return Meaning(call.tool, known=False, effect=Effect.UNKNOWN)
        if labels.effect is Labelled.READ:
            return Meaning(call.tool, known=False, effect=Effect.READ, risk=RiskClass.R0)
        risk = self._settings.risks.get((call.server, call.tool), RiskClass.R3)
        return Meaning(call.tool, known=False, effect=Effect.WRITE, risk=risk)
