"""What sends agents' calls of a member account to the audit pipeline of another, within seconds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from sudo_mcp_guardrails.constructs.log_pipeline_alarms import PipelineAlarm, make_alarms
from sudo_mcp_guardrails.constructs.log_pipeline_calls import ALL_MANAGEMENT_EVENTS
from sudo_mcp_guardrails.constructs.log_pipeline_props import PipelineError
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.policies.agent_events import agent_calls, tampering
from sudo_mcp_guardrails.policies.agent_forwarding import (
    forwarder_path,
    forwarder_policy,
    forwarder_trust,
    rule_name,
    undelivered_policy,
)
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION, GuardrailNames

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_sns as sns

_BUS: Final = re.compile(
    r"arn:[^:\s]+:events:(?P<region>[^:\s]+):(?P<account>\d{12}|\$\{[^{}]+\}):event-bus/[A-Za-z0-9._-]+", re.ASCII
)
_KEPT_DAYS: Final = 14
NOT_TOLD: Final = "@sudo-mcp-guardrails/agentEventForwarding:noAlarmTopic"
"""Id of the warning that the alarm tells nobody."""


class AgentEventForwarding(Construct):
    """Sends agents' calls, and attempts on the trail, of this account and Region to the bus of the log archive.

    The bus is that of a :class:`~sudo_mcp_guardrails.constructs.log_pipeline.LogPipeline` with ``members``, which takes
    the events up with the same code as its own account's. Calls of global services, such as IAM, are told of in
    us-east-1 alone (in the partition ``aws``), so that one belongs there too. CloudTrail tells EventBridge as well as
    it can, and of nothing over 256 KB: what is complete are the trail's files, and what is lost here is time.

    Costs 1 USD per million events that are sent and an alarm, 0.10 USD a month (us-east-1, from memory). What cannot
    be sent within a day is kept for 14 days in a queue, with that alarm.

    Args:
        scope: The scope, in a stack of the member account.
        id: The construct's id.
        bus_arn: ``LogPipeline.member_bus_arn`` of the log archive's stack, or its text.
        names: Names of the guardrails' own resources, by whose path agents are known; as the pipeline has them. Rules,
            role and queue are called by them, so that no agent changes them, and one stands in an account and Region.
        alarm_topic: Whom the alarm tells, in this account and Region. Default: nobody.

    Raises:
        PipelineError: For an ARN of another form, and a bus of this very account and Region, whose own rules see the
            calls already.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bus_arn: str,
        names: GuardrailNames | None = None,
        alarm_topic: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, id)
        names = names or GuardrailNames()
        _check_bus(bus_arn, cdk.Stack.of(self))
        patterns = {"calls": agent_calls(names), "tampering": tampering()}
        rules = [f"arn:{PARTITION}:events:{REGION}:{ACCOUNT}:rule/{rule_name(names, kind)}" for kind in patterns]
        self.role: iam.CfnRole = self._role(names, bus_arn, rules)
        """The role by which EventBridge sends."""
        self.undelivered: sqs.CfnQueue = self._queue(names, rules)
        """Keeps what could not be sent, for 14 days."""
        self.rules: tuple[events.CfnRule, ...] = tuple(
            self._rule(names, kind, pattern, bus_arn) for kind, pattern in patterns.items()
        )
        """Agents' calls, and attempts on the trail."""
        self.alarm: cloudwatch.CfnAlarm = self._watch(alarm_topic)
        """Tells that something could not be sent."""
        if alarm_topic is None:
            cdk.Annotations.of(self).add_warning_v2(
                NOT_TOLD, "nobody is told of calls that could not be sent to the log archive: give alarm_topic"
            )

    def _role(self, names: GuardrailNames, bus_arn: str, rules: list[str]) -> iam.CfnRole:
        description = "Sends agents' calls to the audit pipeline of the log archive"
        path = forwarder_path(names)
        policy = GuardrailPolicy(self, "Policy", document=forwarder_policy(bus_arn), path=path, description=description)
        return iam.CfnRole(
            self,
            "Role",
            path=path,
            description=description,
            assume_role_policy_document=policy_json(forwarder_trust(rules)),
            managed_policy_arns=[policy.policy_arn],
        )

    def _queue(self, names: GuardrailNames, rules: list[str]) -> sqs.CfnQueue:
        queue = sqs.CfnQueue(
            self,
            "Undelivered",
            queue_name=rule_name(names, "undelivered"),
            message_retention_period=cdk.Duration.days(_KEPT_DAYS).to_seconds(),
            sqs_managed_sse_enabled=True,
        )
        sqs.CfnQueuePolicy(
            self,
            "UndeliveredPolicy",
            queues=[queue.ref],
            policy_document=policy_json(undelivered_policy(queue.attr_arn, rules)),
        )
        accept_risk(
            queue,
            nag=["AwsSolutions::AwsSolutions-SQS3", "Serverless::Serverless-SQSRedrivePolicy"],
            reason="it is itself the dead letter queue",
        )
        return queue

    def _rule(self, names: GuardrailNames, kind: str, pattern: dict[str, Any], bus_arn: str) -> events.CfnRule:
        return events.CfnRule(
            self,
            kind.capitalize(),
            name=rule_name(names, kind),
            description="Sends agents' calls, or attempts on the trail, to the log archive",
            event_pattern=pattern,
            # Read-only calls are agents' calls too; those that tamper never are.
            state=ALL_MANAGEMENT_EVENTS if kind == "calls" else "ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    arn=bus_arn,
                    id="LogArchive",
                    role_arn=self.role.attr_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.undelivered.attr_arn),
                )
            ],
        )

    def _watch(self, topic: sns.ITopic | None) -> cloudwatch.CfnAlarm:
        alarm = PipelineAlarm(
            "Undelivered",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": self.undelivered.attr_queue_name},
            "Maximum",
            0,
            "Agents' calls could not be sent to the log archive: see the role, the bus and its policy. The files have "
            "them.",
        )
        return make_alarms(Construct(self, "Alarms"), [alarm], topic)[alarm.id]


def _check_bus(arn: object, stack: cdk.Stack) -> None:
    """Check that the bus is one, and of another account or Region than the stack."""
    match = _BUS.fullmatch(arn) if isinstance(arn, str) else None
    if match is None:
        raise PipelineError(
            f"bus {arn!r} is not allowed, expected an ARN arn:PARTITION:events:REGION:ACCOUNT:event-bus/NAME"
        )
    if (match["account"], match["region"]) == (stack.account, stack.region):
        raise PipelineError(
            f"bus {arn!r} of this account and Region is not allowed, expected one of another: the pipeline's own rules "
            "see the calls of its account"
        )
