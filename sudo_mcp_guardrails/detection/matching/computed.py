"""Fields that no event has and that follow from its request: what the policies in it allow to whom.

A rule cannot take a policy apart that stands in an event as one text, and cannot tell an account of one's own from
another. These fields can, and rules use them like any other: ``policy.public``, ``policy.foreign``, ``policy.admin``.

Source: Amazon S3 user guide, "Blocking public access to your Amazon S3 storage", section 'The meaning of "public"',
for the conditions that confine a grant to everybody; the rest are their counterparts of other services.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FIELDS: Final = {
    "policy.public": "true where a policy in the request allows something to everybody, without a condition on who",
    "policy.foreign": "accounts other than the event's own that a policy in the request allows something to",
    "policy.admin": "true where a policy in the request allows every action on every resource",
}
"""The fields, and what each is."""

MAX_POLICY: Final = 256 * 1024
MAX_POLICIES: Final = 20
MAX_DEPTH: Final = 8
"""How long a policy's text may be, how many are read of one request, and how deep inside of it they may stand."""

_ACCOUNT: Final = re.compile(r"(?:arn:[a-z-]+:(?:iam|sts)::)?(\d{12})(?::.*)?", re.DOTALL)
_POSITIVE: Final = re.compile(
    r"(?:foranyvalue:)?(?:string(?:equals|like|equalsignorecase)|arn(?:equals|like)|ipaddress)", re.IGNORECASE
)
_CONFINING: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
    }
)
_OWN_ORGANIZATION: Final = frozenset({"aws:principalorgid", "aws:principalorgpaths"})
_EVERYBODY: Final = frozenset({"*", "0.0.0.0/0", "::/0"})


def computed(field: str) -> Callable[[Mapping[str, Any]], Any] | None:
    """Return what reads a computed field; None for a field of the event itself."""
    return _COMPUTED.get(field)


def _public(event: Mapping[str, Any]) -> str | None:
    found = any(
        _everybody(one.get("Principal")) and not _confined(one, _CONFINING) for one in _allowing(event, principal=True)
    )
    return "true" if found else None


def _foreign(event: Mapping[str, Any]) -> list[str] | None:
    identity = event.get("userIdentity")
    own = {event.get("recipientAccountId"), identity.get("accountId") if isinstance(identity, dict) else None}
    found: dict[str, None] = {}
    for statement in _allowing(event, principal=True):
        if not _confined(statement, _OWN_ORGANIZATION):
            found.update((account, None) for account in _accounts(statement.get("Principal")) if account not in own)
    return list(found) or None


def _admin(event: Mapping[str, Any]) -> str | None:
    found = any(
        not {"*", "*:*"}.isdisjoint(_texts(one.get("Action"))) and "*" in _texts(one.get("Resource"))
        for one in _allowing(event, principal=False)
    )
    return "true" if found else None


_COMPUTED: Final[dict[str, Callable[[Mapping[str, Any]], Any]]] = {
    "policy.public": _public,
    "policy.foreign": _foreign,
    "policy.admin": _admin,
}


def _allowing(event: Mapping[str, Any], *, principal: bool) -> Iterator[dict[str, Any]]:
    """Yield the Allow statements of all policies in a request, of those with a principal or of those without one."""
    for policy in _policies(event.get("requestParameters")):
        statements = policy.get("Statement")
        for one in statements if isinstance(statements, list) else [statements]:
            if isinstance(one, dict) and one.get("Effect") == "Allow" and ("Principal" in one) is principal:
                yield one


def _policies(parameters: object) -> Iterator[dict[str, Any]]:
    stack: list[tuple[object, int]] = [(parameters, 0)]
    left = MAX_POLICIES
    while stack and left:
        value, depth = stack.pop()
        if isinstance(value, str):
            value = _parsed(value)
        if isinstance(value, dict):
            if "Statement" in value:
                left -= 1
                yield value
            elif depth < MAX_DEPTH:
                stack.extend((one, depth + 1) for one in value.values())
        elif isinstance(value, list) and depth < MAX_DEPTH:
            stack.extend((one, depth + 1) for one in value)


def _parsed(text: str) -> object:
    """Return a policy that stands in an event as text, as JSON or with IAM's percent signs."""
    if len(text) > MAX_POLICY or "Statement" not in text:
        return None
    try:
        return json.loads(unquote(text) if text.lstrip().startswith("%7B") else text)
    except (ValueError, RecursionError):  # no policy: a description that has the word
        return None


def _everybody(principal: object) -> bool:
    if isinstance(principal, dict):
        return "*" in _texts(principal.get("AWS"))
    return principal == "*"


def _accounts(principal: object) -> Iterator[str]:
    if isinstance(principal, dict):
        for text in _texts(principal.get("AWS")):
            found = _ACCOUNT.fullmatch(text)
            if found is not None:
                yield found[1]


def _confined(statement: Mapping[str, Any], keys: frozenset[str]) -> bool:
    """Tell whether a condition says who: one that must be met, on one of the keys, and not met by everybody."""
    conditions = statement.get("Condition")
    if not isinstance(conditions, dict):
        return False
    return any(
        _POSITIVE.fullmatch(str(operator)) is not None
        and str(key).lower() in keys
        and (wanted := _texts(values))
        and _EVERYBODY.isdisjoint(wanted)
        for operator, tests in conditions.items()
        if isinstance(tests, dict)
        for key, values in tests.items()
    )


def _texts(value: object) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
