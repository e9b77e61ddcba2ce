"""Values of a change set that are known only after it is applied, and what the template says in their place.

CloudFormation writes ``{{changeSet:KNOWN_AFTER_APPLY}}`` for what refers to a resource that is yet to be made. The
template has the reference itself, and can be read where it only puts names together; ``cdk diff`` merges both too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.reading.spelling import is_intrinsic

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.reading.outside import Outside

LATER: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"
_PLAIN: Final = frozenset({"Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Base64"})
"""Functions that show all they put together; others choose or fetch, and so hide what comes out."""


def filled(outside: Outside, where: str, properties: dict[str, Any], template: object) -> dict[str, Any]:
    """Return properties with the template's references where a value is known later.

    Args:
        outside: Notes those that cannot be told.
        where: Id of the change.
        properties: As the change set has them.
        template: The same resource's properties in the processed template; None where they are not given.
    """
    names: set[str] = set()
    found = {
        name: _filled(item, template.get(name) if isinstance(template, dict) else None, name, names)
        for name, item in properties.items()
    }
    for name in sorted(names):
        outside.say(where, f"{name} has a value that is known only after it is applied")
    return found


def _filled(value: Any, template: Any, name: str, open_: set[str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        other = template if isinstance(template, dict) and not is_intrinsic(template) else {}
        return {key: _filled(item, other.get(key), name, open_) for key, item in value.items()}
    if isinstance(value, list):
        same = isinstance(template, list) and len(template) == len(value)
        return [_filled(item, template[i] if same else None, name, open_) for i, item in enumerate(value)]
    if not isinstance(value, str) or LATER not in value:
        return value
    if _is_plain(template):
        return template
    open_.add(name)
    return value


def _is_plain(template: object) -> bool:
    """Return whether a value of a template is a function that shows all it puts together."""
    if not is_intrinsic(template):
        return False
    left = [template]
    while left:
        item = left.pop()
        if is_intrinsic(item) and not _PLAIN.issuperset(item):  # type: ignore[arg-type]
            return False
        if isinstance(item, dict):
            left += item.values()
        elif isinstance(item, list):
            left += item
    return True
