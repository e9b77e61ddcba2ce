"""The four roles of one agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from constructs import Construct

from sudo_mcp_guardrails.agents import Capability
from sudo_mcp_guardrails.constructs.declared import arn_of, note_declaration, written_arn
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.risk import accept_policy_risks
from sudo_mcp_guardrails.constructs.role import GuardrailRole
from sudo_mcp_guardrails.constructs.source_lines import note_source
from sudo_mcp_guardrails.policies import trust
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.capabilities.execution import execution_trust
from sudo_mcp_guardrails.policies.declaration import declaration, to_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.constructs.direct import DirectAssumption
    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.policies.scope import AgentScope

_BROKER = "${broker}"
_HOUR = 3600
_WRITE_CHECKS = ("CKV_AWS_108", "CKV_AWS_109", "CKV_AWS_110", "CKV_AWS_111")


@jsii.implements(iam.IGrantable)
class AgentRoles(Construct):
    """The read, plan, apply and execution roles of one agent, under its boundary.

    As a grantee (``bucket.grant_read(roles)``) it stands for the read role; use the roles themselves to grant to
    another. Whatever is granted, the boundary caps.

    Creates four ``AWS::IAM::Role`` and four ``AWS::IAM::ManagedPolicy``, which cost nothing, and declares in the
    template's ``Metadata`` what the agent owns. One policy more where a build applies the agent's Terraform plans.

    Args:
        scope: The scope.
        id: The construct's id.
        agent_scope: The agent in its account.
        boundary: The boundary of read, plan and apply.
        execution_boundary: The boundary of the execution role.
        sensitive_policies: Policies that deny classes of sensitive reads, attached to read and plan.
        broker: The role that mints read and plan sessions.
        apply_broker: The role that mints apply sessions. Default: nobody can assume the apply role.
        direct_assumption: Who may assume read and plan without the broker. Default: nobody.
        max_session_duration: Of read and plan. Default: 1 hour, IAM's least, and the most a broker's chained
            session can have.
        accept: Whether to accept what cdk-nag finds by design here; False where a construct above does for several.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        agent_scope: AgentScope,
        boundary: GuardrailPolicy,
        execution_boundary: GuardrailPolicy,
        sensitive_policies: Sequence[GuardrailPolicy],
        broker: iam.IRole,
        apply_broker: iam.IRole | None = None,
        direct_assumption: DirectAssumption | None = None,
        max_session_duration: cdk.Duration | None = None,
        accept: bool = True,
    ) -> None:
        super().__init__(scope, id)
        self._scope = agent_scope
        # What the proof needs to know besides the policies; it reads templates, wherever these come from.
        stack = cdk.Stack.of(self)
        declared = declaration(
            agent_scope,
            broker=written_arn(stack, broker),
            apply_broker="" if apply_broker is None else written_arn(stack, apply_broker),
            direct=() if direct_assumption is None else direct_assumption.principals,
        )
        note_declaration(stack, *to_metadata(declared))
        self._seconds = _HOUR if max_session_duration is None else max_session_duration.to_seconds()
        policies = AgentPolicies(agent_scope)
        read = self._policy("Read", policies.read)
        name, built = agent_scope.agent.name, policies.terraform
        plan = self._policy("Plan", policies.plan)
        apply = self._policy("Apply", policies.apply, checkov=_WRITE_CHECKS)
        execution = self._policy("Execution", policies.execution, checkov=_WRITE_CHECKS)
        build = () if built is None else (self._policy("Terraform", built, checkov=_WRITE_CHECKS),)
        self.documents: tuple[PolicyDocument, ...] = tuple(p.document for p in (read, plan, apply, execution, *build))
        """The policies of the four roles, as data."""
        if accept:
            accept_policy_risks(self, self.documents)
            note_source(self)
        direct = () if direct_assumption is None else direct_assumption.statements()

        broker_arn = arn_of(broker)

        def minted(kind: Capability, arn: str) -> tuple[PolicyDocument, Mapping[str, str]]:
            statements = trust.minted(name, kind.value, _BROKER)
            extra = () if kind is Capability.APPLY else direct
            return trust.trust_policy(*statements, *extra), {_BROKER: arn}

        self.resources: Mapping[str, GuardrailRole] = {
            "read": self._role("read", [read, *sensitive_policies], boundary, *minted(Capability.READ, broker_arn)),
            "plan": self._role(
                "plan", [read, plan, *sensitive_policies], boundary, *minted(Capability.PLAN, broker_arn)
            ),
            "apply": self._role(
                "apply",
                [read, apply],
                boundary,
                *(
                    (trust.trust_policy(trust.nobody()), {})
                    if apply_broker is None
                    else minted(Capability.APPLY, arn_of(apply_broker))
                ),
            ),
            "execution": self._role(
                "execution",
                [read, execution, *build],
                execution_boundary,
                trust.trust_policy(execution_trust(agent_scope.names, name, terraform=bool(build))),
                {},
            ),
        }
        """The ``AWS::IAM::Role`` of each capability, and ``execution``."""

    @property
    def read_role(self) -> iam.IRole:
        """Lists and describes."""
        return self.resources["read"].role

    @property
    def plan_role(self) -> iam.IRole:
        """Reads, and prepares change sets."""
        return self.resources["plan"].role

    @property
    def apply_role(self) -> iam.IRole:
        """Carries out one approved plan."""
        return self.resources["apply"].role

    @property
    def execution_role(self) -> iam.IRole:
        """What CloudFormation, or for Terraform CodeBuild, assumes for an approved change."""
        return self.resources["execution"].role

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The read role."""
        return self.read_role.grant_principal

    def role(self, capability: Capability) -> iam.IRole:
        """Return the role of a capability."""
        return self.resources[capability.value].role

    def grant_pass_execution_role(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody else, such as a pipeline, give the execution role to CloudFormation."""
        return self.execution_role.grant_pass_role(grantee.grant_principal)

    def _policy(self, kind: str, document: PolicyDocument, checkov: Sequence[str] = ()) -> GuardrailPolicy:
        return GuardrailPolicy(
            self,
            f"{kind}Policy",
            document=document,
            path=self._scope.names.policy_path,
            description=f"{kind} set of agent {self._scope.agent.name}",
            checkov=checkov,
            accept=False,
        )

    def _role(
        self,
        kind: str,
        policies: Sequence[GuardrailPolicy],
        boundary: GuardrailPolicy,
        trusted: PolicyDocument,
        tokens: Mapping[str, str],
    ) -> GuardrailRole:
        names, agent = self._scope.names, self._scope.agent
        return GuardrailRole(
            self,
            kind.capitalize() + "Role",
            name=names.role_name(agent.name, kind),
            path=names.role_path(agent.name),
            description=f"Agent {agent.name}, {kind}; answers to {agent.owner}",
            trusted=trusted,
            tokens=tokens,
            boundary=boundary,
            policies=policies,
            session_seconds=self._seconds if kind in {"read", "plan"} else _HOUR,
        )
