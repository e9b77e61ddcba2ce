"""JSON Schema of tools as types of Cedar, and arguments as values of those types.

What Cedar cannot express is left out, so that a rule which names it does not validate: alternatives (``anyOf``,
``oneOf``, lists of types but with ``null``), objects of free keys, values without a type, references outside of the
schema. ``null`` is an absent value. ``number`` is Cedar's decimal, which has four places: more are cut off, as
AgentCore cuts them. ``enum`` stays a ``String``, and rules are checked against its values.

Source: AgentCore developer guide, "Schema constraints" of Policy, for what each type becomes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEPTH: Final = 8
_LONG: Final = range(-(2**63), 2**63)
_DECIMAL: Final = Decimal(2**63 - 1) / 10_000
_PLACES: Final = Decimal("0.0001")
_NULL: Final = {"type": "null"}
_ALTERNATIVES: Final = frozenset({"anyOf", "oneOf", "allOf", "not", "if"})
_SIMPLE: Final = {"integer": "Long", "boolean": "Bool", "number": "decimal"}


@dataclass(frozen=True)
class Type:
    """A type of Cedar.

    Attributes:
        name: ``String``, ``Long``, ``Bool``, ``decimal``, ``Set`` or ``Record``.
        element: Of a set.
        attributes: Of a record.
        required: Names of the record's that are always there.
        values: Of a string, all that it may be; empty for any.
    """

    name: str
    element: Type | None = None
    attributes: Mapping[str, Type] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()

    def document(self) -> dict[str, Any]:
        """Return it as Cedar's schema in JSON has it."""
        if self.name == "decimal":
            return {"type": "Extension", "name": "decimal"}
        if self.name == "Set" and self.element is not None:
            return {"type": "Set", "element": self.element.document()}
        if self.name == "Record":
            return {
                "type": "Record",
                "attributes": {
                    name: {**each.document(), "required": name in self.required}
                    for name, each in sorted(self.attributes.items())
                },
            }
        return {"type": self.name}


STRING: Final = Type("String")
LONG: Final = Type("Long")
BOOL: Final = Type("Bool")
TEXTS: Final = Type("Set", STRING)


class UnfitError(ValueError):
    """A value that is not of its type."""


def record(**attributes: Type) -> Type:
    """Return a record whose attributes are always there."""
    return Type("Record", None, attributes, frozenset(attributes))


def type_of(schema: object, root: Mapping[str, Any] | None = None, depth: int = _DEPTH) -> Type | None:
    """Return what a JSON Schema is in Cedar; None where Cedar cannot express it.

    Args:
        schema: A schema, or what stands where one should.
        root: That ``$ref`` points into. Default: the schema.
        depth: Most levels.
    """
    found = _plain(schema, schema if root is None and isinstance(schema, dict) else root or {}, depth)
    if found is None:
        return None
    plain, whole, depth = found
    kind = plain.get("type")
    if isinstance(kind, list):
        kinds = [each for each in kind if each != "null"]
        kind = kinds[0] if len(kinds) == 1 else None
    if kind == "string" or (kind is None and _texts(plain.get("enum"))):
        return Type("String", values=frozenset(plain["enum"]) if _texts(plain.get("enum")) else frozenset())
    if kind == "array":
        element = type_of(plain.get("items"), whole, depth - 1)
        return None if element is None else Type("Set", element)
    if kind == "object" and isinstance(plain.get("properties"), dict):
        return _record(plain, whole, depth)
    return Type(_SIMPLE[kind]) if isinstance(kind, str) and kind in _SIMPLE else None


def _plain(
    schema: object, root: Mapping[str, Any], depth: int
) -> tuple[Mapping[str, Any], Mapping[str, Any], int] | None:
    """Follow references, and alternatives of which but one is not ``null``; None where Cedar has nothing for it."""
    while isinstance(schema, dict) and depth >= 0:
        if "$ref" in schema:
            schema, depth = _referred(schema["$ref"], root), depth - 1
            continue
        alternatives = schema.get("anyOf")
        if not _ALTERNATIVES & set(schema):
            return schema, root, depth
        options = [each for each in alternatives if each != _NULL] if isinstance(alternatives, list) else []
        if len(options) != 1 or (_ALTERNATIVES - {"anyOf"} | {"type"}) & set(schema):
            return None
        schema, depth = options[0], depth - 1
    return None


def may_be_null(schema: object) -> bool:
    """Return whether a schema allows ``null``, which is as good as an absent value."""
    if not isinstance(schema, dict):
        return True
    kind = schema.get("type")
    null = {"type": "null"} in schema.get("anyOf", ()) if isinstance(schema.get("anyOf"), list) else False
    return null or kind == "null" or (isinstance(kind, list) and "null" in kind)


def value_of(value: Any, kind: Type) -> Any:  # noqa: ANN401 - JSON
    """Return a value as Cedar's JSON has it.

    Raises:
        UnfitError: It is not of its type.
    """
    if kind.name == "String" and isinstance(value, str):
        return value
    if kind.name == "Bool" and isinstance(value, bool):
        return value
    if kind.name in {"Long", "decimal"} and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, kind)
    if kind.name == "Set" and isinstance(value, list) and kind.element is not None:
        return [value_of(item, kind.element) for item in value]
    if kind.name == "Record" and isinstance(value, dict):
        found = {
            name: value_of(value[name], each) for name, each in kind.attributes.items() if value.get(name) is not None
        }
        if not kind.required.issubset(found):
            raise UnfitError("a required part is missing")
        return found
    raise UnfitError(f"it is not a {kind.name}")


def _record(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Type:
    attributes = {
        name: found
        for name, each in schema["properties"].items()
        if name != "__extn" and (found := type_of(each, root, depth - 1)) is not None
    }
    given = schema.get("required")
    required = frozenset(
        name
        for name in (given if isinstance(given, list) else ())
        if name in attributes and not may_be_null(schema["properties"][name])
    )
    return Type("Record", None, attributes, required)


def _referred(reference: object, root: Mapping[str, Any]) -> object:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    found: object = root
    for part in reference[2:].split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found


def _number(value: float, kind: Type) -> Any:  # noqa: ANN401 - JSON
    if not math.isfinite(value):
        raise UnfitError("it is no number")
    if kind.name == "Long":
        if value != int(value) or int(value) not in _LONG:
            raise UnfitError("it is no whole number of 64 bits")
        return int(value)
    exact = Decimal(str(value))
    if abs(exact) > _DECIMAL:
        raise UnfitError("it is too large for a decimal")
    return {"__extn": {"fn": "decimal", "arg": f"{exact.quantize(_PLACES, ROUND_DOWN):f}"}}


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
