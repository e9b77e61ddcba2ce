"""The permissions boundary of one agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.policies.boundary import agent_boundary

if TYPE_CHECKING:
    from constructs import Construct

    from sudo_mcp_guardrails.policies.scope import AgentScope

CEILING_CHECKS = ("CKV_AWS_107", "CKV_AWS_108", "CKV_AWS_109", "CKV_AWS_110", "CKV_AWS_111")
"""What Checkov reports of any boundary: it takes the ceiling for a grant."""


class AgentBoundary(GuardrailPolicy):
    """The ceiling of an agent's read, plan and apply roles, and of every role that its resources carry.

    An explicit list of services, and an explicit Deny of everything that must never happen, since a same-account
    resource policy that names a role session is not limited by what a boundary merely leaves out.

    Creates one ``AWS::IAM::ManagedPolicy``, which costs nothing.

    Args:
        scope: The scope.
        id: The construct's id.
        agent_scope: The agent in its account.
        accept: Whether to accept what cdk-nag finds by design here; False where a construct above does for several.

    Raises:
        PolicySizeError: Where the agent has too many services, environments or explicit resources for IAM's limit.
    """

    def __init__(self, scope: Construct, id: str, *, agent_scope: AgentScope, accept: bool = True) -> None:
        names, agent = agent_scope.names, agent_scope.agent
        super().__init__(
            scope,
            id,
            document=agent_boundary(agent_scope),
            path=names.boundary_path,
            name=names.boundary_name(agent.name),
            description=f"Permissions boundary of agent {agent.name}",
            checkov=CEILING_CHECKS,
            accept=accept,
        )
