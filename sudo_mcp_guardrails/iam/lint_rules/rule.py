"""What a lint rule is, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement, Strings


class Kind(str, Enum):
    """What a policy document is attached to, which decides what it may hold and how long it may be."""

    IDENTITY = "identity"
    """A managed policy of a role, user or group."""
    INLINE = "inline"
    """An inline policy of a role."""
    BOUNDARY = "boundary"
    """A permissions boundary."""
    SESSION = "session"
    """A session policy, or a scope-down policy."""
    SCP = "scp"
    """A service control policy."""
    RCP = "rcp"
    """A resource control policy."""
    RESOURCE = "resource"
    """The policy of a resource, such as a bucket."""
    TRUST = "trust"
    """The trust policy of a role."""


GRANTS = frozenset({Kind.IDENTITY, Kind.INLINE, Kind.SESSION, Kind.RESOURCE, Kind.TRUST})
"""Kinds whose Allow lets something through; in the others it only leaves room."""


class Severity(str, Enum):
    """How bad a finding is; the values are also SARIF's levels."""

    ERROR = "error"
    """The policy does not do what it says, or AWS refuses it."""
    WARNING = "warning"
    """It may let through more, or less, than it seems to."""
    NOTE = "note"
    """Worth a look; not counted as a finding by the command line."""


@dataclass(frozen=True)
class Hit:
    """A place where a rule does not hold.

    Args:
        place: JSON path in the document, such as ``Statement[3].Condition.Bool``; empty for the whole document.
        sid: The statement's Sid; empty for the whole document.
        message: What is wrong there and what is expected, one line that starts lower case.
    """

    place: str
    sid: str
    message: str


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        id: Stable, in words joined by hyphens; what reports and suppressions name.
        title: What the rule finds, in a few words.
        why: What goes wrong where it is not followed.
        source: URL of the page that it rests on.
        severity: How bad a hit is.
        check: Finds the hits in a document of a kind.
    """

    id: str
    title: str
    why: str
    source: str
    severity: Severity
    check: Callable[[PolicyDocument, Kind], Iterable[Hit]]


def statements(document: PolicyDocument) -> Iterator[tuple[str, Statement]]:
    """Yield each statement with its JSON path."""
    for index, statement in enumerate(document.statements):
        yield f"Statement[{index}]", statement


def action_elements(statement: Statement) -> tuple[str, Strings]:
    """Return which of Action and NotAction a statement has, and its patterns."""
    return ("Action", statement.actions) if statement.actions else ("NotAction", statement.not_actions)
