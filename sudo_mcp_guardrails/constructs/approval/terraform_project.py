"""The CodeBuild project that applies an agent's approved Terraform plans, as the agent's execution role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IValidation

from sudo_mcp_guardrails.approval.applying.buildspec import buildspec
from sudo_mcp_guardrails.constructs.approval.function import log_group as make_log_group
from sudo_mcp_guardrails.constructs.approval.keys import build_key
from sudo_mcp_guardrails.constructs.approval.names import WorkflowError, WorkflowNames
from sudo_mcp_guardrails.constructs.approval.terraform_checks import COMPUTE, check_build, known_name, vpc_of
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.statements import tokens
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION, GuardrailNames
from sudo_mcp_guardrails.policies.terraform import TerraformBuild, project_name

if TYPE_CHECKING:
    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_kms as kms

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.policies.terraform import TerraformNetwork, TerraformState

_QUEUED: Final = 30
"""Minutes after which a build that has not begun is over; the broker's call of it counts for less."""
_SOURCE_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "PCI.DSS.321")
_WARNING: Final = "@sudo-mcp-guardrails/terraformProject:"


class TerraformProject(Construct):
    """A project of CodeBuild that applies saved Terraform plans of one agent, each as it was approved.

    Give it to :class:`ApprovalWorkflow` (``terraform_project``), whose evidence bucket then lets the build read saved
    plans, and to :class:`AgentGuardrails` (``terraform``), whose execution role of that agent then trusts CodeBuild,
    for this project alone, in the place of CloudFormation: a role trusts one service. That agent's change sets and
    requests of Cloud Control are no longer carried out. What the build may do is what that role may, under its
    boundary, and the proof holds it to every property that agents are held to.

    The build has no source and its commands are fixed: what a caller would put in their place, the agents' policies and
    the session's refuse. The image is pinned by its digest. It has Bash, the AWS CLI, Terraform or OpenTofu, Python
    with this package, and in ``directory`` the root module's ``terraform`` block (providers and backend, which is that
    of ``state``) with its lock file; what changes comes with the saved plan. One build runs at a time.

    Costs: a key of 1 USD a month, unless one is given; a build of the smallest machine about 0.005 USD a minute; its
    log 0.50 USD per GB. Nothing else at rest.

    Args:
        scope: The scope.
        id: The construct's id.
        agent: Whose plans it applies.
        repository: Of the image, in ECR. CodeBuild pulls it by itself, so that the role needs nothing: a repository of
            this app is opened to this project alone; an imported one needs that statement,
            :attr:`repository_statement`.
        digest: Of the image, ``sha256:`` and 64 hexadecimal digits.
        state: Where Terraform keeps the state, beside what the agent owns.
        directory: Absolute path in the image where Terraform works. Default: ``/terraform``.
        terraform: Program: ``terraform`` or ``tofu``. Default: ``terraform``.
        python: Program, 3.10 or newer. Default: ``python3``.
        names: Names of the guardrails' own resources; as those of the workflow. Default: the usual ones.
        timeout: Of a build, 5 minutes to 8 hours. Default: 1 hour. What it applied before stays.
        compute: Size of the machine. Default: the smallest.
        architecture: Of the image, ``x86_64`` or ``arm64``. Default: ``x86_64``.
        network: Where the build runs in a VPC; it then needs a way to what it calls. Default: in none.
        key: Encrypts the log. Default: one is made. A given one needs the statements of
            :func:`~sudo_mcp_guardrails.constructs.approval.keys.build_key_statements`.
        log_group: A log group whose name is known before the deployment. Default: one is made.
        log_retention: Of the log that is made. Default: one year.
        role: A role of one's own in the place of the execution role, which is not changed. It needs the Allow
            statements of :func:`~sudo_mcp_guardrails.policies.capabilities.build.policy`, and cannot be on the agents'
            path. Nothing is proved of it, which is a warning, ``@sudo-mcp-guardrails/terraformProject:ownRole``.
            Default: the agent's execution role.
        removal_policy: Of key and log. Default: RETAIN.

    Raises:
        WorkflowError: For props of another form.
        InvalidAgentError: For a state in a place of the guardrails' own.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        agent: Agent,
        repository: ecr.IRepository,
        digest: str,
        state: TerraformState,
        directory: str = "/terraform",
        terraform: str = "terraform",
        python: str = "python3",
        names: GuardrailNames | None = None,
        timeout: cdk.Duration | None = None,
        compute: codebuild.ComputeType = codebuild.ComputeType.SMALL,
        architecture: str = "x86_64",
        network: TerraformNetwork | None = None,
        key: kms.IKey | None = None,
        log_group: logs.ILogGroup | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        role: iam.IRole | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        minutes = 60 if timeout is None else timeout.to_minutes()
        check_build(digest, directory, terraform, python, architecture, minutes)
        self.agent: Agent = agent
        """Whose plans it applies."""
        workflow = WorkflowNames(names or GuardrailNames())
        self.names: GuardrailNames = workflow.names
        """Names of the guardrails' own resources."""
        name = project_name(self.names, agent.name)
        self.project_name: str = name
        """Name of the project, which policies name."""
        self.project_arn: str = tokens(f"arn:{PARTITION}:codebuild:{REGION}:{ACCOUNT}:project/{name}")
        """Its ARN."""
        self.build: TerraformBuild = TerraformBuild(state, known_name(log_group), network)
        """What the build uses, as data, for the policies of the execution role."""
        self.build.check(self.names)
        self.key: kms.IKey = build_key(self, name, key, removal_policy)
        """Encrypts the log."""
        group = log_group.log_group_name if log_group else self._log_group(name, log_retention, removal_policy)
        self.own_role: iam.IRole | None = role
        """A role of one's own; None for the agent's execution role."""
        self._guarded = role is not None
        self.project: codebuild.CfnProject = codebuild.CfnProject(
            self,
            "Resource",
            name=name,
            description=f"Applies approved Terraform plans of agent {agent.name}; answers to {agent.owner}",
            service_role=role.role_arn if role else tokens(self.names.role_arn(agent.name, "execution")),
            source=codebuild.CfnProject.SourceProperty(
                type="NO_SOURCE", build_spec=buildspec(terraform=terraform, python=python, directory=directory)
            ),
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="ARM_CONTAINER" if architecture == "arm64" else "LINUX_CONTAINER",
                compute_type=COMPUTE[compute],
                image=f"{repository.repository_uri}@{digest}",
                image_pull_credentials_type="CODEBUILD",
                privileged_mode=False,
                environment_variables=[
                    codebuild.CfnProject.EnvironmentVariableProperty(name=each, value=workflow.bucket, type="PLAINTEXT")
                    for each in ("BUNDLE_BUCKET", "PLAN_BUCKET")
                ],
            ),
            vpc_config=vpc_of(network),
            encryption_key=self.key.key_arn,
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(status="ENABLED", group_name=group)
            ),
            cache=codebuild.CfnProject.ProjectCacheProperty(type="NO_CACHE"),
            badge_enabled=False,
            visibility="PRIVATE",
            auto_retry_limit=0,  # a build that failed may have applied a part, which somebody has to look at
            concurrent_build_limit=1,
            timeout_in_minutes=minutes,
            queued_timeout_in_minutes=_QUEUED,
        )
        """The project."""
        repository.add_to_resource_policy(self.repository_statement)
        self._tell()

    @property
    def repository_statement(self) -> iam.PolicyStatement:
        """What the policy of the image's repository needs, so that CodeBuild pulls it for this project."""
        return iam.PolicyStatement(
            sid="TerraformImage",
            principals=[iam.ServicePrincipal("codebuild.amazonaws.com")],
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            conditions={
                "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID, "aws:SourceArn": self.project_arn},
            },
        )

    def guarded_by(self, role: Construct) -> TerraformBuild:
        """Take note that the agent's execution role is made for this project; for :class:`AgentGuardrails`.

        Args:
            role: The role's resource; CodeBuild asks for it when the project is made.

        Raises:
            WorkflowError: For a project with a role of its own.
        """
        if self.own_role is not None:
            raise WorkflowError(f"project {self.node.path!r} with a role of its own is not allowed, expected none")
        self._guarded = True
        self.project.node.add_dependency(role)
        return self.build

    def _log_group(self, name: str, retention: logs.RetentionDays, removal: cdk.RemovalPolicy) -> str:
        return make_log_group(self, "LogGroup", f"/aws/codebuild/{name}", self.key, retention, removal).ref

    def _tell(self) -> None:
        accept_risk(
            self.project,
            nag=["AwsSolutions::AwsSolutions-CB5"],
            reason="an image of one's own is pinned by its digest, and those of CodeBuild have no Terraform",
        )
        accept_risk(
            self.project,
            nag=[f"{pack}::{pack}-CodeBuildProjectSourceRepoUrl" for pack in _SOURCE_PACKS],
            reason="it has no source, so that there is no repository to sign in to; the check asks for one",
        )
        self.node.add_validation(_Guarded(self))
        if self.own_role is not None:
            cdk.Annotations.of(self).add_warning_v2(
                f"{_WARNING}ownRole",
                f"builds run as {self.own_role.node.path!r}, of which nothing is proved: what it may do, an approved "
                "plan may do",
            )


@jsii.implements(IValidation)
class _Guarded:
    """Keeps a project from being made for a role that does not trust it."""

    def __init__(self, project: TerraformProject) -> None:
        self._project = project

    def validate(self) -> list[str]:
        project = self._project
        if project._guarded:  # noqa: SLF001 - of this module
            return []
        made = f"the execution role of agent {project.agent.name!r} is not made for project {project.node.path!r}"
        return [f"{made}: give it to AgentGuardrails, as terraform=[…]"]
