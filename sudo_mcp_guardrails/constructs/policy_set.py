"""Packs of guardrails as policies of the organization: what SCPs and RCPs have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from constructs import Construct

from sudo_mcp_guardrails.constructs.attachments import attach, check_targets
from sudo_mcp_guardrails.constructs.organization_policy import OrganizationPolicy
from sudo_mcp_guardrails.constructs.source_lines import note_source
from sudo_mcp_guardrails.constructs.validation import today
from sudo_mcp_guardrails.policies.organization.exempt_proof import no_agent_matches
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.packs import QUOTAS, Quota, guardrails, packed
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError, OrganizationSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument

CONTROL_TOWER_SLOTS: Final = {PolicyKind.SCP: 2, PolicyKind.RCP: 1}
"""What is left to Control Tower on a target: two SCPs, and an RCP for where such controls are on.

What its users report; AWS states no number, and an OU with many controls may have more: give ``quota`` then.
"""
_MAKERS: Final = {PolicyKind.SCP: "OrganizationGuardrails", PolicyKind.RCP: "ResourceGuardrails"}


class PolicySet(Construct):
    """Packs of one kind, in as few policies as they need; see the two that are made from it.

    Args:
        scope: The scope.
        id: The construct's id.
        kind: SCP or RCP.
        targets: Ids of roots, OUs and accounts.
        settings: The organization's.
        packs: Names of packs.
        quota: What a target can take. Default: AWS's.
        control_tower: Whether slots are left to Control Tower.
        policy_name: What the policies are called, with a number after it.

    Raises:
        OrganizationError: As :class:`~sudo_mcp_guardrails.constructs.organization_guardrails.OrganizationGuardrails`.
        ExemptionError: For an exemption that has ended.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        kind: PolicyKind,
        targets: Sequence[str],
        settings: OrganizationSettings | None,
        packs: Sequence[str],
        quota: Quota | None,
        control_tower: bool,
        policy_name: str | None,
    ) -> None:
        super().__init__(scope, id)
        note_source(self)
        self.settings: OrganizationSettings = settings or OrganizationSettings()
        """What the policies are made from."""
        self.targets: tuple[str, ...] = check_targets(targets)
        """Ids of what the policies are attached to."""
        self.settings.check_exempt(today())
        matching = no_agent_matches(self.settings)
        if matching:
            raise OrganizationError(
                f"{self.node.path!r}: an agent could come to be exempt, {len(matching)} ways: {matching[0]}; exempt "
                "somebody else, or do not let agents do so (direct_actions)"
            )
        limit = quota_of(kind, quota, control_tower=control_tower)
        name = policy_name or "-".join((self.settings.names.prefix, *dict.fromkeys(packs)))
        self.documents: tuple[PolicyDocument, ...] = self._documents(kind, packs, limit, name)
        """The policies as data, with the partition unresolved."""
        attach(
            self,
            kind=kind,
            prefix=self.settings.names.prefix,
            names=[document.name for document in self.documents],
            targets=self.targets,
            quota=limit,
            packs=packs,
        )
        self.policies: tuple[OrganizationPolicy, ...] = tuple(
            OrganizationPolicy(
                self,
                f"Policy{number}",
                name=document.name,
                kind=kind,
                content=document.to_dict(),
                targets=self.targets,
                quota=limit,
                description=f"Guardrails of {', '.join(dict.fromkeys(packs))}, {number} of {len(self.documents)}",
            )
            for number, document in enumerate(self.documents, start=1)
        )
        """The ``AWS::Organizations::Policy`` of each document."""

    def _documents(self, kind: PolicyKind, packs: Sequence[str], quota: Quota, name: str) -> tuple[PolicyDocument, ...]:
        if not packs or isinstance(packs, str):
            raise OrganizationError(f"packs {packs!r} of {self.node.path!r} are not allowed, expected names of packs")
        wrong = next((member for member in guardrails(packs) if member.kind is not kind), None)
        if wrong is not None:
            raise OrganizationError(
                f"guardrail {wrong.id!r} of packs {', '.join(packs)} is of type {wrong.kind.value}: give its pack to "
                f"{_MAKERS.get(wrong.kind, 'another construct')} instead of {_MAKERS[kind]}"
            )
        try:
            found = packed(packs, self.settings, quota=quota, name=name)
        except OrganizationError as error:
            raise OrganizationError(f"{self.node.path!r}: {error}; quota= takes what AWS has granted") from error
        if found is None:
            raise OrganizationError(
                f"packs {', '.join(packs)} of {self.node.path!r} say nothing with these settings, expected those that "
                "they rest on, such as organization_id, regions or networks"
            )
        return found.documents


def quota_of(kind: PolicyKind, quota: Quota | None = None, *, control_tower: bool = False) -> Quota:
    """Return what a target can take of a kind, with the slots of Control Tower reserved where it governs.

    Raises:
        OrganizationError: For something else than a quota, numbers that are not positive, and no slot that is left.
    """
    limit = QUOTAS[kind] if quota is None else quota
    if not isinstance(limit, Quota):
        raise OrganizationError(f"quota {limit!r} of type {kind.value} is not allowed, expected a Quota")
    for name, least in (("slots", 1), ("characters", 1), ("reserved", 0)):
        value = getattr(limit, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise OrganizationError(
                f"quota of type {kind.value} has {name} {value!r}, expected a whole number of {least} or more"
            )
    if control_tower:
        limit = replace(limit, reserved=limit.reserved + CONTROL_TOWER_SLOTS.get(kind, 0))
    if limit.reserved >= limit.slots:
        raise OrganizationError(
            f"quota of type {kind.value} has {limit.slots} slots of which {limit.reserved} are reserved for others, "
            "expected one that is left at least"
        )
    return limit
