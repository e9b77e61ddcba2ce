"""The state machine that one approval goes through, in the Amazon States Language with JSONata.

It decides nothing about an approval: each function replays the signed chain for itself, and the machine only says who
looks next. Read and classify, scan, tell people and wait for them, look again, apply, poll, verify, record. Whatever
goes wrong is recorded, and ends it. Sources: Step Functions developer guide, "Transforming data with JSONata in Step
Functions", "Passing data between states with variables", "Discover service integration patterns" (task tokens) and
"Service quotas" (25,000 events in a history: 200 rounds and eight hours of polling stay below).

What the construct puts in is written ``${Name}``, as CloudFormation's ``DefinitionSubstitutions`` has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.workflow.applying import applying
from sudo_mcp_guardrails.approval.workflow.ending import ending
from sudo_mcp_guardrails.approval.workflow.expressions import (
    ANSWER,
    APPROVAL,
    DIGESTS,
    failed,
    many,
    of,
    seconds,
    text,
    text_of,
    when,
)
from sudo_mcp_guardrails.approval.workflow.retries import function_task
from sudo_mcp_guardrails.approval.workflow.waiting import rechecking, telling, waiting

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.workflow.retries import State

SUBSTITUTIONS: Final = (
    "Partition",
    "BrokerFunction",
    "ClassifyFunction",
    "RecheckFunction",
    "RecordFunction",
    "TokensTable",
    "EventBus",
    "PageUrl",
)
"""Names that stand in the definition as ``${Name}``; ``ScannerFunction`` besides, where there is a scanner."""
SCANNER: Final = "ScannerFunction"
MACHINE_HOURS: Final = 16
"""After which Step Functions ends the execution itself: four of an approval, eight of polling, and room."""
_INPUT: Final = "{% $states.context.Execution.Input %}"


def definition(*, scanner: bool = False) -> State:
    """Return the state machine.

    Args:
        scanner: Whether a function of the user's scans each plan. Without one the chain says that none did.
    """
    states = {
        **_reading(),
        **_scanning(scanner=scanner),
        **telling(),
        **waiting(),
        **rechecking(),
        **applying(),
        **ending(),
    }
    return {
        "Comment": "One approval, from the plan to the record of what came of it",
        "QueryLanguage": "JSONata",
        "StartAt": "Begin",
        "TimeoutSeconds": MACHINE_HOURS * 3600,
        "States": states,
    }


def _reading() -> dict[str, State]:
    return {
        # Every variable is there from the beginning, so that no expression stands on one that is not.
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "approvalDigest": "",
                "planDigest": "",
                "because": "",
                "next": "",
                "waitSeconds": 60,
                "opens": "",
                "round": 0,
                "polls": 0,
                "callback": None,
                "sent": [],
                "notices": [],
                "failure": {"error": "", "cause": "", "state": ""},
                "outcome": "",
                "detail": "",
            },
            "Output": {},
            "Next": "Read",
        },
        "Read": function_task(
            "${BrokerFunction}",
            {"op": "read", "input": _INPUT},
            930,
            {"bundle": of("bundle"), "planDigest": of("planDigest")},
            "Classify",
            caught=failed("Read"),
        ),
        "Classify": function_task(
            "${ClassifyFunction}",
            {"input": _INPUT, "bundle": "{% $bundle %}", "planDigest": "{% $planDigest %}"},
            330,
            {
                "approvalDigest": of("approvalDigest"),
                "planDigest": of("planDigest"),
                "next": of("next"),
                "because": text("because"),
                "notices": many("notices"),
                "waitSeconds": seconds("waitSeconds"),
                "toScan": "{% $exists($states.result.Payload.scan) ? $states.result.Payload.scan : {} %}",
            },
            "IsClassified",
            caught=failed("Classify"),
        ),
        "IsClassified": {
            "Type": "Choice",
            "Choices": [when("$next in ['people', 'rule']", "Scan")],
            "Default": "HasNotices",
        },
    }


def _scanning(*, scanner: bool) -> dict[str, State]:
    """Return the scan: by the user's function, or a state that says that there is none."""
    if scanner:
        scan = function_task(
            f"${{{SCANNER}}}",
            {
                "approval": APPROVAL,
                "planDigest": "{% $planDigest %}",
                "bundle": "{% $bundle %}",
                "scan": "{% $toScan %}",
            },
            930,
            # Whatever it answers: what is no verdict is refused by who records it.
            {"scanned": "{% $exists($states.result.Payload) ? $states.result.Payload : null %}"},
            "RecordScan",
            caught=failed("Scan"),
        )
    else:
        scan = {"Type": "Pass", "Assign": {"scanned": {"scan": "none"}}, "Output": {}, "Next": "RecordScan"}
    return {
        "Scan": scan,
        "RecordScan": function_task(
            "${RecordFunction}",
            {"op": "scanned", "approval": APPROVAL, **DIGESTS, "scan": "{% $scanned %}"},
            150,
            {
                # It alone says whether the scan was passed; without its yes the approval is refused.
                "next": "{% $states.result.Payload.passed = true ? $next : 'refused' %}",
                "because": f"{{% {ANSWER}.passed = true ? $because : {text_of('because')} %}}",
            },
            "HasNotices",
            caught=failed("RecordScan"),
        ),
    }
