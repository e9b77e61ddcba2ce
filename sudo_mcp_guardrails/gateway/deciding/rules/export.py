"""The same rules for AgentCore Policy, as far as it can express them, and why not where it cannot.

Source: AgentCore developer guide, "Schema constraints" and "Limitations" of Policy: the context is ``context.input``
alone, a rule about certain tools names its gateway by ARN, a definition has 35 to 10,000 characters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.deciding.rules.schema import GROUPS
from sudo_mcp_guardrails.gateway.deciding.rules.tree import gateway_of, mentioned, scope_ids

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.deciding.rules.ruleset import Ruleset
    from sudo_mcp_guardrails.gateway.deciding.rules.text import Rule

LEAST: Final = 35
MOST: Final = 10_000
MOST_TOGETHER: Final = 200_000
MOST_RULES: Final = 1_000
MOST_SCHEMA: Final = 400_000


@dataclass(frozen=True)
class Exported:
    """Rules for AgentCore Policy.

    Attributes:
        policies: Name, text and line of each that it can express, the very text that the guard decides by.
        left: Name, line and reason of each that it cannot. A permit without the forbids beside it allows more: where
            one of these forbids, the exported rules must not be used alone.
        problems: What stands in the way of all of them together.
    """

    policies: tuple[tuple[str, str, int], ...]
    left: tuple[tuple[str, int, str], ...]
    problems: tuple[str, ...] = ()

    @property
    def is_weaker(self) -> bool:
        """Whether a rule that forbids is left out."""
        return any(reason.startswith("a forbid") for _, _, reason in self.left)


def export(ruleset: Ruleset) -> Exported:
    """Return the rules as AgentCore Policy takes them."""
    policies, left = [], []
    for rule in ruleset.rules:
        why = _inexpressible(rule)
        if why:
            left.append((rule.name, rule.line, f"a {rule.tree['effect']}: {why}"))
        else:
            policies.append((rule.name, rule.text, rule.line))
    problems = []
    together, schema = sum(len(text) for _, text, _ in policies), len(json.dumps(ruleset.schema.document()))
    for what, found, most in (
        ("characters of rules", together, MOST_TOGETHER),
        ("rules", len(policies), MOST_RULES),
        ("characters of schema", schema, MOST_SCHEMA),
    ):
        if found > most:
            problems.append(f"{found} {what}, expected at most {most}")
    return Exported(tuple(policies), tuple(left), tuple(problems))


def _inexpressible(rule: Rule) -> str:
    """Say why AgentCore Policy cannot express a rule; empty where it can."""
    others = sorted({path[0] if path else "context" for path in mentioned(rule)} - {"input"})
    if others:
        return f"it looks at {', '.join(others)}, which only the guard knows"
    if not LEAST <= len(rule.text) <= MOST:
        return f"it has {len(rule.text)} characters, expected {LEAST} to {MOST}"
    if rule.annotation("verdict"):
        return "its @verdict asks a person, and AgentCore asks nobody"
    named = scope_ids(rule)
    if named is not None and set(named) - set(GROUPS):
        gateway = gateway_of(rule)
        if gateway is None or not gateway.startswith("arn:"):
            return "it names tools and no gateway by ARN"
    return ""
