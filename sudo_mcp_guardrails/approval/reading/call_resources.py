"""From a call's parameters to the ARNs of what it is about, where a name is all that the ARN is made of.

A name that the table does not know is not guessed at: then the resource is unknown, and a session for the call is
refused. Roles and policies of IAM have a path in their ARN, which no parameter tells, and secrets an ending that AWS
chooses; so neither is here.
Source: Service Authorization Reference, resource types.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATA: Final = Path(__file__).with_name("call_resources.json")
_NAME: Final = re.compile(r"[A-Za-z0-9._/#+=@-]{1,512}")
_QUEUE: Final = re.compile(r"https?://[^/\s]+/(?P<account>\d{12})/(?P<name>[A-Za-z0-9_.-]{1,80})")
ARN: Final = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:[^:\s]*:[^:\s]*:\S+")


@cache
def named_resources() -> Mapping[str, Mapping[str, str]]:
    """Return service prefix to its parameters that name a resource, each with the last part of the ARN."""
    found: Mapping[str, Mapping[str, str]] = json.loads(_DATA.read_text(encoding="utf-8"))
    return found


def resources_of(
    action: str, parameters: Mapping[str, Any], *, account: str, region: str, partition: str = "aws"
) -> tuple[str, ...]:
    """Return the ARNs of what a call names by parameters that the table knows.

    Args:
        action: IAM action, such as ``dynamodb:PutItem``.
        parameters: Of the call, as the API has them. A value that is an ARN already is taken as it is.
        account: 12 digits. Without it nothing is known.
        region: Likewise.
        partition: Of the ARNs.
    """
    service = action.partition(":")[0]
    found: dict[str, None] = {}
    for parameter, ending in named_resources().get(service, {}).items():
        value = parameters.get(parameter)
        for item in value if isinstance(value, list) else [value]:
            arn = _arn(item, ending, f"arn:{partition}:{service}:{region}", account, region)
            if arn:
                found[arn] = None
    return tuple(found)


def _arn(value: object, ending: str, beginning: str, account: str, region: str) -> str:
    """Return the ARN of what a value names; empty where it names nothing that is known."""
    if not isinstance(value, str):
        return ""
    if ARN.fullmatch(value):
        return value
    queue = _QUEUE.fullmatch(value)
    if queue is not None:
        value, account = queue["name"], queue["account"]
    if not (account and region) or not _NAME.fullmatch(value):
        return ""
    return f"{beginning}:{account}:{ending.format(value)}"
