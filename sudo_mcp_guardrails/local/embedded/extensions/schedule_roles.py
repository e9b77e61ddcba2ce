"""Gap: EventBridge Scheduler calls its targets as nobody, and does not see that a schedule got another time.

At AWS a schedule acts as its target's role, which must trust `scheduler.amazonaws.com` (with the schedule's group as
`aws:SourceArn`) and may call the target. A schedule whose role may not is logged, and its target is not called. Nor is
a target of a kind that is not listed here. ministack keeps when it last looked at a schedule also where its expression
is changed, so that one with a fixed time never came due; now a change begins anew.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html
"""

from __future__ import annotations

import logging
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, scheduler

from . import authorization, principals

SERVICE = "scheduler.amazonaws.com"
_ACTIONS = {
    "events": "events:PutEvents",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}
_log = logging.getLogger("ministack")


def install() -> None:
    """Ask for the role's right before a schedule's target is called."""
    invoke = eventbridge._invoke_target

    def invoke_target(target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None) -> None:
        arn = str(rule.get("Arn") or "")
        lacks = _lacks(arn, target) if ":scheduler:" in arn else ""
        if lacks:
            _log.warning("Scheduler: %s does not call %s: %s", arn, target.get("Arn"), lacks)
            return
        invoke(target, event, rule, view)

    update = scheduler._update_schedule

    def update_schedule(name: str, body: dict[str, Any]) -> Any:
        key = (get_account_id(), get_region(), f"{body.get('GroupName', 'default')}/{name}")
        scheduler._schedule_last_fired.pop(key, None)
        return update(name, body)

    eventbridge._invoke_target = invoke_target
    scheduler._update_schedule = update_schedule


def _lacks(schedule: str, target: dict[str, Any]) -> str:
    """Return what a schedule lacks to call its target; empty where nothing is missing."""
    authorization.leave_request()
    role, called = str(target.get("RoleArn") or ""), str(target.get("Arn") or "")
    # AWS gives the group as the source, not the schedule, which is not there yet when the role is made.
    group = schedule.rpartition("/")[0].replace(":schedule/", ":schedule-group/")
    principal = principals.service_session(role, "scheduler") if role else None
    if principal is None or not principals.service_may_assume(role, SERVICE, get_account_id(), source_arn=group):
        return f"{SERVICE} may not assume the role {role or 'none'}"
    action = _ACTIONS.get(called.split(":")[2] if called.count(":") >= 5 else "")  # noqa: PLR2004 - an ARN has six parts
    if action is None:
        return "calls of its kind are not known"
    if authorization.decide(principal, action, called, region=get_region()) is not None:
        return f"{principal.arn} may not perform {action}"
    return ""
