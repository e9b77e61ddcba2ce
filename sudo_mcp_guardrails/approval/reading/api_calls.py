"""A list of API calls as a plan: each is made as it stands, in this order.

The form is ``[{"service": "s3", "operation": "PutBucketTagging", "region": "eu-central-1", "account": "111111111111",
"parameters": {…}}]``, with services as SDKs call them and parameters as the API does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.reading.api_actions import actions_of, more_actions
from sudo_mcp_guardrails.approval.reading.call_resources import ARN, resources_of
from sudo_mcp_guardrails.approval.reading.known import agreed, check_account, check_region
from sudo_mcp_guardrails.approval.reading.outside import Outside
from sudo_mcp_guardrails.approval.reading.source import as_list, as_object, as_text
from sudo_mcp_guardrails.approval.secret_names import secret_paths
from sudo_mcp_guardrails.regions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.reading.known import Known

_MEMBERS: Final = frozenset({"service", "operation", "region", "account", "parameters"})
_SERVICE: Final = re.compile(r"[a-z][a-z0-9-]{1,62}")
_OPERATION: Final = re.compile(r"[A-Z][A-Za-z0-9]{1,127}")
_ROLE: Final = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:role/\S+")


def read_api_calls(document: object, known: Known) -> Plan:
    """Return the plan of a list of calls.

    Args:
        document: The list.
        known: What the caller knows.

    Raises:
        PlanError: It is malformed.
    """
    outside = Outside(known.versions)
    calls = as_list(document, "the list of calls")
    changes = tuple(_call(raw, number, known, outside) for number, raw in enumerate(calls, start=1))
    accounts, regions = ({getattr(change, name) for change in changes} for name in ("account", "region"))
    return Plan(
        form=Form.API_CALLS,
        target=known.target,
        account=known.account or (accounts.pop() if len(accounts) == 1 else ""),
        region=known.region or (regions.pop() if len(regions) == 1 else ""),
        changes=changes,
        pins=tuple(sorted(outside.pins)),
        unknown=tuple(sorted(outside.unknown)),
        parameters={"Options": dict(known.options)},
        artifact=known.artifact,
    )


def _call(raw: object, number: int, known: Known, outside: Outside) -> Change:
    place = f"call {number}"
    call = as_object(raw, place)
    for name in call:
        if name not in _MEMBERS:
            raise PlanError(f"{place} has {name[:40]!r}, allowed are {', '.join(sorted(_MEMBERS))}")
    service = as_text(call.get("service"), f"{place}: service")
    operation = as_text(call.get("operation"), f"{place}: operation")
    if not _SERVICE.fullmatch(service):
        raise PlanError(f"{place}: service: expected a name such as 'stepfunctions'")
    if not _OPERATION.fullmatch(operation):
        raise PlanError(f"{place}: operation: expected a name such as 'PutBucketTagging'")
    region = check_region(call["region"], f"{place}: region") if call.get("region") else ""
    account = check_account(call["account"], f"{place}: account") if call.get("account") else ""
    region = region or known.region
    account = agreed(account, known.account, place)
    parameters = as_object(call.get("parameters", {}), f"{place}: parameters")
    id_ = str(number)
    actions = actions_of(service, operation)
    if not actions:
        outside.say(id_, f"nobody knows which IAM action {service} {operation} needs")
    if not region:
        outside.say(id_, "the Region is not told")
    # A bucket and a key name what an operation of S3 is about, and not what it takes in.
    outside.value(id_, {name: item for name, item in parameters.items() if service != "s3" or name != "Bucket"})
    roles = tuple(dict.fromkeys(_passed_roles(parameters))) if service not in {"iam", "sts"} else ()
    partition = partition_of(region) or "aws"
    named = [
        arn
        for action in actions
        for arn in resources_of(action, parameters, account=account, region=region, partition=partition)
    ]
    return Change(
        operation=Operation.CALL,
        type=actions[0] if len(actions) == 1 else f"{service}:{operation}",
        id=id_,
        account=account,
        region=region,
        after=parameters,
        actions=tuple(
            dict.fromkeys(
                (*actions, *more_actions(service, operation, parameters), *(("iam:PassRole",) if roles else ()))
            )
        ),
        resources=tuple(dict.fromkeys((*_resources(service, parameters, region), *named, *roles))),
        changed=tuple(sorted(parameters)),
        sensitive=secret_paths(parameters),
        options={"Service": service, "Operation": operation},
    )


def _passed_roles(value: object, name: str = "") -> Iterator[str]:
    """Yield the roles that a call hands to a service, which takes ``iam:PassRole``."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _passed_roles(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _passed_roles(item, name)
    elif isinstance(value, str) and "role" in name.lower() and _ROLE.fullmatch(value):
        yield value


def _resources(service: str, parameters: dict[str, Any], region: str) -> Iterator[str]:
    """Yield the ARNs of what a call names: a bucket and its objects, and each parameter that is an ARN itself."""
    bucket, key = parameters.get("Bucket"), parameters.get("Key")
    if service == "s3" and isinstance(bucket, str):
        arn = bucket if bucket.startswith("arn:") else f"arn:{partition_of(region) or '*'}:s3:::{bucket}"
        yield f"{arn}/{key}" if isinstance(key, str) else arn
    for item in parameters.values():
        if isinstance(item, str) and ARN.fullmatch(item) and not _ROLE.fullmatch(item):
            yield item
