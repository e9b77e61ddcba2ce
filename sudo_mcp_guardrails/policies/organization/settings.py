"""What an organization says of itself: the guardrails of all its policies are made from this."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.regions import partition_of

if TYPE_CHECKING:
    from datetime import date

    from sudo_mcp_guardrails.policies.organization.exempt import ExemptPrincipals

_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}")
_ACCOUNT: Final = re.compile(r"\d{12}")
_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")


class OrganizationError(GuardrailsError):
    """An organization's guardrails cannot be made from what was given; the message says what is allowed."""


@dataclass(frozen=True)
class OrganizationSettings:
    """What the guardrails of the organization need to know.

    Args:
        names: Names of the guardrails' own resources, the same in every account.
        organization_id: Such as ``"o-a1b2c3d4e5"``. Default: unknown, and there are no RCPs that rest on it.
        regions: Regions that may be used. Default: no limit.
        oauth_clients: ARNs or ids of OAuth clients by which an agent may sign in to the AWS MCP Server. Default: none.
        direct_actions: Actions of escalation paths that agents may do themselves all the same, such as
            ``"lambda:UpdateFunctionCode"``, which then need not go through a change set. The paths that they open are
            no longer blocked by the organization alone. Default: none.
        networks: CIDR ranges that requests for an organization's data may come from. Default: no limit.
        trusted_accounts: Accounts outside the organization that its RCPs let through, where a resource's own policy
            does: a vendor's, or those by which load balancers deliver logs in old Regions. Default: none.
        exempt: Who the guardrails for everyone do not bind. The guardrails of agents bind agents alone, and know no
            exemption.

    Raises:
        OrganizationError: For an id, Region, action, network or account of another form, a network of all addresses,
            and Regions of several partitions.
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
        """Validate."""
        if self.organization_id and not _ORGANIZATION.fullmatch(self.organization_id):
            raise OrganizationError(f"organization {self.organization_id!r} is not allowed, expected o- and an id")
        for region in self.regions:
            if partition_of(region) is None:
                raise OrganizationError(
                    f"Region {region!r} is in no partition that is known, expected one such as eu-central-1, or "
                    "DeclaredRegion for one that is newer than this library"
                )
        partitions = {partition_of(region) for region in self.regions}
        if len(partitions) > 1:
            raise OrganizationError(f"Regions {', '.join(self.regions)} are of several partitions, expected one")
        for action in self.direct_actions:
            if not _ACTION.fullmatch(action):
                raise OrganizationError(f"action {action!r} is not allowed, expected one such as lambda:CreateFunction")
        for network in self.networks:
            _check_network(network)
        for account in self.trusted_accounts:
            if not _ACCOUNT.fullmatch(account):
                raise OrganizationError(f"trusted account {account!r} is not allowed, expected 12 digits")

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


def _check_network(text: str) -> None:
    from ipaddress import ip_network  # noqa: PLC0415 - few need it

    try:
        network = ip_network(text)
    except ValueError as error:
        raise OrganizationError(f"network {text!r} is not allowed: {error}") from None
    if not network.prefixlen:
        raise OrganizationError(f"network {text!r} is every address, expected fewer, or none for no limit")
