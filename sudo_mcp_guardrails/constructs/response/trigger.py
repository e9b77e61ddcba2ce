"""The rule that contains an agent by itself, when a finding says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from sudo_mcp_guardrails.constructs.approval.statements import allow
from sudo_mcp_guardrails.constructs.log_pipeline_alarms import PipelineAlarm, make_alarms
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns

    from sudo_mcp_guardrails.constructs.response.names import ResponseNames

DETAIL_TYPE: Final = "AgentFinding"
"""Of the events that findings are sent as; the detail is OCSF's Detection Finding."""
PATTERN: Final = {
    "detail-type": [DETAIL_TYPE],
    "detail": {"unmapped": {"contains": ["true"], "agent": [{"exists": True}]}},
}
"""Which of them contain. Each has ``unmapped``, by which the state machine knows what a rule started."""
_DAYS: Final = 14 * 24 * 3_600


class HardTrigger(Construct):
    """A rule on the bus of findings: one with ``contains`` that names an agent contains that agent at K2.

    The finding itself is handed over, and the state machine takes ids from it: a template would put texts of the event
    into JSON as they are, so that a quote in one could write another request (EventBridge user guide, "Amazon
    EventBridge input transformation": values are not escaped). A finding about nobody who is registered is refused by
    the function, and people are told. What cannot be delivered goes to a queue for 14 days, and an alarm says so, 0.10
    USD a month. The state machine is idempotent, so that a finding that comes twice does no harm.

    Args:
        scope: The scope.
        id: The construct's id.
        bus: Name or ARN of the bus of findings.
        machine: ARN of the state machine.
        names: Of the kill switch.
        key: Encrypts the queue; its policy lets EventBridge use it.
        alarm_topic: Whom the alarm tells; None for nobody.
        removal_policy: Of the queue.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bus: str,
        machine: str,
        names: ResponseNames,
        key: kms.IKey,
        alarm_topic: sns.ITopic | None,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, id)
        name = names.trigger
        self.undelivered: sqs.CfnQueue = sqs.CfnQueue(
            self,
            "Undelivered",
            queue_name=name,
            kms_master_key_id=key.key_arn,
            message_retention_period=_DAYS,
        )
        """Findings that should have contained somebody and could not be delivered."""
        self.undelivered.apply_removal_policy(removal_policy)
        accept_risk(
            self.undelivered,
            nag=["AwsSolutions::AwsSolutions-SQS3", "Serverless::Serverless-SQSRedrivePolicy"],
            reason="it is itself the dead letter queue",
        )
        policy = GuardrailPolicy(
            self,
            "Policy",
            document=PolicyDocument(
                "trigger", (allow("ContainmentTrigger", ("states:StartExecution",), (machine,), "contains"),)
            ),
            path=names.path,
            description="Contains an agent when a finding says so",
        )
        role = iam.CfnRole(
            self,
            "Role",
            role_name=name,
            path=names.path,
            description="Contains an agent when a finding says so",
            assume_role_policy_document=policy_json(_trust()),
            managed_policy_arns=[policy.policy_arn],
        )
        self.rule: events.CfnRule = events.CfnRule(
            self,
            "Resource",
            description="Contains an agent when a finding says so",
            event_bus_name=bus,
            event_pattern=PATTERN,
            targets=[
                events.CfnRule.TargetProperty(
                    arn=machine,
                    id="Contain",
                    role_arn=role.attr_arn,
                    input_path="$.detail",
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.undelivered.attr_arn),
                )
            ],
        )
        """The rule."""
        sqs.CfnQueuePolicy(
            self,
            "QueuePolicy",
            queues=[self.undelivered.ref],
            policy_document=policy_json(_queue_policy(self.undelivered.attr_arn), {"${rule}": self.rule.attr_arn}),
        )
        self.alarms: dict[str, cloudwatch.CfnAlarm] = make_alarms(
            Construct(self, "Alarms"), (_alarm(self.undelivered.attr_queue_name),), alarm_topic
        )
        """The alarm, as ``Undelivered``."""


def _alarm(queue: str) -> PipelineAlarm:
    return PipelineAlarm(
        "Undelivered",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": queue},
        "Maximum",
        0,
        "A finding that contains its agent was not delivered: contain it by hand, and see why. Kept for 14 days.",
        seconds=60,
    )


def _trust() -> PolicyDocument:
    return PolicyDocument(
        "trust of the trigger",
        (
            Statement(
                "ContainmentTriggerTrust",
                "Allow",
                ("sts:AssumeRole",),
                principals=(("Service", "events.amazonaws.com"),),
                conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
            ),
        ),
    )


def _queue_policy(queue: str) -> PolicyDocument:
    return PolicyDocument(
        "queue of the trigger",
        (
            Statement(
                "ContainmentTriggerQueue",
                "Allow",
                ("sqs:SendMessage",),
                resources=(queue,),
                principals=(("Service", "events.amazonaws.com"),),
                conditions=(("ArnEquals", "aws:SourceArn", ("${rule}",)),),
                reason="what could not be delivered is kept",
            ),
            Statement(
                "ContainmentTriggerTls",
                "Deny",
                ("sqs:*",),
                resources=(queue,),
                principals=(("*", "*"),),
                conditions=(("Bool", "aws:SecureTransport", ("false",)),),
                reason="nobody reads or writes without TLS",
            ),
        ),
    )
