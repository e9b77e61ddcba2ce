"""The approval workflow: what an agent proposes, people decide, and the broker carries out, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.compliance.frameworks import Framework
from sudo_mcp_guardrails.compliance.retention import Retention
from sudo_mcp_guardrails.constructs.approval.alarms import watch
from sudo_mcp_guardrails.constructs.approval.api import ApprovalApi
from sudo_mcp_guardrails.constructs.approval.function import url_of
from sudo_mcp_guardrails.constructs.approval.functions import Told, make_functions
from sudo_mcp_guardrails.constructs.approval.heads import publish_daily
from sudo_mcp_guardrails.constructs.approval.machine import ApprovalMachine
from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames
from sudo_mcp_guardrails.constructs.approval.notices import ApprovalNotices
from sudo_mcp_guardrails.constructs.approval.obeying import check_switch, obeying
from sudo_mcp_guardrails.constructs.approval.props import builds, checked, place, relying_party
from sudo_mcp_guardrails.constructs.approval.settings import code_asset, settings
from sudo_mcp_guardrails.constructs.approval.stores import ApprovalStores
from sudo_mcp_guardrails.constructs.approval.weaknesses import tell
from sudo_mcp_guardrails.constructs.immutable_log_bucket import LockMode
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_codebuild as codebuild
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_stepfunctions as sfn

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.constructs.approval.function import ApprovalFunction
    from sudo_mcp_guardrails.constructs.approval.identity import ApprovalDirectory, ApprovalIdentity
    from sudo_mcp_guardrails.constructs.approval.notices import NoticeTarget
    from sudo_mcp_guardrails.constructs.approval.terraform_project import TerraformProject
    from sudo_mcp_guardrails.constructs.approval.trust_ledger import TrustLedger
    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch


class ApprovalWorkflow(Construct):
    """The workflow, its evidence, its page, and the broker, in the account and Region of the agents' guardrails.

    An agent's plan session proposes a plan at the intake's URL. The broker reads it again, a function tells its risk, a
    scanner may look, and people decide on the page with a fresh second factor, or nobody is asked where the risk or
    earned trust says so. The broker carries out exactly that plan, once, as the agent's apply role, whose credentials
    nobody else ever has. Every step is a signed record of a chain. See docs/approval-workflow.md.

    Give :attr:`broker_role` and :attr:`runs` to :class:`AgentGuardrails`, so that the apply roles trust this broker and
    the session broker writes down who is behind a run.

    Costs at rest, by list prices of us-east-1: three keys, or four with trust, 1 USD each a month; some 13 alarms, 1.30
    USD. An approval costs about a cent: 15 transitions, some ten invocations, as many records. Stored evidence is 0.25
    USD per GB and month in the table, 0.023 USD in the bucket.

    Args:
        scope: The scope.
        id: The construct's id.
        agents: Whose plans are taken.
        policy: Who decides what. Its freshness must name the identity's issuer.
        identity: Where approvers sign in.
        directory: Who says, at each decision, which groups somebody is in; one or several.
        names: Names of the guardrails' own resources; as those of :class:`AgentGuardrails`. Default: the usual ones.
        page_origin: Where the page is reached, such as ``https://approvals.example.com``, by a domain name of one's
            own; passkeys are bound to it. Default: the API's own address, and no passkeys: a warning where the policy
            counts on them.
        iam_users: Whether IAM users may approve, by the function's URL (see :meth:`ApprovalApi.grant_decide`).
            Default: False.
        scanner: A function that gets ``{"approval", "planDigest", "bundle", "scan"}`` and answers ``{"passed",
            "findings"}``; whatever else it answers refuses. It needs to read the evidence bucket. Default: none.
        trust: What earns trust. Default: nothing does; people decide everything but R0.
        security_groups: Groups of the policy whose members sign promotions for security, beside the agent's owner.
            Default: none, and then nobody is promoted; a warning where ``trust`` is given.
        fingerprints: Of agents, by name: SHA-256 of model, prompts, tools and guardrails. Default: none earns trust.
        terraform_project: Applies an agent's saved Terraform plans: a :class:`TerraformProject`, or one for each of
            several agents. A project of one's own is a warning; it is named ``<prefix>-approval-terraform-<agent>``,
            the one project that the agent's apply session may start. Default: none, and such plans are refused.
        notices: Who is told. Default: nobody, and a warning; what is open is seen on the page.
        heads_bucket: A bucket of a second account for the daily heads; its owner lets the heads function's role put
            objects, and nobody replace them. Default: none, and a warning.
        data_key: Encrypts tables, bucket, logs and executions. Default: one is made. A given one needs the statements
            of :func:`~sudo_mcp_guardrails.constructs.approval.keys.data_key_statements`.
        evidence_retention: How long the bucket is locked. Default: that of SOC 2.
        lock_mode: Default: COMPLIANCE. GOVERNANCE is a warning.
        runs: Table of runs. Default: one is made.
        kill_switch: Whose contained agents propose nothing and have nothing carried out, whose open requests it
            withdraws, and whose builds it stops; of the same names, account and Region. Default: nobody is contained.
        alarm_topic: Whom alarms tell. Default: nobody, and a warning.
        log_retention: Of all logs. Default: one year.
        architecture: Of the functions. Default: arm64.
        removal_policy: Of what holds evidence. Default: RETAIN. Anything else is a warning.

    Raises:
        WorkflowError: For props that contradict each other.
        InvalidAgentError: For no agents, doubles, or an account that no environment covers.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        agents: Sequence[Agent],
        policy: ApprovalPolicy,
        identity: ApprovalIdentity,
        directory: ApprovalDirectory | Sequence[ApprovalDirectory],
        names: GuardrailNames | None = None,
        page_origin: str = "",
        iam_users: bool = False,
        scanner: lambda_.IFunction | None = None,
        trust: TrustPolicy | None = None,
        security_groups: Sequence[str] = (),
        fingerprints: Mapping[str, str] | None = None,
        terraform_project: TerraformProject | codebuild.IProject | Sequence[TerraformProject] | None = None,
        notices: Sequence[NoticeTarget] = (),
        heads_bucket: s3.IBucket | None = None,
        data_key: kms.IKey | None = None,
        evidence_retention: Retention | None = None,
        lock_mode: LockMode = LockMode.COMPLIANCE,
        runs: dynamodb.ITable | None = None,
        kill_switch: KillSwitch | None = None,
        alarm_topic: sns.ITopic | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        architecture: lambda_.Architecture | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        directories = tuple(directory) if isinstance(directory, list | tuple) else (directory,)
        ordered = checked(agents, policy, directories, fingerprints or {}, security_groups)
        self._names = workflow_names = WorkflowNames(names or GuardrailNames())
        check_switch(kill_switch, workflow_names)
        built = builds(terraform_project, ordered, workflow_names.names)
        self.stores: ApprovalStores = ApprovalStores(
            self,
            "Stores",
            names=workflow_names,
            trust=trust,
            data_key=data_key,
            runs=runs,
            days=(evidence_retention or Retention.for_(Framework.SOC2)).days,
            lock_mode=lock_mode,
            builders=built.roles,
            removal_policy=removal_policy,
        )
        """Keys, tables, bucket and ledger."""
        self.runs: dynamodb.ITable = self.stores.runs
        """Who is behind which run; for :class:`AgentGuardrails`."""
        self.trust_ledger: TrustLedger | None = self.stores.ledger
        """What agents have shown; None where nothing earns trust."""
        shared: dict[str, Any] = {"key": self.stores.data_key, "log_retention": log_retention}
        shared["removal_policy"] = removal_policy
        self.api: ApprovalApi = ApprovalApi(self, "Api", identity=identity, names=workflow_names, **shared)
        """The page's API."""
        self.page_url: str = page_origin or self.api.url
        """Where the page is."""
        given = (built.settings, relying_party(page_origin))
        found = settings(self, ordered, policy, trust, workflow_names.names, fingerprints or {}, *given)
        resources = obeying(self, kill_switch, self.stores.resources(), workflow_names, tuple(built.projects))
        told = Told(
            tables=self.stores.variables,
            bucket=self.stores.evidence.bucket.ref,
            resources=resources,
            page_url=self.page_url,
            identity=identity,
            directories=directories,
            security_groups=tuple(security_groups),
            iam_users=iam_users,
            scanner="" if scanner is None else scanner.function_arn,
            heads_bucket=place(heads_bucket),
            store=workflow_names.machine,
            kill_switch=kill_switch,
        )
        self.functions: dict[str, ApprovalFunction] = make_functions(
            Construct(self, "Functions"),
            told,
            workflow_names,
            code=code_asset(self, "Code", found),
            architecture=architecture or lambda_.Architecture.ARM_64,
            **shared,
        )
        """By the ends of their names."""
        self.api.serve(self.functions["api"])
        self.notices: ApprovalNotices = ApprovalNotices(
            self, "Notices", targets=notices, key=shared["key"], names=workflow_names, removal_policy=removal_policy
        )
        """Who is told."""
        self.workflow: ApprovalMachine = ApprovalMachine(
            self,
            "Workflow",
            functions=self.functions,
            tokens=self.stores.tables["TOKENS_TABLE"],
            bus=self.notices.bus,
            page_url=self.page_url,
            scanner=scanner,
            undelivered=self.notices.undelivered,
            names=workflow_names,
            **shared,
        )
        """The state machine, with its role and its log."""
        self.notices.allow_senders([self.workflow.rule_arn])
        self.broker_role: iam.IRole = iam.Role.from_role_arn(
            self, "BrokerRole", self.functions["broker"].role.attr_arn, mutable=False
        )
        """The only role that assumes apply roles; for :class:`AgentGuardrails`."""
        self.intake_url: str = url_of(self, "IntakeUrl", self.functions["intake"])
        """Where plan sessions propose."""
        self.decide_url: str | None = url_of(self, "DecideUrl", self.functions["api"]) if iam_users else None
        """Where IAM users approve; None where they do not."""
        if "heads" in self.functions:
            publish_daily(self, self.functions["heads"], workflow_names)
        self.alarms: dict[str, cloudwatch.CfnAlarm] = watch(
            self, self.state_machine.attr_arn, workflow_names.machine, self.notices, self.functions, alarm_topic
        )
        """The alarms, by id."""
        tell(
            self,
            policy=policy,
            identity=identity,
            passkeys=bool(page_origin),
            iam_users=iam_users,
            governed=lock_mode is not LockMode.COMPLIANCE,
            kept=removal_policy is cdk.RemovalPolicy.RETAIN,
            promoted=trust is None or bool(security_groups),
            told=bool(notices),
            heads=heads_bucket is not None,
            alarmed=alarm_topic is not None,
            foreign=built.foreign,
        )

    @property
    def state_machine(self) -> sfn.CfnStateMachine:
        """The state machine itself."""
        return self.workflow.machine

    @property
    def api_url(self) -> str:
        """Address of the API, without a slash at its end."""
        return self.api.url
