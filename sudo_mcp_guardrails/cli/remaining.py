"""What remains of all actions for a role, counted by service and access level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam import catalogue
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.evaluate import ALWAYS_ALLOWED
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.facts import Facts
    from sudo_mcp_guardrails.iam.properties import Subject

LEVELS: Final = ("List", "Read", "Tagging", "Write", "Permissions management")
"""Access levels, from the harmless end. An action that is of two, such as ``Tagging, Write``, counts as the first."""

_PASSES_ROLE: Final = "iam:PassRole"


@dataclass(frozen=True)
class Remaining:
    """How much of one access level of one service remains for one role.

    Args:
        service: The service prefix.
        level: One of :data:`LEVELS`.
        total: Actions of that level that the service has.
        anywhere: Actions that some request is allowed on a resource that is not the agent's own.
        own: Actions that are allowed on the agent's own resources alone, to which the roles that it may pass count
            where the action is to pass one.
        unknown: Actions of which it could not be told; they are in ``anywhere`` too, since unknown means no.
    """

    service: str
    level: str
    total: int
    anywhere: int
    own: int
    unknown: int

    @property
    def remaining(self) -> int:
        """Actions that some request is allowed, wherever."""
        return self.anywhere + self.own


def remaining(subject: Subject, facts: Facts) -> Iterator[Remaining]:
    """Yield what remains for a role, for each service and each level that the service has.

    Args:
        subject: The role.
        facts: What is known of its requests, instead of ``subject.facts``.

    Raises:
        PolicyError: Where a policy holds something that is not known.
    """
    prover = Prover(subject.layers, facts)
    by_service = {service: catalogue.service_actions(service) for service in catalogue.services()}
    proofs = prover.actions(name for actions in by_service.values() for name in actions)
    for service, actions in by_service.items():
        counts: dict[str, list[int]] = {}
        for name, action in actions.items():
            count = counts.setdefault(action.level.partition(",")[0], [0, 0, 0, 0])
            count[0] += 1
            verdict = proofs[name].verdict
            if name.lower() in ALWAYS_ALLOWED:
                count[1] += 1
            elif verdict is not Verdict.PROVED:
                elsewhere = _elsewhere(prover, name, subject) if verdict is Verdict.WITNESS else verdict
                count[2 if elsewhere is Verdict.PROVED else 1] += 1
                count[3] += elsewhere is Verdict.NOT_PROVED
        for level in LEVELS:
            if level in counts:
                yield Remaining(service, level, *counts[level])


def _elsewhere(prover: Prover, action: str, subject: Subject) -> Verdict:
    """Decide whether an action is allowed on any resource that is not the agent's own."""
    own = subject.own + (subject.passable if action == _PASSES_ROLE else ())
    if not own:
        return Verdict.WITNESS
    return prover.prove([Statement(sid="Elsewhere", effect="Allow", actions=(action,), not_resources=own)]).verdict
