"""A Terraform plan, as ``terraform show -json`` prints it, as a plan of ours.

What is carried out is the saved plan file, whose hash is :attr:`Known.artifact`; the JSON says what it does. Left out
is what says nothing of the change: the state as a whole, resources that stay as they are, and when it was made.
Source: Terraform documentation, "JSON Output Format", and ``internal/command/jsonplan``; OpenTofu prints the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import canonical
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.reading.outside import Outside
from sudo_mcp_guardrails.approval.reading.source import as_object, as_text, maybe_list, maybe_object
from sudo_mcp_guardrails.approval.reading.terraform_change import TerraformChanges
from sudo_mcp_guardrails.approval.reading.terraform_configuration import Configuration
from sudo_mcp_guardrails.approval.reading.terraform_marks import marked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.reading.known import Known

_VERSION: Final = re.compile(r"1\.[0-9]{1,6}")
_LEFT_OUT: Final = frozenset(
    {"prior_state", "planned_values", "resource_changes", "relevant_attributes", "timestamp", "proposed_unknown"}
)


def read_terraform(document: object, known: Known) -> Plan:
    """Return the plan of ``terraform show -json``.

    Args:
        document: What it printed.
        known: What the caller knows; ``artifact`` is the saved plan's hash, ``target`` the workspace.

    Raises:
        PlanError: It is malformed, of another major version of the format, or of a plan that failed.
    """
    plan = as_object(document, "the Terraform plan")
    version = plan.get("format_version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise PlanError("the Terraform plan: format_version: expected 1.x, which this reader knows")
    if plan.get("errored") is True:
        raise PlanError("the Terraform plan: errored is true, expected a plan that was made whole")
    outside = Outside(known.versions)
    configuration = Configuration(plan)
    rows = TerraformChanges(outside, configuration, known)
    changes = rows.read(maybe_list(plan.get("resource_changes"), "the Terraform plan: resource_changes"))
    changes += tuple(_invocations(plan, outside))
    _note_rest(plan, outside)
    accounts, regions = ({getattr(change, name) for change in changes} for name in ("account", "region"))
    return Plan(
        form=Form.TERRAFORM,
        target=known.target,
        account=known.account or (accounts.pop() if len(accounts) == 1 else ""),
        region=known.region or (regions.pop() if len(regions) == 1 else ""),
        changes=changes,
        pins=tuple(sorted(outside.pins)),
        unknown=tuple(sorted(outside.unknown)),
        parameters={
            "Terraform": {name: _ordered(name, item) for name, item in plan.items() if name not in _LEFT_OUT},
            "Options": dict(known.options),
        },
        artifact=known.artifact,
        sensitive=tuple(sorted(set(_sensitive(plan, configuration)))),
    )


def _invocations(plan: dict[str, Any], outside: Outside) -> Iterator[Change]:
    """Yield the actions that providers carry out beside the resources (Terraform 1.14)."""
    name = "the Terraform plan: action_invocations"
    for number, raw in enumerate(maybe_list(plan.get("action_invocations"), name), start=1):
        item = as_object(raw, f"{name}[{number - 1}]")
        id_ = f"{as_text(item.get('address'), f'{name}[{number - 1}].address')} (invocation {number})"
        outside.say(id_, "an action of a provider, which the plan does not tell as a change")
        yield Change(
            Operation.CALL,
            as_text(item.get("type"), f"{name}[{number - 1}].type"),
            id_,
            after=item.get("config_values"),
        )


def _note_rest(plan: dict[str, Any], outside: Outside) -> None:
    """Note what the plan leaves for later, or says is wrong."""
    if plan.get("complete") is False:
        outside.say("", "the plan is not complete: more changes follow after it is applied")
    for name in ("deferred_changes", "deferred_action_invocations"):
        count = len(maybe_list(plan.get(name), f"the Terraform plan: {name}"))
        if count:
            outside.say("", f"{count} of {name} are put off, and nobody knows what they will be")
    for check in maybe_list(plan.get("checks"), "the Terraform plan: checks"):
        status = check.get("status") if isinstance(check, dict) else None
        if status in ("fail", "error"):
            address = check.get("address")
            named = address.get("to_display") if isinstance(address, dict) else None
            outside.say("", f"check {named or 'without a name'} ended with {status}")


def _ordered(name: str, item: Any) -> Any:  # noqa: ANN401 - JSON
    """Put lists in order whose order says nothing, such as those of drifted resources."""
    listed = name in {"resource_drift", "checks", "deferred_changes"} and isinstance(item, list)
    return sorted(item, key=canonical) if listed else item


def _sensitive(plan: dict[str, Any], configuration: Configuration) -> Iterator[tuple[str, ...]]:
    """Yield the paths in the parameters that Terraform itself would not show."""
    top = "Terraform"
    for name in configuration.sensitive_variables:
        yield (top, "variables", name)
        yield (top, "configuration", "root_module", "variables", name, "default")
    for name, change in maybe_object(plan.get("output_changes"), "the Terraform plan: output_changes").items():
        yield from _of_change(change, (top, "output_changes", name))
    for name in ("resource_drift", "deferred_changes"):
        for number, row in enumerate(_ordered(name, maybe_list(plan.get(name), f"the Terraform plan: {name}"))):
            item = row.get("resource_change", row) if isinstance(row, dict) else {}
            inner = ("resource_change",) if item is not row else ()
            change = item.get("change") if isinstance(item, dict) else None
            yield from _of_change(change, (top, name, str(number), *inner, "change"))


def _of_change(change: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(change, dict):
        for side in ("before", "after"):
            for marks in marked(change.get(f"{side}_sensitive")):
                yield (*path, side, *marks)
