"""A plan: what would change, as one value whatever tool it came from, and its digest.

What is approved is the digest. It covers every change with its type, its actions, what it was and what it becomes, the
account and the Region, and the versions or hashes of what lies outside of the plan. The order of resources means
nothing and does not count; the order of API calls is the order in which they are made, and does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Final

from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.errors import PlanError

PLAN_KIND: Final = "plan/1"
MAX_CHANGES: Final = 20_000
"""Most changes of a plan. A stack of CloudFormation has at most 500 resources."""


class Form(str, Enum):
    """What a plan came as."""

    TEMPLATE = "cloudformation-template"
    CHANGE_SET = "cloudformation-change-set"
    CLOUD_CONTROL = "cloud-control-request"
    TERRAFORM = "terraform-plan"
    API_CALLS = "api-calls"


class Operation(str, Enum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    """A new one is made and the old one deleted."""
    DELETE = "delete"
    IMPORT = "import"
    """A resource that is there already becomes part of the stack."""
    CALL = "call"
    """An API call that is made as it stands."""


@dataclass(frozen=True)
class Change:
    """One resource that would change, or one API call.

    Values are JSON's, and not to be changed.

    Attributes:
        operation: what happens to it.
        type: ``AWS::S3::Bucket``, ``aws_s3_bucket``, or the action of a call, ``s3:CreateBucket``.
        id: what names it in its plan: logical id, Terraform address, or the place of a call in the list, from 1.
        account: where it is, 12 digits; empty where the plan does not say.
        region: where it is; empty where the plan does not say.
        physical_id: name or ARN of the resource that is there; None before it is made.
        before: its properties now; None where there are none or nobody knows.
        after: its properties then, or the parameters of the call; None where it is deleted or nobody knows.
        actions: IAM actions that carry it out; empty where nobody knows.
        resources: ARNs or patterns of what the actions touch; empty where nobody knows.
        changed: names of the properties that change, in order; empty where the plan does not say.
        sensitive: paths of values in ``before`` and ``after`` that nobody is to be shown, such as
            ``("MasterUserPassword",)``.
        dependent: ids of the changes that need this one: what breaks with it.
        options: what else decides how it is done, such as ``DeletionPolicy``.
    """

    operation: Operation
    type: str
    id: str
    account: str = ""
    region: str = ""
    physical_id: str | None = None
    before: Any = None
    after: Any = None
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    sensitive: tuple[tuple[str, ...], ...] = ()
    dependent: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as JSON; what is shown and what is approved is the same."""
        return {
            "operation": self.operation.value,
            "type": self.type,
            "id": self.id,
            "account": self.account,
            "region": self.region,
            "physicalId": self.physical_id,
            "before": self.before,
            "after": self.after,
            "actions": sorted(self.actions),
            "resources": sorted(self.resources),
            "changed": sorted(self.changed),
            "dependent": sorted(self.dependent),
            "options": self.options,
        }


@dataclass(frozen=True, order=True)
class Pin:
    """Something outside of the plan that it takes content from, at one version.

    Attributes:
        kind: ``s3-object``, ``image``, ``secret``, ``parameter``, ``template``, ``function``, ``export``, ``file``
            or ``module``.
        name: URI, ARN or digest-less name.
        version: version id or hash that says which content it is.
    """

    kind: str
    name: str
    version: str


@dataclass(frozen=True, order=True)
class Unknown:
    """Something about a plan that could not be told. A plan that has any is R3 at least.

    Attributes:
        where: id of the change, or empty for the plan as a whole.
        reason: in one line, such as ``AWS::Include takes content from s3://… without a version``.
    """

    where: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What would change.

    Attributes:
        form: what it came as.
        target: what it is carried out on: the stack's name or ARN, Terraform's workspace; empty for calls.
        account: 12 digits; empty where it does not say.
        region: such as ``eu-central-1``; empty where it does not say.
        changes: in any order, but for API calls.
        pins: what it takes content from.
        unknown: what could not be told.
        parameters: values that it is carried out with, such as a template's parameters.
        artifact: what is executed: the change set's ARN, or the hash of the saved plan file; empty where there is none.
        sensitive: paths of values in ``parameters`` that nobody is to be shown.
    """

    form: Form
    target: str
    account: str
    region: str
    changes: tuple[Change, ...]
    pins: tuple[Pin, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    artifact: str = ""
    sensitive: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is out of bounds.

        Raises:
            PlanError: there are too many changes, or two of one id.
        """
        if len(self.changes) > MAX_CHANGES:
            raise PlanError(f"the plan has {len(self.changes)} changes, allowed are {MAX_CHANGES}")
        twice = [each for each, count in Counter(change.id for change in self.changes).items() if count > 1]
        if twice:
            raise PlanError(f"the plan has {twice[0]!r} twice")

    @cached_property
    def digest(self) -> str:
        """SHA-256 over :meth:`document`, 64 hexadecimal digits: the session tag ``plan-digest``."""
        return digest(PLAN_KIND, self.document())

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON, everything in it in order."""
        changes = self.changes if self.form is Form.API_CALLS else sorted(self.changes, key=lambda change: change.id)
        return {
            "form": self.form.value,
            "target": self.target,
            "account": self.account,
            "region": self.region,
            "changes": [change.document() for change in changes],
            "pins": [[pin.kind, pin.name, pin.version] for pin in sorted(set(self.pins))],
            "unknown": [[one.where, one.reason] for one in sorted(set(self.unknown))],
            "parameters": self.parameters,
            "artifact": self.artifact,
        }
