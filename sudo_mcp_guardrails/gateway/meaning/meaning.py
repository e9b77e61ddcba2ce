"""What a call of a tool means: what it does to AWS, whether it only reads, and how dangerous it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.reading.known import Known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.risk import Reason
    from sudo_mcp_guardrails.approval.risk_rules.context import RiskContext
    from sudo_mcp_guardrails.gateway.meaning.actions import Meant
    from sudo_mcp_guardrails.gateway.meaning.declared import DeclaredCall, Undecidable
    from sudo_mcp_guardrails.gateway.meaning.vending import Vending


class Effect(str, Enum):
    """What a tool call does, in one word."""

    READ = "read"
    """It changes nothing, and hands out nothing that signs in."""
    WRITE = "write"
    """It changes something, or may."""
    VENDING = "vending"
    """It hands out something that signs in, whatever else it does."""
    UNKNOWN = "unknown"
    """Nobody can tell."""


@dataclass(frozen=True)
class Situation:
    """What the guard knows of the session that a call is made in.

    Attributes:
        risk: What the calls are judged against: the agent's environments, its account and Region, its names.
        versions: Versions of what lies outside, by URI; see :class:`~sudo_mcp_guardrails.approval.reading.Known`.
        labels: Effect of each tool that is not known here, as a person reviewed it: ``(server, tool)`` to the effect.
    """

    risk: RiskContext
    versions: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[tuple[str, str], Effect] = field(default_factory=dict)

    @property
    def known(self) -> Known:
        """What is known of where calls go."""
        return Known(account=self.risk.account, region=self.risk.region, versions=self.versions)


@dataclass(frozen=True)
class Meaning:
    """What a call of a tool means.

    Attributes:
        tool: Name of the tool.
        known: Whether the tool is one of AWS's that is known here, so that its arguments were read.
        effect: In one word.
        risk: How dangerous it is; R3 where nobody can tell.
        calls: All calls of AWS's API that it may make, with what each takes; all of them only where it is decidable.
        undecidable: Why what it does cannot be told; empty where it can.
        vending: What it hands out that signs in.
        refused: Options of commands that nobody needs who means well, as (line, option, reason): to be denied.
        reasons: Why the risk is what it is, worst first.
        plans: The plan that the risk was told from, and those of the bodies in it.
        identity: Other credentials than the session's that it asks for, such as a profile; empty for none.
    """

    tool: str
    known: bool
    effect: Effect
    risk: RiskClass = RiskClass.R3
    calls: tuple[Meant, ...] = ()
    undecidable: tuple[Undecidable, ...] = ()
    vending: tuple[Vending, ...] = ()
    refused: tuple[tuple[int, str, str], ...] = ()
    reasons: tuple[Reason, ...] = ()
    plans: tuple[Plan, ...] = ()
    identity: str = ""

    @property
    def decidable(self) -> bool:
        """Whether everything that it does is known."""
        return self.known and not self.undecidable

    @property
    def declared(self) -> tuple[DeclaredCall, ...]:
        """Its calls alone, as :func:`~sudo_mcp_guardrails.gateway.meaning.compare.compare` takes them."""
        return tuple(each.call for each in self.calls)
