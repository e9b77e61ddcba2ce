"""The policies of an organization as Organizations takes them: compact, each with its size and its limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.documents import minified, resolve
from sudo_mcp_guardrails.policies.export.manifest import ExportError, ExportFile
from sudo_mcp_guardrails.policies.export.source import resolved
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.management import MANAGEMENT
from sudo_mcp_guardrails.policies.organization.packs import PACKS, QUOTAS, guardrails, packed
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.policies.organization.guardrail import ManagementPolicy
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

_FOLDERS: Final = {PolicyKind.SCP: "scp", PolicyKind.RCP: "rcp"}
_MANAGEMENT: Final = {policy.id: policy for policy in MANAGEMENT}
_ALL_MANAGEMENT: Final = "management"
_LOCAL: Final = re.compile(r"\$\{AWS::(AccountId|Region)\}")
_LONGEST: Final = {"Partition": "aws-us-gov", "AccountId": "${AWS::AccountId}", "Region": "${AWS::Region}"}
_MAX_DESCRIPTION: Final = 512


@dataclass(frozen=True)
class OrganizationPolicy:
    """One policy of an organization.

    Args:
        kind: Its type.
        name: Its name.
        description: What it is for.
        content: Its body; the partition may be unresolved.
        limit: Characters that one of its type may have.

    Raises:
        ExportError: For a body that is over the limit, or names the account or Region that it is made in: each
            member would be held to those of the management account.
    """

    kind: PolicyKind
    name: str
    description: str
    content: Mapping[str, Any]
    limit: int

    def __post_init__(self) -> None:
        """Validate."""
        text = minified(resolve(self.content, _LONGEST))
        local = _LOCAL.search(text)
        if local is not None:
            raise ExportError(f"policy {self.name!r} names AWS::{local[1]}, expected what is the same in all accounts")
        if len(text) > self.limit:
            raise ExportError(f"policy {self.name!r} has {len(text)} characters, expected at most {self.limit}")


def organization_policies(packs: Iterable[str], settings: OrganizationSettings) -> tuple[OrganizationPolicy, ...]:
    """Return the policies of packs: the fewest SCPs for all SCP packs together, likewise RCPs.

    Args:
        packs: Names of packs, ids of management policies, or ``management`` for all of these.
        settings: The organization's.

    Raises:
        OrganizationError: For an unknown name, and for more policies than a target has slots.
        ExportError: For a pack that says nothing with these settings.
    """
    wanted = tuple(dict.fromkeys(packs))
    for name in wanted:
        if name not in (*PACKS, *_MANAGEMENT, _ALL_MANAGEMENT):
            allowed = ", ".join((*PACKS, _ALL_MANAGEMENT, *_MANAGEMENT))
            raise OrganizationError(f"pack {name!r} is not known, allowed are {allowed}")
    found: list[OrganizationPolicy] = []
    for kind, names in _by_kind([name for name in wanted if name in PACKS], settings).items():
        done = packed(names, settings)
        documents = () if done is None else done.documents
        found += [
            OrganizationPolicy(
                kind=kind,
                name=document.name,
                description=f"Guardrails of {', '.join(names)}, {number} of {len(documents)}",
                content=document.to_dict(),
                limit=QUOTAS[kind].characters,
            )
            for number, document in enumerate(documents, start=1)
        ]
    return (*found, *(_management(policy, settings) for policy in _wanted_management(wanted)))


def _by_kind(packs: Sequence[str], settings: OrganizationSettings) -> dict[PolicyKind, list[str]]:
    """Return the packs of each kind, in the order given."""
    kinds: dict[PolicyKind, list[str]] = {}
    for name in packs:
        members = guardrails([name])
        if not any(member.build(settings) for member in members):
            raise ExportError(
                f"pack {name!r} has no statement with these settings, expected what it rests on, such as "
                "--organization-id or --regions"
            )
        kinds.setdefault(members[0].kind, []).append(name)
    return kinds


def _wanted_management(names: Sequence[str]) -> Iterator[ManagementPolicy]:
    for id_, policy in _MANAGEMENT.items():
        if id_ in names or _ALL_MANAGEMENT in names:
            yield policy


def _management(policy: ManagementPolicy, settings: OrganizationSettings) -> OrganizationPolicy:
    return OrganizationPolicy(
        kind=policy.kind,
        name=f"{settings.names.prefix}-{policy.id}",
        description=policy.reason[:_MAX_DESCRIPTION],
        content=policy.content(settings),
        limit=QUOTAS[policy.kind].characters,
    )


def scp_json(policies: Sequence[OrganizationPolicy], values: Mapping[str, str]) -> tuple[ExportFile, ...]:
    """Return a file for each policy, without white space: the API counts it, though the console does not.

    Source: Organizations user guide, "Quotas and service limits".

    Args:
        policies: The policies.
        values: The pseudo parameters that are known.

    Raises:
        ExportError: For a pseudo parameter that is not known.
    """
    out = []
    for policy in policies:
        text = minified(resolved(policy.content, values, f"policy {policy.name!r}"))
        notes = {"type": policy.kind.value, "characters": len(text), "limit": policy.limit}
        folder = _FOLDERS.get(policy.kind, "management")
        out.append(ExportFile(f"{folder}/{policy.name}.json", text.encode(), notes))
    return tuple(out)
