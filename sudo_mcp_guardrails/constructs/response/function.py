"""A function of the kill switch: its role with its policies, its log, and nothing that it does not need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from sudo_mcp_guardrails.constructs.approval.function import log_group
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
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_s3_assets as assets

    from sudo_mcp_guardrails.constructs.response.names import ResponseNames

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
_LIMITS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5")


@dataclass(frozen=True)
class ResponseFunctionSpec:
    """What one function is.

    Args:
        id: Of the construct, and what its Sids carry.
        name: Physical name, and its role's.
        handler: Module of ``handlers/``.
        description: Shown in the console.
        timeout: Seconds.
        statements: What it may do, beside logging and tracing.
        environment: Its variables.
    """

    id: str
    name: str
    handler: str
    description: str
    timeout: int
    statements: Sequence[Statement]
    environment: Mapping[str, str] = field(default_factory=dict)


class ResponseFunction(Construct):
    """One function. Costs nothing at rest; what is logged costs 0.50 USD per GB.

    Args:
        scope: The scope.
        spec: What it is.
        code: The asset.
        names: Of the kill switch.
        key: Encrypts variables and log.
        log_retention: Of the log.
        removal_policy: What becomes of the log with the stack.
    """

    def __init__(
        self,
        scope: Construct,
        spec: ResponseFunctionSpec,
        *,
        code: assets.Asset,
        names: ResponseNames,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, spec.id)
        group = f"/aws/lambda/{spec.name}"
        self.log_group: logs.CfnLogGroup = log_group(self, "LogGroup", group, key, log_retention, removal_policy)
        """Its log."""
        self.policy: GuardrailPolicy = GuardrailPolicy(
            self,
            "Policy",
            document=PolicyDocument(f"function {spec.name}", (*spec.statements, *_own(spec.id, group))),
            path=names.path,
            description=spec.description,
            accept=False,
        )
        """What it may do."""
        accept_wildcards(self.policy)
        self.role: iam.CfnRole = iam.CfnRole(
            self,
            "Role",
            role_name=spec.name,
            path=names.path,
            description=spec.description,
            assume_role_policy_document=policy_json(_trust(spec.id)),
            managed_policy_arns=[self.policy.policy_arn],
        )
        """Its role."""
        self.function: lambda_.CfnFunction = lambda_.CfnFunction(
            self,
            "Resource",
            function_name=spec.name,
            description=spec.description,
            runtime=lambda_.Runtime.PYTHON_3_14.name,
            architectures=[lambda_.Architecture.ARM_64.name],
            handler=handler_name(spec.handler),
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
            role=self.role.attr_arn,
            timeout=spec.timeout,
            memory_size=1024,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(sorted(spec.environment.items()))),
            kms_key_arn=key.key_arn,
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=self.log_group.ref, log_format="Text"),
            tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode="Active"),
        )
        """The function."""
        _accept(self.function)


def _accept(function: lambda_.CfnFunction) -> None:
    accept_risk(
        function,
        nag=[f"{pack}::{pack}-LambdaDLQ" for pack in _LIMITS] + ["Serverless::Serverless-LambdaDLQ"],
        checkov=["CKV_AWS_116"],
        reason="its caller waits for the answer, and tries again or tells people of the failure",
    )
    accept_risk(
        function,
        nag=[f"{pack}::{pack}-LambdaInsideVPC" for pack in _PACKS],
        checkov=["CKV_AWS_117"],
        reason="it calls services of AWS alone, by their public endpoints, with TLS and signed requests",
    )
    accept_risk(
        function,
        nag=[f"{pack}::{pack}-LambdaConcurrency" for pack in _LIMITS],
        checkov=["CKV_AWS_115"],
        reason="reserving concurrency fails in accounts with the default quota of 10; who is refused tries again",
    )


def _trust(id_: str) -> PolicyDocument:
    return PolicyDocument(
        "trust of a function",
        (
            Statement(
                f"Containment{id_}Trust",
                "Allow",
                ("sts:AssumeRole",),
                principals=(("Service", "lambda.amazonaws.com"),),
            ),
        ),
    )


def _own(id_: str, group: str) -> tuple[Statement, ...]:
    return (
        Statement(
            f"Containment{id_}Log",
            "Allow",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{group}:*",),
            reason="writes its own log, whose streams have names that Lambda chooses",
        ),
        Statement(
            f"Containment{id_}Trace",
            "Allow",
            ("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
            resources=("*",),
            reason="writes its traces, which have no ARN",
        ),
    )
