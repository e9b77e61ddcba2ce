"""Carrying out what was approved, watching it, and recording what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.workflow.expressions import (
    ANSWER,
    APPROVAL,
    DIGESTS,
    boolean,
    failed,
    many,
    needed,
    recording,
    text,
    when,
)
from sudo_mcp_guardrails.approval.workflow.retries import function_task

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.workflow.retries import State

POLLING_HOURS: Final = 8
"""How long an execution is watched before it counts as one whose result is not known."""


def applying() -> dict[str, State]:
    """Return the states from the execution to the record of its end."""
    watched = {"op": "poll", "approval": APPROVAL, **DIGESTS, "execution": "{% $execution %}", "poll": "{% $poll %}"}
    return {
        "Apply": function_task(
            "${BrokerFunction}",
            {"op": "apply", "approval": APPROVAL, **DIGESTS},
            930,
            {
                "refused": f"{{% {ANSWER}.refused ? true : false %}}",
                "because": text("because"),
                # What was refused has neither; everything else has both, or it is an error.
                "execution": f"{{% {ANSWER}.refused ? '' : {ANSWER}.execution %}}",
                "running": f"{{% {ANSWER}.refused ? false : {boolean('running')} %}}",
                "poll": f"{{% $exists({ANSWER}.poll) ? {ANSWER}.poll : {{}} %}}",
                "began": "{% $millis() %}",
            },
            "IsStarted",
            caught=failed("Apply"),
        ),
        "IsStarted": {
            "Type": "Choice",
            "Choices": [when("$refused", "Refused"), when("$running", "PollLater")],
            "Default": "Verify",
        },
        "PollLater": {"Type": "Wait", "Seconds": "{% $min([5 + $polls, 30]) %}", "Output": {}, "Next": "Poll"},
        "Poll": function_task(
            "${BrokerFunction}",
            watched,
            930,
            {
                "running": f"{{% {boolean('running')} %}}",
                "polls": "{% $polls + 1 %}",
                "poll": f"{{% $exists({ANSWER}.poll) ? {ANSWER}.poll : $poll %}}",
            },
            "IsRunning",
            caught=failed("Poll"),
        ),
        "IsRunning": {
            "Type": "Choice",
            "Choices": [
                when(f"$running and $millis() - $began < {POLLING_HOURS * 3600 * 1000}", "PollLater"),
                when("$running", "RunsTooLong"),
            ],
            "Default": "Verify",
        },
        "RunsTooLong": {
            "Type": "Pass",
            "Assign": {
                "failure": {
                    "error": "ExecutionTooLong",
                    "cause": f"the execution has not come to its end in {POLLING_HOURS} hours",
                    "state": "Poll",
                }
            },
            "Output": {},
            "Next": "RecordFailure",
        },
        "Verify": function_task(
            "${BrokerFunction}",
            {**watched, "op": "verify"},
            930,
            {
                "outcome": needed("outcome"),
                "detail": text("detail"),
                "deviations": many("deviations"),
            },
            "Record",
            caught=failed("Verify"),
        ),
        "Record": recording(
            "Record",
            {
                "op": "ended",
                "execution": "{% $execution %}",
                "outcome": "{% $outcome %}",
                "detail": "{% $detail %}",
                "deviations": "{% [$deviations] %}",
            },
            "{% $outcome = 'executed' ? 'Executed' : 'ExecutionFailed' %}",
        ),
    }
