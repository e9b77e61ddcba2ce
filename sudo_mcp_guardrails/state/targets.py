"""Whom a containment is about: one agent, a class of agents by the beginning of their names, or all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sudo_mcp_guardrails.errors import GuardrailsError

_AGENT: Final = re.compile(r"[a-z](?:-?[a-z0-9]){1,30}")
_CLASS: Final = re.compile(r"[a-z](?:-?[a-z0-9]){0,28}-\*")


class TargetError(GuardrailsError):
    """A target that names no agents; the message says what is allowed."""


class TargetKind(str, Enum):
    """How many agents a target is about."""

    AGENT = "agent"
    """One, by its whole name."""
    CLASS = "class"
    """Those whose names begin alike."""
    ALL = "all"
    """Every agent, also one that nobody registered."""


@dataclass(frozen=True)
class Target:
    """Whom a containment is about. Made by :meth:`agent`, :meth:`of_class`, :meth:`everyone` and :meth:`parse`.

    Args:
        kind: How many.
        name: Of the agent; of a class the beginning, a hyphen and ``*``, such as ``release-*``; empty for all.

    Raises:
        TargetError: The name is none of its kind.
    """

    kind: TargetKind
    name: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        if self.kind is TargetKind.AGENT and not _AGENT.fullmatch(self.name):
            raise TargetError(
                f"agent {self.name[:64]!r} is no target, allowed: 2 to 32 lower-case letters, digits, single hyphens"
            )
        if self.kind is TargetKind.CLASS and not _CLASS.fullmatch(self.name):
            raise TargetError(
                f"class {self.name[:64]!r} is no target, allowed: the beginning of agents' names, a hyphen and '*'"
            )
        if self.kind is TargetKind.ALL and self.name:
            raise TargetError(f"all agents have no name, got {self.name[:64]!r}, allowed: none")

    @classmethod
    def agent(cls, name: str) -> Target:
        """Return the target that is one agent; raises TargetError."""
        return cls(TargetKind.AGENT, name)

    @classmethod
    def of_class(cls, pattern: str) -> Target:
        """Return the target that is a class, such as ``release-*``; raises TargetError.

        Only the end is open: whoever reads ``release-*`` can tell which agents it is about.
        """
        return cls(TargetKind.CLASS, pattern)

    @classmethod
    def everyone(cls) -> Target:
        """Return the target that is all agents."""
        return cls(TargetKind.ALL)

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a target as :attr:`key` writes it: ``agent:NAME``, ``class:BEGINNING-*`` or ``all``.

        Raises:
            TargetError: It is none of these.
        """
        kind, colon, name = text.partition(":")
        if kind not in {k.value for k in TargetKind} or bool(colon) != (kind != TargetKind.ALL.value):
            raise TargetError(f"target {text[:80]!r} is none, allowed are agent:NAME, class:BEGINNING-* and all")
        return cls(TargetKind(kind), name)

    @property
    def key(self) -> str:
        """The target as one text, which :meth:`parse` reads."""
        return self.kind.value if self.kind is TargetKind.ALL else f"{self.kind.value}:{self.name}"

    @property
    def pattern(self) -> str:
        """The pattern of agents' names: a name, ``BEGINNING-*``, or ``*``."""
        return self.name or "*"

    def covers(self, agent: str) -> bool:
        """Return whether an agent is among those that the target is about.

        Args:
            agent: Its name, which need not be one that is allowed.
        """
        if self.kind is TargetKind.ALL:
            return True
        if self.kind is TargetKind.CLASS:
            return agent.startswith(self.name[:-1])
        return agent == self.name
