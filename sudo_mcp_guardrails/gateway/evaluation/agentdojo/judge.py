"""The guard as the replay asks it: it is given a prompt, tools' names, calls and results, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import Session, ToolCall, ToolResult, Verdict
from sudo_mcp_guardrails.gateway.pins.labels import UNREVIEWED, Effect, labels_of
from sudo_mcp_guardrails.gateway.taint.check import TaintCheck
from sudo_mcp_guardrails.gateway.taint.lattice import LOCK, STANDARD, Origin, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.gateway.pins.labels import Labels

REVIEWER: Final = "reviewer of the evaluation, from the tools' schemas"
POLICIES: Final[dict[str, Policy | None]] = {
    "none": None,
    "scope": Policy(least=None, bound=False, links=False),
    "provenance": Policy(scope=False, bound=False, links=False),
    "scope+provenance": Policy(bound=False, links=False),
    "standard": STANDARD,
    "standard, no named source": Policy(least=Origin.SELECTED),
    "standard, keyed or intent": Policy(least=Origin.KEYED),
    "standard, intent alone": Policy(least=Origin.INTENT),
    "taint lock": LOCK,
}
"""From none to the strictest; ``standard`` is the one whose figures are the headline."""


def labels_for(suite: str) -> dict[str, Labels]:
    """Return the reviewed labels of a suite's tools."""
    found = json.loads(Path(__file__).with_name("labels.json").read_text("utf-8"))[suite]
    return {tool: labels_of({**each, "reviewedBy": REVIEWER}, f"{suite}.{tool}") for tool, each in found.items()}


class Judge:
    """One session of the guard.

    Args:
        labels: Of the tools.
        policy: Its strictness; None for no guard.
        prompt: The user's words; None for a host that hands over none.
        scope: Tools of an oracle, in place of those that the manifest finds; None for no oracle.
    """

    def __init__(
        self,
        labels: Mapping[str, Labels],
        policy: Policy | None,
        prompt: str | None,
        scope: frozenset[str] | None = None,
    ) -> None:
        writing = [tool for tool, each in labels.items() if each.effect is Effect.WRITE]
        self._check = TaintCheck(lambda _server, tool: labels.get(tool, UNREVIEWED), writing, policy=policy or STANDARD)
        self._session = Session("replay", "agent", intent=None if policy is LOCK else prompt)
        self._off = policy is None
        self._scope = scope
        self._labels = labels
        self._number = 0

    def call(self, tool: str, arguments: Mapping[str, Any]) -> tuple[ToolCall, str]:
        """Return the call, and why a person is asked about it; empty where none is."""
        self._number += 1
        call = ToolCall("suite", tool, arguments, number=self._number)
        if self._off:
            return call, ""
        if self._scope is not None and self._labels[tool].effect is Effect.WRITE and tool not in self._scope:
            return call, "oracle.out-of-scope"
        outcome = self._check.before(self._session, call)
        return call, "" if outcome.verdict is Verdict.ALLOW else outcome.reasons[0].id

    def result(self, call: ToolCall, content: object) -> None:
        """Take a result, as JSON."""
        if not self._off:
            self._check.after(self._session, call, ToolResult({"structuredContent": {"result": content}}, 0))
