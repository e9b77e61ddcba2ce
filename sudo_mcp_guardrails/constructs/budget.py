"""What one account can hold: CloudFormation's and IAM's quotas, and how much of them agents take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.iam.documents import PolicyDocument

RESOURCES_PER_STACK: Final = 500
"""Source: CloudFormation user guide, "Understand CloudFormation quotas"."""
TEMPLATE_BYTES: Final = 1_000_000
"""Of a template in S3: 1 MB, same page; the CDK counts it as a million too."""
ROLES_PER_ACCOUNT: Final = 1_000
POLICIES_PER_ACCOUNT: Final = 1_500
"""Customer managed policies. Source of the three: IAM user guide, "IAM and AWS STS quotas"."""
POLICIES_PER_ROLE: Final = 10

RESOURCES_PER_AGENT: Final = 9
SHARED_RESOURCES: Final = 11
"""What the agents of an account share: the broker's five, five sensitive policies, the execution boundary."""
_BYTES_PER_AGENT: Final = 16_500
"""Beside the four policies: a boundary at IAM's limit, four roles, the accepted findings, and the declaration."""
_SHARED_BYTES: Final = 40_000


def check_count(account: str, agents: int, others: int) -> None:
    """Check that an account's agents fit into one stack.

    Args:
        account: For the message.
        agents: How many.
        others: Resources of the stack besides the agents'.

    Raises:
        OrganizationError: Where they do not, with how many would.
    """
    most = most_agents(others)
    if agents > most:
        raise OrganizationError(
            f"account {account!r} has {agents} agents, expected {most} or fewer: an agent has {RESOURCES_PER_AGENT} "
            f"resources, all agents share {SHARED_RESOURCES + others}, and a stack has {RESOURCES_PER_STACK}; give "
            "some agents another account, or make a second AgentGuardrails of another prefix in a stack of its own"
        )


def most_agents(others: int = 0) -> int:
    """Return how many agents an account can have; IAM's quotas for roles and policies come later than a stack's."""
    return (RESOURCES_PER_STACK - SHARED_RESOURCES - others) // RESOURCES_PER_AGENT


def check_bytes(account: str, agents: dict[str, Iterable[PolicyDocument]]) -> int:
    """Return how large the template of an account's agents becomes, without indentation; never less than it is.

    Args:
        account: For the message.
        agents: The four policies of each agent by its name.

    Raises:
        OrganizationError: Where it is over what CloudFormation takes, with the three largest agents.
    """
    sizes = {
        name: _BYTES_PER_AGENT + sum(len(json.dumps(policy_json(d), separators=(",", ":"))) for d in documents)
        for name, documents in agents.items()
    }
    size = _SHARED_BYTES + sum(sizes.values())
    if size > TEMPLATE_BYTES:
        largest = ", ".join(f"{name} {n}" for name, n in sorted(sizes.items(), key=lambda item: -item[1])[:3])
        raise OrganizationError(
            f"account {account!r} would need a template of up to {size} bytes for {len(agents)} agents, "
            f"{size - TEMPLATE_BYTES} over the {TEMPLATE_BYTES} that CloudFormation takes; the largest agents are "
            f"{largest}: give some agents another account, or fewer services"
        )
    return size
