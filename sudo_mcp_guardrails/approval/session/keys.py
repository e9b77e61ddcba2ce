"""Which parameters of a call a policy can bind, by the condition key that carries them.

Only keys that AWS sends with the action are in the table; a condition on any other would refuse every call.
Source: Service Authorization Reference, condition keys of each action.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.iam.documents import Conditions

_DATA: Final = Path(__file__).with_name("keys.json")


@cache
def bound_keys() -> Mapping[str, Mapping[str, str]]:
    """Return action to its condition keys, and the parameter that each carries."""
    found: Mapping[str, Mapping[str, str]] = json.loads(_DATA.read_text(encoding="utf-8"))["keys"]
    return found


@cache
def tagging() -> Mapping[str, str]:
    """Return the actions that carry tags as ``aws:RequestTag``, and the parameter that has them."""
    found: Mapping[str, str] = json.loads(_DATA.read_text(encoding="utf-8"))["tags"]
    return found


def bound_parameters(action: str) -> frozenset[str]:
    """Return the parameters of an action that a condition binds."""
    tags = {tagging()[action]} if action in tagging() else set()
    return frozenset(bound_keys().get(action, {}).values()) | tags


def conditions_of(action: str, parameters: Mapping[str, Any]) -> Conditions:
    """Return the conditions that hold a call to its parameters. What is not given must not be given.

    Args:
        action: ``service:Action``, as the catalogue writes it.
        parameters: Of the call.
    """
    found: list[tuple[str, str, tuple[str, ...]]] = []
    for key, name in bound_keys().get(action, {}).items():
        value = parameters.get(name)
        if isinstance(value, str) and value:
            found.append(("StringEquals", key, (literal(value),)))
        elif value is None:
            found.append(("Null", key, ("true",)))
    if action in tagging():
        tags = tuple(_tags(parameters.get(tagging()[action])))
        found += [("StringEquals", f"aws:RequestTag/{key}", (literal(value),)) for key, value in tags]
        if tags:
            found.append(("ForAllValues:StringEquals", "aws:TagKeys", tuple(literal(key) for key, _ in tags)))
        else:
            found.append(("Null", "aws:TagKeys", ("true",)))
    return tuple(found)


def literal(text: str) -> str:
    """Return a text in the notation in which a policy takes it for itself, and for no variable."""
    return text.replace("${", "${$}{")


def _tags(tags: object) -> Iterator[tuple[str, str]]:
    """Yield tags in order of their keys, as a map or as AWS's lists of keys and values have them."""
    if isinstance(tags, dict):
        pairs = [(key, value) for key, value in tags.items() if isinstance(key, str) and isinstance(value, str)]
    else:
        named = [{str(k).lower(): v for k, v in tag.items()} for tag in _listed(tags) if isinstance(tag, dict)]
        pairs = [(tag["key"], str(tag.get("value", ""))) for tag in named if isinstance(tag.get("key"), str)]
    yield from sorted(pairs)


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
