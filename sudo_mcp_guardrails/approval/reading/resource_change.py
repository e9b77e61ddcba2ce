"""The rows of a change set: what CloudFormation says of each resource, as changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import canonical, parsed
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Change, Operation
from sudo_mcp_guardrails.approval.reading.carried import NESTED, note_type
from sudo_mcp_guardrails.approval.reading.hidden import masks, note_hidden
from sudo_mcp_guardrails.approval.reading.later import filled
from sudo_mcp_guardrails.approval.reading.source import (
    as_object,
    as_text,
    as_word,
    check_depth,
    maybe_list,
    maybe_object,
)
from sudo_mcp_guardrails.approval.secret_names import secret_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.reading.outside import Outside

_ACTIONS: Final = {
    "Add": Operation.CREATE,
    "Modify": Operation.UPDATE,
    "Remove": Operation.DELETE,
    "Import": Operation.IMPORT,
    "Dynamic": Operation.REPLACE,
    "SyncWithActual": Operation.UPDATE,
}
_REPLACEMENTS: Final = ("True", "False", "Conditional")
_TAKEN: Final = frozenset(
    {"LogicalResourceId", "PhysicalResourceId", "ResourceType", "BeforeContext", "AfterContext", "Details", "Scope"}
)
_CONTEXTS: Final = {
    Operation.CREATE: ("AfterContext",),
    Operation.IMPORT: ("AfterContext",),
    Operation.DELETE: ("BeforeContext",),
    Operation.UPDATE: ("BeforeContext", "AfterContext"),
    Operation.REPLACE: ("BeforeContext", "AfterContext"),
}


class ResourceChanges:
    """Reads the rows of one change set.

    Args:
        outside: Collects what cannot be told.
        template: The change set's processed template; None where it is not given.
        account: Of the stack.
        region: Of the stack.
        what: The change set is called in errors.

    Attributes:
        nested: (id, ARN of the change set) of the nested stacks that were read.
        other: Rows that are about no resource.
    """

    def __init__(self, outside: Outside, template: dict[str, Any] | None, account: str, region: str, what: str) -> None:
        self._outside = outside
        self._template = template
        self._account = account
        self._region = region
        self._what = what
        self.nested: list[tuple[str, str]] = []
        self.other: list[Any] = []

    def read(self, rows: list[Any]) -> Iterator[Change]:
        """Yield the changes, each with those that CloudFormation says are caused by it.

        Raises:
            PlanError: A row is malformed.
        """
        changes: dict[str, Change] = {}
        caused: dict[str, set[str]] = {}
        for number, row in enumerate(rows):
            place = f"{self._what}: Changes[{number}]"
            item = as_object(row, place)
            if item.get("Type") != "Resource" or "ResourceChange" not in item:
                self.other.append(item)
                self._outside.say("", f"change {number + 1} is about no resource")
                continue
            change, causes = self._change(item, f"{place}.ResourceChange")
            if change.id in changes:
                raise PlanError(f"{place}: {change.id!r} is there twice")
            changes[change.id] = change
            for cause in causes - {change.id}:
                caused.setdefault(cause, set()).add(change.id)
        self.other.sort(key=canonical)
        for id_, change in changes.items():
            yield replace(change, dependent=tuple(sorted(caused.get(id_, ()))))

    def _change(self, row: dict[str, Any], place: str) -> tuple[Change, set[str]]:
        raw = as_object(row["ResourceChange"], place)
        id_ = as_text(raw.get("LogicalResourceId"), f"{place}.LogicalResourceId")
        kind = as_text(raw.get("ResourceType"), f"{place}.ResourceType")
        operation = self._operation(raw, id_, place)
        before, was = self._context(raw, "BeforeContext", operation, id_, place)
        after, becomes = self._context(raw, "AfterContext", operation, id_, place)
        details = [as_object(item, f"{place}.Details") for item in maybe_list(raw.get("Details"), place)]
        if after is not None:
            after = filled(self._outside, id_, after, self._of_template(id_))
            note_hidden(self._outside, id_, kind, masks(after))
            self._outside.change(id_, before if operation is Operation.UPDATE else None, after)
        if operation is not Operation.DELETE:
            note_type(self._outside, id_, kind, after, {})
        if kind == NESTED:
            self.nested.append((id_, str(raw.get("ChangeSetId") or "")))
        targets = [target for item in details if isinstance(target := item.get("Target"), dict)]
        physical = raw.get("PhysicalResourceId")
        change = Change(
            operation=operation,
            type=kind,
            id=id_,
            account=self._account,
            region=self._region,
            physical_id=physical if isinstance(physical, str) and physical else None,
            before=before,
            after=after,
            changed=tuple(sorted({str(t["Name"]) for t in targets if t.get("Name")})),
            sensitive=tuple(sorted({*secret_paths(before), *secret_paths(after)})),
            options=_options(row, raw, details, was, becomes),
        )
        return change, {str(item["CausingEntity"]).split(".")[0] for item in details if item.get("CausingEntity")}

    def _operation(self, raw: dict[str, Any], id_: str, place: str) -> Operation:
        action, replacement = as_word(raw.get("Action"), _ACTIONS, f"{place}.Action"), raw.get("Replacement")
        if replacement is not None:
            as_word(replacement, _REPLACEMENTS, f"{place}.Replacement")
        if action == "Dynamic":
            self._outside.say(id_, "what is done to it, only the deployment tells")
        if action == "SyncWithActual":
            self._outside.say(id_, "the stack takes over what is there, whatever that is then")
        if action == "Modify" and replacement == "Conditional":
            self._outside.say(id_, "whether it is replaced, only the deployment tells")
        if action == "Modify" and replacement in {"True", "Conditional"}:
            return Operation.REPLACE
        return _ACTIONS[action]

    def _context(
        self, raw: dict[str, Any], name: str, operation: Operation, id_: str, place: str
    ) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Return the properties and the attributes of a context; no properties where it is not there."""
        if raw.get(name) is None:
            if name in _CONTEXTS[operation]:
                self._outside.say(id_, f"the change set does not tell its {name}; describe it with its property values")
            return None, {}
        what = f"{place}.{name}"
        context = as_object(parsed(as_text(raw[name], what), what), what)
        check_depth(context, what)
        properties = maybe_object(context.get("Properties"), f"{what}.Properties")
        return properties, {key: item for key, item in context.items() if key != "Properties"}

    def _of_template(self, id_: str) -> Any:  # noqa: ANN401 - JSON
        """Return a resource's properties as the template has them; None where that is not given."""
        resources = (self._template or {}).get("Resources")
        resource = resources.get(id_) if isinstance(resources, dict) else None
        return resource.get("Properties") if isinstance(resource, dict) else None


def _options(
    row: dict[str, Any],
    raw: dict[str, Any],
    details: list[dict[str, Any]],
    was: dict[str, Any],
    becomes: dict[str, Any],
) -> dict[str, Any]:
    """Keep what else a row says, also what this code does not know, so that the digest covers it."""
    kept = {name: item for name, item in raw.items() if name not in _TAKEN}
    more = {name: item for name, item in row.items() if name not in {"Type", "ResourceChange"}}
    lists = {
        "Details": sorted(details, key=canonical),
        "Scope": sorted(maybe_list(raw.get("Scope"), "Scope"), key=canonical),
    }
    contexts = {"BeforeAttributes": was, "AfterAttributes": becomes}
    return {**kept, **more, **{name: item for name, item in {**lists, **contexts}.items() if item}}
