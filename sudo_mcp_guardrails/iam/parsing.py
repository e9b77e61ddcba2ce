"""From IAM's JSON to statements; what is not understood is refused with its JSON path.

Source: IAM user guide, "Grammar of the IAM JSON policy language" and the page of each element.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyError, Statement
from sudo_mcp_guardrails.iam.operands import check_key, check_operator, check_value, check_variables
from sudo_mcp_guardrails.iam.reading import check_size, cut, read_items, read_object, read_scalar, read_text, show

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions, Strings

MAX_STATEMENTS: Final = 5_000
"""Statements of one document; AWS's largest, a key policy of 32,768 characters, has room for about 600."""
CURRENT: Final = "2012-10-17"
OLD: Final = "2008-10-17"
"""Versions of the language. The old one is the default, and has no policy variables."""

_TOP: Final = ("Version", "Id", "Statement")
_ELEMENTS: Final = (
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
    *("Resource", "NotResource", "Condition"),
)
_PRINCIPALS: Final = ("AWS", "Service", "Federated", "CanonicalUser")
# The service must be named in full: AWS refuses "s*:Get*".
_ACTION: Final = re.compile(r"\*|\*:\*|[A-Za-z0-9-]+:[A-Za-z0-9*?-]+")


def read_statements(document: object, name: str) -> tuple[Statement, ...]:
    """Return the statements of a document.

    Args:
        document: IAM's JSON.
        name: What paths begin with.

    Raises:
        PolicyError: See :func:`~sudo_mcp_guardrails.iam.documents.parse_document`.
    """
    check_size(document, name)
    raw = read_object(document, name, _TOP)
    version = raw.get("Version", OLD)
    if version not in (CURRENT, OLD):
        raise PolicyError(f"{name}.Version: {show(version)} is not supported, expected {CURRENT!r} or {OLD!r}")
    read_text(raw.get("Id", ""), f"{name}.Id", empty=True)
    if "Statement" not in raw:
        raise PolicyError(f"{name}.Statement: missing, expected a list of statements")
    found = raw["Statement"]
    statements = [found] if isinstance(found, Mapping) else found
    if not isinstance(statements, (list, tuple)):
        raise PolicyError(f"{name}.Statement: expected a list, got {type(found).__name__}")
    if len(statements) > MAX_STATEMENTS:
        raise PolicyError(f"{name}.Statement: {len(statements)} are too many, expected at most {MAX_STATEMENTS}")
    sids: set[str] = set()
    return tuple(
        _statement(statement, f"{name}.Statement[{index}]", index, sids, old=version == OLD)
        for index, statement in enumerate(statements)
    )


