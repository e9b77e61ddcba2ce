"""Agents watched as they work: events looked at within seconds, and findings told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from sudo_mcp_guardrails.constructs.asset import staged
from sudo_mcp_guardrails.constructs.log_pipeline_alarms import make_alarms
from sudo_mcp_guardrails.constructs.log_pipeline_calls import ALL_MANAGEMENT_EVENTS, tell_of_calls
from sudo_mcp_guardrails.constructs.log_pipeline_function import PipelineFunction
from sudo_mcp_guardrails.constructs.log_pipeline_policies import key_users
from sudo_mcp_guardrails.constructs.log_pipeline_props import broker_variables
from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue, rule_to, sender_conditions
from sudo_mcp_guardrails.constructs.log_pipeline_schedules import event_source, every
from sudo_mcp_guardrails.constructs.log_pipeline_sources import tell_of_objects
from sudo_mcp_guardrails.constructs.log_pipeline_stores import make_table
from sudo_mcp_guardrails.constructs.monitoring.alarms import dashboard_body, monitoring_alarms
from sudo_mcp_guardrails.constructs.monitoring.delivery import FindingDelivery
from sudo_mcp_guardrails.constructs.monitoring.knowing import check_names, knowing, warn
from sudo_mcp_guardrails.constructs.monitoring.learning import BaselineLearning
from sudo_mcp_guardrails.constructs.monitoring.policies import detect_may
from sudo_mcp_guardrails.constructs.monitoring.settings import settings_text
from sudo_mcp_guardrails.constructs.monitoring.targets import MonitoringError
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.detection.telling import SETTINGS
from sudo_mcp_guardrails.iam.documents import PolicyDocument
from sudo_mcp_guardrails.policies.naming import ACCOUNT, GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_events as events
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_stepfunctions as sfn

    from sudo_mcp_guardrails.agents import Agent, TrustTier
    from sudo_mcp_guardrails.constructs.approval.workflow import ApprovalWorkflow
    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch
    from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource
    from sudo_mcp_guardrails.constructs.monitoring.targets import FindingTarget
    from sudo_mcp_guardrails.detection.profile import WorkingHours

_SECONDS: Final = 60
_CONCURRENCY: Final = 5


class AgentMonitoring(Construct):
    """Looks at what agents do within seconds, by all rules of the library, and tells of what it finds.

    EventBridge sends agents' calls and attempts on the trail at once; the trail's files, where they are given, are what
    is complete, and the only way for rules about everybody's calls. Several functions count correlations together, in
    a table. Findings go to a bus in OCSF, to a topic, to targets and to Security Hub; those that contain at once also
    start a containment. Every few minutes a canary makes a harmless call that must come back as an informational
    finding; where none does, an alarm says that the monitoring is blind.

    Costs, by list prices of us-east-1 and from memory: a key, 1 USD, some 12 alarms, 1.20 USD, and a dashboard, 3 USD a
    month (the first three of an account are free). Beside these by use alone: EventBridge 1 USD per million findings,
    SQS 0.40 USD per million messages, and the functions.

    Args:
        scope: The scope. One stands in an account and Region and for one name prefix: the bus has a name.
        id: The construct's id.
        agents: Who is watched; calls outside of what they are meant to do are findings. Default: agents are known by
            their roles, and nothing is outside.
        hours: When agents work, by their names. Default: always.
        declared: Actions of agents' declared tasks, by their names. Default: nothing is outside of them.
        tiers: Agents' trust tiers, by their names. Default: not known.
        watch: Entries of watchlists, by the lists' names, such as ``honeytoken``. Default: none.
        rules: Directory with rules of your own in Sigma's format; needs the extra ``detection``. Default: none.
        trail: The trail's bucket. Default: none, and a warning.
        event_bus: A bus to which member accounts send agents' calls, beside this account's own. Default: none.
        security_hub: Whether findings are imported there; it must be on. Default: False.
        targets: Who else is told. Default: nobody but the topic.
        containment: A function or state machine that is given each finding that contains at once. Default: none.
        learn: Whether what agents usually do is learned, and looked at; False leaves out new terms, surprise and rates.
        kill_switch: Whose contained agents' calls are findings, and of whom nothing is learned. Default: none, and a
            warning.
        approvals: The workflow whose evidence says what was approved: what agents apply is compared with it. Default:
            none, and a warning.
        runs: Table of runs, which says who is behind a finding. Default: that of the approvals.
        canary_minutes: How often the canary calls, 1 to 60; after three times as long without one there is an alarm.
        alarm_topic: Whom alarms tell. Default: nobody, and a warning.
        encryption_key: Encrypts queue, table, topic and logs; its policy must let CloudWatch Logs and EventBridge use
            it. Default: one is made.
        log_retention: Default: one year.
        names: Names of the guardrails' own resources.
        brokers: As of a :class:`~sudo_mcp_guardrails.constructs.log_pipeline.LogPipeline`. Default: all tags are
            believed.

    Raises:
        MonitoringError: For props that contradict each other, or a number outside its range.
        RuleError: For rules that do not parse, or go by the name or id of another.
        DetectionError: For a watchlist of another form.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        agents: Sequence[Agent] = (),
        hours: Mapping[str, WorkingHours] | None = None,
        declared: Mapping[str, Sequence[str]] | None = None,
        tiers: Mapping[str, TrustTier | str] | None = None,
        watch: Mapping[str, Sequence[str]] | None = None,
        rules: str | None = None,
        trail: TrailSource | None = None,
        event_bus: events.IEventBus | None = None,
        security_hub: bool = False,
        targets: Sequence[FindingTarget] = (),
        containment: lambda_.IFunction | sfn.IStateMachine | None = None,
        learn: bool = True,
        kill_switch: KillSwitch | None = None,
        approvals: ApprovalWorkflow | None = None,
        runs: dynamodb.ITable | None = None,
        canary_minutes: int = 5,
        alarm_topic: sns.ITopic | None = None,
        encryption_key: kms.IKey | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        names: GuardrailNames | None = None,
        brokers: Sequence[str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        if not 1 <= canary_minutes <= 60:  # noqa: PLR2004 - a silence of hours is no alarm
            raise MonitoringError(f"canary_minutes {canary_minutes} is not allowed, expected 1 to 60")
        names = names or GuardrailNames()
        check_names(names, kill_switch)
        settings = settings_text(
            agents, hours=hours or {}, declared=declared or {}, tiers=tiers or {}, rules=rules, watch=watch or {}
        )
        self.key: kms.IKey = encryption_key or self._key(trail)
        """Encrypts all."""
        self.queue: NotificationQueue = NotificationQueue(
            self, "DetectQueue", key=self.key, function_timeout=cdk.Duration.seconds(_SECONDS)
        )
        """Of events; its dead letter queue has what could not be looked at, and what could not be delivered."""
        tell_of_calls(Construct(self, "Own"), self.queue, names=names, sender="Calls")
        if event_bus is not None:
            members = Construct(self, "Members")
            tell_of_calls(members, self.queue, names=names, bus=event_bus.event_bus_name, sender="MemberCalls")
        if trail is not None:
            tell_of_objects(self, self.queue, trail)
        self.delivery: FindingDelivery = FindingDelivery(
            self,
            "Delivery",
            names=names,
            key=self.key,
            targets=targets,
            containment=containment,
            undelivered=self.queue,
        )
        """Bus, topic and rules."""
        table = make_table(self, "State", self.key, expires=True)
        with staged("detect", "detect_canary", "detect_learn") as directory:
            (Path(directory) / SETTINGS).write_text(settings, encoding="utf-8")
            code = assets.Asset(self, "Code", path=directory)
        shared: dict[str, Any] = {
            "code": code,
            "architecture": lambda_.Architecture.ARM_64,
            "timeout": cdk.Duration.seconds(_SECONDS),
            "concurrency": None,
            "log_key": self.key,
            "log_retention": log_retention,
            "path": f"/{names.prefix}/",
            "placement": None,
        }
        self.canary: PipelineFunction = PipelineFunction(
            self,
            "CanaryCall",
            handler="detect_canary",
            description="Makes a harmless call that must come back as a finding",
            statements=[],
            environment={},
            memory=cdk.Size.mebibytes(256),
            **shared,
        )
        """Makes the canary's call."""
        self.learning: BaselineLearning | None = (
            BaselineLearning(
                self,
                "Learning",
                key=self.key,
                monitoring=self.node.path,
                kill_switch=kill_switch,
                names=names,
                **shared,
            )
            if learn
            else None
        )
        """Learns what agents usually do; None where nothing is learned."""
        may_know, known = knowing(self.learning, kill_switch, approvals, runs)
        self.detector: PipelineFunction = PipelineFunction(
            self,
            "Detect",
            handler="detect",
            description="Looks at agents' calls, and tells of what it finds",
            statements=[
                *detect_may(
                    key=self.key.key_arn,
                    table=table.attr_arn,
                    bus=self.delivery.bus.attr_arn,
                    queue=self.queue,
                    trail=trail,
                    security_hub=security_hub,
                ),
                *may_know,
            ],
            environment={
                "MONITORING": self.node.path,
                "NAMES_PREFIX": names.prefix,
                "STATE_TABLE": table.ref,
                "LEASE_SECONDS": str(3 * _SECONDS),
                "BUS": self.delivery.bus.ref,
                "DEAD_LETTERS": self.queue.dead_letter_queue.ref,
                "CANARY_ROLE": self.canary.role.attr_arn,
                "SECURITY_HUB_ACCOUNT": cdk.Aws.ACCOUNT_ID if security_hub else "",
                **known,
                **broker_variables(brokers),
            },
            memory=cdk.Size.gibibytes(1),
            **shared,
        )
        """Looks at events."""
        event_source(
            self,
            "Events",
            function=self.detector,
            queue=self.queue.queue,
            batch=10,
            window_seconds=0,
            concurrency=_CONCURRENCY,
        )
        self._send_canary(canary_minutes, f"/{names.prefix}/")
        functions = {"Detect": self.detector.function.ref, "CanaryCall": self.canary.function.ref}
        if self.learning is not None:
            functions["Learn"] = self.learning.function.function.ref
        self.alarms: dict[str, cloudwatch.CfnAlarm] = make_alarms(
            Construct(self, "Alarms"),
            monitoring_alarms(self.node.path, self.queue, functions, 3 * canary_minutes),
            alarm_topic,
        )
        """The alarms, by id; ``Canary`` is the dead man's switch."""
        body = dashboard_body(self.node.path, self.queue)
        cloudwatch.CfnDashboard(self, "Dashboard", dashboard_body=cdk.Stack.of(self).to_json_string(body))
        missing = {
            "noAlarmTopic": alarm_topic is None,
            "noTrail": trail is None,
            "noApprovals": approvals is None,
            "noKillSwitch": kill_switch is None,
        }
        warn(self, [name for name, absent in missing.items() if absent])

    def _key(self, trail: TrailSource | None) -> kms.IKey:
        senders = trail.senders if trail is not None else (("events.amazonaws.com", ACCOUNT),)
        made = kms.CfnKey(
            self,
            "Key",
            description="Encrypts what the monitoring of agents keeps and sends",
            enable_key_rotation=True,
            key_policy=policy_json(PolicyDocument("key", tuple(key_users(senders)))),
        )
        made.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        return kms.Key.from_key_arn(self, "KeyImport", made.attr_arn)

    def _send_canary(self, minutes: int, path: str) -> None:
        """Have the canary call, and its event sent to the queue as an agent's would be."""
        unit = "minute" if minutes == 1 else "minutes"
        every(self, path, [("Canary", self.canary, f"rate({minutes} {unit})", {})])
        issuer = {"sessionContext": {"sessionIssuer": {"arn": [self.canary.role.attr_arn]}}}
        pattern = {
            "source": ["aws.sts"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {"eventName": ["GetCallerIdentity"], "userIdentity": issuer},
        }
        text = "Sends the canary's call to the monitoring"
        rule = rule_to(self, "CanaryEvents", text, pattern, self.queue, state=ALL_MANAGEMENT_EVENTS)
        self.queue.allow("Canary", "events.amazonaws.com", sender_conditions([rule.attr_arn]), undelivered=True)
