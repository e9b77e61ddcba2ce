"""What a landing zone is told of its accounts and Regions, checked before anything is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.packs import QUOTAS
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError
from sudo_mcp_guardrails.regions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.constructs.session_broker import BrokerCaller

_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)


def check_accounts(**accounts: object) -> None:
    """Check account ids by the name of their props.

    Raises:
        OrganizationError: For another form, and where the log archive or the security account is the management
            account, which no SCP or RCP binds. They may be one account, as in small landing zones.
    """
    for name, account in accounts.items():
        if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
            raise OrganizationError(f"{name}_account {account!r} is not allowed, expected 12 digits as text")
    for name in ("log_archive", "security"):
        if name in accounts and accounts[name] == accounts.get("management"):
            raise OrganizationError(
                f"{name}_account {accounts[name]!r} is the management_account too, which no SCP or RCP binds, expected "
                "another account"
            )


def check_region(home: object, regions: Iterable[str]) -> None:
    """Check that all Regions are of the home Region's partition.

    Raises:
        OrganizationError: For a home Region that is no text or not known, or a Region of another partition.
    """
    partition = partition_of(home) if isinstance(home, str) else None
    if partition is None:
        raise OrganizationError(
            f"home_region {home!r} is in no partition that is known; a newer one is DeclaredRegion({home!r})"
        )
    for region in regions:
        if partition_of(region) != partition:
            raise OrganizationError(
                f"Region {region!r} is not in partition {partition!r} of home_region {home!r}: an organization is in "
                "one partition"
            )


def check_regions_of_agents(regions: Sequence[str], agents: Sequence[Agent]) -> None:
    """Check that the organization's limit of Regions leaves every agent those that it works in.

    Args:
        regions: The limit of the settings; none is no limit.
        agents: All agents.

    Raises:
        OrganizationError: For an agent whose Region is left out: all that it does there would be denied.
    """
    if not regions:
        return
    for agent in agents:
        for environment in agent.environments:
            for region in agent.regions_in(environment):
                if region not in regions:
                    raise OrganizationError(
                        f"agent {agent.name!r} works in Region {region!r}, which settings.regions leave out, allowed "
                        f"are {', '.join(regions)}: add it there, or give the agent other Regions"
                    )


def check_quotas(quotas: Mapping[Any, Any]) -> None:
    """Check that quotas are those of policies that a landing zone makes.

    Raises:
        OrganizationError: For something else than a mapping, and a key that is no type of policy.
    """
    if not isinstance(quotas, Mapping):
        raise OrganizationError(f"quotas {quotas!r} are not allowed, expected a mapping of PolicyKind to Quota")
    for kind in quotas:
        if not isinstance(kind, PolicyKind) or kind not in QUOTAS:
            allowed = ", ".join(f"PolicyKind.{known.name}" for known in QUOTAS)
            raise OrganizationError(f"quotas have key {kind!r}, which is no type of policy, allowed are {allowed}")


def check_targets_bind(targets: Sequence[str], management: str, agents: Sequence[Agent]) -> None:
    """Check that nothing rests on policies in the management account, which they do not bind.

    Raises:
        OrganizationError: Where it is a target, or an agent works there.
    """
    if management in targets:
        raise OrganizationError(
            f"target {management!r} is the management account, which no SCP or RCP binds, expected a root, OU or "
            "another account"
        )
    for agent in agents:
        if agent.environments_in(management):
            raise OrganizationError(
                f"agent {agent.name!r} works in the management account {management!r}, which no SCP or RCP binds: "
                "give it another account"
            )


def check_callers(callers: Sequence[BrokerCaller]) -> None:
    """Check that callers can be the same in every account.

    Raises:
        OrganizationError: For a role or user, which is of one account and cannot be granted anything in another.
    """
    for caller in callers:
        if caller.grantee is not None:
            raise OrganizationError(
                f"caller {caller.pattern!r} is a role or user of one account, expected a pattern for every account, "
                "such as BrokerCaller.permission_set"
            )
