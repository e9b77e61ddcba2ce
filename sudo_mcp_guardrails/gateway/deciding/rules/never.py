"""Rules that can never match: most often a typo that Cedar's validator lets pass, since it is no error of types.

``context.input has regoin`` is false for every call, and a rule that rests on it protects nothing. The analysis is
sound and not complete: what it calls impossible is; a contradiction that takes more than looking at each value of the
context by itself is not found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.deciding.rules.tree import literal_of, path_of

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.deciding.rules.schema import Action
    from sudo_mcp_guardrails.gateway.deciding.rules.text import Rule
    from sudo_mcp_guardrails.gateway.deciding.rules.tree import Path
    from sudo_mcp_guardrails.gateway.deciding.rules.types import Type

_INFINITE: Final = 2**63
_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NEGATED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass
class _Range:
    """What one value of the context may still be."""

    allowed: set[str | int | bool] | None = None
    excluded: set[str | int | bool] = field(default_factory=set)
    least: int = -_INFINITE
    most: int = _INFINITE

    @property
    def is_empty(self) -> bool:
        if self.least > self.most:
            return True
        return self.allowed is not None and not any(self._has(each) for each in self.allowed)

    def _has(self, value: str | int | bool) -> bool:  # noqa: FBT001 - a value of JSON
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value not in self.excluded and (not whole or self.least <= value <= self.most)  # type: ignore[operator]  # what `whole` says


def never_matches(rule: Rule, action: Action) -> bool:
    """Return whether a rule matches no call of a tool, whatever its arguments."""
    seen = _Seen(action)
    bodies = [(each["body"], each["kind"] == "when") for each in rule.tree["conditions"]]
    return not all(seen.take(body, positive=positive) for body, positive in bodies) or seen.contradicts


class _Seen:
    """Conditions that must hold together."""

    def __init__(self, action: Action) -> None:
        self._action = action
        self._ranges: dict[Path, _Range] = {}

    @property
    def contradicts(self) -> bool:
        """Whether no value of the context satisfies all of them."""
        return any(each.is_empty for each in self._ranges.values())

    def take(self, tree: Any, *, positive: bool) -> bool:  # noqa: ANN401 - Cedar's JSON
        """Take in a condition, or its negation; return False where it is impossible by itself."""
        operator: str = next(iter(tree)) if isinstance(tree, dict) and len(tree) == 1 else ""
        parts: Any = tree[operator] if operator else None
        if operator == "Value" and isinstance(parts, bool):
            return parts is positive
        if operator == "!":
            return self.take(parts["arg"], positive=not positive)
        if operator in {"&&", "||"}:
            together = (operator == "&&") is positive
            if together:
                return all(self.take(parts[side], positive=positive) for side in ("left", "right"))
            return any(self._alone(parts[side], positive=positive) for side in ("left", "right"))
        if operator == "has":
            return self._has(parts, positive=positive)
        if operator in {"==", "!="}:
            self._equal(parts["left"], parts["right"], positive=(operator == "==") is positive)
        elif operator in _FLIPPED:
            self._compare(operator if positive else _NEGATED[operator], parts["left"], parts["right"])
        elif operator == "contains":
            self._one_of(parts["left"], parts["right"], positive=positive)
        elif path_of(tree) is not None:
            self._equal(tree, {"Value": True}, positive=positive)
        return True

    def _alone(self, tree: Any, *, positive: bool) -> bool:  # noqa: ANN401 - Cedar's JSON
        """Return whether a branch is possible by itself."""
        branch = _Seen(self._action)
        return branch.take(tree, positive=positive) and not branch.contradicts

    def _has(self, parts: dict[str, Any], *, positive: bool) -> bool:
        held = path_of(parts["left"])
        if held is None:
            return True
        kind = self._type(held)
        if kind is None or kind.name != "Record":
            return True
        if parts["attr"] not in kind.attributes:
            return not positive
        return positive or parts["attr"] not in kind.required

    def _equal(self, left: object, right: object, *, positive: bool) -> None:
        for one, other in ((left, right), (right, left)):
            path, literal = path_of(one), literal_of(other)
            if path is not None and literal is not None:
                found = self._range(path)
                if not positive:
                    found.excluded.add(literal)
                else:
                    found.allowed = {literal} if found.allowed is None else found.allowed & {literal}

    def _compare(self, operator: str, left: object, right: object) -> None:
        path, literal = path_of(left), literal_of(right)
        if path is None:
            path, literal, operator = path_of(right), literal_of(left), _FLIPPED[operator]
        if path is None or not isinstance(literal, int) or isinstance(literal, bool):
            return
        found = self._range(path)
        if operator in {">", ">="}:
            found.least = max(found.least, literal + (operator == ">"))
        else:
            found.most = min(found.most, literal - (operator == "<"))

    def _one_of(self, left: object, right: object, *, positive: bool) -> None:
        path = path_of(right)
        items = left.get("Set") if isinstance(left, dict) else None
        if path is None or not isinstance(items, list):
            return
        values = [literal_of(item) for item in items]
        found = self._range(path)
        if not positive:
            found.excluded |= {value for value in values if value is not None}
        elif None not in values:
            told = {value for value in values if value is not None}
            found.allowed = told if found.allowed is None else found.allowed & told

    def _range(self, path: Path) -> _Range:
        if path not in self._ranges:
            kind = self._type(path)
            allowed: set[str | int | bool] | None = None
            if kind is not None and kind.values:
                allowed = set(kind.values)
            elif kind is not None and kind.name == "Bool":
                allowed = {True, False}
            self._ranges[path] = _Range(allowed)
        return self._ranges[path]

    def _type(self, path: Path) -> Type | None:
        kind: Type | None = self._action.context
        for name in path:
            kind = kind.attributes.get(name) if kind is not None else None
        return kind
