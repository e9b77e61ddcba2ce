"""The step that withdraws approvals: what is asked for, and what was approved and is not carried out yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sudo_mcp_guardrails.response.steps.in_flight import InFlight
from sudo_mcp_guardrails.response.steps.step import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.response.steps.step import State, Step


class Approvals(Protocol):
    """What this room needs of the approval workflow; the handler that contains gives it.

    A withdrawal is a record of the approval's chain of evidence, where a replay takes it for the end of the request
    (:class:`~sudo_mcp_guardrails.approval.store.containing.ContainedApprovals`), and ends the wait of its execution.
    """

    def pending(self, *, agents: str) -> Mapping[str, str]:
        """Return the ids of the approvals that are open: received, asked for, or approved; and why one is left alone.

        Args:
            agents: Pattern of agents' names: a name, ``BEGINNING-*``, or ``*``.
        """
        ...

    def withdraw(self, *, approval: str, by: str, reason: str, containment: str) -> None:
        """Withdraw one.

        Args:
            approval: Its id.
            by: ARN of who contains.
            reason: Why, with the incident.
            containment: Id of the incident.

        Raises:
            Exception: It could not be withdrawn; the others still are.
        """
        ...


class ApprovalsWay(InFlight):
    """Withdraws approvals. The client is an :class:`Approvals`."""

    service = "approvals"

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read which are open."""
        return [
            {"id": id_, "what": "approval", "stop": not why, "why": why}
            for id_, why in sorted(client.pending(agents=step.subject).items())
        ]

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return a call for each."""
        given = {name: step.wanted[name] for name in ("by", "reason", "containment")}
        return tuple(Call("withdraw", {"approval": found["id"], **given}) for found in state if found["stop"])
