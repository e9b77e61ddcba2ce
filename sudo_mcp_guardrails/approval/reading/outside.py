"""Content that lies outside of a plan: a pin where a version or hash says which it is, an unknown where nothing does.

What is looked at are values, whatever type of resource they stand in: an object in S3, a container's image, a
template's address, a dynamic reference, an import. That a name looks like a hash proves nothing, since an object can be
overwritten and a tag moved; a version that the caller has looked up does (:attr:`Known.versions`).
Sources: CloudFormation user guide, "Get values stored in other services using dynamic references", and template
reference, ``AWS::Lambda::Function Code``, ``AWS::ApiGateway::RestApi S3Location``, ``AWS::StepFunctions::StateMachine
S3Location``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Pin, Unknown
from sudo_mcp_guardrails.approval.reading.addresses import image_address, object_address, url_address
from sudo_mcp_guardrails.approval.reading.dynamic import dynamic_references
from sudo_mcp_guardrails.approval.reading.source import check_depth, same
from sudo_mcp_guardrails.approval.reading.spelling import spelled
from sudo_mcp_guardrails.approval.secret_names import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.reading.addresses import Address

_IMPORTS: Final = {"Fn::ImportValue": "an export of another stack", "Fn::GetStackOutput": "an output of another stack"}
_MAX_INNER: Final = 1_000_000
_MAX_SHOWN: Final = 300


class Outside:
    """Collects what a plan takes from outside.

    Args:
        versions: Version or hash by URI, looked up by the caller.
        known: Values of parameters and pseudo parameters, by which addresses are spelled out.
    """

    def __init__(self, versions: Mapping[str, str], known: Mapping[str, Any] | None = None) -> None:
        self._versions = versions
        self._known = known or {}
        self.pins: set[Pin] = set()
        self.unknown: set[Unknown] = set()

    def say(self, where: str, reason: str) -> None:
        """Note something that could not be told."""
        text = without_secrets(reason)
        self.unknown.add(Unknown(where, text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"))

    def pin(self, where: str, kind: str, name: str, *, version: str = "", what: str = "") -> None:
        """Note something outside.

        Args:
            where: Id of the change.
            kind: As :attr:`Pin.kind`.
            name: Its URI, as it stands in ``versions``.
            version: Which it is, where the plan says so itself.
            what: For what is not pinned: how the reason begins. Default: ``<kind> <name>``.
        """
        found = version or self._versions.get(name, "")
        if found:
            self.pins.add(Pin(kind, without_secrets(name), found))
        else:
            self.say(where, f"{what or f'{kind} {name}'} has no version or hash that says which content it is")

    def change(self, where: str, before: object, after: object) -> None:
        """Look at a change: code and templates only where they change, since nothing else fetches them again.

        Args:
            where: Id of the change.
            before: Properties now; None where there are none or nobody knows.
            after: Properties then.
        """
        if not isinstance(before, dict) or not isinstance(after, dict):
            self.value(where, after)
            return
        self.value(
            where, {name: item for name, item in after.items() if name not in before or not same(before[name], item)}
        )
        for name, item in after.items():
            if name in before and same(before[name], item):
                self._walk(where, name, item, code=False)

    def value(self, where: str, value: object) -> None:
        """Look at a value and all that is in it."""
        self._walk(where, "", value, code=True)

    def _walk(self, where: str, name: str, value: object, *, code: bool) -> None:
        left = [(name, value)]
        while left:
            name, item = left.pop()
            if code and name and (address := self._address(name, item)):
                self._note(where, address)
            if isinstance(item, dict):
                if code and (address := object_address(item, self._known)):
                    self._note(where, address)
                self._functions(where, item)
                left += item.items()
            elif isinstance(item, (list, tuple)):
                left += [(name, inner) for inner in item]
            elif isinstance(item, str):
                self._text(where, item)
                if code and (parsed := _inner(item)) is not None:
                    left.append(("", parsed))

    def _address(self, name: str, item: object) -> Address | None:
        text = spelled(item, self._known)
        return None if text is None else image_address(name, text) or url_address(name, text)

    def _note(self, where: str, address: Address) -> None:
        self.pin(where, address.kind, address.name, version=address.version)

    def _text(self, where: str, text: str) -> None:
        for kind, name, version in dynamic_references(text):
            self.pin(where, kind, name, version=version, what=f"dynamic reference {name}")

    def _functions(self, where: str, item: dict[str, Any]) -> None:
        for name, what in _IMPORTS.items():
            if name in item:
                target = spelled(item[name], self._known)
                if target is None:
                    self.say(where, f"{name} takes {what} whose name the template does not say")
                else:
                    self.pin(where, "export", f"export:{target}", what=f"{what}, {target},")
        if "Fn::Transform" in item:
            given = item["Fn::Transform"]
            macro = given.get("Name") if isinstance(given, dict) else given
            named = macro if isinstance(macro, str) else "a macro"
            self.say(where, f"Fn::Transform: what {named} makes of it, only a change set tells")


def _inner(text: str) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON that a text is itself, such as a task definition's containers; None for other texts."""
    if len(text) > _MAX_INNER or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(text)
        check_depth(value, "a text")
    except (ValueError, RecursionError, PlanError):
        return None
    return value
