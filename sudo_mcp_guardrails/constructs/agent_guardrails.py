"""The front door for one account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from constructs import Construct

from sudo_mcp_guardrails.agent_checks import InvalidAgentError
from sudo_mcp_guardrails.agents import SensitiveRead, check_agents
from sudo_mcp_guardrails.constructs.agent_boundary import CEILING_CHECKS, AgentBoundary
from sudo_mcp_guardrails.constructs.agent_roles import AgentRoles
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.risk import accept_policy_risks
from sudo_mcp_guardrails.constructs.session_broker import SessionBroker
from sudo_mcp_guardrails.constructs.source_lines import note_source
from sudo_mcp_guardrails.policies.boundary.execution import execution_boundary
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.scope import AgentScope
from sudo_mcp_guardrails.policies.sensitive import deny_policy, kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_iam as iam

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.constructs.approval.terraform_project import TerraformProject
    from sudo_mcp_guardrails.constructs.direct import DirectAssumption
    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch
    from sudo_mcp_guardrails.constructs.session_broker import BrokerCaller
    from sudo_mcp_guardrails.iam.documents import PolicyDocument


class AgentGuardrails(Construct):
    """The roles, boundaries and session broker of an account's agents.

    For each agent nine resources: four roles, four policies and a boundary. For all agents together the boundary
    of the execution roles, up to five policies that deny sensitive reads, and the broker with its five, and
    a policy for each caller that is a role or user. Nothing of it costs anything at rest but stored log lines.

    Args:
        scope: The scope.
        id: The construct's id.
        agents: The agents.
            An agent with ``sensitive_reads`` is a warning, ``sudo-mcp-guardrails:agentGuardrails.sensitiveReads``.
        callers: Who may ask the broker for sessions. Default: nobody.
        apply_broker: The role that mints apply sessions: ``ApprovalWorkflow.broker_role``. Default: nobody can assume
            the apply roles.
        runs: Where the session broker writes down who is behind each run: ``ApprovalWorkflow.runs``. With it plan
            sessions may propose to the workflow of this account. Default: nowhere, and nothing can be proposed.
        kill_switch: Whom the session broker refuses. Default: nobody is contained.
        terraform: Projects that apply the approved Terraform plans of agents, one for an agent at most, of the same
            names. That agent's execution role trusts its project in the place of CloudFormation. Default: none.
        direct_assumption: Who may assume read and plan without the broker, for break-glass. Default: nobody.
            Setting it is a warning, ``sudo-mcp-guardrails:agentGuardrails.directAssumption``.
        names: Names of the guardrails' own resources; another prefix makes a second copy in one account possible.
        session_duration: Of the sessions that the broker mints. Default: 15 minutes.

    Raises:
        InvalidAgentError: For no agents, doubles, overlapping prefixes, an account that no environment covers, or a
            Terraform project of no agent here.
        WorkflowError: For a Terraform project with a role of its own.
        PolicySizeError: Where a policy is over IAM's limit, with the largest statements.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        agents: Sequence[Agent],
        callers: Sequence[BrokerCaller] = (),
        apply_broker: iam.IRole | None = None,
        runs: dynamodb.ITable | None = None,
        kill_switch: KillSwitch | None = None,
        terraform: Sequence[TerraformProject] = (),
        direct_assumption: DirectAssumption | None = None,
        names: GuardrailNames | None = None,
        session_duration: cdk.Duration | None = None,
    ) -> None:
        super().__init__(scope, id)
        note_source(self)
        names = names or GuardrailNames()
        ordered = check_agents(agents)
        account = cdk.Stack.of(self).account
        known = None if cdk.Token.is_unresolved(account) else account
        builds = _by_agent(terraform, [agent.name for agent in ordered], names)
        scopes = {
            agent.name: AgentScope(
                agent,
                known,
                names,
                proposes=runs is not None,
                terraform=builds[agent.name].build if agent.name in builds else None,
            )
            for agent in ordered
        }
        self.broker: SessionBroker = SessionBroker(
            self,
            "Broker",
            agents=ordered,
            callers=callers,
            names=names,
            session_duration=session_duration,
            runs=runs,
            kill_switch=kill_switch,
        )
        """Mints read and plan sessions."""
        self.execution_boundary: GuardrailPolicy = GuardrailPolicy(
            self,
            "ExecutionBoundary",
            document=execution_boundary(tuple(scopes.values())),
            path=names.boundary_path,
            name=names.execution_boundary_name,
            description="Permissions boundary of the execution roles of all agents",
            checkov=CEILING_CHECKS,
        )
        """The boundary of all execution roles."""
        needed = {kind for agent in ordered for kind in kept(agent.sensitive_reads)}
        self._sensitive = {kind: self._deny(kind, names) for kind in SensitiveRead if kind in needed}
        self._roles: dict[str, AgentRoles] = {}
        documents: list[PolicyDocument] = []
        for agent in ordered:
            place = Construct(self, agent.name)
            boundary = AgentBoundary(place, "Boundary", agent_scope=scopes[agent.name], accept=False)
            self._roles[agent.name] = roles = AgentRoles(
                place,
                "Roles",
                agent_scope=scopes[agent.name],
                boundary=boundary,
                execution_boundary=self.execution_boundary,
                sensitive_policies=[self._sensitive[kind] for kind in kept(agent.sensitive_reads)],
                broker=self.broker.role,
                apply_broker=apply_broker,
                direct_assumption=direct_assumption,
                accept=False,
            )
            documents += [boundary.document, *roles.documents]
            if agent.name in builds:
                builds[agent.name].guarded_by(roles.resources["execution"])
        # One call to Node for all agents; each finding names its wildcard, so that it stands for nothing else.
        accept_policy_risks(self, documents)
        if direct_assumption is not None:
            cdk.Annotations.of(self).add_warning_v2(
                "sudo-mcp-guardrails:agentGuardrails.directAssumption",
                f"{', '.join(direct_assumption.principals)} may assume read and plan roles without the broker; such "
                "sessions are not attributed to a run",
            )

        for agent in ordered:
            if agent.sensitive_reads:
                cdk.Annotations.of(self).add_warning_v2(
                    "sudo-mcp-guardrails:agentGuardrails.sensitiveReads",
                    f"agent {agent.name!r} may do sensitive reads of class "
                    f"{', '.join(kind.value for kind in agent.sensitive_reads)}",
                )

    def roles(self, agent: str) -> AgentRoles:
        """Return the roles of an agent by its name.

        Raises:
            KeyError: For an agent that is not guarded here.
        """
        return self._roles[agent]

    def _deny(self, kind: SensitiveRead, names: GuardrailNames) -> GuardrailPolicy:
        return GuardrailPolicy(
            self,
            f"Sensitive-{kind.value}",
            document=deny_policy(kind),
            path=names.policy_path,
            description=f"Denies reads of class {kind.value}",
        )


def _by_agent(
    projects: Sequence[TerraformProject], agents: Sequence[str], names: GuardrailNames
) -> dict[str, TerraformProject]:
    """Return the projects by agent; raises InvalidAgentError for one that is of no agent here, or a second one."""
    found: dict[str, TerraformProject] = {}
    for project in projects:
        agent = project.agent.name
        if agent not in agents or agent in found or project.names != names:
            raise InvalidAgentError(
                f"Terraform project of name prefix {project.names.prefix!r} and agent",
                agent,
                f"one for each of {', '.join(agents)}, of prefix {names.prefix!r}",
            )
        found[agent] = project
    return found
