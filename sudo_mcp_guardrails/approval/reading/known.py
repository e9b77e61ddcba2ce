"""What a caller knows beside the file that is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")
_ARN: Final = re.compile(r"arn:[a-z-]+:[a-z0-9-]*:(?P<region>[a-z0-9-]*):(?P<account>[0-9]{12}|):.+", re.DOTALL)


@dataclass(frozen=True)
class Known:
    """What a caller knows; everything may be left out, and what is then not known stands in the plan as such.

    Files are given as bytes, or parsed.

    Args:
        account: 12 digits. A plan that names another is refused.
        region: As ``account``.
        target: Name of the stack, or Terraform's workspace.
        artifact: SHA-256 of the saved plan file that is applied. Change sets say theirs.
        parameters: Values of a template's parameters, beside their defaults.
        options: How it is carried out, where the file does not say, such as ``RoleARN``, ``Capabilities`` and ``Tags``
            of a change set: everything that, were it changed, would make another plan.
        versions: Version id or hash of what lies outside, by its URI: ``s3://bucket/key``, the image, the template's
            URL, the dynamic reference without its braces, ``ssm:Name`` for a parameter of an SSM type,
            ``export:Name``. Who gives one has looked it up, and looks again before the plan is applied.
        template: Template of a change set, as it was processed (``GetTemplate`` with ``TemplateStage=Processed``).
        deployed: Template that is deployed now. Default: none, so that a template creates everything in it.
        deployed_parameters: Values of the parameters that the deployed template has, beside their defaults.
            Default: not known.
        properties: Properties that a resource has now, for an update by Cloud Control.
        nested: Answers of ``DescribeChangeSet`` for nested change sets, by their ARN; each as ``data`` of
            :func:`~sudo_mcp_guardrails.approval.reading.read_plan`.

    Raises:
        PlanError: For an account or Region that is none.
    """

    account: str = ""
    region: str = ""
    target: str = ""
    artifact: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    template: Any = None
    deployed: Any = None
    deployed_parameters: Mapping[str, Any] | None = None
    properties: Any = None
    nested: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate."""
        if self.account:
            check_account(self.account, "account")
        if self.region:
            check_region(self.region, "region")


def check_account(value: object, place: str) -> str:
    """Return an account's id; raises PlanError for what is none."""
    if isinstance(value, str) and _ACCOUNT.fullmatch(value):
        return value
    raise PlanError(f"{place}: expected an account of 12 digits")


def check_region(value: object, place: str) -> str:
    """Return a Region's name; raises PlanError for what is none."""
    if isinstance(value, str) and _REGION.fullmatch(value):
        return value
    raise PlanError(f"{place}: expected a Region, such as 'eu-central-1'")


def arn_parts(value: object) -> tuple[str, str] | None:
    """Return Region and account of an ARN, each empty where it has none; None for what is no ARN."""
    match = _ARN.fullmatch(value) if isinstance(value, str) else None
    return (match["region"], match["account"]) if match else None


def agreed(stated: str, known: str, place: str) -> str:
    """Return what a file and a caller say of one thing.

    Args:
        stated: by the file; empty where it does not say.
        known: by the caller; as ``stated``.
        place: for the error.

    Raises:
        PlanError: They differ.
    """
    if stated and known and stated != known:
        raise PlanError(f"{place}: the plan is for {stated!r}, expected {known!r}")
    return stated or known
