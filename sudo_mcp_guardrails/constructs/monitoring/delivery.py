"""The bus of findings, and the rules that hand them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from sudo_mcp_guardrails.constructs.monitoring.targets import MonitoringError
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.detection.telling import DETAIL_TYPE, SOURCE
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_stepfunctions as sfn

    from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue
    from sudo_mcp_guardrails.constructs.monitoring.targets import FindingTarget
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_CONTAINS: Final = {"unmapped": {"contains": ["true"]}}
_ALERTS: Final = {"severity_id": [{"numeric": [">=", 2]}]}
"""No informational finding: the canary's."""


class FindingDelivery(Construct):
    """The bus of findings, the topic, and a rule for each target. The bus costs 1 USD per million findings.

    Args:
        scope: The scope.
        id: The construct's id.
        names: Names of the guardrails' own resources: the bus is called by them, so that no agent writes to it.
        key: Encrypts the topic.
        targets: Who is told.
        containment: Called for each finding that contains at once.
        undelivered: Its dead letter queue takes what could not be delivered.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: GuardrailNames,
        key: kms.IKey,
        targets: Sequence[FindingTarget],
        containment: lambda_.IFunction | sfn.IStateMachine | None,
        undelivered: NotificationQueue,
    ) -> None:
        super().__init__(scope, id)
        doubled = [one.name for one in targets if [each.name for each in targets].count(one.name) > 1]
        if doubled:
            raise MonitoringError(f"target {doubled[0]!r} is there twice, allowed: one of each service")
        self._path = f"/{names.prefix}/"
        self._dead = undelivered.dead_letter_queue.attr_arn
        self.bus: events.CfnEventBus = events.CfnEventBus(
            self, "Bus", name=f"{names.prefix}-findings", description="Findings about agents, in OCSF"
        )
        """The bus."""
        self.topic: sns.CfnTopic = sns.CfnTopic(self, "Topic", kms_master_key_id=key.key_arn)
        """Has a line of each new finding, for whatever subscribes to it."""
        self._rules: list[events.CfnRule] = []
        self._tell_topic()
        if targets:
            self._tell_targets(targets)
        if containment is not None:
            self._contain(containment)
        arns = tuple(rule.attr_arn for rule in self._rules)
        undelivered.allow(
            "Findings",
            "events.amazonaws.com",
            (("ArnEquals", "aws:SourceArn", arns), ("StringEquals", "aws:SourceAccount", (ACCOUNT,))),
            undelivered=True,
        )

    def _tell_topic(self) -> None:
        rule = self._rule(
            "TopicRule",
            "Tells the topic of new findings",
            {**_ALERTS, "activity_id": [1]},
            arn=self.topic.ref,
            input_path="$.detail.unmapped.notice.text",
        )
        publish = Statement(
            "MonitoringTopicFromEvents",
            "Allow",
            ("sns:Publish",),
            resources=(self.topic.ref,),
            principals=(("Service", "events.amazonaws.com"),),
            conditions=(("ArnEquals", "aws:SourceArn", (rule.attr_arn,)),),
            reason="tells of findings",
        )
        tls = Statement(
            "MonitoringTopicTls",
            "Deny",
            ("sns:Publish",),
            resources=(self.topic.ref,),
            principals=(("*", "*"),),
            conditions=(("Bool", "aws:SecureTransport", ("false",)),),
            reason="nobody publishes without TLS",
        )
        sns.CfnTopicPolicy(
            self,
            "TopicPolicy",
            topics=[self.topic.ref],
            policy_document=policy_json(PolicyDocument("topic", (publish, tls))),
        )

    def _tell_targets(self, targets: Sequence[FindingTarget]) -> None:
        made = [
            events.CfnApiDestination(
                self,
                one.name,
                connection_arn=one.connection.connection_arn,
                http_method="POST",
                invocation_endpoint=one.endpoint,
                description="Takes findings about agents",
            )
            for one in targets
        ]
        role = self._role("Targets", ("events:InvokeApiDestination",), tuple(each.attr_arn for each in made))
        for one, destination in zip(targets, made, strict=True):
            detail: dict[str, Any] = {"severity_id": [{"numeric": [">=", one.least]}]}
            if one.new_only:
                detail["activity_id"] = [1]
            self._rule(
                f"{one.name}Rule",
                f"Tells {one.name} of findings",
                detail,
                arn=destination.attr_arn,
                role_arn=role.attr_arn,
                input_transformer=events.CfnRule.InputTransformerProperty(
                    input_paths_map=dict(one.paths), input_template=one.template
                ),
            )

    def _contain(self, containment: lambda_.IFunction | sfn.IStateMachine) -> None:
        text = "Contains the agent of a finding at once"
        if hasattr(containment, "state_machine_arn"):
            arn = containment.state_machine_arn
            role = self._role("Contain", ("states:StartExecution",), (arn,))
            self._rule("ContainRule", text, _CONTAINS, arn=arn, role_arn=role.attr_arn, input_path="$.detail")
            return
        rule = self._rule("ContainRule", text, _CONTAINS, arn=containment.function_arn, input_path="$.detail")
        lambda_.CfnPermission(
            self,
            "ContainPermission",
            action="lambda:InvokeFunction",
            function_name=containment.function_arn,
            principal="events.amazonaws.com",
            source_arn=rule.attr_arn,
        )

    def _rule(self, id_: str, description: str, detail: dict[str, Any], **target: Any) -> events.CfnRule:  # noqa: ANN401 - the CDK's
        rule = events.CfnRule(
            self,
            id_,
            description=description,
            event_bus_name=self.bus.ref,
            event_pattern={"source": [SOURCE], "detail-type": [DETAIL_TYPE], "detail": detail},
            targets=[
                events.CfnRule.TargetProperty(
                    id="Target", dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self._dead), **target
                )
            ],
        )
        self._rules.append(rule)
        return rule

    def _role(self, id_: str, actions: tuple[str, ...], resources: tuple[str, ...]) -> iam.CfnRole:
        description = "Hands findings about agents on"
        may = Statement(f"Monitoring{id_}Call", "Allow", actions, resources=resources, reason="hands findings on")
        policy = GuardrailPolicy(
            self,
            f"{id_}Policy",
            document=PolicyDocument("delivery", (may,)),
            path=self._path,
            description=description,
            accept=False,
        )
        accept_wildcards(policy)
        trust = Statement(
            f"Monitoring{id_}Trust",
            "Allow",
            ("sts:AssumeRole",),
            principals=(("Service", "events.amazonaws.com"),),
            conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
        )
        return iam.CfnRole(
            self,
            f"{id_}Role",
            path=self._path,
            description=description,
            assume_role_policy_document=policy_json(PolicyDocument("trust", (trust,))),
            managed_policy_arns=[policy.policy_arn],
        )
