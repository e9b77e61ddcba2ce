"""Gap: a rule of EventBridge starts a state machine as nobody, and an event that cannot start it is lost.

At AWS the execution is started as the target's role, which must trust `events.amazonaws.com` and may start that state
machine, with an input that is JSON. What cannot be started goes to the target's dead letter queue, with the reason.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

from __future__ import annotations

import json
from contextvars import ContextVar, copy_context
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ministack.services import eventbridge, stepfunctions

from .api_destinations import Failure, bury, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTION = "states:StartExecution"
_nothing: Mapping[str, Any] = MappingProxyType({})
_target: ContextVar[Mapping[str, Any]] = ContextVar("embedded_state_machine_target", default=_nothing)


def install() -> None:
    """Ask for the target's role before an execution is started for a rule, and keep what fails."""
    invoke, start = eventbridge._invoke_target, eventbridge._dispatch_to_stepfunctions

    def invoke_target(target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None) -> None:
        arn = str(rule.get("Arn") or "")
        # A schedule of EventBridge Scheduler comes this way too, and `schedule_roles` has asked for its role.
        token = _target.set({"target": target, "rule": arn} if ":rule/" in arn else _nothing)
        try:
            invoke(target, event, rule, view)
        finally:
            _target.reset(token)

    def dispatch(arn: str, payload: str) -> None:
        given = _target.get()
        failure = _failure(arn, payload, given["target"], given["rule"]) if given else None
        if failure is None:
            start(arn, payload)
        else:
            bury(arn, payload, given["target"], given["rule"], failure)

    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_stepfunctions = dispatch


def _failure(arn: str, payload: str, target: dict[str, Any], rule: str) -> Failure | None:
    if stepfunctions._resolve_state_machine_arn(arn) is None:
        return Failure("NO_RESOURCE", f"there is no state machine {arn}")
    try:
        json.loads(payload)
    except ValueError as error:
        return Failure("INVALID_JSON", f"the input is no JSON: {error}")
    # In a copy: the request that brought the event goes on as its caller's.
    return copy_context().run(refused, arn, target, ACTION, rule)
