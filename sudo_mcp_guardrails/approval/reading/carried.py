"""Types of resources that carry something out that no plan shows: code, or a template of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.reading.spelling import is_literal, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.reading.outside import Outside

NESTED: Final = "AWS::CloudFormation::Stack"
_TEMPLATES: Final = frozenset(
    {
        *("AWS::CloudFormation::StackSet", "AWS::ServiceCatalog::CloudFormationProvisionedProduct"),
        *("AWS::Serverless::Application", "aws_cloudformation_stack", "aws_cloudformation_stack_set"),
        *("aws_servicecatalog_provisioned_product", "aws_serverlessapplicationrepository_cloudformation_stack"),
    }
)
_CUSTOM: Final = ("Custom::", "AWS::CloudFormation::CustomResource")
_VERSIONED: Final = re.compile(r"(arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:[\w-]+):([0-9]+)")
_NAME: Final = re.compile(r"[A-Za-z0-9@_-]{2,64}(::[A-Za-z0-9@_-]{2,64}){1,3}")


def note_type(outside: Outside, where: str, kind: str, properties: object, known: Mapping[str, Any]) -> None:
    """Note what the type of a resource of CloudFormation says about how it is carried out.

    Args:
        outside: Where to.
        where: Id of the change.
        kind: The type, such as ``Custom::Seed``.
        properties: Of the resource.
        known: Values of parameters and pseudo parameters.
    """
    if not _NAME.fullmatch(kind):
        outside.say(where, "its type has no form that CloudFormation knows")
    elif kind.startswith(_CUSTOM):
        _custom(outside, where, properties, known)
    elif kind.endswith("::MODULE"):
        outside.say(where, f"module {kind} makes resources that are not in this plan")
    elif not kind.startswith(("AWS::", "Alexa::")):
        outside.say(where, f"type {kind} is an extension, whose code is a third party's")
    note_templates(outside, where, kind)


def note_templates(outside: Outside, where: str, kind: str) -> None:
    """Note a type, of CloudFormation or Terraform, that deploys a template of its own."""
    if kind in _TEMPLATES:
        outside.say(where, f"{kind} deploys a template of its own, whose resources are not in this plan")


def _custom(outside: Outside, where: str, properties: object, known: Mapping[str, Any]) -> None:
    token = properties.get("ServiceToken") if isinstance(properties, dict) else None
    text = spelled(token, known) or ""
    match = _VERSIONED.fullmatch(text) if is_literal(text) else None
    name, version = (match[1], match[2]) if match else (text, "")
    outside.pin(where, "function", name, version=version, what=f"the code of custom resource {name or where}")
