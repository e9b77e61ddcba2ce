"""Expressions that the workflow's states share: what a function answered, and whether it is what it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.workflow.retries import caught, function_task

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.workflow.retries import State

APPROVAL: Final = "{% $states.context.Execution.Name %}"
"""The approval's id, by which the execution is called."""
DIGESTS: Final = {"approvalDigest": "{% $approvalDigest %}", "planDigest": "{% $planDigest %}"}
ANSWER: Final = "$states.result.Payload"
LONGEST_WAIT: Final = 300
"""Seconds of one wait for people: nothing of a lost callback is lost, for so long at most."""


def when(condition: str, then: str) -> State:
    """Return one choice. A choice catches nothing, so that each stands on variables that are always there."""
    return {"Condition": f"{{% {condition} %}}", "Next": then}


def of(name: str) -> str:
    """Return what a function answered; an answer without it is an error."""
    return f"{{% {ANSWER}.{name} %}}"


def text_of(name: str) -> str:
    """Return text that may be missing, within an expression."""
    return f"($exists({ANSWER}.{name}) ? $string({ANSWER}.{name}) : '')"


def text(name: str) -> str:
    """Return text that may be missing."""
    return f"{{% {text_of(name)} %}}"


def many(name: str) -> str:
    """Return a list that may be missing, or of one."""
    return f"{{% [{ANSWER}.{name}] %}}"


def boolean(name: str) -> str:
    """Return a boolean, within an expression; everything else is an error, with the reason where one is given."""
    value = f"{ANSWER}.{name}"
    return f"$type({value}) = 'boolean' ? {value} : $error('no {name} was answered: ' & {text_of('because')})"


def needed(name: str) -> str:
    """Return text; everything else is an error, with the reason where one is given."""
    value = f"{ANSWER}.{name}"
    return f"{{% $type({value}) = 'string' ? {value} : $error('no {name} was answered: ' & {text_of('because')}) %}}"


def seconds(name: str) -> str:
    """Return how long to wait for people: whole seconds, from one to the longest wait."""
    value = f"{ANSWER}.{name}"
    whole = f"$max([1, $min([{LONGEST_WAIT}, $floor({value})])])"
    return f"{{% $exists({value}) and $type({value}) = 'number' ? {whole} : 60 %}}"


def moment() -> str:
    """Return when the calendar opens, as a time stamp: told in seconds since 1970, or as one."""
    value = f"{ANSWER}.opens"
    return f"($type({value}) = 'number' ? $fromMillis({value} * 1000) : $fromMillis($toMillis({value})))"


def failed(state: str) -> list[State]:
    """Return what becomes of any error of a state."""
    return caught(state, "RecordFailure")


def recording(state: str, body: State, end: str) -> State:
    """Return a task that records an end, tells what is to be told, and remembers which end it is."""
    # Of an approval that failed before it was classified there are no digests.
    return function_task(
        "${RecordFunction}",
        {"approval": APPROVAL, "notified": "{% [$sent] %}", **body},
        150,
        {"notices": many("notices"), "end": end},
        "HasLastNotices",
        caught=failed(state),
    )
