"""The members of a request as CloudTrail writes them.

Not an extension: what `cloudtrail_record` makes of a form or a JSON body.
"""

from __future__ import annotations

from typing import Any

_DEEPEST = 8


def nested(parameters: dict[str, Any]) -> dict[str, Any]:
    """The members as CloudTrail writes them: `Tags.member.1.Key` of a form is `tags`, a list of objects with `key`."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        parts = [_lower_first(part) for part in name.split(".") if part != "member"]
        if len(parts) > _DEEPEST or not all(parts):
            found[_lower_first(name)] = value
            continue
        place = found
        for part in parts[:-1]:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = place[part] = {"": inner}
            place = inner
        place[parts[-1]] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: Any) -> Any:
    """A list for an object whose names are numbers."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isascii() and name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]
