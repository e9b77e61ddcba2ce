"""The state machine as a resource: its role, its log, and a rule that records what was ended from outside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from sudo_mcp_guardrails.approval.workflow.definition import SCANNER, definition
from sudo_mcp_guardrails.constructs.approval.function import log_group
from sudo_mcp_guardrails.constructs.approval.statements import allow
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sqs as sqs

    from sudo_mcp_guardrails.constructs.approval.function import ApprovalFunction
    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames

_DATA_KEY_SECONDS: Final = 900
_CALLED: Final = {"BrokerFunction": "broker", "ClassifyFunction": "classify"} | {
    "RecheckFunction": "recheck",
    "RecordFunction": "record",
}
_DELIVERY: Final = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
"""What the delivery of a state machine's log takes (Step Functions developer guide, "Using CloudWatch Logs")."""


class ApprovalMachine(Construct):
    """The state machine. 0.025 USD per thousand transitions: some 15 for an approval that one person decides.

    Its log has every event and no data. An execution that somebody stopped, that ran into its time, or that Step
    Functions failed by itself records nothing any more; a rule has the recording function do it.

    Args:
        scope: The scope.
        id: The construct's id.
        functions: By the ends of their names.
        tokens: Table of task tokens.
        bus: Bus of the notices.
        page_url: Address of the page.
        scanner: Function that scans plans; None for none.
        undelivered: Queue of what could not be delivered.
        names: Of the workflow.
        key: Encrypts executions and log.
        log_retention: Of the log.
        removal_policy: Of the log.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        functions: Mapping[str, ApprovalFunction],
        tokens: dynamodb.CfnTable,
        bus: events.CfnEventBus,
        page_url: str,
        scanner: lambda_.IFunction | None,
        undelivered: sqs.CfnQueue,
        names: WorkflowNames,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, id)
        log = log_group(self, "LogGroup", f"/aws/vendedlogs/states/{names.machine}", key, log_retention, removal_policy)
        arns = {name: functions[called].function.attr_arn for name, called in _CALLED.items()}
        if scanner is not None:
            arns[SCANNER] = scanner.function_arn
        policy = GuardrailPolicy(
            self,
            "Policy",
            document=PolicyDocument("state machine", _statements(tuple(arns.values()), tokens, bus, key)),
            path=names.path,
            description="What the approval workflow itself may do",
            accept=False,
        )
        accept_wildcards(policy)
        role = iam.CfnRole(
            self,
            "Role",
            role_name=names.of("workflow"),
            path=names.path,
            description="The approval workflow itself",
            assume_role_policy_document=policy_json(_trust(names)),
            managed_policy_arns=[policy.policy_arn],
        )
        self.machine: sfn.CfnStateMachine = sfn.CfnStateMachine(
            self,
            "Resource",
            state_machine_name=names.machine,
            state_machine_type="STANDARD",
            role_arn=role.attr_arn,
            definition_string=json.dumps(definition(scanner=scanner is not None)),
            definition_substitutions={
                **arns,
                "Partition": cdk.Aws.PARTITION,
                "TokensTable": tokens.ref,
                "EventBus": bus.ref,
                "PageUrl": page_url,
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
        self._record_what_was_ended(functions["record"], undelivered)

    def _record_what_was_ended(self, record: ApprovalFunction, undelivered: sqs.CfnQueue) -> None:
        rule = events.CfnRule(
            self,
            "EndedFromOutside",
            description="Records approvals whose workflow was ended from outside, or by Step Functions itself",
            event_pattern={
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "stateMachineArn": [self.machine.attr_arn],
                    "status": ["ABORTED", "FAILED", "TIMED_OUT"],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    arn=record.function.attr_arn,
                    id="Record",
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={"name": "$.detail.name", "status": "$.detail.status"},
                        input_template=json.dumps(
                            {
                                "op": "failed",
                                "approval": "<name>",
                                "error": "States.<status>",
                                "cause": "the execution of the workflow came to this status",
                                "state": "workflow",
                            }
                        ),
                    ),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=undelivered.attr_arn),
                )
            ],
        )
        self.rule_arn: str = rule.attr_arn
        """Of the rule, which sends to the queue what it cannot deliver."""
        lambda_.CfnPermission(
            self,
            "RecordFromRule",
            action="lambda:InvokeFunction",
            function_name=record.function.ref,
            principal="events.amazonaws.com",
            source_account=cdk.Aws.ACCOUNT_ID,
            source_arn=rule.attr_arn,
        )


def _statements(
    functions: tuple[str, ...], tokens: dynamodb.CfnTable, bus: events.CfnEventBus, key: kms.IKey
) -> tuple[Statement, ...]:
    return (
        allow("ApprovalWorkflowCall", ("lambda:InvokeFunction",), functions, "calls its functions"),
        allow(
            "ApprovalWorkflowToken",
            ("dynamodb:UpdateItem",),
            (tokens.attr_arn,),
            "keeps the token that a wait is ended by; it cannot read it again",
        ),
        allow(
            "ApprovalWorkflowTell",
            ("events:PutEvents",),
            (bus.attr_arn,),
            "tells people, on a bus that has nothing else",
        ),
        allow(
            "ApprovalWorkflowData", ("kms:Decrypt", "kms:GenerateDataKey"), (key.key_arn,), "executions are encrypted"
        ),
        allow("ApprovalWorkflowLog", _DELIVERY, ("*",), "the delivery of its log has no ARN"),
        allow(
            "ApprovalWorkflowTrace",
            (
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            ),
            ("*",),
            "writes its traces, which have no ARN",
        ),
    )


def _trust(names: WorkflowNames) -> PolicyDocument:
    return PolicyDocument(
        "trust of the workflow",
        (
            Statement(
                "ApprovalWorkflowTrust",
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
