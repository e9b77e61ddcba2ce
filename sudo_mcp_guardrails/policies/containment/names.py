"""Names of what contains agents: two policies in each account, an SCP for each target, a table, and two roles.

All begin with the guardrails' prefix, so that the Deny statements of the agents' boundaries and SCPs keep agents off
them as off the guardrails themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

ALL: Final = "*"
"""The pattern of agents' names that is about all of them."""


class ContainmentPolicyError(GuardrailsError):
    """A policy that contains, or lets somebody contain, cannot be made from what was given."""


def containment_path(names: GuardrailNames) -> str:
    """Return the path of the policies that contain."""
    return f"/{names.prefix}/containment/"


def deny_name(names: GuardrailNames) -> str:
    """Return the name of the managed policy that denies a contained role everything."""
    return f"{names.prefix}-contained"


def boundary_name(names: GuardrailNames) -> str:
    """Return the name of the boundary that a contained role has instead of its own."""
    return f"{names.prefix}-contained-boundary"


def deny_arn(names: GuardrailNames, *, partition: str = PARTITION, account: str = ACCOUNT) -> str:
    """Return the ARN of the first. Defaults: pseudo parameters."""
    return f"arn:{partition}:iam::{account}:policy{containment_path(names)}{deny_name(names)}"


def boundary_arn(names: GuardrailNames, *, partition: str = PARTITION, account: str = ACCOUNT) -> str:
    """Return the ARN of the second. Defaults: pseudo parameters."""
    return f"arn:{partition}:iam::{account}:policy{containment_path(names)}{boundary_name(names)}"


def scp_name(names: GuardrailNames, agents: str) -> str:
    """Return the name of the SCP that contains a class of agents, or all.

    Args:
        names: Names of the guardrails' own resources.
        agents: Pattern of the agents' names, such as ``release-*``, or :data:`ALL`.
    """
    return f"{names.prefix}-contained-{'all' if agents == ALL else agents.removesuffix('-*')}"


def table_name(names: GuardrailNames) -> str:
    """Return the name of the kill switch's table."""
    return f"{names.prefix}-kill-switch"


def records_name(names: GuardrailNames) -> str:
    """Return what the name of the bucket of restore records begins with."""
    return f"{names.prefix}-containment"


def response_path(names: GuardrailNames) -> str:
    """Return the path of the roles that contain, which is not the agents'."""
    return f"/{names.prefix}/response/"


def response_name(names: GuardrailNames) -> str:
    """Return the name of the role of each account that contains the agents there."""
    return f"{names.prefix}-response"


def organization_response_name(names: GuardrailNames) -> str:
    """Return the name of the role that attaches SCPs, in the account that may."""
    return f"{names.prefix}-response-organization"


def response_arn(names: GuardrailNames, *, partition: str = PARTITION, account: str = ACCOUNT) -> str:
    """Return the ARN of the role that contains the agents of an account. Defaults: pseudo parameters."""
    return f"arn:{partition}:iam::{account}:role{response_path(names)}{response_name(names)}"


def principals(names: GuardrailNames, agents: str) -> str:
    """Return the pattern of ``aws:PrincipalArn`` of some agents' roles, in every partition and account.

    Also of the roles that their resources carry, which lie below the agent's own path.

    Args:
        names: Names of the guardrails' own resources.
        agents: Pattern of the agents' names.
    """
    return f"arn:*:iam::*:role{names.agents_path}{'' if agents == ALL else agents + '/'}*"
