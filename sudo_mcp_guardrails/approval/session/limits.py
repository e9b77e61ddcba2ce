"""What no policy can bind about a plan, told to who approves it: there the broker's second reading is the only wall."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.risk_rules.values import plain_name
from sudo_mcp_guardrails.approval.session.keys import bound_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.plan import Change, Plan

_NAMES: Final = 8
_NAMING: Final = ("arn", "bucket", "id", "identifier", "key", "name", "path", "resource", "url")
_ALWAYS: Final = "how often, and in which order, calls are made while the session lasts"
_OF_FORM: Final = {
    Form.CHANGE_SET: (
        "what the change set holds: IAM sees its name and stack, the broker reads it again and compares the digest",
        "which role the change set works under: it is set when the change set is made, not when it is executed",
        "what that role does: its own policies and boundary limit it",
    ),
    Form.CLOUD_CONTROL: (
        "the type, the name and the properties of the resource: the actions of Cloud Control know no resource",
        "what its role does: its own policies and boundary limit it",
    ),
    Form.TERRAFORM: (
        "what the build does: IAM sees the project and the variables, the build compares the plan file's SHA-256",
        "the version of the project's source, its time-outs and the other settings of a build that no key carries",
        "what the project's role does: its own policies and boundary limit it",
    ),
}


def limits(plan: Plan) -> tuple[str, ...]:
    """Return what a session's policy cannot hold the session to, one thing each.

    Args:
        plan: What would be carried out.
    """
    found = [*_OF_FORM.get(plan.form, ())]
    if plan.form is Form.API_CALLS:
        for change in plan.changes:
            found += _of_call(change)
    return (*dict.fromkeys(found), _ALWAYS)


def _of_call(change: Change) -> Iterator[str]:
    wild = [each for each in change.resources if "*" in each or "?" in each]
    if wild:
        yield f"call {change.id}: which of {', '.join(wild[:_NAMES])}: IAM takes it as a pattern"
    parameters: Any = change.after if isinstance(change.after, dict) else {}
    bound = frozenset[str]().union(*(bound_parameters(action) for action in change.actions))
    segments = frozenset(part for arn in change.resources for part in _segments(arn))
    free = [name for name, value in parameters.items() if name not in bound and not _named(name, value, segments)]
    if free:
        more = f" and {len(free) - _NAMES} more" if len(free) > _NAMES else ""
        named = f"{', '.join(sorted(free)[:_NAMES])}{more}"
        yield f"call {change.id}, {', '.join(change.actions) or change.type}: the values of {named}"


def _named(name: str, value: object, segments: frozenset[str]) -> bool:
    """Return whether a parameter is one by which the resources are named, which their ARNs bind."""
    if not isinstance(value, str) or not plain_name(name).endswith(_NAMING):
        return False
    return value in segments or (plain_name(name).endswith("url") and value.rpartition("/")[2] in segments)


def _segments(arn: str) -> Iterator[str]:
    """Yield an ARN and what names something in it; none where a wildcard leaves that open."""
    if "*" in arn or "?" in arn:
        return
    yield arn
    parts = arn.split(":", 5)
    rest = parts[5] if len(parts) == 6 else arn  # noqa: PLR2004 - an ARN has six parts
    yield rest
    for place, letter in enumerate(rest):
        if letter in ":/":
            yield rest[place + 1 :]
            yield rest[:place]
    yield from re.split(r"[:/]", rest)
