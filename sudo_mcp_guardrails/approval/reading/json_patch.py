"""JSON Patch, as an update by Cloud Control has it.

Source: RFC 6902 and RFC 6901; Cloud Control API user guide, "Updating a resource".
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.reading.source import as_list, as_object, same

_WITH_VALUE: Final = frozenset({"add", "replace", "test"})
_WITH_FROM: Final = frozenset({"move", "copy"})
_OPERATIONS: Final = ("add", "remove", "replace", "move", "copy", "test")
MAX_STEPS: Final = 10_000


def patched(value: Any, patch: object, place: str) -> Any:  # noqa: ANN401 - JSON
    """Return a value with a patch applied; the value itself stays as it is.

    Args:
        value: JSON.
        patch: List of operations.
        place: What the patch is called in errors.

    Raises:
        PlanError: The patch is malformed, or does not fit the value.
    """
    steps = as_list(patch, place)
    if len(steps) > MAX_STEPS:
        raise PlanError(f"{place} has {len(steps)} operations, allowed are {MAX_STEPS}")
    root = [deepcopy(value)]
    for number, raw in enumerate(steps):
        _apply(root, as_object(raw, f"{place}[{number}]"), f"{place}[{number}]")
    return root[0]


def paths(patch: object, place: str) -> tuple[str, ...]:
    """Return the first names that a patch touches, in order; raises PlanError where it is malformed."""
    found = set()
    for number, raw in enumerate(as_list(patch, place)):
        step = as_object(raw, f"{place}[{number}]")
        touched = [step.get("path")] if step.get("op") != "test" else []
        touched += [step.get("from")] if step.get("op") == "move" else []
        found |= {tokens[0] for each in touched if (tokens := _tokens(each, f"{place}[{number}]"))}
    return tuple(sorted(found))


def _apply(root: list[Any], step: dict[str, Any], place: str) -> None:
    operation = step.get("op")
    if operation not in _OPERATIONS:
        raise PlanError(f"{place}.op: allowed are {', '.join(_OPERATIONS)}")
    if operation in _WITH_VALUE and "value" not in step:
        raise PlanError(f"{place} has no value")
    path = _tokens(step.get("path"), f"{place}.path")
    if operation == "test":
        if not same(_read(root, path, place), step["value"]):
            raise PlanError(f"{place}: the test fails on what is there")
        return
    value = step.get("value")
    if operation in _WITH_FROM:
        source = _tokens(step.get("from"), f"{place}.from")
        if operation == "move" and path[: len(source)] == source and path != source:
            raise PlanError(f"{place} moves a value into itself")
        value = _read(root, source, place)
        if operation == "move":
            _remove(root, source, place)
    if operation in {"remove", "replace"}:
        _remove(root, path, place)
    if operation != "remove":
        _add(root, path, deepcopy(value), place)


def _tokens(path: object, place: str) -> list[str]:
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise PlanError(f"{place}: expected a JSON pointer, such as '/Tags/0'")
    return [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]


def _read(root: list[Any], path: list[str], place: str) -> Any:  # noqa: ANN401 - JSON
    value = root[0]
    for token in path:
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and (index := _index(token, len(value) - 1)) is not None:
            value = value[index]
        else:
            raise PlanError(f"{place}: its path leads to nothing")
    return value


def _remove(root: list[Any], path: list[str], place: str) -> None:
    _read(root, path, place)
    if not path:
        root[0] = None
        return
    parent = _read(root, path[:-1], place)
    del parent[path[-1] if isinstance(parent, dict) else int(path[-1])]


def _add(root: list[Any], path: list[str], value: Any, place: str) -> None:  # noqa: ANN401 - JSON
    if not path:
        root[0] = value
        return
    parent = _read(root, path[:-1], place)
    if isinstance(parent, dict):
        parent[path[-1]] = value
        return
    index = None
    if isinstance(parent, list):
        index = len(parent) if path[-1] == "-" else _index(path[-1], len(parent))
    if index is None:
        raise PlanError(f"{place}: its path leads to nothing")
    parent.insert(index, value)


def _index(token: str, last: int) -> int | None:
    if not (token.isascii() and token.isdigit()) or (len(token) > 1 and token.startswith("0")):
        return None
    return int(token) if len(token) < len(str(last)) + 2 and int(token) <= last else None
