"""What an approved plan may do, as the calls of its sessions are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Protocol

from sudo_mcp_guardrails.detection.baseline.plan_types import needs, service_of
from sudo_mcp_guardrails.detection.errors import DetectionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.detection.baseline.calls import Call

MAX_ITEMS: Final = 20_000
_SERVICES: Final = {"monitoring": "cloudwatch", "email": "ses"}
_ACTIONS: Final = {
    "lambda:invoke": "lambda:invokefunction",
    "s3:completemultipartupload": "s3:putobject",
    "s3:copyobject": "s3:putobject",
    "s3:createmultipartupload": "s3:putobject",
    "s3:deleteobjects": "s3:deleteobject",
    "s3:headbucket": "s3:listbucket",
    "s3:headobject": "s3:getobject",
    "s3:listobjects": "s3:listbucket",
    "s3:listobjectsv2": "s3:listbucket",
    "s3:putbucketencryption": "s3:putencryptionconfiguration",
    "s3:deletebucketencryption": "s3:putencryptionconfiguration",
    "s3:putbucketlifecycle": "s3:putlifecycleconfiguration",
    "s3:putbucketlifecycleconfiguration": "s3:putlifecycleconfiguration",
    "s3:putbucketnotificationconfiguration": "s3:putbucketnotification",
    "s3:putbucketreplication": "s3:putreplicationconfiguration",
    "s3:uploadpart": "s3:putobject",
}
"""Operations that IAM calls something else, in small letters; the user guide of S3 has a table of its own."""


class Session(str, Enum):
    """Which session carries out a plan."""

    APPLY = "apply"
    EXECUTION = "execution"


class PlannedChange(Protocol):
    """A change as ``approval.plan.Change`` has it, which this room does not import."""

    @property
    def operation(self) -> str:
        """``create``, ``update``, ``replace``, ``delete``, ``import`` or ``call``."""
        ...

    @property
    def type(self) -> str:
        """Its type, or the action of a call."""
        ...

    @property
    def actions(self) -> tuple[str, ...]:
        """IAM actions that carry it out."""
        ...

    @property
    def resources(self) -> tuple[str, ...]:
        """ARNs or patterns of what it touches."""
        ...


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan holds.

    Attributes:
        actions: IAM actions that its apply session was granted, with ``*``; the broker's session policy has them.
        resources: ARNs, with ``*``, that these are about; empty where that is not known: then none is compared.
        types: pairs of CloudFormation type and operation, which the execution role carries out.
        unknown: types of which nobody knows what they need; what the execution role does for them is not compared.

    Raises:
        DetectionError: there are more than 20,000 of something.
    """

    actions: frozenset[str] = frozenset()
    resources: tuple[str, ...] = ()
    types: frozenset[tuple[str, str]] = frozenset()
    unknown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the size, and write actions in small letters, as IAM compares them."""
        for name in ("actions", "resources", "types", "unknown"):
            found = len(getattr(self, name))
            if found > MAX_ITEMS:
                raise DetectionError(f"plan with {found} {name} is not allowed, allowed: {MAX_ITEMS}")
        object.__setattr__(self, "actions", frozenset(action.lower() for action in self.actions))

    @classmethod
    def of(
        cls, changes: Iterable[PlannedChange], *, granted: Iterable[str] = (), resources: Iterable[str] = ()
    ) -> Planned:
        """Return what a plan's changes hold.

        Args:
            changes: of the plan.
            granted: IAM actions of the apply session's policy beside those of calls, such as
                ``cloudformation:ExecuteChangeSet``.
            resources: ARNs that these are about.
        """
        actions = {*granted}
        touched = {*resources}
        types: set[tuple[str, str]] = set()
        unknown: set[str] = set()
        open_ended = False
        for change in changes:
            # An enum that is a text prints as its name on some versions of Python, and as its value on others.
            operation = str(getattr(change.operation, "value", change.operation))
            if operation == "call":
                actions.update(change.actions or (change.type,))
                touched.update(change.resources)
                open_ended = open_ended or not change.resources
            elif service_of(change.type) is None:
                unknown.add(change.type)
            else:
                types.add((change.type, operation))
        return cls(
            frozenset(actions), () if open_ended else tuple(sorted(touched)), frozenset(types), tuple(sorted(unknown))
        )

    def holds(self, call: Call, session: Session) -> bool:
        """Tell whether a call is one of the plan's."""
        if session is Session.EXECUTION and (self.types or self.unknown):
            return needs(call, self.types)
        service, _, name = call.action.lower().partition(":")
        action = f"{_SERVICES.get(service, service)}:{name}"
        return any(
            one in self.actions or any(fnmatchcase(one, pattern) for pattern in self.actions if "*" in pattern)
            for one in (action, _ACTIONS.get(action, action))
        )

    def touches(self, arn: str) -> bool:
        """Tell whether a resource is one of the plan's, is in one, or holds one.

        Where the plan tells of none of its service, all are.
        """
        service = _arn_service(arn)
        known = [one for one in self.resources if one == "*" or _arn_service(one) in (service, "*")]
        return not known or any(_related(arn, one) for one in known)


class PlannedCalls(Protocol):
    """Tells what approved plans hold; a handler reads the approval's records for it."""

    def find(self, approval: str | None, plan_digest: str | None) -> Planned | None:
        """Return what a plan holds, by the approval's id or the plan's digest; None where neither is known."""
        ...


class MemoryPlannedCalls:
    """Plans in memory.

    Args:
        plans: by approval's id or plan's digest.
    """

    def __init__(self, plans: dict[str, Planned]) -> None:
        self._plans = dict(plans)

    def find(self, approval: str | None, plan_digest: str | None) -> Planned | None:
        """Return a plan; the digest tells more surely which one."""
        for key in (plan_digest, approval):
            if key is not None and key in self._plans:
                return self._plans[key]
        return None


def _arn_service(arn: str) -> str:
    parts = arn.split(":", 3)
    return parts[2] if len(parts) > 3 else ""  # noqa: PLR2004 - arn, partition, service, rest


def _related(arn: str, pattern: str) -> bool:
    """Tell whether an ARN matches a pattern; a bucket goes with its objects, a log group with its streams."""
    if fnmatchcase(arn, pattern.replace("[", "[[]")):
        return True
    return pattern.startswith((arn + "/", arn + ":")) or (
        "*" not in pattern and arn.startswith((pattern + "/", pattern + ":"))
    )
