"""Checks of a state machine in the Amazon States Language: what statelint checks, for JSONata, and a little more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.approval.workflow.evaluator import jsonata

if TYPE_CHECKING:
    from collections.abc import Iterator

State = dict[str, Any]
_COMMON = {"Type", "Comment", "Output", "Assign", "QueryLanguage"}
_FIELDS: dict[str, tuple[set[str], set[str]]] = {  # what a state must have, and what it may have besides
    "Task": ({"Resource"}, {"Arguments", "TimeoutSeconds", "HeartbeatSeconds", "Retry", "Catch", "Next", "End"}),
    "Pass": (set(), {"Next", "End"}),
    "Choice": ({"Choices"}, {"Default"}),
    "Wait": (set(), {"Seconds", "Timestamp", "Next", "End"}),
    "Succeed": (set(), set()),
    "Fail": (set(), {"Error", "Cause"}),
}
_NO_ASSIGN = {"Succeed", "Fail"}
_RETRIER = {"ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds", "JitterStrategy"}
_CATCHER = {"ErrorEquals", "Next", "Output", "Assign", "Comment"}
_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)


def problems(machine: State) -> list[str]:
    """What is wrong with a state machine, a line each."""
    states = machine["States"]
    found = [] if machine["StartAt"] in states else [f"StartAt {machine['StartAt']!r} is no state"]
    for name, state in states.items():
        found += [f"{name}: {problem}" for problem in _of_state(state, states)]
    found += [f"{name} is never reached" for name in states if name not in reached(machine)]
    found += [f"from {name} no end is reached" for name in states if name not in _ending(states)]
    return found


def next_of(state: State) -> set[str]:
    """The states that may come after a state."""
    found = {state[key] for key in ("Next", "Default") if key in state}
    return found | {each["Next"] for key in ("Choices", "Catch") for each in state.get(key, ())}


def reached(machine: State) -> set[str]:
    """The states that a machine may come to."""
    seen: set[str] = set()
    waiting = [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in machine["States"]:
            seen.add(name)
            waiting += next_of(machine["States"][name])
    return seen


def expressions(value: Any) -> Iterator[str]:
    """The JSONata in a JSON value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)
    elif isinstance(value, str) and (match := _EXPRESSION.fullmatch(value)):
        yield match[1].strip()


def variables(text: str) -> set[str]:
    """The variables that an expression names and does not bind itself."""
    bound = set(re.findall(r"\$(\w+)\s*:=", text))
    for inner in re.findall(r"function\(([^)]*)\)", text):
        bound |= set(re.findall(r"\$(\w+)", inner))
    named = set(re.findall(r"\$(\w+)(?!\w)(?!\s*\()", re.sub(r"'[^']*'|\"[^\"]*\"", "''", text)))
    return named - bound - {"states", "map", "filter"}


def _of_state(state: State, states: dict[str, State]) -> Iterator[str]:
    kind = state.get("Type", "")
    if kind not in _FIELDS:
        yield f"type {kind!r} is not known"
        return
    must, may = _FIELDS[kind]
    yield from (f"has no {field}" for field in must - set(state))
    yield from (f"has {field}, which no {kind} has" for field in set(state) - must - may - _COMMON)
    if kind in _NO_ASSIGN and "Assign" in state:
        yield f"a {kind} assigns nothing"
    if kind in {"Task", "Pass", "Wait"} and "Next" not in state and not state.get("End"):
        yield "has neither Next nor End"
    if kind == "Wait" and len({"Seconds", "Timestamp"} & set(state)) != 1:
        yield "has not one of Seconds and Timestamp"
    if kind == "Choice" and "Default" not in state:
        yield "has no Default"
    yield from (f"goes to {name!r}, which is no state" for name in next_of(state) if name not in states)
    yield from _of_errors(state)
    for text in expressions(state):
        try:
            jsonata.Jsonata.jsonata(text)
        except jsonata.jexception.JException as error:
            yield f"expression {text!r}: {error}"
        if "$eval" in text:
            yield f"expression {text!r} has $eval, which Step Functions has not"


def _of_errors(state: State) -> Iterator[str]:
    for field, known in (("Retry", _RETRIER), ("Catch", _CATCHER)):
        for index, each in enumerate(state.get(field, ())):
            yield from (f"{field} has {key}, which is not known" for key in set(each) - known)
            errors = each.get("ErrorEquals", [])
            if not errors:
                yield f"{field} names no error"
            if "States.ALL" in errors and (len(errors) > 1 or index + 1 < len(state[field])):
                yield f"States.ALL in {field} is not alone and last"
            known_states = {"States.ALL", "States.Permissions", "States.TaskFailed", "States.Timeout"}
            yield from (f"{e} is no error" for e in errors if e.startswith("States.") and e not in known_states)


def _ending(states: dict[str, State]) -> set[str]:
    """The states from which an end can be reached."""
    found = {name for name, state in states.items() if state.get("Type") in {"Succeed", "Fail"} or state.get("End")}
    while True:
        more = {name for name, state in states.items() if next_of(state) & found} - found
        if not more:
            return found
        found |= more
