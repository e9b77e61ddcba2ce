"""The state machine as a resource, with its role and its log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from sudo_mcp_guardrails.constructs.approval.function import log_group
from sudo_mcp_guardrails.constructs.approval.statements import allow
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.statements import tokens
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT
from sudo_mcp_guardrails.response.workflow import definition

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs

    from sudo_mcp_guardrails.constructs.response.names import ResponseNames

_DATA_KEY_SECONDS: Final = 900
_DELIVERY: Final = (
    *("logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies"),
    *("logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery"),
)
"""What the delivery of a state machine's log takes (Step Functions developer guide, "Using CloudWatch Logs")."""
_TRACING: Final = (
    *("xray:GetSamplingRules", "xray:GetSamplingTargets"),
    *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
)


class ContainmentMachine(Construct):
    """The state machine. 0.025 USD per thousand transitions: some ten for a containment.

    Args:
        scope: The scope.
        id: The construct's id.
        responder: ARN of the function that contains.
        bus: ARN of the event bus that people are told by.
        names: Of the kill switch.
        key: Encrypts executions and log.
        log_retention: Of the log.
        removal_policy: Of the log.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        responder: str,
        bus: str,
        names: ResponseNames,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, id)
        log = log_group(self, "LogGroup", f"/aws/vendedlogs/states/{names.machine}", key, log_retention, removal_policy)
        policy = GuardrailPolicy(
            self,
            "Policy",
            document=PolicyDocument("containment machine", _statements(responder, bus, key)),
            path=names.path,
            description="What the state machine of containments may do",
            accept=False,
        )
        accept_wildcards(policy)
        role = iam.CfnRole(
            self,
            "Role",
            role_name=names.machine,
            path=names.path,
            description="The state machine of containments",
            assume_role_policy_document=policy_json(_trust(names)),
            managed_policy_arns=[policy.policy_arn],
        )
        self.machine: sfn.CfnStateMachine = sfn.CfnStateMachine(
            self,
            "Resource",
            state_machine_name=names.machine,
            state_machine_type="STANDARD",
            role_arn=role.attr_arn,
            definition_string=json.dumps(definition()),
            definition_substitutions={
                "Partition": cdk.Aws.PARTITION,
                "ResponderFunction": responder,
                "EventBus": bus,
                "Trigger": tokens(names.role_arn(names.trigger)),
            },
            logging_configuration=sfn.CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                include_execution_data=False,
                destinations=[
                    sfn.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=log.attr_arn
                        )
                    )
                ],
            ),
            tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True),
            encryption_configuration=sfn.CfnStateMachine.EncryptionConfigurationProperty(
                type="CUSTOMER_MANAGED_KMS_KEY",
                kms_key_id=key.key_arn,
                kms_data_key_reuse_period_seconds=_DATA_KEY_SECONDS,
            ),
        )
        """The state machine."""
        self.machine.add_resource_dependency(policy)


def _statements(responder: str, bus: str, key: kms.IKey) -> tuple[Statement, ...]:
    return (
        allow("ContainmentMachineCall", ("lambda:InvokeFunction",), (responder,), "calls the function that contains"),
        allow("ContainmentMachineTell", ("events:PutEvents",), (bus,), "tells people"),
        allow(
            "ContainmentMachineData", ("kms:Decrypt", "kms:GenerateDataKey"), (key.key_arn,), "executions are encrypted"
        ),
        allow("ContainmentMachineLog", _DELIVERY, ("*",), "the delivery of its log has no ARN"),
        allow("ContainmentMachineTrace", _TRACING, ("*",), "writes its traces, which have no ARN"),
    )


def _trust(names: ResponseNames) -> PolicyDocument:
    return PolicyDocument(
        "trust of the containment machine",
        (
            Statement(
                "ContainmentMachineTrust",
                "Allow",
                ("sts:AssumeRole",),
                principals=(("Service", "states.amazonaws.com"),),
                conditions=(
                    ("StringEquals", "aws:SourceAccount", (ACCOUNT,)),
                    ("ArnLike", "aws:SourceArn", (names.machine_arn,)),
                ),
            ),
        ),
    )
