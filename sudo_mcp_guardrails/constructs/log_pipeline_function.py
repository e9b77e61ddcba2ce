"""A function of the log pipeline: role, log group and network, in resources of CloudFormation's own types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
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

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3_assets as assets

    from sudo_mcp_guardrails.constructs.search_network import Placement

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
_NO_DLQ: Final = tuple(f"{pack}-LambdaDLQ" for pack in ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5"))
_NO_LIMIT: Final = tuple(f"{pack}-LambdaConcurrency" for pack in ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5"))


class PipelineFunction(Construct):
    """One function, its role with a managed policy, and its log group.

    Costs nothing at rest; what is logged costs 0.50 USD per GB.

    Args:
        scope: The scope.
        id: The construct's id; also what its Sids begin with, so that it must differ from the others'.
        handler: Name of the module in ``handlers/``.
        code: The asset that holds it.
        description: Shown in the console.
        statements: What it may do, beside logging and being in its network.
        environment: Variables.
        timeout: Most that an invocation takes.
        memory: Of the function.
        architecture: Of the function; the code is the same for both.
        concurrency: How many invocations run at once, reserved; None reserves none.
        log_key: Encrypts the log.
        log_retention: Of the log.
        path: IAM path of role and policy.
        placement: Subnets and security group; None for no network of its own.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        handler: str,
        code: assets.Asset,
        description: str,
        statements: Sequence[Statement],
        environment: Mapping[str, str],
        timeout: cdk.Duration,
        memory: cdk.Size,
        architecture: lambda_.Architecture,
        concurrency: int | None,
        log_key: kms.IKey,
        log_retention: logs.RetentionDays,
        path: str,
        placement: Placement | None,
    ) -> None:
        super().__init__(scope, id)
        log_group = logs.LogGroup(
            self,
            "LogGroup",
            encryption_key=log_key,
            retention=log_retention,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        document = PolicyDocument(f"function {id}", (*statements, *_own_statements(id, log_group.log_group_arn)))
        policy = GuardrailPolicy(self, "Policy", document=document, path=path, description=description, accept=False)
        accept_wildcards(policy)
        self.policy: GuardrailPolicy = policy
        """What the function may do."""
        policy.add_metadata(
            "checkov",
            {"skip": [{"id": "CKV_AWS_111", "comment": "network interfaces have no name before Lambda makes them"}]},
        )
        self.role: iam.CfnRole = iam.CfnRole(
            self,
            "Role",
            path=path,
            description=description,
            assume_role_policy_document=policy_json(_trust(id)),
            managed_policy_arns=[policy.policy_arn],
        )
        """The function's role."""
        self.function: lambda_.CfnFunction = lambda_.CfnFunction(
            self,
            "Resource",
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_14.name,
            architectures=[architecture.name],
            handler=handler_name(handler),
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
            role=self.role.attr_arn,
            timeout=timeout.to_seconds(),
            memory_size=memory.to_mebibytes(),
            reserved_concurrent_executions=concurrency,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment)),
            kms_key_arn=log_key.key_arn,
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(
                log_group=log_group.log_group_name, log_format="Text"
            ),
            vpc_config=lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=list(placement.subnet_ids), security_group_ids=list(placement.security_group_ids)
            )
            if placement is not None
            else None,
        )
        """The function."""
        self._accept(limited=concurrency is not None, inside=placement is not None)

    def _accept(self, *, limited: bool, inside: bool) -> None:
        """Accept what the function does not need, with the reasons."""
        accept_risk(
            self.function,
            nag=[f"{finding.rpartition('-')[0]}::{finding}" for finding in _NO_DLQ]
            + ["Serverless::Serverless-LambdaDLQ"],
            checkov=["CKV_AWS_116"],
            reason="its queue has a dead letter queue; what a schedule starts is done again by the next one",
        )
        accept_risk(
            self.function,
            nag=["Serverless::Serverless-LambdaTracing"],
            checkov=["CKV_AWS_50"],
            reason="its metrics and its log say per batch what was taken in; a trace of its calls adds nothing",
        )
        if not inside:
            accept_risk(
                self.function,
                nag=[f"{pack}::{pack}-LambdaInsideVPC" for pack in _PACKS],
                checkov=["CKV_AWS_117"],
                reason="it calls services of AWS alone, by their public endpoints, with TLS and signed requests",
            )
        if not limited:
            accept_risk(
                self.function,
                nag=[f"{finding.rpartition('-')[0]}::{finding}" for finding in _NO_LIMIT],
                checkov=["CKV_AWS_115"],
                reason="no concurrency is reserved: its schedule or its event source starts few at once",
            )


def _trust(id_: str) -> PolicyDocument:
    return PolicyDocument(
        "trust of a function",
        (
            Statement(
                f"Pipeline{id_}Trust",
                "Allow",
                ("sts:AssumeRole",),
                principals=(("Service", "lambda.amazonaws.com"),),
            ),
        ),
    )


def _own_statements(id_: str, log_group: str) -> tuple[Statement, ...]:
    """Return what every function in a network needs.

    Source: Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC", with its Deny that
    keeps the function's own code from what only the service needs.
    """
    interfaces = (
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    )
    functions = f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:*"
    return (
        Statement(
            f"Pipeline{id_}Log",
            "Allow",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(log_group,),  # ends in :*
            reason="writes its own log, whose streams have names that Lambda chooses",
        ),
        Statement(
            f"Pipeline{id_}Network",
            "Allow",
            interfaces,
            resources=("*",),
            reason="Lambda makes the network interfaces by this role; their names are not known before",
        ),
        Statement(
            f"Pipeline{id_}NetworkByLambdaAlone",
            "Deny",
            interfaces,
            resources=("*",),
            conditions=(("ArnLike", "lambda:SourceFunctionArn", (functions,)),),
            reason="the code itself needs no network interfaces",
        ),
    )
