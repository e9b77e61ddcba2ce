from __future__ import annotations

from typing import Any

from sudo_mcp_guardrails.detection.compiled import dumps, shipped
from sudo_mcp_guardrails.detection.naming import for_names
from sudo_mcp_guardrails.detection.ruleset import Ruleset
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from tests.detection.events import document


def _stopped(trail: str) -> dict[str, Any]:
    name = {"name": trail}
    return document(eventSource="cloudtrail.amazonaws.com", eventName="StopLogging", requestParameters=name)


def _fired(prefix: str, event: dict[str, Any]) -> set[str]:
    rules = Ruleset(for_names(shipped(), GuardrailNames(prefix)).rules)
    return {rule.name for rule in rules.matching(event)}


def test_rules_watch_the_names_that_there_are() -> None:
    assert "guardrail_trail_changed" in _fired("mcp-guardrails", _stopped("mcp-guardrails-trail"))
    assert "guardrail_trail_changed" in _fired("acme-agents", _stopped("acme-agents-trail"))
    assert "guardrail_trail_changed" not in _fired("acme-agents", _stopped("mcp-guardrails-trail"))


def test_nothing_of_the_librarys_own_prefix_is_left() -> None:
    data = dumps(for_names(shipped(), GuardrailNames("acme-agents")))
    assert "mcp-guardrails" in dumps(shipped())
    assert "mcp-guardrails" not in data


def test_the_librarys_own_prefix_changes_nothing() -> None:
    book = shipped()
    assert for_names(book, GuardrailNames()) is book
