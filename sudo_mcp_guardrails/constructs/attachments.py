"""Which policies of an app are attached where: an account, OU or root has few slots, and a name is taken once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk

from sudo_mcp_guardrails.policies.organization.settings import OrganizationError

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

    from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
    from sudo_mcp_guardrails.policies.organization.packs import Quota

_TARGET: Final = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|\d{12}", re.ASCII)


@dataclass
class _Attachments:
    """What one app attaches."""

    names: dict[tuple[PolicyKind, str], str] = field(default_factory=dict)
    """Construct path by the name of a policy, which an organization has once for each type."""
    owners: dict[tuple[PolicyKind, str, str], str] = field(default_factory=dict)
    """Construct path by prefix and target."""
    packs: dict[tuple[PolicyKind, str, str], str] = field(default_factory=dict)
    """Construct path by pack and target."""
    zones: dict[str, str] = field(default_factory=dict)
    """Path of a landing zone by target."""
    used: dict[tuple[PolicyKind, str], list[str]] = field(default_factory=dict)
    """Names of the policies on a target."""


_APPS: Final[WeakKeyDictionary[IConstruct, _Attachments]] = WeakKeyDictionary()


def check_targets(targets: Sequence[str]) -> tuple[str, ...]:
    """Check the ids of roots, OUs and accounts, and return them in order.

    A CDK token is let through, since only the deployment knows it.

    Source: Organizations API reference, ``AttachPolicy``.

    Raises:
        OrganizationError: For no targets, one that is given twice, and an id of another form.
    """
    given: object = targets
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise OrganizationError(f"targets {targets!r} is not allowed, expected a list of ids")
    if not targets:
        raise OrganizationError("targets are empty, expected at least one id of a root, an OU or an account")
    for target in targets:
        if cdk.Token.is_unresolved(target):
            continue
        text: object = target
        if not isinstance(text, str) or not _TARGET.fullmatch(text):
            raise OrganizationError(
                f"target {target!r} is not allowed, expected a root such as r-a1b2, an OU such as ou-a1b2-c3d4e5f6 "
                "or an account id of 12 digits"
            )
    twice = sorted({target for target in targets if list(targets).count(target) > 1})
    if twice:
        raise OrganizationError(f"target {twice[0]!r} is given twice, expected each once")
    return tuple(sorted(targets))


def claim_zone(zone: IConstruct, targets: Sequence[str]) -> None:
    """Note that a landing zone governs targets.

    Raises:
        OrganizationError: As :func:`check_targets`, and where another landing zone of the app has one of them,
            whatever its prefix: each would give the target slots and settings that the other knows nothing of.
    """
    zones = _APPS.setdefault(zone.node.root, _Attachments()).zones
    checked = check_targets(targets)
    for target in checked:
        if target in zones:
            raise OrganizationError(
                f"target {target!r} is of landing zone {zones[target]!r} and of {zone.node.path!r}, expected one for "
                "each target, whatever their prefixes: name all agents and packs in one"
            )
    zones.update(dict.fromkeys(checked, zone.node.path))


def attach(
    construct: Construct,
    *,
    kind: PolicyKind,
    prefix: str,
    names: Sequence[str],
    targets: Sequence[str],
    quota: Quota,
    packs: Sequence[str] = (),
) -> None:
    """Note that a construct attaches policies to targets.

    Args:
        construct: The construct that does.
        kind: Type of the policies.
        prefix: Of the guardrails' names: what one prefix says of a target is said in one construct.
        names: Names of the policies.
        targets: Ids that :func:`check_targets` has checked.
        quota: What a target can take.
        packs: What the policies are made of. A target has each pack once, whatever the prefix: twice is one pack with
            two settings, of which nobody sees both. Default: nothing that another construct could say too.

    Raises:
        OrganizationError: Where another construct of the app has the name of a policy, or attaches policies of the
            same prefix or pack to the same target, or all together are more than the target has slots for.
    """
    path = construct.node.path
    known = _APPS.setdefault(construct.node.root, _Attachments())
    for name in names:
        if (kind, name) in known.names:
            raise OrganizationError(
                f"policy name {name!r} of {path!r} is taken by {known.names[kind, name]!r}: name all targets in one "
                "construct, or give one of them another policy_name or prefix"
            )
    for target in targets:
        owner = known.owners.get((kind, prefix, target))
        if owner is not None:
            raise OrganizationError(
                f"target {target!r} has policies of prefix {prefix!r} from {owner!r} and from {path!r}: name all packs "
                "in one construct, or give one of them other targets or another prefix"
            )
        for pack in packs:
            owner = known.packs.get((kind, pack, target))
            if owner is not None:
                raise OrganizationError(
                    f"target {target!r} has pack {pack!r} from {owner!r} and from {path!r}, expected each pack once on "
                    "a target, whatever the prefixes: give one of them other targets or other packs"
                )
        others = known.used.get((kind, target), [])
        count, room = len(others) + len(names), quota.slots - quota.reserved
        if count > room:
            raise OrganizationError(
                f"target {target!r} would have {count} policies of type {kind.value}, {', '.join([*others, *names])}; "
                f"of its {quota.slots} slots {quota.reserved} are reserved for others, which leaves {room}: name "
                "fewer packs, move some to the OUs below, or give the quota= that AWS has granted"
            )
    known.names |= {(kind, name): path for name in names}
    for target in targets:
        known.owners[kind, prefix, target] = path
        known.packs |= {(kind, pack, target): path for pack in packs}
        known.used.setdefault((kind, target), []).extend(names)
