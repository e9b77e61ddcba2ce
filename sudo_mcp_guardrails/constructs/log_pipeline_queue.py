"""The queue of what there is to take in, and the one of what could not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms

    from sudo_mcp_guardrails.iam.documents import Conditions

MAX_RECEIVES: Final = 5
"""Times a message is shown before it goes to the dead letter queue."""
_DAYS: Final = 14
"""Longest that SQS keeps messages."""
_VISIBILITY_TIMES: Final = 6
"""Visibility timeout by the function's timeout, as the Lambda guide asks for ("Using Lambda with Amazon SQS")."""


class NotificationQueue(Construct):
    """A queue with its dead letter queue, encrypted, TLS only; who may send is said by :meth:`allow`.

    Costs nothing at rest; 0.40 USD per million requests.

    Args:
        scope: The scope.
        id: The construct's id, which its Sids carry.
        key: Encrypts the messages.
        function_timeout: Of the function that reads; a message stays hidden for six times as long.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        function_timeout: cdk.Duration,
    ) -> None:
        super().__init__(scope, id)
        self._id = id
        retention = cdk.Duration.days(_DAYS).to_seconds()
        self.dead_letter_queue: sqs.CfnQueue = sqs.CfnQueue(
            self, "DeadLetters", kms_master_key_id=key.key_arn, message_retention_period=retention
        )
        """Where a message goes that failed five times, or that could not be delivered; kept for 14 days."""
        self.queue: sqs.CfnQueue = sqs.CfnQueue(
            self,
            "Resource",
            kms_master_key_id=key.key_arn,
            message_retention_period=retention,
            visibility_timeout=_VISIBILITY_TIMES * function_timeout.to_seconds(),
            receive_message_wait_time_seconds=20,
            redrive_policy={"deadLetterTargetArn": self.dead_letter_queue.attr_arn, "maxReceiveCount": MAX_RECEIVES},
        )
        """The queue."""
        self._statements = [_tls(f"Pipeline{id}Tls", self.queue)]
        self._dead_statements = [_tls(f"Pipeline{id}DeadTls", self.dead_letter_queue)]
        self._policies = tuple(
            sqs.CfnQueuePolicy(self, name, queues=[queue.ref], policy_document={})
            for name, queue in (("Policy", self.queue), ("DeadLettersPolicy", self.dead_letter_queue))
        )
        self._render()
        accept_risk(
            self.dead_letter_queue,
            nag=["AwsSolutions::AwsSolutions-SQS3", "Serverless::Serverless-SQSRedrivePolicy"],
            reason="it is itself the dead letter queue",
        )

    def allow(self, sender: str, service: str, conditions: Conditions, *, undelivered: bool = False) -> None:
        """Let a service of AWS send messages.

        Args:
            sender: Who it is, in a word: the end of the Sid.
            service: Such as ``events.amazonaws.com``.
            conditions: What narrows it to whose events they are, lest anybody's bucket or rule could send.
            undelivered: Whether it also sends what it could not deliver to the dead letter queue.
        """
        self._statements.append(_send(f"Pipeline{self._id}From{sender}", self.queue, service, conditions))
        if undelivered:
            sid = f"Pipeline{self._id}UndeliveredFrom{sender}"
            self._dead_statements.append(_send(sid, self.dead_letter_queue, service, conditions))
        self._render()

    def _render(self) -> None:
        for policy, statements in zip(self._policies, (self._statements, self._dead_statements), strict=True):
            policy.policy_document = policy_json(PolicyDocument("queue", tuple(statements)))


def sender_conditions(arns: Sequence[str], *, account: str = ACCOUNT) -> Conditions:
    """Return the conditions by which a service sends for these resources of an account alone."""
    found: Conditions = (("StringEquals", "aws:SourceAccount", (account,)),)
    return (("ArnLike", "aws:SourceArn", tuple(arns)), *found) if arns else found


def rule_to(
    scope: Construct,
    id_: str,
    description: str,
    pattern: dict[str, Any],
    queue: NotificationQueue,
    *,
    bus_name: str | None = None,
    state: str = "ENABLED",
) -> events.CfnRule:
    """Make a rule that sends to a queue, and what it cannot deliver to that queue's dead letter queue."""
    return events.CfnRule(
        scope,
        id_,
        description=description,
        event_bus_name=bus_name,
        event_pattern=pattern,
        state=state,
        targets=[
            events.CfnRule.TargetProperty(
                arn=queue.queue.attr_arn,
                id="Queue",
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=queue.dead_letter_queue.attr_arn),
            )
        ],
    )


def _send(sid: str, queue: sqs.CfnQueue, service: str, conditions: Conditions) -> Statement:
    return Statement(
        sid,
        "Allow",
        ("sqs:SendMessage",),
        resources=(queue.attr_arn,),
        principals=(("Service", service),),
        conditions=conditions,
        reason="tells of what there is to take in",
    )


def _tls(sid: str, queue: sqs.CfnQueue) -> Statement:
    return Statement(
        sid,
        "Deny",
        ("sqs:*",),
        resources=(queue.attr_arn,),
        principals=(("*", "*"),),
        conditions=(("Bool", "aws:SecureTransport", ("false",)),),
        reason="nobody reads or writes without TLS",
    )
