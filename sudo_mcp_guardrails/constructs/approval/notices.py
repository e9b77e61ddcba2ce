"""Who is told: a bus that has every notice, rules that hand them on, and a queue of what could not be delivered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from sudo_mcp_guardrails.approval.workflow.notices import DETAIL_TYPE, SOURCE
from sudo_mcp_guardrails.constructs.approval.names import WorkflowError
from sudo_mcp_guardrails.constructs.approval.statements import allow
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns

    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames

_DAYS: Final = 14 * 24 * 3600
_GROUP: Final = re.compile(r"\S(?:.*\S)?")


@dataclass(frozen=True)
class NoticeTarget:
    """Where notices go. Make one with a class method.

    Args:
        arn: Of the topic or the API destination.
        detail: Which part of a notice is sent, as it is.
        groups: Only notices to one of these groups. Default: all.
        destination: The API destination; None for a topic.
        name: Of the topic or destination, for the ids of constructs.
    """

    arn: str
    detail: str
    groups: tuple[str, ...]
    destination: events.IApiDestination | None
    name: str

    @classmethod
    def topic(cls, topic: sns.ITopic, *, groups: Sequence[str] = ()) -> NoticeTarget:
        """Return a topic of SNS, for e-mail and whatever else subscribes to it: a line with the page's link.

        The topic's policy (and that of its key) must let ``events.amazonaws.com`` publish.
        """
        return cls(topic.topic_arn, "message", _groups(groups), None, topic.node.id)

    @classmethod
    def slack(cls, destination: events.IApiDestination, *, groups: Sequence[str] = ()) -> NoticeTarget:
        """Return an API destination that is an incoming webhook of Slack."""
        return cls(destination.api_destination_arn, "slack", _groups(groups), destination, destination.node.id)

    @classmethod
    def teams(cls, destination: events.IApiDestination, *, groups: Sequence[str] = ()) -> NoticeTarget:
        """Return an API destination that is a webhook of a Microsoft Teams workflow."""
        return cls(destination.api_destination_arn, "teams", _groups(groups), destination, destination.node.id)


class ApprovalNotices(Construct):
    """The bus of notices, a rule for each target, and the queue of what could not be delivered.

    The bus costs nothing at rest and 1 USD per million notices. A notice is text and a link: nobody approves by it.
    What EventBridge cannot deliver for a day goes to the queue, and stays for 14 days.

    Args:
        scope: The scope.
        id: The construct's id.
        targets: Who is told.
        key: Encrypts the queue.
        names: Of the workflow.
        removal_policy: Of the queue.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        targets: Sequence[NoticeTarget],
        key: kms.IKey,
        names: WorkflowNames,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, id)
        self.bus: events.CfnEventBus = events.CfnEventBus(
            self, "Bus", name=names.of("notices"), description="Tells people of approvals"
        )
        """The bus."""
        self.undelivered: sqs.CfnQueue = sqs.CfnQueue(
            self,
            "Undelivered",
            queue_name=names.of("undelivered"),
            kms_master_key_id=key.key_arn,
            message_retention_period=_DAYS,
        )
        """What could not be delivered, of the notices and of what ended an execution from outside."""
        self.undelivered.apply_removal_policy(removal_policy)
        accept_risk(
            self.undelivered,
            nag=["AwsSolutions::AwsSolutions-SQS3", "Serverless::Serverless-SQSRedrivePolicy"],
            reason="it is itself the dead letter queue",
        )
        role = self._role(targets, names)
        self._rules = [self._rule(index, target, role) for index, target in enumerate(targets)]

    def allow_senders(self, rules: Sequence[str]) -> None:
        """Let the rules here, and others by their ARNs, send what they cannot deliver. Call it once."""
        arns = (*(rule.attr_arn for rule in self._rules), *rules)
        queue = self.undelivered
        statements = (
            Statement(
                "ApprovalUndeliveredFromEvents",
                "Allow",
                ("sqs:SendMessage",),
                resources=(queue.attr_arn,),
                principals=(("Service", "events.amazonaws.com"),),
                conditions=(
                    ("ArnEquals", "aws:SourceArn", arns),
                    ("StringEquals", "aws:SourceAccount", (ACCOUNT,)),
                ),
                reason="keeps what could not be delivered",
            ),
            Statement(
                "ApprovalUndeliveredTls",
                "Deny",
                ("sqs:*",),
                resources=(queue.attr_arn,),
                principals=(("*", "*"),),
                conditions=(("Bool", "aws:SecureTransport", ("false",)),),
                reason="nobody reads or writes without TLS",
            ),
        )
        sqs.CfnQueuePolicy(
            self,
            "UndeliveredPolicy",
            queues=[queue.ref],
            policy_document=policy_json(PolicyDocument("queue", statements)),
        )

    def _rule(self, index: int, target: NoticeTarget, role: iam.CfnRole | None) -> events.CfnRule:
        pattern: dict[str, object] = {"source": [SOURCE], "detail-type": [DETAIL_TYPE]}
        if target.groups:
            pattern["detail"] = {"groups": list(target.groups)}
        return events.CfnRule(
            self,
            f"Rule{index}",
            description=f"Tells {target.name} of approvals",
            event_bus_name=self.bus.ref,
            event_pattern=pattern,
            targets=[
                events.CfnRule.TargetProperty(
                    arn=target.arn,
                    id="Target",
                    # The part is handed on whole: a template would put people's text into JSON without quoting it.
                    input_path=f"$.detail.{target.detail}",
                    role_arn=role.attr_arn if role is not None and target.destination is not None else None,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.undelivered.attr_arn),
                )
            ],
        )

    def _role(self, targets: Sequence[NoticeTarget], names: WorkflowNames) -> iam.CfnRole | None:
        """Return the role that calls the API destinations; None without any."""
        arns = tuple(dict.fromkeys(target.arn for target in targets if target.destination is not None))
        if not arns:
            return None
        policy = GuardrailPolicy(
            self,
            "Policy",
            document=PolicyDocument(
                "notices", (allow("ApprovalNoticesCall", ("events:InvokeApiDestination",), arns, "tells people"),)
            ),
            path=names.path,
            description="Hands notices of approvals on to webhooks",
            accept=False,
        )
        accept_wildcards(policy)
        trust = Statement(
            "ApprovalNoticesTrust",
            "Allow",
            ("sts:AssumeRole",),
            principals=(("Service", "events.amazonaws.com"),),
            conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
        )
        return iam.CfnRole(
            self,
            "Role",
            role_name=names.of("notices"),
            path=names.path,
            description="Hands notices of approvals on to webhooks",
            assume_role_policy_document=policy_json(PolicyDocument("trust", (trust,))),
            managed_policy_arns=[policy.policy_arn],
        )


def _groups(value: object) -> tuple[str, ...]:
    """Return names of groups; text is a sequence of letters, and never meant as one."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and _GROUP.fullmatch(one) for one in value):
        raise WorkflowError(f"groups {value!r} of a notice's target are not allowed, expected a list of their names")
    return tuple(value)
