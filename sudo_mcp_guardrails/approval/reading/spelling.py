"""A value of a template as one text, so that what it names outside of the template can be told.

``{"Fn::Sub": "s3://code-${AWS::AccountId}/x"}`` is ``s3://code-111111111111/x`` where the account is known, and keeps
``${AWS::AccountId}`` where it is not.
Source: CloudFormation user guide, "Intrinsic function reference".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUB: Final = re.compile(r"\$\{(!?)([^{}]*)\}")
_INTRINSIC: Final = re.compile(r"Ref|Condition|Fn::\w+(::\w+)?")
_PAIR: Final = 2


def is_intrinsic(value: object) -> bool:
    """Return whether a value is an intrinsic function: an object with one name, ``Ref`` or ``Fn::…``."""
    return isinstance(value, dict) and len(value) == 1 and _INTRINSIC.fullmatch(str(next(iter(value)))) is not None


def spelled(value: object, known: Mapping[str, Any]) -> str | None:
    """Return a value as one text.

    Args:
        value: A text, a number, or an intrinsic function. One that is not followed becomes ``${…}`` with a digest of
            its text, the same for the same function.
        known: Values of parameters and pseudo parameters.

    Returns:
        The text; None for what is none of these.
    """
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, dict) or not is_intrinsic(value):
        return None
    ((name, given),) = value.items()
    return _function(name, given, known) or f"${{{name}-{digest('intrinsic', value)[:12]}}}"


def is_literal(text: str) -> bool:
    """Return whether a text that was spelled has nothing left that only a deployment tells."""
    return "${" not in text and "{{" not in text


def _function(name: str, given: Any, known: Mapping[str, Any]) -> str | None:  # noqa: ANN401 - JSON
    if name == "Ref" and isinstance(given, str):
        return _reference(given, known)
    if name == "Fn::Sub":
        return _substituted(given, known)
    if name == "Fn::GetAtt":
        parts = given if isinstance(given, list) else [given]
        return f"${{{'.'.join(parts)}}}" if all(isinstance(part, str) for part in parts) else None
    if name == "Fn::Join" and isinstance(given, list) and len(given) == _PAIR and isinstance(given[1], list):
        items = [text for item in given[1] if (text := spelled(item, known)) is not None]
        return str(given[0]).join(items) if len(items) == len(given[1]) else None
    return None


def _reference(name: str, known: Mapping[str, Any]) -> str:
    found = known.get(name)
    if isinstance(found, (str, int)) and not isinstance(found, bool):
        return str(found)
    return f"${{{name}}}"


def _substituted(given: object, known: Mapping[str, Any]) -> str:
    text, own = given, {}
    if isinstance(given, list) and len(given) == _PAIR and isinstance(given[1], dict):
        text = given[0]
        own = {name: found for name, item in given[1].items() if (found := spelled(item, known)) is not None}
    if not isinstance(text, str):
        return f"${{Fn::Sub-{digest('intrinsic', given)[:12]}}}"
    values = {**known, **own}
    return _SUB.sub(lambda match: match[0] if match[1] else _reference(match[2], values), text)
