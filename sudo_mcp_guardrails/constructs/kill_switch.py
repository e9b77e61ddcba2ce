"""The kill switch: stops one agent, a class of agents, or all of them, and undoes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.agents import check_agents
from sudo_mcp_guardrails.compliance.frameworks import Framework
from sudo_mcp_guardrails.compliance.retention import Retention
from sudo_mcp_guardrails.constructs.immutable_log_bucket import LockMode
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.response import functions as make
from sudo_mcp_guardrails.constructs.response.account import ContainmentAccount
from sudo_mcp_guardrails.constructs.response.functions import SwitchParts, code_of
from sudo_mcp_guardrails.constructs.response.invoking import invoke_policy, reading_policy
from sudo_mcp_guardrails.constructs.response.machine import ContainmentMachine
from sudo_mcp_guardrails.constructs.response.names import ResponseNames
from sudo_mcp_guardrails.constructs.response.props import check, stacks_of
from sudo_mcp_guardrails.constructs.response.stores import KillSwitchStores
from sudo_mcp_guardrails.constructs.response.trigger import HardTrigger
from sudo_mcp_guardrails.constructs.response.weaknesses import warn
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.settings import ResponseSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_events as events
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_stepfunctions as sfn

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.constructs.response.function import ResponseFunction
    from sudo_mcp_guardrails.constructs.response.props import OrganizationContainment, Responder
    from sudo_mcp_guardrails.iam.documents import Statement

_PACKS = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


class KillSwitch(Construct):
    """The switch that the brokers read, what contains and restores, and the evidence of both.

    People ask a function's URL, which AWS signs for; a state machine contains, looks whether any call of the contained
    still succeeded, and tells people on the event bus. Every request and what came of it is a signed record of a chain,
    and what was there before is a restore record under Object Lock. See docs/containment.md.

    Give it to the brokers: ``guardrails.broker.obey(switch)`` and ``ApprovalWorkflow(kill_switch=switch)``. In each
    other account with agents there must be a :class:`ContainmentAccount`, and for K3 and K4 a
    :class:`ContainmentOrganization` in the account that manages SCPs. Keep it in an account, or at least under names,
    that no agent can touch: the guardrails' prefix is denied to them.

    Costs at rest, by list prices of us-east-1: three keys, 1 USD each a month, and with findings an alarm, 0.10 USD. A
    containment is below a cent.

    Args:
        scope: The scope.
        id: The construct's id.
        agents: The agents that can be contained.
        responders: Who may contain, and of them who may restore. Default: nobody, and a warning: only a finding, or who
            may start the state machine, contains.
        names: Names of the guardrails' own resources; as those of :class:`AgentGuardrails`. Default: the usual ones.
        organization: What K3 and K4 attach. Default: nothing; they contain role by role.
        unbound_accounts: Accounts of agents that no SCP binds. Default: none.
        findings_bus: Bus of :class:`AgentMonitoring`'s findings; one that says so contains its agent at K2 by itself.
            Default: none, and people contain.
        alarm_topic: Whom the alarm tells that such a finding was not delivered. Default: nobody, and a warning.
        notice_bus: Bus on which people are told. Default: the account's default bus.
        stacks: ARN patterns of the agents' stacks in this account, whose updates and change sets are cancelled.
            Default: by the agents' prefixes.
        two_people_from: The lowest level whose restoration takes two people, IAM users with a second factor of five
            minutes at most: K2 or K3. Default: K3, and so also K4. None is a warning: one person restores everything.
        contains_here: Whether agents work in this account. Default: True.
        data_key: Encrypts tables, bucket, logs and executions. Default: one is made. A given one needs the statements
            of :func:`~sudo_mcp_guardrails.constructs.response.stores.data_key_statements`.
        retention: How long the records are locked. Default: that of SOC 2.
        lock_mode: Default: COMPLIANCE. GOVERNANCE is a warning.
        log_retention: Of all logs. Default: one year.
        removal_policy: Of what holds records and logs. Default: RETAIN. Anything else is a warning.

    Raises:
        KillSwitchError: For props that contradict each other.
        InvalidAgentError: For no agents, or doubles.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        agents: Sequence[Agent],
        responders: Sequence[Responder] = (),
        names: GuardrailNames | None = None,
        organization: OrganizationContainment | None = None,
        unbound_accounts: Sequence[str] = (),
        findings_bus: events.IEventBus | None = None,
        alarm_topic: sns.ITopic | None = None,
        notice_bus: events.IEventBus | None = None,
        stacks: Sequence[str] | None = None,
        two_people_from: Level | None = Level.K3,
        contains_here: bool = True,
        data_key: kms.IKey | None = None,
        retention: Retention | None = None,
        lock_mode: LockMode = LockMode.COMPLIANCE,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        self.names: GuardrailNames = names or GuardrailNames()
        """Names of the guardrails' own resources."""
        made = ResponseNames(self.names)
        settings = ResponseSettings(check_agents(agents), tuple(unbound_accounts))
        check(organization, two_people_from)
        self.stores: KillSwitchStores = KillSwitchStores(
            self,
            "Stores",
            names=made,
            data_key=data_key,
            days=(retention or Retention.for_(Framework.SOC2)).days,
            lock_mode=lock_mode,
            two_people=two_people_from is not None,
            removal_policy=removal_policy,
        )
        """The switch, the evidence, the restore records, and the keys of them."""
        self.account: ContainmentAccount | None = (
            ContainmentAccount(
                self, "Account", names=self.names, stacks=stacks_of(settings.agents) if stacks is None else stacks
            )
            if contains_here
            else None
        )
        """What contains agents in this account; None where none work here."""
        shared: dict[str, Any] = {"key": self.stores.data_key, "log_retention": log_retention}
        shared["removal_policy"] = removal_policy
        machine = {**shared, "names": made}
        shared["code"] = code_of(self, settings)
        parts = SwitchParts(self.stores, made, settings, organization, tuple(responders), two_people_from)
        self.responder: ResponseFunction = make.responder(self, parts, **shared)
        """The function that contains."""
        self.workflow: ContainmentMachine = ContainmentMachine(
            self, "Workflow", responder=self.responder.function.attr_arn, bus=_bus_arn(self, notice_bus), **machine
        )
        """The state machine, with its role and its log."""
        self.intake: ResponseFunction = make.intake(self, parts, **shared)
        """The function that people ask."""
        self.url: lambda_.CfnUrl = make.url_of(self, "Url", self.intake)
        """Where it answers, signed requests alone."""
        self.decisions: ResponseFunction | None = make.decisions(self, parts, **shared)
        """The function that two people ask before agents are restored; None where one is enough at every level."""
        self.decisions_url: lambda_.CfnUrl | None = (
            None if self.decisions is None else make.url_of(self, "DecisionsUrl", self.decisions)
        )
        """Where it answers, signed requests of IAM users alone."""
        for index, each in enumerate(responders):
            if each.grantee is not None:
                decides = self.decisions is not None and each.restores and bool(each.person)
                self.grant_respond(each.grantee, id=f"Respond{index}", decides=decides)
        self.trigger: HardTrigger | None = (
            None
            if findings_bus is None
            else HardTrigger(
                self,
                "Trigger",
                bus=findings_bus.event_bus_name,
                machine=self.machine.attr_arn,
                names=made,
                key=self.stores.data_key,
                alarm_topic=alarm_topic,
                removal_policy=removal_policy,
            )
        )
        """Contains by itself; None where no bus of findings was given."""
        untold = findings_bus is not None and alarm_topic is None
        warn(self, responders, two_people_from, lock_mode, removal_policy, untold=untold)

    @property
    def machine(self) -> sfn.CfnStateMachine:
        """The state machine itself; for ``AgentMonitoring(kill_switch=…)`` and runbooks."""
        return self.workflow.machine

    @property
    def table_name(self) -> str:
        """Name of the table that brokers read."""
        return self.stores.switch.ref

    def reading(self, of: str) -> tuple[Statement, ...]:
        """Return what lets a broker read the switch.

        Args:
            of: The broker; its Sids carry it.
        """
        return reading_policy(of, self.names, self.stores.switch.attr_arn, self.stores.data_key.key_arn)

    def knows_approvals(self, variables: Mapping[str, str]) -> None:
        """Tell the functions where approvals are; for :class:`ApprovalWorkflow`, which grants what it takes.

        Args:
            variables: Names, without references to another stack.
        """
        for function in (self.responder.function, self.intake.function):
            for name, value in variables.items():
                function.add_property_override(f"Environment.Variables.{name}", value)

    def grant_respond(self, grantee: iam.IRole | iam.IUser, *, id: str, decides: bool = False) -> None:
        """Let a role or user ask the intake; what for is decided by the responders.

        Args:
            grantee: In this account. A user's session must have a second factor, not older than an hour.
            id: Id of the policy.
            decides: Whether it may also say, with another person, what is restored. Default: no. Whose word counts is
                decided by the responders, who are IAM users.
        """
        # jsii's interfaces are protocols, which isinstance cannot tell apart.
        is_user = hasattr(grantee, "user_arn")
        document = invoke_policy(ResponseNames(self.names), second_factor=is_user, decisions=decides)
        path = f"/{self.names.prefix}/"
        policy = GuardrailPolicy(self, id, document=document, path=path, description="Asks the kill switch")
        if is_user:
            # By the user's name, since an imported user takes no policy.
            policy.users = [cast("iam.IUser", grantee).user_name]
            accept_risk(
                policy,
                nag=[f"{pack}::{pack}-IAMUserNoPolicies" for pack in _PACKS],
                reason="the rights are one person's: two who share a group's would be no two people",
            )
        else:
            grantee.add_managed_policy(policy.managed_policy)


def _bus_arn(scope: Construct, bus: events.IEventBus | None) -> str:
    if bus is not None:
        return bus.event_bus_arn
    return cdk.Stack.of(scope).format_arn(service="events", resource="event-bus", resource_name="default")
