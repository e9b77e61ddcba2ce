"""The demo's part "watching": what the detections say of what the agents did, from the trail's own files."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.compiled import shipped
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.naming import for_names
from sudo_mcp_guardrails.detection.profile import AgentProfile
from sudo_mcp_guardrails.detection.watch import Watch
from sudo_mcp_guardrails.detection.watchlists import Watchlists
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, AGENTS, APPROVAL_ROLE, CHANGE_BOT, CHANGE_NAMES
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.trail.attributing import Attributor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sudo_mcp_guardrails.detection.finding import Finding
    from sudo_mcp_guardrails.trail.event import Event

EXPECTED: Final = (
    "agent_bypasses_approval",
    "agent_chains_role",
    "agent_changes_stack_directly",
    "agent_denied_probing",
    "agent_disables_guard_service",
    "agent_executes_unapproved_change",
    "mcp_oauth_by_agent",
)
"""Rules that the scenarios' attacks must set off."""
_SHOWN: Final = 12


@dataclass
class WatchResult:
    """What was found.

    Args:
        events: Events that were looked at.
        agents: Of these, agents' work.
        findings: What was found, each once.
        expected: Rules that must have found something.
        seconds: How long it took.
    """

    events: int = 0
    agents: int = 0
    findings: list[Finding] = field(default_factory=list)
    expected: Sequence[str] = EXPECTED
    seconds: float = 0.0

    @property
    def rules(self) -> Counter[str]:
        """How many findings each rule made."""
        return Counter(finding.alert.rule for finding in self.findings)

    @property
    def problems(self) -> list[str]:
        """What is not as it must be."""
        found = self.rules
        return [f"rule {rule} found nothing in the attacks" for rule in self.expected if rule not in found]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``demo --json`` prints under ``watching``."""
        return {
            "ok": not self.problems,
            "problems": self.problems,
            "events": self.events,
            "agents": self.agents,
            "findings": len(self.findings),
            "contains": sum(finding.alert.contains for finding in self.findings),
            "rules": dict(sorted(self.rules.items())),
            "seconds": round(self.seconds, 2),
        }

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield (
            f"Watched, by the trail's own files: {self.events} events, {self.agents} of agents, "
            f"{len(self.findings)} findings of {len(self.rules)} rules"
        )
        told: set[str] = set()
        for finding in sorted(self.findings, key=lambda one: not one.alert.contains):
            alert = finding.alert
            if alert.rule in told or len(told) >= _SHOWN:
                continue
            told.add(alert.rule)
            more = f" (and {self.rules[alert.rule] - 1} more)" if self.rules[alert.rule] > 1 else ""
            yield f"  {alert.level.value:8} {alert.rule}: {alert.sentence}{more}"
        if len(self.rules) > len(told):
            yield f"  and of {len(self.rules) - len(told)} more rules"
        for problem in self.problems:
            yield f"PROBLEM: {problem}"


def watch(events: Iterable[Event]) -> WatchResult:
    """Look at the account's events.

    Two copies of the guardrails are in this account. Each watches its own part: to either, the other's broker would be
    somebody who makes sessions of agents and is no broker.
    """
    started = time.monotonic()
    result = WatchResult()
    found: dict[str, Finding] = {}
    mark = CHANGE_NAMES.prefix.encode()
    kept = list(events)
    parts = (
        (GuardrailNames(), AGENTS, [event for event in kept if mark not in event.raw]),
        (CHANGE_NAMES, (CHANGE_BOT,), [event for event in kept if mark in event.raw]),
    )
    for names, agents, own in parts:
        profiles = {agent.name: AgentProfile.of(agent) for agent in agents}
        facts = Facts(profiles, watch=Watchlists({"broker": [f"arn:aws:iam::{ACCOUNT}:role/{APPROVAL_ROLE}"]}))
        watching = Watch(Detector(for_names(shipped(), names), facts=facts), Attributor(names))
        for finding in watching.through(own):
            found[finding.id] = finding
        result.events += watching.events
        result.agents += watching.agents
    result.findings = list(found.values())
    result.seconds = time.monotonic() - started
    return result
