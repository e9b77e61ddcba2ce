"""The session broker: the only one who mints an agent's sessions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from sudo_mcp_guardrails.agent_checks import InvalidAgentError
from sudo_mcp_guardrails.constructs.asset import handler_name, staged
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.session_broker_policies import broker_policy, invoke_policy
from sudo_mcp_guardrails.iam.documents import PolicyDocument
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_dynamodb as dynamodb

    from sudo_mcp_guardrails.agents import Agent, Capability
    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch

_HANDLERS: Final = Path(__file__).parent.parent / "handlers"
_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
_MINUTES: Final = 15


@dataclass(frozen=True)
class BrokerCaller:
    """Who may ask the broker for sessions, and of which agents.

    Args:
        pattern: Pattern of the caller's ARN as AWS verifies it, with ``*`` and ``?``.
        agents: Names of the agents. Default: all.
        grantee: The caller's role or user, which is then granted the invocation; None where it is granted elsewhere.
        capabilities: Of the sessions it may ask for. Default: all that the broker mints.
    """

    pattern: str
    agents: tuple[str, ...] = ()
    grantee: iam.IRole | iam.IUser | None = None
    capabilities: tuple[Capability, ...] = ()

    @classmethod
    def iam_role(
        cls, role: iam.IRole, *, agents: Sequence[str] = (), capabilities: Sequence[Capability] = ()
    ) -> BrokerCaller:
        """Return a caller that is a role: an agent's host, or the entry role of an OIDC provider.

        The credentials of an assumed role carry no second factor that IAM could see; for people it rests with who
        lets them into the role, and is *argued*.
        """
        pattern = f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/{role.role_name}/*"
        return cls(pattern, tuple(agents), role, tuple(capabilities))

    @classmethod
    def iam_user(cls, user: iam.IUser, *, agents: Sequence[str] = ()) -> BrokerCaller:
        """Return a caller that is a person with an IAM user, whose session must have a second factor."""
        return cls(user.user_arn, tuple(agents), user)

    @classmethod
    def permission_set(cls, name: str, *, agents: Sequence[str] = ()) -> BrokerCaller:
        """Return a caller that is an IAM Identity Center permission set.

        Give the permission set ``lambda:InvokeFunctionUrl`` and ``lambda:InvokeFunction`` on the broker.
        """
        if not name or any(c in name for c in "*?/"):
            raise InvalidAgentError("permission set", name, "the name of one permission set")
        return cls(
            f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_{name}_????????????????/*", tuple(agents)
        )


class SessionBroker(Construct):
    """A Lambda function behind a URL with IAM authentication, which mints read and plan sessions.

    AWS verifies who calls and hands it to the function; the function decides by :class:`BrokerCaller`, and mints
    a session with a fresh run id as SourceIdentity and the six session tags. Apply sessions it never mints.

    Creates a function, its URL, a role, a policy and a log group (0.50 USD per GB of log; nothing at rest).

    Args:
        scope: The scope.
        id: The construct's id.
        agents: The agents it mints for.
        callers: Who may ask. Default: nobody.
        names: Names of the guardrails' own resources.
        session_duration: Of the sessions it mints, 15 minutes to 1 hour. Default: 15 minutes.
        log_retention: Default: one year.
        runs: Where each run is written down before its session is minted, so that an approval can tell who asks:
            ``ApprovalWorkflow.runs``. Default: nowhere.
        kill_switch: Whom it refuses; see :meth:`obey`. Default: nobody is contained.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        agents: Sequence[Agent],
        callers: Sequence[BrokerCaller] = (),
        names: GuardrailNames | None = None,
        session_duration: cdk.Duration | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        runs: dynamodb.ITable | None = None,
        kill_switch: KillSwitch | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._names = names or GuardrailNames()
        duration = session_duration or cdk.Duration.minutes(_MINUTES)
        seconds = int(duration.to_seconds())
        if not 60 * _MINUTES <= seconds <= 60 * 60:
            raise InvalidAgentError("session duration", seconds, "900 to 3600 seconds, as STS gives to chained roles")
        known = {agent.name for agent in agents}
        for caller in callers:
            for name in caller.agents:
                if name not in known:
                    raise InvalidAgentError("agent of a broker's caller", name, f"one of {', '.join(sorted(known))}")
        name = f"{self._names.prefix}-session-broker"
        log_group = logs.LogGroup(
            self,
            "LogGroup",
            log_group_name=f"/aws/lambda/{name}",
            retention=log_retention,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        policy = GuardrailPolicy(
            self,
            "Policy",
            document=broker_policy(self._names, f"/aws/lambda/{name}", runs),
            path=f"/{self._names.prefix}/",
            description="What the session broker may do",
        )
        self.role: iam.IRole = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            role_name=name,
            path=f"/{self._names.prefix}/",
            description="Mints the sessions of agents",
            managed_policies=[policy.managed_policy],
        )
        """The role that the agents' read and plan roles trust."""
        self.function: lambda_.Function = lambda_.Function(
            self,
            "Resource",
            function_name=name,
            description="Mints read and plan sessions of agents",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="session_broker.handler",
            code=lambda_.Code.from_asset(
                str(_HANDLERS), exclude=["*", "!session_broker.py"], ignore_mode=cdk.IgnoreMode.GIT
            ),
            role=self.role.without_policy_updates(),
            timeout=cdk.Duration.seconds(10),
            memory_size=256,
            log_group=log_group,
            environment={
                "PREFIX": self._names.prefix,
                "PARTITION": cdk.Aws.PARTITION,
                "ACCOUNT": cdk.Aws.ACCOUNT_ID,
                "SESSION_SECONDS": str(seconds),
                "AGENTS": json.dumps(sorted(known)),
                "CALLERS": cdk.Stack.of(self).to_json_string([_entry(caller) for caller in callers]),
                **({} if runs is None else {"RUNS_TABLE": runs.table_name}),
            },
        )
        """The function."""
        self.url: lambda_.FunctionUrl = self.function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
        """Where it answers."""
        for index, caller in enumerate(callers):
            if caller.grantee is not None:
                self.grant_invoke(caller.grantee, id=f"Invoke{index}")
        _accept(self.function, log_group)
        if kill_switch is not None:
            self.obey(kill_switch)

    def obey(self, kill_switch: KillSwitch) -> None:
        """Have the broker read a kill switch before each session; for one that a construct above made, too.

        A contained agent gets no session, and nobody does where the switch cannot be read. Call it once.

        Args:
            kill_switch: Of the same guardrails, in this account and Region.

        Raises:
            InvalidAgentError: It is of guardrails with another name prefix.
        """
        if kill_switch.names != self._names:
            raise InvalidAgentError("name prefix of the kill switch", kill_switch.names.prefix, self._names.prefix)
        policy = GuardrailPolicy(
            self,
            "SwitchPolicy",
            document=PolicyDocument("broker-switch", kill_switch.reading("Broker")),
            path=f"/{self._names.prefix}/",
            description="Reads the kill switch",
        )
        self.role.add_managed_policy(policy.managed_policy)
        self.function.add_environment("KILL_SWITCH_TABLE", kill_switch.table_name)
        # The function as it stands alone cannot read a switch: it gets the module that can.
        with staged("session_broker") as directory:
            code = assets.Asset(self, "SwitchCode", path=directory)
        resource = self.function.node.default_child
        if not isinstance(resource, lambda_.CfnFunction):
            raise TypeError(f"function of {self.node.path!r} has no resource of its own")
        resource.code = lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key)
        resource.handler = handler_name("session_broker")
        code.add_resource_metadata(resource, "Code")

    def grant_invoke(self, grantee: iam.IRole | iam.IUser, *, id: str) -> None:
        """Let a role or user ask for sessions; which agents it gets is decided by the broker's callers.

        Args:
            grantee: In this account. A user's session must have a second factor, not older than an hour.
            id: Id of the policy.
        """
        # jsii's interfaces are protocols, which isinstance cannot tell apart.
        document = invoke_policy(self._names, second_factor=hasattr(grantee, "user_arn"))
        policy = GuardrailPolicy(
            self, id, document=document, path=f"/{self._names.prefix}/", description="Asks the session broker"
        )
        grantee.add_managed_policy(policy.managed_policy)


