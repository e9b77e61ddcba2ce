"""One line of the demo: a request, who makes it, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Play:
    """A request for both witnesses.

    Args:
        id: Short and unique.
        agent: Name of the agent.
        capability: Whose session calls: ``read``, ``plan``, ``apply``; ``host`` for the machine the agents run on
            and ``approval`` for the stand-in of the approval workflow.
        action: The IAM action that is decided, for the evaluator; empty where only the embedded AWS can show it.
        resource: Its resource.
        allowed: The expected decision.
        service: boto3 client of the call; empty where only the evaluator can show it.
        method: boto3 method, or for ``probe`` the operation of a signed request that no SDK makes.
        params: Its parameters.
        context: Condition keys, for the evaluator.
        region: The Region asked.
        via_mcp: Called as through the AWS MCP Server.
        waits: Name of a boto3 waiter that must succeed before the call counts as allowed, with its parameters.
        title: What happens, in words.
    """

    id: str
    agent: str
    capability: str
    action: str
    resource: str
    allowed: bool
    service: str
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    region: str = "us-east-1"
    via_mcp: bool = False
    waits: tuple[str, Mapping[str, Any]] | None = None
    title: str = ""


@dataclass(frozen=True)
class Outcome:
    """What both witnesses said about a play.

    Args:
        play: The play.
        embedded: ``allow`` or ``deny``, None where the embedded AWS was not asked or could not tell.
        evaluator: Likewise for the evaluator.
        why: The evaluator's explanation.
        detail: What the embedded AWS answered, where that was an error.
        recorded: What was recorded of it, and where; empty where that is not looked at.
    """

    play: Play
    embedded: str | None
    evaluator: str | None
    why: str = ""
    detail: str = ""
    recorded: str = ""

    @property
    def expected(self) -> str:
        """The expected decision."""
        return "allow" if self.play.allowed else "deny"

    @property
    def agreed(self) -> bool:
        """Whether every witness that was asked said what was expected, and at least one did."""
        asked = []
        if self.play.service:
            asked.append(self.embedded)
        if self.play.action:
            asked.append(self.evaluator)
        return bool(asked) and all(said == self.expected for said in asked)

    @property
    def shown_by(self) -> str:
        """Who showed it: embedded, evaluator or both."""
        if self.embedded is not None and self.evaluator is not None:
            return "both"
        return "embedded" if self.embedded is not None else "evaluator" if self.evaluator is not None else "nobody"

    def to_dict(self) -> dict[str, Any]:
        """Return the item that ``demo --json`` prints."""
        return {
            "id": self.play.id,
            "agent": self.play.agent,
            "capability": self.play.capability,
            "action": self.play.action or f"{self.play.service}:{self.play.method}",
            "resource": self.play.resource,
            "title": self.play.title,
            "expected": self.expected,
            "embedded": self.embedded,
            "evaluator": self.evaluator,
            "agreed": self.agreed,
            "shown_by": self.shown_by,
            "why": self.why,
            "detail": self.detail,
            "recorded": self.recorded,
        }
