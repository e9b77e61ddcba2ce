"""The levels of containment: what each does, to whom, and whether it acts on sessions that live."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.response.errors import ContainmentError
from sudo_mcp_guardrails.state.targets import TargetKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.state.targets import Target


class Level(str, Enum):
    """How hard a target is contained. The levels are in order: each holds what the one before does not."""

    K1 = "K1"
    """Freeze: the brokers mint no session and carry out no plan. Sessions that live go on until they end."""
    K2 = "K2"
    """One agent: its roles may do nothing and nobody may assume them; what it has in flight is cancelled."""
    K3 = "K3"
    """A class of agents, by an SCP on the path of their roles."""
    K4 = "K4"
    """All agents, by an SCP on the path of agents and on the keys of managed MCP servers."""


@dataclass(frozen=True)
class Effect:
    """What a level does.

    Attributes:
        targets: kinds of targets that it can be used on.
        live: whether it acts on sessions that live, by IAM, at the next call.
        sentence: what it does, for people.
    """

    targets: tuple[TargetKind, ...]
    live: bool
    sentence: str


EFFECTS: Final[dict[Level, Effect]] = {
    Level.K1: Effect(
        (TargetKind.AGENT, TargetKind.CLASS, TargetKind.ALL),
        live=False,
        sentence="the brokers mint no session and carry out no plan; sessions that live go on until they end",
    ),
    Level.K2: Effect(
        (TargetKind.AGENT,),
        live=True,
        sentence="the agent's roles are denied everything and nobody may assume them; what is in flight is cancelled",
    ),
    Level.K3: Effect(
        (TargetKind.CLASS,),
        live=True,
        sentence="every role of the class is denied everything, in all accounts that the SCP is attached over",
    ),
    Level.K4: Effect(
        (TargetKind.ALL,),
        live=True,
        sentence="every agent is denied everything, and so is whoever works through a managed MCP server",
    ),
}
"""Each level's effect."""


def check_level(level: Level, target: Target) -> None:
    """Check that a level can be used on a target.

    Args:
        level: The level.
        target: Whom to contain.

    Raises:
        ContainmentError: With what the level is for.
    """
    allowed = EFFECTS[level].targets
    if target.kind not in allowed:
        kinds = ", ".join(kind.value for kind in allowed)
        raise ContainmentError(
            f"level {level.value} is not for target {target.key!r}, allowed: a target of kind {kinds}"
        )
