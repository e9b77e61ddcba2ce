"""How a state of the workflow is called, tried again, and what becomes of an error.

Every function is safe to call again for one approval and state, so that a task is tried again after any error: one of
the Lambda service, a function that died or hung, and one that a function raised because a service under it was busy.
Sources: Step Functions developer guide, "Handling errors in Step Functions workflows" and "Handle transient Lambda
service exceptions".
"""

from __future__ import annotations

from typing import Any, Final

State = dict[str, Any]
"""One state of the Amazon States Language, as JSON."""

LAMBDA_ERRORS: Final = (
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
)
"""What the Lambda service answers when nothing is wrong with the request; the last also for a function that died."""
DYNAMODB_ERRORS: Final = (
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.SdkClientException",
    "DynamoDb.ThrottlingException",
)
"""What DynamoDB answers when it is busy, as Step Functions writes it for an SDK integration."""
DYNAMODB_REFUSALS: Final = (
    "DynamoDb.AccessDeniedException",
    "DynamoDb.DynamoDbException",
    "DynamoDb.ResourceNotFoundException",
    "DynamoDb.ValidationException",
    "States.Permissions",
)
"""What it answers where trying again helps nothing, such as a table that is gone; the second stands for the rest."""
FINAL_ERRORS: Final = ("ApplyRefused", "PlanError")
"""What a function raises where trying again would change nothing."""
CAUSE_CHARACTERS: Final = 1000
"""Of an error's cause that travel to the function that records it."""

# A fresh account runs ten functions at once: with a thousand approvals in flight, a call waits its turn for minutes.
_BUSY: Final = {"IntervalSeconds": 1, "BackoffRate": 2, "MaxDelaySeconds": 30, "MaxAttempts": 20}
_RAISED: Final = {"IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 30, "MaxAttempts": 3}
_FEW: Final = {"IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 4}


def function_task(arn: str, payload: object, seconds: int, assign: State, then: str, *, caught: list[State]) -> State:
    """Return a task that calls a function and keeps what it answers in variables.

    Args:
        arn: ARN of the function, or a placeholder for it.
        payload: What it gets; text in ``{% %}`` is JSONata.
        seconds: After how many the task is given up; more than the function's own timeout.
        assign: Variables, of ``$states.result.Payload``. One that is missing there is an error, and so caught.
        then: The next state.
        caught: What becomes of errors.
    """
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Arguments": {"FunctionName": arn, "Payload": payload},
        "TimeoutSeconds": seconds,
        "Retry": [
            _retry(LAMBDA_ERRORS, _BUSY),
            {"ErrorEquals": list(FINAL_ERRORS), "MaxAttempts": 0},
            _retry(("States.TaskFailed", "States.Timeout"), _RAISED),
        ],
        "Catch": caught,
        "Assign": assign,
        "Output": {},
        "Next": then,
    }


def busy_retries(*errors: str) -> list[State]:
    """Return the retries of a service that is called directly, for the errors that pass by themselves."""
    return [_retry(errors, _FEW)]


def caught(state: str, then: str) -> list[State]:
    """Return what becomes of any error of a state: it is kept in the variable ``failure``, with the state's name.

    Args:
        state: The state's name.
        then: Where it is recorded.
    """
    return [{"ErrorEquals": ["States.ALL"], "Assign": {"failure": failure(state)}, "Output": {}, "Next": then}]


def failure(state: str) -> State:
    """Return an error as data; a cause may be long, and an error of a sort has none."""
    cause = "$states.errorOutput.Cause"
    return {
        "error": "{% $exists($states.errorOutput.Error) ? $states.errorOutput.Error : 'unknown' %}",
        "cause": f"{{% $exists({cause}) ? $substring($string({cause}), 0, {CAUSE_CHARACTERS}) : '' %}}",
        "state": state,
    }


def _retry(errors: tuple[str, ...], how: State) -> State:
    return {"ErrorEquals": list(errors), **how, "JitterStrategy": "FULL"}