def _entry(caller: BrokerCaller) -> dict[str, object]:
    """Return a caller as the function reads it; capabilities only where they are limited."""
    limited = {"capabilities": sorted(c.value for c in caller.capabilities)} if caller.capabilities else {}
    return {"pattern": _tokens(caller.pattern), "agents": sorted(caller.agents), **limited}


def _tokens(pattern: str) -> str:
    """Put the CDK's tokens into a caller's pattern."""
    return pattern.replace(PARTITION, cdk.Aws.PARTITION).replace(ACCOUNT, cdk.Aws.ACCOUNT_ID)


def _accept(function: lambda_.Function, log_group: logs.LogGroup) -> None:
    """Accept what the broker does not need, with the reasons."""
    accept_risk(
        function,
        nag=[f"{pack}::{pack}-LambdaInsideVPC" for pack in _PACKS],
        checkov=["CKV_AWS_117"],
        reason="it calls STS alone, holds no data and takes callers that IAM has verified; a VPC adds nothing",
    )
    accept_risk(
        function,
        nag=[f"{pack}::{pack}-LambdaDLQ" for pack in _PACKS[:3]] + ["Serverless::Serverless-LambdaDLQ"],
        checkov=["CKV_AWS_116"],
        reason="it is called synchronously, and its caller sees every failure",
    )
    accept_risk(
        function,
        nag=[f"{pack}::{pack}-LambdaConcurrency" for pack in _PACKS[:3]],
        checkov=["CKV_AWS_115"],
        reason="reserving concurrency fails in accounts with the default quota of 10; STS throttles first",
    )
    accept_risk(
        function,
        nag=["Serverless::Serverless-LambdaTracing"],
        checkov=["CKV_AWS_50"],
        reason="its one downstream call is STS; CloudTrail has it with the run id",
    )
    accept_risk(
        function,
        checkov=["CKV_AWS_173"],
        reason="its variables are names and patterns, no secrets; Lambda encrypts them with its own key",
    )
    accept_risk(
        log_group,
        nag=[f"{pack}::{pack}-CloudWatchLogGroupEncrypted" for pack in _PACKS],
        checkov=["CKV_AWS_158"],
        reason="its lines hold run ids and callers, no secrets; CloudWatch encrypts them at rest with its own key",
    )
