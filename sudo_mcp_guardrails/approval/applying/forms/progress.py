"""What a way to carry out a plan is told and tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sudo_mcp_guardrails.approval.deciding.events import Outcome

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.applying.answers import Veil
    from sudo_mcp_guardrails.approval.applying.calls import Ended
    from sudo_mcp_guardrails.approval.applying.journal import Journal
    from sudo_mcp_guardrails.approval.applying.sessions import Asker, Sessions
    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.session_policy import SessionPolicy


@dataclass(frozen=True)
class Progress:
    """How far an execution is.

    Attributes:
        running: Whether it goes on.
        outcome: How it ended; None while it goes on.
        detail: In one line, without secrets.
    """

    running: bool
    outcome: Outcome | None = None
    detail: str = ""


@dataclass(frozen=True)
class Verified:
    """What happened, compared with the plan.

    Attributes:
        outcome: How it ended.
        deviations: What is not as it was planned, one thing each.
    """

    outcome: Outcome
    deviations: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """One execution.

    Attributes:
        journal: Of the approval.
        plan: That was approved.
        asker: For whom.
        sessions: Of the apply role.
        policies: Of the sessions that carry it out, in order; none where it is only followed.
        role: ARN of the pinned role.
        project: ARN of the CodeBuild project; may be empty.
        variables: Of its build.
        veil: For texts.
        until: When this invocation hands over to the next one, in seconds since 1970.
    """

    journal: Journal
    plan: Plan
    asker: Asker
    sessions: Sessions
    policies: tuple[SessionPolicy, ...]
    role: str
    project: str
    variables: dict[str, str] = field(repr=False)
    veil: Veil
    until: float


class Way(Protocol):
    """Carries out plans of one form."""

    def start(self, work: Work) -> Progress:
        """Carry it out, or go on after a crash; each call is made once."""

    def poll(self, work: Work) -> Progress:
        """Tell how far it is, and go on with what is left."""

    def verify(self, work: Work) -> Verified:
        """Compare what happened with the plan."""


RUNNING = Progress(running=True)


def failed(detail: str) -> Progress:
    """Return that an execution failed."""
    return Progress(running=False, outcome=Outcome.FAILED, detail=detail)


def not_done(found: Ended | None, what: str) -> Verified | None:
    """Return what is to be said of an execution whose one call was not carried out; None where it was.

    Args:
        found: What came of the call; None where it was never made.
        what: It was, such as ``ExecuteChangeSet``.
    """
    if found is None:
        return Verified(Outcome.FAILED, (f"{what} was never called, and nothing was changed",))
    progress = of_start(found, what)
    return None if progress.running else Verified(Outcome.FAILED, (progress.detail,))


def of_start(found: Ended, what: str) -> Progress:
    """Return how far an execution is whose one call was made.

    Args:
        found: What came of the call.
        what: It was, such as ``ExecuteChangeSet``.
    """
    if found.ending.value in {"done", "waiting"}:
        return RUNNING
    if found.ending.value == "failed":
        return failed(f"{what} was refused, and nothing was changed: {found.error}")
    return failed(f"{what} began, and nobody knows whether it was carried out: {found.error}; look at what is there")
