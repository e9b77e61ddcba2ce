"""Values of a plan as rules look at them: by their names however a tool writes them, and what cannot be read."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHER: Final = re.compile(r"[^a-z0-9]")
_PSEUDO: Final = re.compile(r"\$\{AWS::(Partition|AccountId|Region|URLSuffix)\}")
_LATER: Final = re.compile(r"\{\{changeSet:|\{\{resolve:|\$\{cfn:|\(known after apply\)|\$\{[^}]*\}")
# A policy has these of its own, which IAM fills in.
_OF_IAM: Final = re.compile(r"\$\{(?!cfn:)[a-z0-9.-]+:[^}]*\}|\$\{[*?$]\}")
MAX_JSON: Final = 200_000
"""Characters of a text that is looked at as JSON."""
UNREAD: Final = object()
"""Stands for a value that only a deployment can tell."""


class Node(NamedTuple):
    """One value.

    Attributes:
        name: of the property, in lower case with letters and digits alone, as ``publiclyaccessible``; items of a list
            have the list's.
        path: names that lead to it, as the tool writes them.
        value: itself.
    """

    name: str
    path: tuple[str, ...]
    value: Any

    @property
    def place(self) -> str:
        """The path as text."""
        return ".".join(self.path)


@lru_cache(maxsize=16_384)
def plain_name(name: str) -> str:
    """Return a property's name without the ways in which tools differ."""
    return _OTHER.sub("", name.lower())


def nodes(value: object) -> Iterator[Node]:
    """Yield every value within a value, each before what it holds."""
    left: list[Node] = [Node("", (), value)]
    while left:
        node = left.pop()
        yield node
        if isinstance(node.value, dict):
            left.extend(
                Node(plain_name(key), (*node.path, key), item)
                for key, item in reversed(node.value.items())
                if isinstance(key, str)
            )
        elif isinstance(node.value, (list, tuple)):
            left.extend(
                Node(node.name, (*node.path, str(place)), item)
                for place, item in reversed(tuple(enumerate(node.value)))
            )


def is_function(value: object) -> bool:
    """Return whether a value is an intrinsic function of CloudFormation."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (name,) = value
    return isinstance(name, str) and (name in {"Ref", "Condition"} or name.startswith("Fn::"))


def text_of(value: object) -> Any:  # noqa: ANN401 - a text, a value of JSON, or UNREAD
    """Return a value with what is plain resolved: pseudo parameters stay in the text, and texts are joined.

    Returns:
        The value; :data:`UNREAD` for a function, or a text in which something is filled in later.
    """
    if isinstance(value, str):
        return UNREAD if _LATER.search(_OF_IAM.sub("", _PSEUDO.sub("", value))) else value
    if not isinstance(value, dict) or not is_function(value):
        return value
    ((name, given),) = value.items()
    if name == "Ref" and isinstance(given, str) and given.startswith("AWS::"):
        return "${" + given + "}" if given != "AWS::NoValue" else None
    if name == "Fn::Sub" and isinstance(given, str):
        return text_of(given)
    if name == "Fn::Join" and isinstance(given, list) and len(given) == 2 and isinstance(given[1], list):  # noqa: PLR2004
        parts = [text_of(part) for part in given[1]]
        return str(given[0]).join(parts) if all(isinstance(part, str) for part in parts) else UNREAD
    return UNREAD


def as_json(text: object) -> Any:  # noqa: ANN401 - JSON
    """Return what a text holds as JSON, None where it holds none or is too long to look at."""
    if not isinstance(text, str) or len(text) > MAX_JSON or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def is_true(value: object) -> bool:
    """Return whether a value is true, as templates write it."""
    return value is True or (isinstance(value, str) and value.lower() in {"true", "enabled", "yes", "1"})


def is_false(value: object) -> bool:
    """Return whether a value is false, as templates write it."""
    return value is False or (isinstance(value, str) and value.lower() in {"false", "disabled", "no", "0", "suspended"})


def number_of(value: object) -> float:
    """Return a value as a number, as templates write it; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return 0.0
    try:
        return float(value)
    except (ValueError, OverflowError):
        return 0.0


def listed(value: object) -> tuple[Any, ...]:
    """Return the items of a list, or a single value as the only one."""
    return tuple(value) if isinstance(value, (list, tuple)) else () if value is None else (value,)
