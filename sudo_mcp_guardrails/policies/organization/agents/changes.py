"""The actions that change something, of the services that a guardrail is about."""

from __future__ import annotations

from sudo_mcp_guardrails.iam.action_sets import members, named, writing


def changes_of(*patterns: str) -> tuple[str, ...]:
    """Return the writing actions of the catalogue that patterns cover; packing writes them shorter."""
    return members(named(patterns) & writing())
