"""All policies of one agent, and the layers they make for each of its roles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.documents import MANAGED_POLICY_LIMIT, PolicyDocument
from sudo_mcp_guardrails.iam.evaluate import Layers
from sudo_mcp_guardrails.policies.boundary import agent_boundary
from sudo_mcp_guardrails.policies.boundary.execution import execution_boundary
from sudo_mcp_guardrails.policies.capabilities import apply, build, execution, plan, read
from sudo_mcp_guardrails.policies.sensitive import deny_policy, kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.policies.scope import AgentScope


@dataclass(frozen=True)
class AgentPolicies:
    """The policy documents of one agent, with pseudo parameters unresolved.

    Raises:
        PolicySizeError: From :meth:`check_sizes`, for a policy over IAM's limit.
    """

    scope: AgentScope

    @cached_property
    def read(self) -> PolicyDocument:
        """The read set."""
        return read.policy(self.scope)

    @cached_property
    def plan(self) -> PolicyDocument:
        """What the plan role has beyond it."""
        return plan.policy(self.scope)

    @cached_property
    def apply(self) -> PolicyDocument:
        """What the apply role has beyond it."""
        return apply.policy(self.scope)

    @cached_property
    def execution(self) -> PolicyDocument:
        """What the execution role has beyond it."""
        return execution.policy(self.scope)

    @cached_property
    def terraform(self) -> PolicyDocument | None:
        """What the execution role has beyond that for a build of Terraform; None where there is none."""
        return build.policy(self.scope)

    @cached_property
    def boundary(self) -> PolicyDocument:
        """The boundary of read, plan, apply and the workload roles."""
        return agent_boundary(self.scope)

    @cached_property
    def sensitive(self) -> tuple[PolicyDocument, ...]:
        """The Deny policies of the classes that the agent has not opted into; shared by all agents."""
        return tuple(deny_policy(kind) for kind in kept(self.scope.agent.sensitive_reads))

    def identity(self, kind: str) -> tuple[PolicyDocument, ...]:
        """Return the policies attached to one of the agent's roles: read, plan, apply or execution."""
        return {
            "read": (self.read, *self.sensitive),
            "plan": (self.read, self.plan, *self.sensitive),
            "apply": (self.read, self.apply),
            "execution": (self.read, self.execution, *self._build()),
        }[kind]

    def layers(self, kind: str, values: Mapping[str, str], *, scps: tuple[PolicyDocument, ...] = ()) -> Layers:
        """Return the layers of one of the agent's roles, resolved for a deployment.

        Args:
            kind: read, plan, apply or execution.
            values: ``{"Partition": ..., "AccountId": ..., "Region": ...}``.
            scps: SCPs of one level besides FullAWSAccess.
        """
        boundary = execution_boundary((self.scope,)) if kind == "execution" else self.boundary
        levels = ((FULL_ACCESS, *(scp.resolve(values) for scp in scps)),) if scps else ()
        return Layers(
            identity=tuple(document.resolve(values) for document in self.identity(kind)),
            boundary=boundary.resolve(values),
            scps=levels,
        )

    def check_sizes(self) -> None:
        """Check every policy against IAM's limit; raises PolicySizeError."""
        own = (self.read, self.plan, self.apply, self.execution, *self._build())
        for document in (*own, self.boundary, *self.sensitive):
            document.check_size(MANAGED_POLICY_LIMIT)

    def _build(self) -> tuple[PolicyDocument, ...]:
        return () if self.terraform is None else (self.terraform,)


def _full_access() -> PolicyDocument:
    from sudo_mcp_guardrails.iam.documents import Statement  # noqa: PLC0415

    return PolicyDocument(
        "FullAWSAccess", (Statement(sid="FullAWSAccess", effect="Allow", actions=("*",), resources=("*",)),)
    )


FULL_ACCESS = _full_access()
"""The SCP that AWS attaches everywhere; in mutation tests, the layer that limits nothing."""
