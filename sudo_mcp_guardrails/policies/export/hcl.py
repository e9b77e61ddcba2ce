"""How Terraform's JSON is written: text that is a template, and modules that check where they are applied.

Sources: Terraform language, "JSON Configuration Syntax" (strings are templates, in which ``${`` and ``%{`` are doubled
to stand for themselves) and "Custom Conditions".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.documents import minified
from sudo_mcp_guardrails.policies.export.manifest import ExportError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PSEUDO: Final = {
    "Partition": ("aws_partition", "partition"),
    "AccountId": ("aws_caller_identity", "account_id"),
    # Both `name` (provider 5) and `region` (6) are missing or deprecated in the other one; `id` is in both.
    "Region": ("aws_region", "id"),
}
_PLACEHOLDER: Final = re.compile(r"\$\$\{AWS::(\w+)\}")
_DATA: Final = re.compile(r"\$\{data\.(\w+)\.current\.")
_REQUIRED: Final = {
    "required_version": ">= 1.2",
    "required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}},
}


def template(text: str) -> str:
    """Return text as a Terraform template: policy variables stay, pseudo parameters become data sources.

    Raises:
        ExportError: For a dollar or percent sign before such a beginning: Terraform reads the two as one escape.
    """
    for start in ("$${", "%%{"):
        if start in text:
            raise ExportError(f"text {text[:80]!r} has {start!r}, which Terraform cannot hold, expected one sign alone")

    def data(match: re.Match[str]) -> str:
        if match[1] not in _PSEUDO:
            raise ExportError(f"pseudo parameter 'AWS::{match[1]}' is not supported, expected {', '.join(_PSEUDO)}")
        source, attribute = _PSEUDO[match[1]]
        return f"${{data.{source}.current.{attribute}}}"

    return _PLACEHOLDER.sub(data, text.replace("${", "$${").replace("%{", "%%{"))


def module(
    comment: str,
    resources: Mapping[str, Mapping[str, Any]],
    *,
    made_for: Mapping[str, str] | None = None,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Return a module with the data sources that its resources name, and those that check where it is applied."""
    used = {kind: block for kind, block in resources.items() if block}
    data: dict[str, Any] = {kind: {"current": {}} for kind in sorted(set(_DATA.findall(minified(used))))}
    for name, value in (made_for or {}).items():
        # The policies name their account: applied in another one, they would guard nothing and look as if they did.
        kind, attribute = _PSEUDO[name]
        check = {
            "condition": f'${{self.{attribute} == "{value}"}}',
            "error_message": f"these policies are made for {name} {value}",
        }
        data[kind] = {"current": {"lifecycle": {"postcondition": [check]}}}
    made = {"//": f"Made by sudo-mcp-guardrails: {comment}"}
    return made | given(terraform=_REQUIRED, data=data, resource=used, **more)


def given(**arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return the arguments that have a value."""
    return {name: value for name, value in arguments.items() if value not in (None, "", [], {})}
