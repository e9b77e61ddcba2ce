"""From declared calls to IAM actions, resources and access levels."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan, Unknown
from sudo_mcp_guardrails.approval.reading.api_calls import read_api_calls
from sudo_mcp_guardrails.approval.risk_rules.levels import catalogue_levels
from sudo_mcp_guardrails.gateway.meaning.declared import HOLE, without_holes
from sudo_mcp_guardrails.iam.catalogue import READS, action_formats
from sudo_mcp_guardrails.regions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.approval.plan import Pin
    from sudo_mcp_guardrails.approval.reading.known import Known
    from sudo_mcp_guardrails.gateway.meaning.declared import DeclaredCall, Undecidable

UNKNOWN_LEVEL: Final = "Unknown"
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_NO_SLASH: Final = frozenset({"BucketName", "Region", "Account", "Partition"})
_COPIES: Final = frozenset({"CopyObject", "UploadPartCopy"})
_COPIED: Final = re.compile(r"/?(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>[^?]+)(\?versionId=.*)?")
"""A source of an object that stands as it is: without percent signs, which would have to be decoded."""


@dataclass(frozen=True)
class Needed:
    """One IAM action that a call takes.

    Attributes:
        action: ``service:Action``.
        level: Access level of the catalogue, such as ``Read`` or ``Permissions management``; ``Unknown`` where it
            does not know the action.
        resources: ARNs of what it is about; ``*`` alone where it knows no resource; empty where nobody knows.
    """

    action: str
    level: str
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Meant:
    """A declared call and what it takes.

    Attributes:
        call: The call.
        region: Where it goes: the call's own Region or the session's; empty where neither is known.
        needs: Its actions; empty where nobody knows them.
    """

    call: DeclaredCall
    region: str
    needs: tuple[Needed, ...]

    @property
    def reads(self) -> bool:
        """Whether it changes nothing: each of its actions is known to read."""
        return bool(self.needs) and all(need.level in READS for need in self.needs)


def plan_of(calls: Sequence[DeclaredCall], known: Known, undecidable: Sequence[Undecidable] = ()) -> Plan:
    """Return declared calls as a plan, whose risk can be told.

    What is not known about a call that changes something is an unknown of the plan; of a read it is not, since a read
    is as harmless with one parameter as with another, and what it may return is told by its action.

    Args:
        calls: In order.
        known: The account and Region of the session.
        undecidable: Each becomes an unknown of the plan.
    """
    changes: list[Change] = []
    pins: set[Pin] = set()
    unknown = {Unknown("", f"line {each.line}: {each.reason}") for each in undecidable}
    for number, call in enumerate(calls, start=1):
        id_ = str(number)
        given = {
            "service": call.service,
            "operation": call.operation,
            "parameters": without_holes(dict(call.parameters)),
            **({"region": call.region} if call.region else {}),
        }
        try:
            plan = read_api_calls([given], replace(known, region="") if call.region else known)
        except PlanError as error:
            unknown.add(Unknown(id_, str(error)))
            changes.append(Change(Operation.CALL, f"{call.service}:{call.operation}", id_, known.account, call.region))
            continue
        change = replace(plan.changes[0], id=id_, actions=_more(plan.changes[0], call))
        changes.append(change)
        pins.update(plan.pins)
        unknown.update(Unknown(id_, each.reason) for each in plan.unknown)
        if call.has_holes and not _reads(change.actions):
            unknown.add(Unknown(id_, f"what {call.service} {call.operation} is given is known only when it runs"))
    return Plan(
        form=Form.API_CALLS,
        target="",
        account=known.account,
        region=known.region,
        changes=tuple(changes),
        pins=tuple(sorted(pins)),
        unknown=tuple(sorted(unknown)),
    )


def meant(calls: Sequence[DeclaredCall], plan: Plan) -> tuple[Meant, ...]:
    """Return what each call takes.

    Args:
        calls: As given to :func:`plan_of`.
        plan: What that returned.
    """
    return tuple(
        Meant(call, change.region or plan.region, tuple(_needs(call, change, plan)))
        for call, change in zip(calls, plan.changes, strict=True)
    )


def _more(change: Change, call: DeclaredCall) -> tuple[str, ...]:
    """Return a call's actions, also those that hang on a parameter whose value is not known."""
    if not any(value is HOLE for value in call.parameters.values()):
        return change.actions
    from sudo_mcp_guardrails.approval.reading.api_actions import more_actions  # noqa: PLC0415

    return tuple(dict.fromkeys((*change.actions, *more_actions(call.service, call.operation, call.parameters))))


def _reads(actions: tuple[str, ...]) -> bool:
    return bool(actions) and all(catalogue_levels().of(action) in READS for action in actions)


def _needs(call: DeclaredCall, change: Change, plan: Plan) -> Iterator[Needed]:
    region = change.region or plan.region
    for action in change.actions:
        level = catalogue_levels().of(action) or UNKNOWN_LEVEL
        yield Needed(action, level, _resources(action, call, change, partition_of(region) or "aws"))


def _resources(action: str, call: DeclaredCall, change: Change, partition: str) -> tuple[str, ...]:
    """Return what an action is about; nothing where that is not told for certain."""
    formats = action_formats(action)
    if formats is None:
        return ()
    if formats == ("",):
        return ("*",)
    named = change.resources
    if call.service == "s3":
        if call.operation in _COPIES and action.startswith("s3:GetObject"):
            return _copied(call.parameters.get("CopySource"), partition)
        if call.operation == "DeleteObjects":
            named = _deleted(call.parameters, partition)
        elif call.parameters.get("Key") is HOLE:
            named = ()
    tests = [_test(each) for each in formats if each]
    found = tuple(arn for arn in named if any(test.fullmatch(arn) for test in tests))
    if found:
        return found
    return ("*",) if "" in formats and not call.has_holes and not change.resources else ()


@cache
def _test(arn_format: str) -> re.Pattern[str]:
    """Return a test for the ARNs of a format."""
    parts = _VARIABLE.split(arn_format)
    texts = [
        re.escape(part) if number % 2 == 0 else (r"[^:/]*" if part in _NO_SLASH else r".+")
        for number, part in enumerate(parts)
    ]
    return re.compile("".join(texts), re.DOTALL)


def _copied(source: object, partition: str) -> tuple[str, ...]:
    match = _COPIED.fullmatch(source) if isinstance(source, str) and "%" not in source else None
    return (f"arn:{partition}:s3:::{match['bucket']}/{match['key']}",) if match else ()


def _deleted(parameters: Mapping[str, Any], partition: str) -> tuple[str, ...]:
    """Return the objects that a call deletes; nothing where any of them is not known."""
    bucket, body = parameters.get("Bucket"), parameters.get("Delete")
    objects = body.get("Objects") if isinstance(body, dict) else None
    if not isinstance(bucket, str) or not isinstance(objects, list):
        return ()
    keys = [item.get("Key") if isinstance(item, dict) else None for item in objects]
    if not all(isinstance(key, str) for key in keys):
        return ()
    return tuple(f"arn:{partition}:s3:::{bucket}/{key}" for key in keys)
