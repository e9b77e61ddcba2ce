"""Small readers for the lock file's JSON, each with a typed error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pins.errors import PinError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_LONGEST: Final = 64 * 1024 * 1024


def parsed(text: str | bytes, where: str) -> Any:  # noqa: ANN401 - JSON
    """Parse JSON; a name that stands twice in one object is refused.

    Raises:
        PinError: It is no JSON, or longer than 64 MB.
    """
    if len(text) > _LONGEST:
        raise PinError(f"{where} has {len(text)} bytes; expected at most {_LONGEST}")
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except RecursionError:
        raise PinError(f"{where} is nested too deep") from None
    except ValueError as error:
        raise PinError(f"{where} is not JSON: {error}") from None


def entries(value: object, where: str) -> dict[str, Any]:
    """Return an object, or an empty one where nothing stands.

    Raises:
        PinError: It is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PinError(f"{where} is {str(value)[:80]!r}; expected an object")
    return value


def object_of(value: object, where: str, fields: AbstractSet[str]) -> dict[str, Any]:
    """Return an object that has no fields but these.

    Raises:
        PinError: It is something else.
    """
    found = entries(value, where)
    unknown = sorted(set(found) - set(fields))
    if unknown or value is None:
        raise PinError(f"{where} has fields {unknown}; expected an object with no fields but {sorted(fields)}")
    return found


def texts(value: object, where: str) -> tuple[str, ...]:
    """Return a list of texts.

    Raises:
        PinError: It is something else.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise PinError(f"{where} is {str(value)[:80]!r}; expected a list of texts")
    return tuple(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it names {next(name for name in names if names.count(name) > 1)!r} twice in one object")
    return found


def _refused(text: str) -> Any:  # noqa: ANN401 - it returns nothing
    raise ValueError(f"{text} is no number of JSON")
