"""The state machine of one containment or restoration, in the Amazon States Language with JSONata.

It decides nothing: each function reads what is there for itself. Contain, up to three times where a step failed, since
running the same again does what is missing; wait for the grace; verify; tell. Or restore, once, and tell. Whatever goes
wrong is told, and fails the execution. Sources: Step Functions developer guide, "Transforming data with JSONata in Step
Functions", "Passing data between states with variables" and "Add EventBridge events with Step Functions".

It is started with a request, or by the rule of findings with a finding, which has ``unmapped`` and no request has.
What the construct puts in is written ``${Name}``, as CloudFormation's ``DefinitionSubstitutions`` has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.workflow.retries import LAMBDA_ERRORS, busy_retries, caught
from sudo_mcp_guardrails.response.requests import GRACE

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.workflow.retries import State

SUBSTITUTIONS: Final = ("Partition", "ResponderFunction", "EventBus", "Trigger")
"""Names that stand in the definition as ``${Name}``."""
SOURCE: Final = "sudo-mcp-guardrails.containment"
DETAIL_TYPE: Final = "Containment Notice"
ALONE: Final = "Containment Break-Glass"
ROUNDS: Final = 3
"""How often a containment that is not complete is run again."""
FUNCTION_SECONDS: Final = 900
MACHINE_SECONDS: Final = 4 * 3600
FINAL_ERRORS: Final = (
    *("ContainmentError", "InvalidAgentError", "RecordError", "RequestError", "RestoreError"),
    *("SwitchError", "TargetError"),
)
"""What a function raises where trying again would change nothing. A record that cannot be written is among it: whoever
contains sees that at once, and begins anew."""
_REQUEST: Final = "{% $request %}"
FINDING_LEVEL: Final = "K2"
_FROM_FINDING: Final = (
    "{"
    f"'op': 'contain', 'level': '{FINDING_LEVEL}', 'by': '${{Trigger}}', "
    "'target': 'agent:' & $states.input.unmapped.agent, "
    "'reason': 'finding of rule ' & $substring($string($states.input.rule), 0, 200), "
    "'incident': 'finding-' & $states.input.finding_info.uid"
    "}"
)
"""A finding that contains its agent becomes a request by three ids; whatever else it says asks for nothing."""
_ANSWER: Final = "$states.result.Payload"


def definition() -> State:
    """Return the state machine."""
    return {
        "Comment": "One containment, or one restoration, with the look at what came of it",
        "QueryLanguage": "JSONata",
        "StartAt": "Begin",
        "TimeoutSeconds": MACHINE_SECONDS,
        "States": {**_beginning(), **_containing(), **_restoring(), **_ending()},
    }


def _beginning() -> dict[str, State]:
    return {
        # Every variable is there from the beginning, so that no expression stands on one that is not.
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "request": f"{{% $exists($states.input.unmapped) ? {_FROM_FINDING} : $states.input %}}",
                "op": (
                    "{% $exists($states.input.unmapped) ? 'contain' : "
                    "$exists($states.input.op) ? $string($states.input.op) : '' %}"
                ),
                "alone": "{% $exists($states.input.breakGlass) and $states.input.breakGlass = true %}",
                "grace": (
                    "{% $not($exists($states.input.unmapped)) and $type($states.input.graceSeconds) = 'number' ? "
                    f"$max([0, $min([3600, $floor($states.input.graceSeconds)])]) : {GRACE} %}}"
                ),
                "round": 0,
                "report": {},
                "verified": {},
                "complete": False,
                "failure": {"error": "", "cause": "", "state": ""},
            },
            "Output": {},
            "Next": "What",
        },
        "What": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $op = 'contain' %}", "Next": "Contain"},
                {"Condition": "{% $op = 'restore' and $alone %}", "Next": "Announce"},
                {"Condition": "{% $op = 'restore' %}", "Next": "Restore"},
            ],
            "Default": "Unknown",
        },
        "Unknown": {
            "Type": "Pass",
            "Assign": {"failure": {"error": "RequestError", "cause": "neither contain nor restore", "state": "What"}},
            "Output": {},
            "Next": "Tell",
        },
    }


def _containing() -> dict[str, State]:
    return {
        "Contain": _task(
            "contain",
            {
                "report": f"{{% {_ANSWER} %}}",
                "complete": f"{{% {_ANSWER}.complete = true %}}",
                "round": "{% $round + 1 %}",
            },
            "IsComplete",
        ),
        "IsComplete": {
            "Type": "Choice",
            "Choices": [{"Condition": f"{{% $complete or $round >= {ROUNDS} %}}", "Next": "Grace"}],
            "Default": "Again",
        },
        "Again": {"Type": "Wait", "Seconds": 5, "Output": {}, "Next": "Contain"},
        "Grace": {"Type": "Wait", "Seconds": "{% $grace %}", "Output": {}, "Next": "Verify"},
        "Verify": _task("verify", {"verified": f"{{% {_ANSWER} %}}"}, "Tell"),
    }


def _restoring() -> dict[str, State]:
    return {
        # Somebody restores alone what takes two: people know it before it happens, or it does not happen.
        "Announce": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::events:putEvents",
            "Arguments": {
                "Entries": [
                    {
                        "Source": SOURCE,
                        "DetailType": ALONE,
                        "EventBusName": "${EventBus}",
                        "Detail": {"request": _REQUEST, "execution": "{% $states.context.Execution.Id %}"},
                    }
                ]
            },
            "Retry": busy_retries("States.TaskFailed"),
            "Catch": [
                {
                    "ErrorEquals": ["States.ALL"],
                    "Assign": {
                        "failure": {
                            "error": "NobodyTold",
                            "cause": "people could not be told of a restoration by one person, so nothing was restored",
                            "state": "Announce",
                        }
                    },
                    "Output": {},
                    "Next": "Tell",
                }
            ],
            "Output": {},
            "Next": "Restore",
        },
        "Restore": _task(
            "restore",
            {"report": f"{{% {_ANSWER} %}}", "complete": f"{{% {_ANSWER}.complete = true %}}"},
            "Tell",
        ),
    }


def _ending() -> dict[str, State]:
    """Return how people are told, and how the execution ends: well only where all is as it should be."""
    result = {
        "request": _REQUEST,
        "complete": "{% $complete %}",
        "report": "{% $report %}",
        "verified": "{% $verified %}",
        "failure": "{% $failure %}",
        "execution": "{% $states.context.Execution.Id %}",
    }
    return {
        "Tell": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::events:putEvents",
            "Arguments": {
                "Entries": [
                    {
                        "Source": SOURCE,
                        "DetailType": DETAIL_TYPE,
                        "EventBusName": "${EventBus}",
                        "Detail": result,
                    }
                ]
            },
            "Retry": busy_retries("States.TaskFailed"),
            # Who could not be told sees it in the execution; what was contained stays contained.
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": {}, "Next": "HowItWent"}],
            "Output": {},
            "Next": "HowItWent",
        },
        "HowItWent": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $failure.error = '' and $complete %}", "Next": "Done"}],
            "Default": "NotDone",
        },
        "Done": {"Type": "Pass", "Output": result, "End": True},
        "NotDone": {
            "Type": "Fail",
            "Error": "{% $failure.error = '' ? 'Incomplete' : $failure.error %}",
            "Cause": (
                "{% $failure.error = '' ? $substring($string($report), 0, 20000) : "
                "$failure.state & ': ' & $failure.cause %}"
            ),
        },
    }


def _task(op: str, assign: State, then: str) -> State:
    """Return a task that calls the responder, which may be called again for one request."""
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Arguments": {
            "FunctionName": "${ResponderFunction}",
            "Payload": {"op": op, "request": _REQUEST, "execution": "{% $states.context.Execution.Id %}"},
        },
        "TimeoutSeconds": FUNCTION_SECONDS + 30,
        "Retry": [
            {"ErrorEquals": list(FINAL_ERRORS), "MaxAttempts": 0},
            {"ErrorEquals": list(LAMBDA_ERRORS), "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 8},
            {"ErrorEquals": ["States.TaskFailed", "States.Timeout"], "IntervalSeconds": 2, "MaxAttempts": 3},
        ],
        "Catch": caught(op.capitalize(), "Tell"),
        "Assign": assign,
        "Output": {},
        "Next": then,
    }
