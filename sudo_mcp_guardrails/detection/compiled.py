"""Rules as one JSON document: what pySigma read once, and every process loads without it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.matching.condition import from_data, to_data
from sudo_mcp_guardrails.detection.rule import Correlation, Counting, Level, Rule, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT: Final = 1
_E = TypeVar("_E", bound=Enum)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules and correlations that belong together.

    Attributes:
        rules: over one event.
        correlations: over what the rules found.
    """

    rules: tuple[Rule, ...]
    correlations: tuple[Correlation, ...] = ()

    def __post_init__(self) -> None:
        """Check that a correlation names rules that are there."""
        names = {rule.name for rule in self.rules}
        for one in self.correlations:
            missing = [name for name in one.rules if name not in names]
            if missing:
                raise RuleError(f"correlation {one.name!r} names the rule {missing[0]!r}, which is not there")

    def __add__(self, other: RuleBook) -> RuleBook:
        return RuleBook(self.rules + other.rules, self.correlations + other.correlations)


def dumps(book: RuleBook) -> str:
    """Return a rule book as JSON: the same rules give the same text."""
    data: dict[str, list[dict[str, Any]]] = {
        "rules": [
            {
                "id": rule.id,
                "name": rule.name,
                "title": rule.title,
                "level": rule.level.value,
                "source": rule.source.value,
                "contains": rule.contains,
                "sentence": rule.sentence,
                "tags": list(rule.tags),
                "condition": to_data(rule.condition),
            }
            for rule in book.rules
        ],
        "correlations": [
            {
                "id": one.id,
                "name": one.name,
                "title": one.title,
                "level": one.level.value,
                "contains": one.contains,
                "sentence": one.sentence,
                "tags": list(one.tags),
                "rules": list(one.rules),
                "counting": one.counting.value,
                "group_by": list(one.group_by),
                "seconds": one.seconds,
                "count": one.count,
                "field": one.field,
            }
            for one in book.correlations
        ],
    }
    # One rule a line, so that a change shows as the rule that it changed.
    lines = [
        f' "{name}": [\n  ' + ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in data[name]) + "\n ]"
        for name in ("rules", "correlations")
    ]
    return f'{{\n "format": {FORMAT},\n' + ",\n".join(lines) + "\n}\n"


def loads(text: str) -> RuleBook:
    """Return the rule book that :func:`dumps` wrote.

    Raises:
        RuleError: for anything else.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RuleError(f"compiled rules are no JSON: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, dict) else data.__class__.__name__
        raise RuleError(f"compiled rules of format {found!r} are not allowed, allowed: {FORMAT}")
    return RuleBook(
        tuple(_rule(one) for one in _objects(data, "rules")),
        tuple(_correlation(one) for one in _objects(data, "correlations")),
    )


def shipped() -> RuleBook:
    """Return the rules that come with the package.

    Raises:
        RuleError: for an installation that is damaged.
    """
    return loads(resources.files(__package__).joinpath("rules.json").read_text(encoding="utf-8"))


def _rule(data: Mapping[str, Any]) -> Rule:
    return Rule(
        condition=from_data(data.get("condition")),
        source=_one(Source, data, "source"),
        **_common(data),
    )


def _correlation(data: Mapping[str, Any]) -> Correlation:
    return Correlation(
        rules=_texts(data, "rules"),
        counting=_one(Counting, data, "counting"),
        group_by=_texts(data, "group_by"),
        seconds=_positive(data, "seconds"),
        count=_positive(data, "count"),
        field=_text(data, "field"),
        **_common(data),
    )


def _common(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: _text(data, name) for name in ("id", "name", "title", "sentence")},
        "level": _one(Level, data, "level"),
        "tags": _texts(data, "tags"),
        "contains": data.get("contains") is True,
    }


def _objects(data: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    found = data.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise RuleError(f"{name!r} of compiled rules is no list of objects")
    return found


def _text(data: Mapping[str, Any], name: str) -> str:
    found = data.get(name)
    if not isinstance(found, str):
        raise RuleError(f"{name!r} of the compiled rule {data.get('name')!r} is {found!r}, allowed: a text")
    return found


def _texts(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = data.get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise RuleError(f"{name!r} of the compiled rule {data.get('name')!r} is {found!r}, allowed: texts")
    return tuple(found)


def _positive(data: Mapping[str, Any], name: str) -> int:
    found = data.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise RuleError(f"{name!r} of the compiled rule {data.get('name')!r} is {found!r}, allowed: 1 or more")
    return found


def _one(kind: type[_E], data: Mapping[str, Any], name: str) -> _E:
    try:
        return kind(data.get(name))
    except ValueError:
        allowed = ", ".join(str(one.value) for one in kind)
        place = f"{name!r} of the compiled rule {data.get('name')!r}"
        raise RuleError(f"{place} is {data.get(name)!r}, allowed: {allowed}") from None
