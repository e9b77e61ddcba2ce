"""Who the guardrails of agents are about, as conditions on ``aws:PrincipalArn``.

Whatever lies on the agents' path is an agent: its four roles, and the roles that its resources carry. A session's
``aws:PrincipalArn`` is the ARN of its role, which nobody but IAM sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.naming import PARTITION

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_OWN: Final = f"arn:{PARTITION}:iam::${{aws:PrincipalAccount}}"


def any_agent(names: GuardrailNames) -> Conditions:
    """Return the condition that any role on the agents' path calls."""
    return (("ArnLike", "aws:PrincipalArn", (names.agent_principals,)),)


def all_but(names: GuardrailNames, *kinds: str) -> Conditions:
    """Return the conditions that a role on the agents' path calls which is none of some kinds.

    A role that an agent's resources carry cannot have such a name, see ``AgentsWorkloadNames``.
    """
    kept = tuple(f"arn:*:iam::*:role{names.agents_path}*/{names.prefix}-*-{kind}" for kind in kinds)
    return (*any_agent(names), ("ArnNotLike", "aws:PrincipalArn", kept))


def workloads(names: GuardrailNames) -> str:
    """Return the pattern of the roles that agents' resources carry, in the caller's own account.

    The account is a policy variable and no wildcard, since a wildcard would run on into the path of a user.
    """
    return f"{_OWN}:role{names.agents_path}*/workloads/*"


def execution_roles(names: GuardrailNames) -> str:
    """Return the pattern of all execution roles, in the caller's own account."""
    return f"{_OWN}:role{names.agents_path}*/{names.prefix}-*-execution"
