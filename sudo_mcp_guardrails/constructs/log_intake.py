"""How lines of member accounts reach the central log group."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.statements import placed, tokens
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.policies.log_archive import LogArchiveError
from sudo_mcp_guardrails.policies.log_intake import (
    delivery_policy,
    delivery_trust,
    destination_arn,
    destination_policy,
    writer_policy,
)

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_HANDLERS: Final = Path(__file__).parent.parent / "handlers"
_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}")
_MOST_SHARDS: Final = 200
_LONGEST_DAYS: Final = 365


class LogIntake(Construct):
    """A destination that the accounts of an organization subscribe to, and what writes their lines into a log group.

    CloudWatch Logs sends lines of another account to a stream or to Firehose, and to no log group: here it is a
    Kinesis stream, and a function that writes each line at least once. Where the function or CloudWatch Logs is down,
    the stream keeps what comes for ``retention``, and the function's metric ``IteratorAge`` grows. A line may be
    written twice. CloudWatch Logs can also copy log groups between accounts by itself, by centralization rules of the
    organization (``AWS::ObservabilityAdmin::OrganizationCentralizationRule``), into groups of their own names: where
    that does, no intake is needed.

    Creates a destination, a stream (per shard 11 USD a month, and 15 USD more for the default retention of a week), a
    function, its log group, two roles and two policies. One shard takes 1 MB a second of compressed lines.

    Args:
        scope: The scope.
        id: The construct's id.
        log_group: Where lines are written.
        organization_id: Whose accounts may subscribe.
        encryption_key: Key of the stream and of the function's log.
        names: Names of the guardrails' own resources.
        shards: Of the stream. Default: 1.
        retention: Of the stream, 1 to 365 days. Default: a week.
        log_retention: Of the function's own log.

    Raises:
        LogArchiveError: For an organization of another form, and shards or days that Kinesis does not take.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        log_group: logs.ILogGroup,
        organization_id: str,
        encryption_key: kms.IKey,
        names: GuardrailNames,
        shards: int = 1,
        retention: cdk.Duration | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
    ) -> None:
        super().__init__(scope, id)
        if not _ORGANIZATION.fullmatch(organization_id):
            raise LogArchiveError(f"organization {organization_id!r} is not allowed, expected o- and an id")
        if not 1 <= shards <= _MOST_SHARDS:
            raise LogArchiveError(f"{shards!r} shards are not allowed, expected 1 to {_MOST_SHARDS}")
        retention = retention or cdk.Duration.days(7)
        if not 1 <= retention.to_days(integral=False) <= _LONGEST_DAYS:
            raise LogArchiveError(
                f"retention of {retention.to_days(integral=False)} days is not allowed, expected 1 to {_LONGEST_DAYS}"
            )
        self._path = f"/{names.prefix}/"
        self.stream: kinesis.Stream = kinesis.Stream(
            self,
            "Stream",
            stream_mode=kinesis.StreamMode.PROVISIONED,
            shard_count=shards,
            retention_period=retention,
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=encryption_key,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        """Where lines wait."""
        accept_risk(
            self.stream,
            nag=["AwsSolutions::AwsSolutions-KDS3"],
            reason="lines of members are encrypted with the key of the log group that they go to, which has a policy",
        )
        self._destination(f"{names.prefix}-central-logs", organization_id, encryption_key)
        self._function(log_group, encryption_key, log_retention)

    def _destination(self, name: str, organization_id: str, key: kms.IKey) -> None:
        role = self._role("Delivery", delivery_policy(self.stream.stream_arn, key.key_arn), delivery_trust())
        self.destination: logs.CfnDestination = logs.CfnDestination(
            self,
            "Destination",
            destination_name=name,
            role_arn=role.attr_arn,
            target_arn=self.stream.stream_arn,
            destination_policy=cdk.Stack.of(self).to_json_string(
                tokens(destination_policy(name, organization_id).to_dict())
            ),
        )
        """What members subscribe to."""
        self.destination_arn: str = placed(self, destination_arn(name))
        """ARN of the destination, for the stacks of other accounts where this one is of an account and Region."""

    def _function(self, log_group: logs.ILogGroup, key: kms.IKey, log_retention: logs.RetentionDays) -> None:
        own = logs.LogGroup(
            self,
            "Log",
            retention=log_retention,
            encryption_key=key,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        document = writer_policy(self.stream.stream_arn, key.key_arn, log_group.log_group_arn, own.log_group_arn)
        trust = iam.ServicePrincipal("lambda.amazonaws.com")
        policy = self._policy("WriterPolicy", document)
        role = iam.Role(
            self,
            "Writer",
            assumed_by=trust,
            path=self._path,
            description="Writes the lines of member accounts into the central log group",
            managed_policies=[policy.managed_policy],
        )
        self.function: lambda_.Function = lambda_.Function(
            self,
            "Resource",
            description="Writes the lines of member accounts into the central log group",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="log_intake.handler",
            code=lambda_.Code.from_asset(
                str(_HANDLERS), exclude=["*", "!log_intake.py"], ignore_mode=cdk.IgnoreMode.GIT
            ),
            role=role.without_policy_updates(),
            timeout=cdk.Duration.minutes(5),
            memory_size=512,
            log_group=own,
            environment={"LOG_GROUP": log_group.log_group_name},
        )
        """What writes the lines."""
        source = lambda_.EventSourceMapping(
            self,
            "Source",
            target=self.function,
            event_source_arn=self.stream.stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=100,
            max_batching_window=cdk.Duration.seconds(5),
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
        )
        _accept(self.function, source)

    def _policy(self, id: str, document: PolicyDocument) -> GuardrailPolicy:
        policy = GuardrailPolicy(
            self,
            id,
            document=document,
            path=self._path,
            description=f"What the {document.name} may do",
            accept=False,
        )
        accept_wildcards(policy)
        return policy

    def _role(self, id: str, document: PolicyDocument, trust: PolicyDocument) -> iam.CfnRole:
        return iam.CfnRole(
            self,
            id,
            path=self._path,
            description="Puts the lines of member accounts into the stream",
            assume_role_policy_document=policy_json(trust),
            managed_policy_arns=[self._policy(f"{id}Policy", document).policy_arn],
        )


def _accept(function: lambda_.Function, source: lambda_.EventSourceMapping) -> None:
    accept_risk(
        function,
        nag=[f"{pack}::{pack}-LambdaInsideVPC" for pack in _PACKS],
        checkov=["CKV_AWS_117"],
        reason="it calls CloudWatch Logs alone, and takes nothing but records of one stream; a VPC adds nothing",
    )
    accept_risk(
        function,
        nag=[f"{pack}::{pack}-LambdaDLQ" for pack in _PACKS[:3]] + ["Serverless::Serverless-LambdaDLQ"],
        checkov=["CKV_AWS_116"],
        reason="the stream keeps a record until it is written, and what is no record is kept in the log group itself",
    )
    accept_risk(
        source,
        nag=["Serverless::Serverless-LambdaEventSourceMappingDestination"],
        reason="a record is tried until it is written; a pointer to it in a queue would be of no more use",
    )
    accept_risk(
        function,
        nag=[f"{pack}::{pack}-LambdaConcurrency" for pack in _PACKS[:3]],
        checkov=["CKV_AWS_115"],
        reason="there is one invocation for each shard at a time, which is the limit",
    )
    accept_risk(
        function,
        nag=["Serverless::Serverless-LambdaTracing"],
        checkov=["CKV_AWS_50"],
        reason="its one downstream call is CloudWatch Logs; the age of what waits tells more",
    )
    accept_risk(
        function,
        checkov=["CKV_AWS_173"],
        reason="its one variable is the name of a log group; Lambda encrypts it with its own key",
    )
