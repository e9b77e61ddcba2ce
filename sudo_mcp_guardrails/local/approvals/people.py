"""The made-up people of a local approval workflow, and the policy that they decide by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.authentication.freshness import Freshness, Issuer
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.approval.deciding.people import People
from sudo_mcp_guardrails.approval.deciding.people import Person as Known
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy, BreakGlass, Group, Step
from sudo_mcp_guardrails.approval.deciding.quorum import QUORUMS
from sudo_mcp_guardrails.local.oidc.people import Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.approval.deciding.quorum import Quorum

STACK: Final = "Approvals"
AUDIENCE: Final = "approvals"
"""Id of the page's client at the identity provider."""
PASSWORD: Final = "made up"  # noqa: S105 - it opens nothing real
REQUESTER: Final = "rita"
"""Who is behind what the agents propose."""
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    REQUESTER: ("sre",),
    "alice": ("sre",),
    "bob": ("sre", "security"),
    "carol": ("security",),
}
"""Who is in which group, in the directory's table. The requester is in one that decides, so that it is tried."""
HOST_ROLE: Final = "approvals-agent-host"
"""The role of the machine that the agent runs on; its session's name is the person at that machine."""


def people() -> tuple[Person, ...]:
    """Return who can sign in: user name, password, and the current one-time code of each."""
    return tuple(Person(name, PASSWORD, claims={"email": f"{name}@example.com"}) for name in GROUPS)


def policy(issuer: str, account: str, *, host: str = HOST_ROLE, quorums: Sequence[Quorum] = QUORUMS) -> ApprovalPolicy:
    """Return who decides: one of sre at once, also one of security after half an hour; the requester asks.

    Args:
        issuer: of the sign-ins.
        account: of the agent's host.
        host: name of its role.
        quorums: how many decide. Default: as a policy has them that names none.
    """

    def known(name: str) -> Known:
        session = (f"arn:aws:sts::{account}:assumed-role/{host}/{name}",) if name == REQUESTER else ()
        return Known(name, (f"{issuer}#{name}", *session))

    return ApprovalPolicy(
        people=People(tuple(known(name) for name in GROUPS)),
        groups=(Group("sre"), Group("security"), Group("platform", aliases=("platform@example.com",))),
        escalation=(Step(0, ("sre",)), Step(30 * 60, ("security",))),
        freshness=Freshness((Issuer(FactorKind.JWT, issuer),)),
        quorums=tuple(quorums),
        break_glass=BreakGlass(("security",)),
    )
