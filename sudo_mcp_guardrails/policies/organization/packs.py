"""The packs of organization guardrails, and the documents that they make within AWS's quotas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument
from sudo_mcp_guardrails.iam.pack import PackError, pack
from sudo_mcp_guardrails.policies.organization import agents, everyone, mcp, resources
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError, OrganizationSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.iam.pack import Packed
    from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail

PACKS: Final[dict[str, tuple[OrganizationGuardrail, ...]]] = {
    "agents": agents.GUARDRAILS,
    "mcp": mcp.GUARDRAILS,
    **everyone.PACKS,
    "perimeter": resources.GUARDRAILS,
}
"""Name of each pack to its guardrails, which are all of one kind."""


@dataclass(frozen=True)
class Quota:
    """How many policies of a kind a target can have, and how large each can be.

    Args:
        slots: Policies of the kind that may be attached to one target.
        characters: Of one policy, white space included.
        reserved: Slots that others take: ``FullAWSAccess``, and Control Tower's own policies where it governs.
    """

    slots: int
    characters: int
    reserved: int = 1


QUOTAS: Final[dict[PolicyKind, Quota]] = {
    PolicyKind.SCP: Quota(10, 10_240),
    PolicyKind.RCP: Quota(5, 5_120),
    PolicyKind.EC2: Quota(10, 10_000, reserved=0),
    PolicyKind.S3: Quota(10, 10_000, reserved=0),
}
"""What AWS allows since 15 May 2026. Source: Organizations user guide, "Quotas and service limits"."""


def document(packs: Iterable[str], settings: OrganizationSettings) -> PolicyDocument:
    """Return the statements of several packs of one kind as one document, whatever its size.

    Raises:
        OrganizationError: For an unknown pack.
    """
    names = tuple(dict.fromkeys(packs))
    return PolicyDocument("-".join(names), tuple(s for g in guardrails(names) for s in g.build(settings)))


def guardrails(packs: Iterable[str]) -> tuple[OrganizationGuardrail, ...]:
    """Return the guardrails of packs, in the order of :data:`PACKS`.

    Raises:
        OrganizationError: For an unknown pack.
    """
    wanted = set(packs)
    unknown = sorted(wanted - set(PACKS))
    if unknown:
        raise OrganizationError(f"pack {unknown[0]!r} is not known, allowed are {', '.join(PACKS)}")
    return tuple(guardrail for name, members in PACKS.items() if name in wanted for guardrail in members)


def packed(
    packs: Iterable[str], settings: OrganizationSettings, *, quota: Quota | None = None, name: str | None = None
) -> Packed | None:
    """Return the fewest documents that say what packs of one kind say; None where they have no statement.

    Args:
        packs: Names of packs.
        settings: The organization's.
        quota: What may be attached. Default: AWS's for the kind.
        name: What the documents are called, with ``-1`` and so on after it. Default: the prefix and the packs.

    Raises:
        OrganizationError: For an unknown pack, packs of several kinds, more documents than there are slots, and a
            statement that does not fit into one.
    """
    packs = tuple(dict.fromkeys(packs))
    members = guardrails(packs)
    name = name or "-".join((settings.names.prefix, *packs))
    kinds = {guardrail.kind for guardrail in members}
    if len(kinds) > 1:
        raise OrganizationError(f"packs {', '.join(packs)} are of several kinds, expected SCPs or RCPs")
    whole = PolicyDocument(name, tuple(s for guardrail in members for s in guardrail.build(settings)))
    if not whole.statements:
        return None
    limit = quota or QUOTAS[kinds.pop()]
    try:
        return pack(
            [whole], limit=limit.characters, slots=limit.slots - limit.reserved, name=name, merge=False, shorten=True
        )
    except PackError as error:
        raise OrganizationError(
            f"{error}; {limit.reserved} of {limit.slots} slots are taken by others: attach fewer packs to a target, "
            "split them over its OUs, or shorten what the settings list"
        ) from None


@lru_cache(maxsize=16)
def agent_scps(settings: OrganizationSettings | None = None) -> tuple[PolicyDocument, ...]:
    """Return the SCPs of agents, packed, with pseudo parameters unresolved.

    Args:
        settings: The organization's. Default: the library's names, and no limit of Regions.
    """
    found = packed(["agents"], settings or OrganizationSettings())
    return () if found is None else found.documents
