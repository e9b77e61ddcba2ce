"""What the function that looks at events is given of other parts: baselines, kill switch, approvals, runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.monitoring.policies import compare_may, look_may, runs_may
from sudo_mcp_guardrails.constructs.monitoring.targets import MonitoringError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_dynamodb as dynamodb
    from constructs import Construct

    from sudo_mcp_guardrails.constructs.approval.workflow import ApprovalWorkflow
    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch
    from sudo_mcp_guardrails.constructs.monitoring.learning import BaselineLearning
    from sudo_mcp_guardrails.iam.documents import Statement
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_WARNINGS: Final = {
    "noAlarmTopic": "nobody is told of the monitoring's alarms: give alarm_topic",
    "noTrail": "no trail is given: EventBridge tells of agents' calls alone, and as well as it can; rules about "
    "others, and events over 256 KB, need the trail's files",
    "noApprovals": "no approvals are given: nobody compares what agents apply with what was approved",
    "noKillSwitch": "no kill switch is given: calls of agents that are contained are not told from others",
}


def check_names(names: GuardrailNames, kill_switch: KillSwitch | None) -> None:
    """Raise MonitoringError for a kill switch of other guardrails: nobody would be contained by it here."""
    if kill_switch is not None and kill_switch.names != names:
        raise MonitoringError(
            f"kill_switch of names {kill_switch.names.prefix!r} is not allowed, expected {names.prefix!r}"
        )


def knowing(
    learning: BaselineLearning | None,
    kill_switch: KillSwitch | None,
    approvals: ApprovalWorkflow | None,
    runs: dynamodb.ITable | None,
) -> tuple[list[Statement], dict[str, str]]:
    """Return what the function may read, and the variables that name it.

    Args:
        learning: Where baselines are; None where nothing is learned.
        kill_switch: Whom to ask who is contained; None for nobody.
        approvals: Whose evidence says what was approved; None where nothing is compared.
        runs: Table of runs. None: that of the approvals, if there is one.
    """
    statements: list[Statement] = []
    variables: dict[str, str] = {}
    if learning is not None:
        statements += look_may(learning.bucket.attr_arn)
        variables["BASELINES_BUCKET"] = learning.bucket.ref
    if kill_switch is not None:
        statements += kill_switch.reading("PipelineDetect")
        variables["KILL_SWITCH_TABLE"] = kill_switch.table_name
    if approvals is not None:
        stores = approvals.stores
        found = stores.resources()
        if kill_switch is not None:
            found = replace(found, responder_key=kill_switch.stores.signing_key.attr_arn)
        statements += compare_may(found)
        variables |= {
            "EVIDENCE_TABLE": stores.tables["EVIDENCE_TABLE"].ref,
            "EVIDENCE_BUCKET": stores.evidence.bucket.ref,
            "EVIDENCE_KEY": found.evidence_key,
            "DECISION_KEY": found.decision_key,
            **({"RESPONDER_KEY": found.responder_key} if found.responder_key else {}),
        }
        runs = runs or approvals.runs
    if runs is not None:
        statements += runs_may(runs.table_arn, runs.encryption_key.key_arn if runs.encryption_key else None)
        variables["RUNS_TABLE"] = runs.table_name
    return statements, variables


def warn(scope: Construct, missing: Sequence[str]) -> None:
    """Say what nobody will find or hear of, since something was not given; by the names of :data:`_WARNINGS`."""
    for name in missing:
        cdk.Annotations.of(scope).add_warning_v2(f"@sudo-mcp-guardrails/agentMonitoring:{name}", _WARNINGS[name])