def _statement(value: object, place: str, index: int, sids: set[str], *, old: bool) -> Statement:
    """Read one statement."""
    raw = read_object(value, place, _ELEMENTS)
    effect = raw.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"{place}.Effect: {show(effect)} is not allowed, expected 'Allow' or 'Deny'")
    if ("Action" in raw) == ("NotAction" in raw):
        raise PolicyError(f"{place}: expected one of Action and NotAction")
    for one, other in (("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if one in raw and other in raw:
            raise PolicyError(f"{place}: expected only one of {one} and {other}")
    if not raw.keys() & {"Resource", "NotResource", "Principal", "NotPrincipal"}:
        raise PolicyError(f"{place}: expected one of Resource and NotResource, or a Principal")
    return Statement(
        sid=_sid(raw.get("Sid", ""), f"{place}.Sid", index, sids),
        effect=str(effect),
        actions=_actions(raw, "Action", place),
        not_actions=_actions(raw, "NotAction", place),
        resources=_resources(raw, "Resource", place, old=old),
        not_resources=_resources(raw, "NotResource", place, old=old),
        principals=_principals(raw, "Principal", place),
        not_principals=_principals(raw, "NotPrincipal", place),
        conditions=_conditions(raw.get("Condition", {}), f"{place}.Condition", old=old),
    )


def _sid(value: object, place: str, index: int, sids: set[str]) -> str:
    """Return a Sid that no other statement of the document has: a decision must name one statement."""
    sid = read_text(value, place, empty=True) or f"#{index}"
    while sid in sids:
        sid = f"{sid}#{index}"
    sids.add(sid)
    return sid


def _actions(raw: Mapping[str, object], element: str, place: str) -> Strings:
    """Read Action or NotAction; empty where the statement has none."""
    found = []
    for where, item in read_items(raw[element], f"{place}.{element}") if element in raw else ():
        action = read_text(item, where)
        if not _ACTION.fullmatch(action):
            raise PolicyError(
                f"{where}: {show(action)} is not allowed, expected '*' or 'service:Action', "
                "with wildcards in the action alone"
            )
        found.append(action)
    return tuple(found)


def _resources(raw: Mapping[str, object], element: str, place: str, *, old: bool) -> Strings:
    """Read Resource or NotResource; empty where the statement has none."""
    found = []
    for where, item in read_items(raw[element], f"{place}.{element}") if element in raw else ():
        text = read_text(item, where)
        found.append(_literal(text) if old else check_variables(text, where))
    return tuple(found)


def _literal(text: str) -> str:
    """Return text without variables in the notation of the current version, where ``${$}`` is a dollar sign."""
    return text.replace("${", "${$}{")


def _principals(raw: Mapping[str, object], element: str, place: str) -> tuple[tuple[str, str], ...]:
    """Read Principal or NotPrincipal into (type, value) pairs; empty where the statement has none."""
    if element not in raw:
        return ()
    place = f"{place}.{element}"
    value = raw[element]
    if value == "*":
        return (("*", "*"),)
    if not isinstance(value, Mapping) or not value:
        raise PolicyError(f"{place}: expected '*' or an object, got {show(value)}")
    return tuple(
        (kind, _principal(kind, item, where))
        for kind, values in read_object(value, place, _PRINCIPALS).items()
        for where, item in read_items(values, f"{place}.{kind}")
    )


def _principal(kind: str, value: object, place: str) -> str:
    """Read one principal. AWS knows ``*`` for everybody, and no wildcard within a name."""
    text = read_text(value, place)
    if ("*" in text or "?" in text) and (kind, text) != ("AWS", "*"):
        allowed = "'*' alone, or a name without wildcards" if kind == "AWS" else "a name without wildcards"
        raise PolicyError(f"{place}: {show(text)} is not allowed, expected {allowed}")
    return text


def _conditions(value: object, place: str, *, old: bool) -> Conditions:
    """Read a Condition element."""
    found: list[tuple[str, str, Strings]] = []
    seen: set[tuple[str, str]] = set()
    for operator, keys in read_object(value, place).items():
        check_operator(operator, f"{place}.{cut(operator)}")
        raw = read_object(keys, f"{place}.{operator}")
        if not raw:
            raise PolicyError(f"{place}.{operator}: expected at least one key, got an empty object")
        for key, values in raw.items():
            where = f"{place}.{operator}.{cut(key)}"
            check_key(read_text(key, where, empty=True), where)
            # Neither operators nor keys heed case, and AWS does not say which of two would count.
            if (operator.lower(), key.lower()) in seen:
                raise PolicyError(f"{where}: given twice, expected once")
            seen.add((operator.lower(), key.lower()))
            found.append((operator, key, _wanted(operator, values, where, old=old)))
    return tuple(found)


def _wanted(operator: str, values: object, place: str, *, old: bool) -> Strings:
    """Read the values of one condition."""
    found = []
    for where, item in read_items(values, place):
        text = read_scalar(item, where)
        check_value(operator, text, where, variable=not old)
        found.append(_literal(text) if old else check_variables(text, where))
    if len(found) > 1 and operator.lower() == "null":
        raise PolicyError(f"{place}: expected one of 'true' and 'false', got {len(found)} values")
    return tuple(found)
