"""What an organization says of itself: the guardrails of all its policies are made from this."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import groupby
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.exempt import ExemptPrincipals
from sudo_mcp_guardrails.regions import partition_of

if TYPE_CHECKING:
    from datetime import date

_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}")
_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)
_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_CLIENT: Final = re.compile(r"[^\s*?]+")


class OrganizationError(GuardrailsError):
    """An organization's guardrails cannot be made from what was given; the message says what is allowed."""


@dataclass(frozen=True)
class OrganizationSettings:
    """What the guardrails of the organization need to know. A list does where a tuple is named.

    Args:
        names: Names of the guardrails' own resources, the same in every account.
        organization_id: Such as ``"o-a1b2c3d4e5"``. Default: unknown, and there are no RCPs that rest on it.
        regions: Regions that may be used. Default: no limit.
        oauth_clients: ARNs or ids of OAuth clients by which an agent may sign in to the AWS MCP Server. Default: none.
        direct_actions: Actions of escalation paths that agents may do themselves all the same, such as
            ``"lambda:UpdateFunctionCode"``, which then need not go through a change set. The paths that they open are
            no longer blocked by the organization alone. Allowed are the ``STEPS`` of the agents' guardrails
            ``direct``, ``credentials`` and ``steering``; nothing else can be given back. Default: none.
        networks: CIDR ranges that requests for an organization's data may come from. Default: no limit.
        trusted_accounts: Accounts outside the organization that its RCPs let through, where a resource's own policy
            does: a vendor's, or those by which load balancers deliver logs in old Regions. Default: none.
        exempt: Who the guardrails for everyone do not bind. The guardrails of agents bind agents alone, and know no
            exemption.

    Raises:
        OrganizationError: For a value of another type, an id, Region, action, client, network or account of another
            form, an action that no guardrail can give back, networks of all addresses, and Regions of several
            partitions.
    """

    names: GuardrailNames = field(default_factory=GuardrailNames)
    organization_id: str = ""
    regions: tuple[str, ...] = ()
    oauth_clients: tuple[str, ...] = ()
    direct_actions: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    trusted_accounts: tuple[str, ...] = ()
    exempt: tuple[ExemptPrincipals, ...] = ()

    def __post_init__(self) -> None:
        """Validate, and make tuples of lists: settings are a key of a cache."""
        self._check_types()
        if self.organization_id and not _ORGANIZATION.fullmatch(self.organization_id):
            raise OrganizationError(f"organization {self.organization_id!r} is not allowed, expected o- and an id")
        self._check_regions()
        _check_direct(self.direct_actions)
        for client in self.oauth_clients:
            if not _CLIENT.fullmatch(client):
                raise OrganizationError(
                    f"OAuth client {client!r} is not allowed, expected a whole ARN or id without wildcards"
                )
        _check_networks(self.networks)
        for account in self.trusted_accounts:
            if not _ACCOUNT.fullmatch(account):
                raise OrganizationError(f"trusted account {account!r} is not allowed, expected 12 digits")

    def _check_regions(self) -> None:
        for region in self.regions:
            if partition_of(region) is None:
                raise OrganizationError(
                    f"Region {region!r} is in no partition that is known, expected one such as eu-central-1, or "
                    "DeclaredRegion for one that is newer than this library"
                )
        partitions = {partition_of(region) for region in self.regions}
        if len(partitions) > 1:
            raise OrganizationError(f"Regions {', '.join(self.regions)} are of several partitions, expected one")

    def _check_types(self) -> None:
        if not isinstance(self.names, GuardrailNames):
            raise OrganizationError(f"names {self.names!r} are not allowed, expected GuardrailNames")
        if not isinstance(self.organization_id, str):
            raise OrganizationError(f"organization_id {self.organization_id!r} is not allowed, expected text")
        for name in ("regions", "oauth_clients", "direct_actions", "networks", "trusted_accounts"):
            object.__setattr__(self, name, _tuple_of(name, getattr(self, name), str, "text"))
        object.__setattr__(self, "exempt", _tuple_of("exempt", self.exempt, ExemptPrincipals, "ExemptPrincipals"))

    @property
    def exempt_patterns(self) -> tuple[str, ...]:
        """Patterns of ``aws:PrincipalArn`` of all who are exempt, in order."""
        return tuple(sorted({pattern for exempt in self.exempt for pattern in exempt.arns}))

    def check_exempt(self, today: date) -> None:
        """Check that no exemption has expired.

        Args:
            today: The day of the synthesis.

        Raises:
            ExemptionError: With the principals, the day and the owner.
        """
        for exempt in self.exempt:
            exempt.check_date(today)


def _tuple_of(name: str, value: object, kind: type, what: str) -> tuple[object, ...]:
    """Return a sequence as a tuple; text is a sequence of letters, and never meant as one."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise OrganizationError(f"{name} {value!r} are not allowed, expected a tuple or list of {what}")
    for element in value:
        if not isinstance(element, kind):
            raise OrganizationError(f"element {element!r} of {name} is not allowed, expected {what}")
    return tuple(value)


def _check_direct(actions: Sequence[str]) -> None:
    """Check that the guardrails of agents can give actions back; any other would be left out in silence."""
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise OrganizationError(f"action {action!r} is not allowed, expected one such as lambda:CreateFunction")
    if not actions:
        return
    # The guardrails are made from settings, so that this module cannot import them as it is imported itself.
    from sudo_mcp_guardrails.policies.organization.agents import credentials, direct, steering  # noqa: PLC0415

    known = {action.lower(): action for module in (direct, credentials, steering) for action in module.STEPS}
    for action in actions:
        if known.get(action.lower()) != action:
            near = get_close_matches(action.lower(), known, n=3)
            likely = f", did you mean {' or '.join(known[name] for name in near)}" if near else ""
            raise OrganizationError(
                f"action {action!r} of direct_actions is not allowed, expected one that an agents' guardrail can give "
                f"back (STEPS of direct, credentials and steering){likely}"
            )


def _check_networks(texts: Sequence[str]) -> None:
    from ipaddress import collapse_addresses, ip_network  # noqa: PLC0415 - few need it

    networks = []
    for text in texts:
        try:
            network = ip_network(text)
        except ValueError as error:
            raise OrganizationError(f"network {text!r} is not allowed: {error}") from None
        if not network.prefixlen:
            raise OrganizationError(f"network {text!r} is every address, expected fewer, or none for no limit")
        networks.append(network)
    networks.sort(key=lambda network: network.version)
    for version, family in groupby(networks, key=lambda network: network.version):
        if any(not network.prefixlen for network in collapse_addresses(family)):  # type: ignore[type-var]
            raise OrganizationError(
                f"networks {', '.join(texts)} are together every address of IPv{version}, expected fewer, or none for "
                "no limit"
            )
