"""How an approval ends, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.approval.workflow.expressions import APPROVAL, recording, when
from sudo_mcp_guardrails.approval.workflow.notices import notify

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.workflow.retries import State


def ending() -> dict[str, State]:
    """Return the ends. A refusal is one that the workflow is there for, and no failure of it."""
    return {
        "Refused": recording(
            "Refused", {"op": "refused", "because": "{% $because %}", "next": "{% $next %}"}, "Refused"
        ),
        "RecordFailure": {
            **recording("RecordFailure", {"op": "failed"}, "WorkflowFailed"),
            "Arguments": {
                "FunctionName": "${RecordFunction}",
                "Payload": {
                    "op": "failed",
                    "approval": APPROVAL,
                    "error": "{% $failure.error %}",
                    "cause": "{% $failure.cause %}",
                    "state": "{% $failure.state %}",
                },
            },
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": {}, "Next": "NotRecorded"}],
        },
        "HasLastNotices": {
            "Type": "Choice",
            "Choices": [when("$count($notices) > 0", "NotifyEnd")],
            "Default": "End",
        },
        "NotifyEnd": notify("${EventBus}", "${PageUrl}", then="HasLastNotices"),
        "End": {
            "Type": "Choice",
            "Choices": [
                when("$end = 'Executed'", "Executed"),
                when("$end = 'Refused'", "Ended"),
                when("$end = 'ExecutionFailed'", "ExecutionFailed"),
            ],
            "Default": "WorkflowFailed",
        },
        "Executed": {"Type": "Succeed", "Output": {"state": "executed"}},
        "Ended": {"Type": "Succeed", "Output": {"state": "ended", "because": "{% $because %}"}},
        "ExecutionFailed": {"Type": "Fail", "Error": "ExecutionFailed", "Cause": "{% $outcome & ': ' & $detail %}"},
        "WorkflowFailed": {
            "Type": "Fail",
            "Error": "{% $failure.error %}",
            "Cause": "{% $failure.state & ': ' & $failure.cause %}",
        },
        "NotRecorded": {
            "Type": "Fail",
            "Error": "NotRecorded",
            "Cause": "{% 'what failed could not be recorded: ' & $failure.state & ': ' & $failure.error %}",
        },
    }
