"""The configuration within a Terraform plan: who provides a resource, what it is made from, what it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from sudo_mcp_guardrails.approval.reading.known import arn_parts
from sudo_mcp_guardrails.approval.reading.source import as_object, maybe_list, maybe_object

_INSTANCE: Final = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|\d+)\]')
_PLACE: Final = "the Terraform plan: configuration"
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_AWS: Final = ("aws", "awscc")


@dataclass(frozen=True)
class Configured:
    """One resource of the configuration.

    Args:
        provider: Key of its provider's configuration.
        expressions: What its arguments are made from.
        needs: Addresses, of the configuration, of what it refers to.
        provisioners: Types of the provisioners that run with it.
    """

    provider: str = ""
    expressions: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    provisioners: tuple[str, ...] = ()


class Configuration:
    """Reads ``configuration``.

    Args:
        plan: The whole of ``terraform show -json``.

    Attributes:
        there: Whether the plan has one.
        sensitive_variables: Names of the variables that nobody is to be shown, in order.

    Raises:
        PlanError: It is malformed.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self.there = "configuration" in plan
        configuration = maybe_object(plan.get("configuration"), _PLACE)
        self._providers = maybe_object(configuration.get("provider_config"), f"{_PLACE}.provider_config")
        self._resources: dict[str, Configured] = {}
        root = maybe_object(configuration.get("root_module"), f"{_PLACE}.root_module")
        left = [("", root)]
        while left:
            prefix, module = left.pop()
            for raw in maybe_list(module.get("resources"), f"{_PLACE}: {prefix}resources"):
                resource = as_object(raw, f"{_PLACE}: {prefix}resources")
                self._resources[f"{prefix}{resource.get('address')}"] = _configured(resource, prefix)
            calls = maybe_object(module.get("module_calls"), f"{_PLACE}: {prefix}module_calls")
            for name, raw in calls.items():
                call = as_object(raw, f"{_PLACE}: module {name}")
                left.append((f"{prefix}module.{name}.", maybe_object(call.get("module"), f"{_PLACE}: {name}")))
        variables = maybe_object(root.get("variables"), f"{_PLACE}: variables")
        self.sensitive_variables = tuple(
            sorted(name for name, item in variables.items() if isinstance(item, dict) and item.get("sensitive") is True)
        )

    def of(self, address: str) -> Configured | None:
        """Return what is configured for a resource's instance; None where the plan does not tell."""
        return self._resources.get(base_address(address))

    def region_of(self, provider: str) -> str:
        """Return the Region of a provider of AWS where its configuration has it as it is, else the empty text."""
        return _constant(self._expressions(provider).get("region"))

    def account_of(self, provider: str) -> str:
        """Return the account of a provider of AWS, of the role that it assumes or the only one it allows."""
        expressions = self._expressions(provider)
        roles = expressions.get("assume_role")
        for role in roles if isinstance(roles, list) else []:
            parts = arn_parts(_constant(role.get("role_arn"))) if isinstance(role, dict) else None
            if parts:
                return parts[1]
        allowed = expressions.get("allowed_account_ids")
        value = allowed.get("constant_value") if isinstance(allowed, dict) else None
        if isinstance(value, list) and len(value) == 1 and _ACCOUNT.fullmatch(str(value[0])):
            return str(value[0])
        return ""

    def _expressions(self, provider: str) -> dict[str, Any]:
        raw = self._providers.get(provider)
        found = raw.get("expressions") if isinstance(raw, dict) and raw.get("name") in _AWS else None
        return found if isinstance(found, dict) else {}


def base_address(address: str) -> str:
    """Return an address without the keys of its instances: ``module.a.aws_x.b`` of ``module.a["k"].aws_x.b[0]``."""
    return _INSTANCE.sub("", address)


def _configured(resource: dict[str, Any], prefix: str) -> Configured:
    expressions = resource.get("expressions")
    found = [each for each in maybe_list(resource.get("depends_on"), f"{_PLACE}: depends_on") if isinstance(each, str)]
    left: list[Any] = [expressions, resource.get("for_each_expression"), resource.get("count_expression")]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            references = item.get("references")
            found += [each for each in references if isinstance(each, str)] if isinstance(references, list) else []
            left += item.values()
        elif isinstance(item, list):
            left += item
    provisioners = maybe_list(resource.get("provisioners"), f"{_PLACE}: provisioners")
    return Configured(
        provider=str(resource.get("provider_config_key") or ""),
        expressions=expressions if isinstance(expressions, dict) else {},
        needs=tuple(sorted({f"{prefix}{base_address(each)}" for each in found})),
        provisioners=tuple(
            sorted(str(each.get("type")) if isinstance(each, dict) else "unknown" for each in provisioners)
        ),
    )


def _constant(expression: object) -> str:
    value = expression.get("constant_value") if isinstance(expression, dict) else None
    return value if isinstance(value, str) else ""
