"""Gap: a rule in the state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS never fires.

ministack 1.5.33 takes every state but ENABLED for disabled. At AWS this state is for rules that also see read-only
management events, which no other rule does.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack.services import eventbridge

STATE = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"

_read_only: ContextVar[bool] = ContextVar("embedded_read_only_event", default=False)
_installed: list[bool] = []


def installed() -> bool:
    """Return whether rules see read-only events at all."""
    return bool(_installed)


def put_read_only(entry: dict[str, Any]) -> None:
    """Send a read-only management event, which only rules in that state see."""
    token = _read_only.set(True)
    try:
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    finally:
        _read_only.reset(token)


def install() -> None:
    """Let such rules match, and others not see what is read-only."""
    _installed.append(True)
    dispatch = eventbridge._dispatch_event

    def dispatch_to_all(event: dict[str, Any], view: Any = None) -> None:
        view = view or eventbridge._pattern_event_view(event)
        if not _read_only.get():
            dispatch(event, view)
        path, bus = set(event.get("_DispatchPath") or []), event.get("EventBusName", "default")
        for key, rule in list(eventbridge._rules.items()):
            if rule.get("State") != STATE or rule.get("EventBusName", "default") != bus or key in path:
                continue
            pattern = rule.get("EventPattern")
            if pattern and eventbridge._matches_pattern_view(pattern, view, f"rule {key}"):
                for target in eventbridge._targets.get(key, []):
                    eventbridge._invoke_target(target, event, rule, view)

    eventbridge._dispatch_event = dispatch_to_all
