"""Telling people, waiting for them, and looking again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.workflow.expressions import (
    ANSWER,
    APPROVAL,
    failed,
    many,
    moment,
    of,
    seconds,
    text,
    when,
)
from sudo_mcp_guardrails.approval.workflow.notices import notify
from sudo_mcp_guardrails.approval.workflow.retries import (
    DYNAMODB_ERRORS,
    DYNAMODB_REFUSALS,
    busy_retries,
    failure,
    function_task,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.workflow.retries import State

ROUNDS: Final = 200
"""Of waiting and looking again; an approval lives four hours at most, and a round takes up to five minutes."""


def telling() -> dict[str, State]:
    """Return how notices are sent, and where it goes on when none is left."""
    return {
        "HasNotices": {
            "Type": "Choice",
            "Choices": [when("$count($notices) > 0", "Notify")],
            "Default": "WhatNext",
        },
        "Notify": notify("${EventBus}", "${PageUrl}", then="HasNotices"),
        "WhatNext": {
            "Type": "Choice",
            "Choices": [
                when("$next in ['people', 'wait'] and $round < " + str(ROUNDS), "WaitForPeople"),
                when("$next = 'calendar' and $opens != '' and $round < " + str(ROUNDS), "Calendar"),
                when("$next = 'rule' and $round = 0", "Recheck"),
                when("$next = 'apply' and $round > 0", "Apply"),
                when("$next in ['ended', 'refused']", "Refused"),
                when(f"$round >= {ROUNDS}", "TooManyRounds"),
            ],
            "Default": "UnknownAnswer",
        },
        "TooManyRounds": {
            "Type": "Pass",
            "Assign": {"because": f"the approval was looked at {ROUNDS} times and is not decided"},
            "Output": {},
            "Next": "Refused",
        },
        "UnknownAnswer": {
            "Type": "Pass",
            "Assign": {
                "failure": {
                    "error": "UnknownAnswer",
                    "cause": "{% 'a function says ' & $string($next) & ', which is no next step' %}",
                    "state": "WhatNext",
                }
            },
            "Output": {},
            "Next": "RecordFailure",
        },
    }


def waiting() -> dict[str, State]:
    """Return the wait for people. It ends by a callback, by its time, or by an error, and each leads to a new look."""
    return {
        "WaitForPeople": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken",
            "Arguments": {
                "TableName": "${TokensTable}",
                "Key": {"approval": {"S": APPROVAL}},
                "UpdateExpression": "SET #token = :token, #round = :round, #ends = :ends",
                "ExpressionAttributeNames": {"#token": "token", "#round": "round", "#ends": "ends"},
                "ExpressionAttributeValues": {
                    ":token": {"S": "{% $states.context.Task.Token %}"},
                    ":round": {"N": "{% $string($round) %}"},
                    ":ends": {"N": "{% $string($floor($millis() / 1000) + $waitSeconds + 3600) %}"},
                },
            },
            "TimeoutSeconds": "{% $waitSeconds %}",
            "Retry": busy_retries(*DYNAMODB_ERRORS),
            "Catch": [
                {"ErrorEquals": ["States.Timeout"], "Assign": {"callback": None}, "Output": {}, "Next": "Recheck"},
                # Without a token nobody can call back: the approval is looked at after the time all the same. To look
                # at once, again and again, would use up all rounds in seconds, and record as many forged callbacks.
                {
                    "ErrorEquals": [*DYNAMODB_ERRORS, *DYNAMODB_REFUSALS],
                    "Assign": {"callback": None},
                    "Output": {},
                    "Next": "WaitAnyway",
                },
                # Nobody of ours reports a failure: who looks next records that somebody did.
                {
                    "ErrorEquals": ["States.ALL"],
                    "Assign": {"callback": {"failure": failure("WaitForPeople")}},
                    "Output": {},
                    "Next": "Recheck",
                },
            ],
            "Assign": {"callback": "{% $exists($states.result) ? $states.result : null %}"},
            "Output": {},
            "Next": "Recheck",
        },
        "WaitAnyway": {"Type": "Wait", "Seconds": "{% $waitSeconds %}", "Output": {}, "Next": "Recheck"},
        "Calendar": {
            "Type": "Wait",
            "Timestamp": "{% $opens %}",
            "Assign": {"callback": None},
            "Output": {},
            "Next": "Recheck",
        },
    }


def rechecking() -> dict[str, State]:
    """Return the state that replays the chain and says what is next."""
    return {
        "Recheck": function_task(
            "${RecheckFunction}",
            {
                "approval": APPROVAL,
                "callback": "{% $callback %}",
                "notified": "{% [$sent] %}",
                "round": "{% $round %}",
            },
            150,
            {
                "next": of("next"),
                "because": text("because"),
                "notices": many("notices"),
                "waitSeconds": seconds("waitSeconds"),
                # A time that is none would end the execution in the state that waits, which catches nothing.
                "opens": f"{{% {ANSWER}.next = 'calendar' ? {moment()} : '' %}}",
                "approvalDigest": of("approvalDigest"),
                "planDigest": of("planDigest"),
                "round": "{% $round + 1 %}",
                "sent": [],
            },
            "HasNotices",
            caught=failed("Recheck"),
        )
    }
