"""The pseudo parameters and accounts that ``mcp-guardrails export`` is given."""

from __future__ import annotations

import re

from sudo_mcp_guardrails.cli.errors import InputError


def values_of(partition: str | None, account: str | None, region: str | None) -> dict[str, str]:
    """Return the pseudo parameters that are given.

    Raises:
        InputError: For one of another form.
    """
    from sudo_mcp_guardrails.regions import REGIONS, partition_of

    known = partition_of(region) if region else None
    if region and known is None:
        raise InputError(f"--region {region!r} is in no partition that is known")
    if partition is not None and partition not in REGIONS:
        raise InputError(f"--partition {partition!r} is not known, allowed are {', '.join(REGIONS)}")
    if known and partition and known != partition:
        raise InputError(f"--region {region!r} is in partition {known}, expected one of {partition}")
    account_of("--account", account or "")
    found = {"Partition": partition or known or "aws", "AccountId": account, "Region": region}
    return {name: value for name, value in found.items() if value}


def account_of(option: str, given: str) -> str:
    """Return an account that an option gives, or nothing; raises InputError."""
    if given and not re.fullmatch(r"\d{12}", given, re.ASCII):
        raise InputError(f"{option} {given!r} is not allowed, expected 12 digits")
    return given
