"""A CloudFormation template as a plan, beside the one that is deployed where that is known.

A template says what is wanted. What CloudFormation makes of it, a change set tells, and what a template alone cannot
say is an unknown here: whether an update replaces its resource, and what a macro makes of it. Without a deployed
template all is created.
Source: CloudFormation user guide, "CloudFormation template sections" and "Resource attribute reference".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.reading.carried import NESTED, note_type
from sudo_mcp_guardrails.approval.reading.hidden import note_hidden, uses
from sudo_mcp_guardrails.approval.reading.inputs import (
    changed_inputs,
    hidden_parameters,
    mentions,
    note_parameters,
    parameter_values,
    pseudo_values,
)
from sudo_mcp_guardrails.approval.reading.outside import Outside
from sudo_mcp_guardrails.approval.reading.source import as_object, as_text, loaded, same
from sudo_mcp_guardrails.approval.secret_names import secret_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.approval.reading.known import Known

_SCANNED: Final = ("Conditions", "Mappings", "Outputs", "Rules", "Hooks")


def read_template(document: object, known: Known) -> Plan:
    """Return the plan of a template.

    Args:
        document: The template, as parsed.
        known: What the caller knows; ``parameters``, ``deployed`` and ``deployed_parameters`` count here.

    Raises:
        PlanError: It is malformed.
    """
    return _Reader(as_object(document, "the template"), known).plan()


class _Reader:
    def __init__(self, template: dict[str, Any], known: Known) -> None:
        self._template = template
        self._known = known
        self._values = parameter_values(template, known.parameters, "the template")
        self._names = {**pseudo_values(known), **self._values}
        self._hidden = hidden_parameters(template)
        self._outside = Outside(known.versions, self._names)

    def plan(self) -> Plan:
        note_parameters(self._outside, self._template, self._values)
        self._note_sections()
        changes = tuple(self._creations() if self._known.deployed is None else self._differences())
        sections = {name: item for name, item in self._template.items() if name != "Resources"}
        loops = {name: item for name, item in self._template["Resources"].items() if name.startswith("Fn::")}
        return Plan(
            form=Form.TEMPLATE,
            target=self._known.target,
            account=self._known.account,
            region=self._known.region,
            changes=changes,
            pins=tuple(sorted(self._outside.pins)),
            unknown=tuple(sorted(self._outside.unknown)),
            parameters={
                "Parameters": self._values,
                "Template": {**sections, **({"Resources": loops} if loops else {})},
                "Options": dict(self._known.options),
            },
            artifact=self._known.artifact,
            sensitive=tuple(
                path
                for name in sorted(self._hidden)
                for path in (("Parameters", name), ("Template", "Parameters", name, "Default"))
            ),
        )

    def _note_sections(self) -> None:
        for name in _SCANNED:
            self._outside.value("", self._template.get(name))
        transforms = self._template.get("Transform") or []
        for transform in transforms if isinstance(transforms, list) else [transforms]:
            macro = transform.get("Name") if isinstance(transform, dict) else transform
            named = macro if isinstance(macro, str) else "a macro"
            self._outside.say("", f"Transform: what {named} makes of the template, only a change set tells")
        self._outside.value("", transforms)
        if "Fn::Transform" in self._template:
            self._outside.value("", {"Fn::Transform": self._template["Fn::Transform"]})

    def _creations(self) -> Iterator[Change]:
        for id_, resource in self._resources(self._template, "the template", note=True):
            properties = self._look_at(id_, resource, None)
            yield self._change(Operation.CREATE, id_, resource, after=properties)

    def _differences(self) -> Iterator[Change]:
        old = as_object(loaded(self._known.deployed, "the deployed template"), "the deployed template")
        known = self._known.deployed_parameters
        before = None if known is None else parameter_values(old, known, "the deployed template")
        changed = changed_inputs(self._template, old, self._values, before)
        theirs = dict(self._resources(old, "the deployed template", note=False))
        for id_, resource in self._resources(self._template, "the template", note=True):
            was = theirs.pop(id_, None)
            if was is None:
                properties = self._look_at(id_, resource, None)
                yield self._change(Operation.CREATE, id_, resource, after=properties)
            elif not same(resource, was) or not changed.isdisjoint(mentions(resource)):
                yield self._update(id_, resource, was, changed)
        for id_, was in theirs.items():
            yield self._change(Operation.DELETE, id_, was, before=was.get("Properties", {}))

    def _update(self, id_: str, resource: dict[str, Any], was: dict[str, Any], changed: frozenset[str]) -> Change:
        old = was.get("Properties", {})
        properties = self._look_at(id_, resource, old)
        self._outside.say(
            id_, "whether it is replaced, and what then changes in what needs it, only a change set tells"
        )
        condition = str(resource.get("Condition", ""))
        if condition in changed or condition != str(was.get("Condition", "")):
            self._outside.say(id_, "whether it is there, and was there before, hangs on its condition")
        names = {name for name in {*old, *properties} if (name in old) != (name in properties)}
        names |= {name for name in properties if name in old and not same(old[name], properties[name])}
        names |= {name for name, item in properties.items() if not changed.isdisjoint(mentions(item))}
        operation = Operation.UPDATE if resource["Type"] == was["Type"] else Operation.REPLACE
        change = self._change(operation, id_, resource, before=old, after=properties, changed=tuple(sorted(names)))
        change.options["Before"] = {name: item for name, item in was.items() if name != "Properties"}
        return change

    def _look_at(self, id_: str, resource: dict[str, Any], before: object) -> dict[str, Any]:
        properties: dict[str, Any] = resource.get("Properties", {})
        kind = resource["Type"]
        note_type(self._outside, id_, kind, properties, self._names)
        if kind == NESTED:
            self._outside.say(id_, "a nested stack, whose changes only a change set with nested stacks tells")
        note_hidden(self._outside, id_, kind, uses(properties, self._hidden))
        self._outside.change(id_, before, properties)
        return properties

    def _change(
        self,
        operation: Operation,
        id_: str,
        resource: Mapping[str, Any],
        *,
        before: Any = None,  # noqa: ANN401 - JSON
        after: Any = None,  # noqa: ANN401 - JSON
        changed: tuple[str, ...] = (),
    ) -> Change:
        return Change(
            operation=operation,
            type=resource["Type"],
            id=id_,
            account=self._known.account,
            region=self._known.region,
            before=before,
            after=after,
            changed=changed,
            sensitive=tuple(sorted({*secret_paths(before), *secret_paths(after)})),
            options={name: item for name, item in resource.items() if name not in {"Type", "Properties"}},
        )

    def _resources(self, template: Mapping[str, Any], what: str, *, note: bool) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the resources; what makes several of them is noted."""
        if "Resources" not in template:
            raise PlanError(f"{what} has no Resources")
        for id_, raw in as_object(template["Resources"], f"{what}: Resources").items():
            if id_.startswith("Fn::"):
                if note:
                    self._outside.say("", f"{id_} makes resources, which only a change set tells")
                continue
            place = f"{what}: Resources.{id_}"
            resource = as_object(raw, place)
            as_text(resource.get("Type"), f"{place}.Type")
            as_object(resource.get("Properties", {}), f"{place}.Properties")
            yield id_, resource
