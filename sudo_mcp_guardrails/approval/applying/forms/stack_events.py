"""What a stack's events say was changed, compared with what was planned."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import plain
from sudo_mcp_guardrails.approval.reading.carried import NESTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.applying.answers import Veil
    from sudo_mcp_guardrails.approval.plan import Plan

MAX_PAGES: Final = 100
"""Pages of events of one stack; each has up to 100."""
MAX_STACKS: Final = 200
MAX_DEVIATIONS: Final = 100
_Event = tuple[str, dict[str, Any]]


def events_of(cloudformation: Any, stack: str, token: str) -> tuple[list[_Event], bool]:  # noqa: ANN401 - of boto3
    """Return the events of one operation, also those of nested stacks, each with the id that a plan has.

    Args:
        cloudformation: boto3's client.
        stack: ARN of the stack.
        token: Of the operation.

    Returns:
        The events, newest first for each stack, and whether they are all.
    """
    found: list[_Event] = []
    whole, seen = True, {stack}
    waiting = deque([(stack, "")])
    while waiting:
        here, prefix = waiting.popleft()
        events, all_of_it = _of_stack(cloudformation, here, token)
        whole &= all_of_it
        for event in events:
            physical = str(event.get("PhysicalResourceId") or "")
            if physical == here:
                continue  # the stack itself
            id_ = f"{prefix}{event.get('LogicalResourceId')}"
            found.append((id_, event))
            if event.get("ResourceType") == NESTED and physical.startswith("arn:") and physical not in seen:
                seen.add(physical)
                whole &= len(seen) <= MAX_STACKS
                if len(seen) <= MAX_STACKS:
                    waiting.append((physical, f"{id_}/"))
    return found, whole


def compared(plan: Plan, events: list[_Event], veil: Veil) -> list[str]:
    """Return what is not as it was planned, one thing each.

    Args:
        plan: That was approved.
        events: Of its execution.
        veil: For texts.
    """
    found = list(_deviations(plan, events, veil))
    if len(found) > MAX_DEVIATIONS:
        return [*found[: MAX_DEVIATIONS - 1], f"and {len(found) - MAX_DEVIATIONS + 1} more"]
    return found


def _deviations(plan: Plan, events: list[_Event], veil: Veil) -> Iterator[str]:
    planned = {change.id: change for change in plan.changes}
    touched = {id_ for id_, _ in events}
    for id_ in sorted(touched - set(planned)):
        yield veil.text(f"{id_} was changed, and is not in the plan")
    for id_ in sorted(set(planned) - touched):
        yield veil.text(f"{id_} is in the plan, and was not changed")
    types = {id_: str(event.get("ResourceType")) for id_, event in events}
    for id_, kind in sorted(types.items()):
        if id_ in planned and kind != planned[id_].type:
            yield veil.text(f"{id_} is a {kind}, planned was {planned[id_].type}")
    for id_, event in events:
        status = str(event.get("ResourceStatus"))
        if status.endswith("FAILED"):
            yield veil.text(f"{id_} is {status}: {event.get('ResourceStatusReason') or 'without a reason'}")


def _of_stack(cloudformation: Any, stack: str, token: str) -> tuple[list[dict[str, Any]], bool]:  # noqa: ANN401
    found: list[dict[str, Any]] = []
    options: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        answer = plain(cloudformation.describe_stack_events(StackName=stack, **options))
        events = answer.get("StackEvents") or []
        mine = [event for event in events if event.get("ClientRequestToken") == token]
        found += mine
        if not answer.get("NextToken") or (found and not mine):
            return found, True  # newest first: behind a page without one of ours come older operations
        options = {"NextToken": answer["NextToken"]}
    return found, False
