"""What of a plan may be shown: the same document, with ``****`` for secrets.

The digest is that of the plan itself, and covers the secrets too: a plan with another password is another plan.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.secret_names import MASK, secret_paths, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.approval.plan import Change, Plan

    Path = tuple[str, ...]

_MAX_INNER: Final = 1_000_000
"""Longest text that is looked into as JSON, such as a task definition's containers."""
_MAX_INNER_DEPTH: Final = 50


def masked(plan: Plan) -> dict[str, Any]:
    """Return a plan's document with everything masked that nobody is to be shown.

    Masked are the paths that the plan's reader marked, what stands under a secret's name in parameters and options,
    and what looks like a private key or a token, wherever it stands. Bytes are written as hexadecimal digits.

    Args:
        plan: It stays as it is, and so does its digest.

    Returns:
        JSON, of the shape of :meth:`~sudo_mcp_guardrails.approval.plan.Plan.document`.
    """
    document = plan.document()
    changes = {change.id: change for change in plan.changes}
    document["changes"] = [_change(item, changes[item["id"]]) for item in document["changes"]]
    document["parameters"] = _hidden(plan.parameters, (*plan.sensitive, *secret_paths(plan.parameters)))
    shown: dict[str, Any] = _clean(document)
    return shown


def masked_value(value: object, paths: Iterable[Path] = ()) -> Any:  # noqa: ANN401 - JSON
    """Return one value as it may be shown.

    Args:
        value: JSON.
        paths: What to mask, beside what stands under a secret's name or looks like a secret.
    """
    return _clean(_hidden(value, (*paths, *secret_paths(value))))


def _change(document: dict[str, Any], change: Change) -> dict[str, Any]:
    each = {"Details": _detail, "PatchDocument": _step}
    options = {
        name: [each[name](row) for row in item] if name in each and isinstance(item, list) else item
        for name, item in change.options.items()
    }
    return {
        **document,
        "before": _hidden(change.before, (*change.sensitive, *secret_paths(change.before))),
        "after": _hidden(change.after, (*change.sensitive, *secret_paths(change.after))),
        "options": _hidden(options, secret_paths(options)),
    }


def _detail(detail: object) -> object:
    """Mask the values that a change set gives for a property beside the property itself."""
    target = detail.get("Target") if isinstance(detail, dict) else None
    if not isinstance(detail, dict) or not isinstance(target, dict):
        return detail
    values = {key: target[key] for key in ("BeforeValue", "AfterValue", "Drift") if key in target}
    return {**detail, "Target": {**target, **_under(target.get("Path") or target.get("Name"), values)}}


def _step(step: object) -> object:
    """Mask the value of a step of a JSON Patch."""
    if not isinstance(step, dict) or "value" not in step:
        return step
    return {**step, **_under(step.get("path"), {"value": step["value"]})}


def _under(path: object, values: dict[str, Any]) -> dict[str, Any]:
    """Mask values as if they stood under the names of a path: a reference stays, a password does not."""
    names = str(path or "").strip("/").split("/")
    nested: Any = values
    for name in reversed(names):
        nested = {name: nested}
    nested = _hidden(nested, secret_paths(nested))
    for name in names:
        nested = nested[name]
    found: dict[str, Any] = nested
    return found


def _hidden(value: Any, paths: Iterable[Path]) -> Any:  # noqa: ANN401 - JSON
    """Return a value with what stands at some paths masked; a path that is not there masks nothing."""
    tree: dict[str | None, Any] = {}
    for path in paths:
        node = tree
        for name in path:
            node = node.setdefault(name, {})
        node[None] = {}  # the end of a path
    return _pruned(value, tree) if tree else value


def _pruned(value: Any, tree: dict[str | None, Any]) -> Any:  # noqa: ANN401 - JSON
    if None in tree:
        return None if value is None else MASK
    if isinstance(value, dict):
        return {name: _pruned(item, tree[name]) if name in tree else item for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_pruned(item, tree[str(i)]) if str(i) in tree else item for i, item in enumerate(value)]
    return value


def _clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Mask what looks like a secret in any text, also in JSON within a text."""
    if isinstance(value, dict):
        # Names stay: two that became one would take a change out of sight.
        return {name: _clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    return without_secrets(_inner(value)) if isinstance(value, str) else value


def _inner(text: str) -> str:
    """Mask what stands under a secret's name in a text that is JSON itself."""
    if len(text) > _MAX_INNER or not text.lstrip().startswith(("{", "[")):
        return text
    try:
        value = json.loads(text)
        if _depth(value) > _MAX_INNER_DEPTH:
            return text
        paths = secret_paths(value)
    except (ValueError, RecursionError):
        return text
    return json.dumps(_hidden(value, paths), ensure_ascii=False) if paths else text


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level and depth <= _MAX_INNER_DEPTH:
        depth += 1
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
        ]
    return depth
