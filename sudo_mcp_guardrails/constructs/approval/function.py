"""A function of the approval workflow: its role with one policy, its log, and nothing that it does not need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.constructs.asset import handler_name
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3_assets as assets

    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
_LIMITS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5")


@dataclass(frozen=True)
class FunctionSpec:
    """What one function is.

    Args:
        name: End of its physical name, and of its role's; its handler is ``approval_`` and this.
        description: Shown in the console.
        timeout: Seconds.
        memory: MiB. Reading a plan of 10,000 resources takes some hundred.
        statements: What it may do, beside logging and tracing.
        environment: Variables beside those that all have.
    """

    name: str
    description: str
    timeout: int
    memory: int
    statements: Sequence[Statement]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Id of the construct, and what its Sids carry."""
        return self.name.capitalize()


class ApprovalFunction(Construct):
    """One function. Costs nothing at rest; what is logged costs 0.50 USD per GB.

    Args:
        scope: The scope.
        spec: What it is.
        code: The asset.
        names: Of the workflow.
        key: Encrypts variables and log.
        log_retention: Of the log.
        architecture: Of the function.
        removal_policy: What becomes of the log with the stack.
    """

    def __init__(
        self,
        scope: Construct,
        spec: FunctionSpec,
        *,
        code: assets.Asset,
        names: WorkflowNames,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        architecture: lambda_.Architecture,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, spec.id)
        name = names.of(spec.name)
        self.log_group: logs.CfnLogGroup = log_group(
            self, "LogGroup", f"/aws/lambda/{name}", key, log_retention, removal_policy
        )
        """Its log."""
        document = PolicyDocument(f"function {spec.name}", (*spec.statements, *_own(spec.id, f"/aws/lambda/{name}")))
        self.policy: GuardrailPolicy = GuardrailPolicy(
            self, "Policy", document=document, path=names.path, description=spec.description, accept=False
        )
        """What it may do."""
        accept_wildcards(self.policy)
        self.role: iam.CfnRole = iam.CfnRole(
            self,
            "Role",
            role_name=name,
            path=names.path,
            description=spec.description,
            assume_role_policy_document=policy_json(_trust(spec.id)),
            managed_policy_arns=[self.policy.policy_arn],
        )
        """Its role."""
        self.function: lambda_.CfnFunction = lambda_.CfnFunction(
            self,
            "Resource",
            function_name=name,
            description=spec.description,
            runtime=lambda_.Runtime.PYTHON_3_14.name,
            architectures=[architecture.name],
            handler=handler_name(f"approval_{spec.name}"),
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
            role=self.role.attr_arn,
            timeout=spec.timeout,
            memory_size=spec.memory,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(sorted(spec.environment.items()))),
            kms_key_arn=key.key_arn,
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=self.log_group.ref, log_format="Text"),
            tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode="Active"),
        )
        """The function."""
        self._accept()

    def _accept(self) -> None:
        accept_risk(
            self.function,
            nag=[f"{pack}::{pack}-LambdaDLQ" for pack in _LIMITS] + ["Serverless::Serverless-LambdaDLQ"],
            checkov=["CKV_AWS_116"],
            reason="its caller waits for the answer, and tries again or records the failure",
        )
        accept_risk(
            self.function,
            nag=[f"{pack}::{pack}-LambdaInsideVPC" for pack in _PACKS],
            checkov=["CKV_AWS_117"],
            reason="it calls services of AWS alone, by their public endpoints, with TLS and signed requests",
        )
        accept_risk(
            self.function,
            nag=[f"{pack}::{pack}-LambdaConcurrency" for pack in _LIMITS],
            checkov=["CKV_AWS_115"],
            reason="reserving concurrency fails in accounts with the default quota of 10; who is refused tries again",
        )


def log_group(  # noqa: PLR0917 - what a log group consists of
    scope: Construct, id_: str, name: str, key: kms.IKey, retention: logs.RetentionDays, removal: cdk.RemovalPolicy
) -> logs.CfnLogGroup:
    """Make an encrypted log group."""
    group = logs.CfnLogGroup(
        scope,
        id_,
        log_group_name=name,
        kms_key_id=key.key_arn,
        retention_in_days=None if retention is logs.RetentionDays.INFINITE else _DAYS[retention],
    )
    group.apply_removal_policy(removal)
    return group


_DAYS: Final = {
    logs.RetentionDays.ONE_DAY: 1,
    logs.RetentionDays.ONE_WEEK: 7,
    logs.RetentionDays.ONE_MONTH: 30,
    logs.RetentionDays.THREE_MONTHS: 90,
    logs.RetentionDays.SIX_MONTHS: 180,
    logs.RetentionDays.ONE_YEAR: 365,
    logs.RetentionDays.THIRTEEN_MONTHS: 400,
    logs.RetentionDays.EIGHTEEN_MONTHS: 545,
    logs.RetentionDays.TWO_YEARS: 731,
    logs.RetentionDays.THREE_YEARS: 1096,
    logs.RetentionDays.FIVE_YEARS: 1827,
    logs.RetentionDays.SIX_YEARS: 2192,
    logs.RetentionDays.SEVEN_YEARS: 2557,
    logs.RetentionDays.TEN_YEARS: 3653,
}


def _trust(id_: str) -> PolicyDocument:
    return PolicyDocument(
        "trust of a function",
        (
            Statement(
                f"Approval{id_}Trust", "Allow", ("sts:AssumeRole",), principals=(("Service", "lambda.amazonaws.com"),)
            ),
        ),
    )


def _own(id_: str, group: str) -> tuple[Statement, ...]:
    return (
        Statement(
            f"Approval{id_}Log",
            "Allow",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{group}:*",),
            reason="writes its own log, whose streams have names that Lambda chooses",
        ),
        Statement(
            f"Approval{id_}Trace",
            "Allow",
            ("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
            resources=("*",),
            reason="writes its traces, which have no ARN",
        ),
    )


def url_of(scope: Construct, id_: str, function: ApprovalFunction) -> str:
    """Make the URL of a function, which answers signed requests alone, and return it.

    Args:
        scope: Where.
        id_: Of the construct.
        function: The function.
    """
    made = lambda_.CfnUrl(scope, id_, auth_type="AWS_IAM", target_function_arn=function.function.attr_arn)
    return made.attr_function_url
