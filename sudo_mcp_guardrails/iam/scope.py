"""From a resource-name prefix to the ARN patterns of a service's resources.

Only resources whose names people choose can be owned by prefix: a bucket, a function, a table. Where AWS makes
the identifier (an instance, a key), a prefix says nothing, and the type is left out: an agent reaches such a
resource only where its ARN is named explicitly.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from sudo_mcp_guardrails.iam.catalogue import resource_arns

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_CHOSEN: Final = {
    *("Alias", "SecretId", "ParameterNameWithoutLeadingSlash", "CacheClusterId", "ReplicationGroupId"),
    *("DbClusterEndpoint", "GlobalCluster", "UserGroupId", "RepositoryName", "Name"),
}
"""Variables that stand for a chosen name, though they do not end in ``Name``."""
_ARN_SERVICE: Final = {"es": "opensearch"}
"""Service prefixes whose ARNs carry another name."""

_NOT_OWNED: Final = {
    # An access point opens somebody else's bucket under a name of one's own.
    "s3": {"accesspoint", "accesspointobject", "objectlambdaaccesspoint", "storagelensgroup"},
    # Nobody deploys these by name, and every ARN counts in a boundary of 6,144 characters.
    "lambda": {"capacityProvider", "microvmImage", "webFunction", "webFunctionEndpoint", "webFunctionRevision"},
    "dynamodb": {"global-table"},
    # Deliveries and destinations send log lines to another place.
    "logs": {"delivery", "delivery-destination", "delivery-source", "destination"},
}
"""Resource types that have a chosen name and still reach beyond it."""


@cache
def owned_types(service: str) -> dict[str, str]:
    """Return the resource types of a service that a name prefix can own, with ``{prefix}`` in the ARN.

    Pseudo parameters stand for the partition; ``{account}`` for the account. The Region is ``*``: Regions are
    limited by ``aws:RequestedRegion``.
    """
    owned = {}
    for name, arn in resource_arns(service).items():
        if name in _NOT_OWNED.get(service, ()):
            continue
        match = next((m for m in _VARIABLE.finditer(arn) if m[1] not in {"Partition", "Region", "Account"}), None)
        if match is None or not (match[1].endswith("Name") or match[1] in _CHOSEN):
            continue
        if arn.split(":")[2] != _ARN_SERVICE.get(service, service):
            continue
        if "${Account}" not in arn[: match.start()] and service != "s3":
            continue
        head = arn[: match.start()].replace("${Partition}", "${AWS::Partition}")
        owned[name] = head.replace("${Region}", "*").replace("${Account}", "{account}") + "{prefix}*"
    return owned


def owned_arns(service: str, account: str, prefix: str, *, types: frozenset[str] | None = None) -> tuple[str, ...]:
    """Return the ARN patterns that a prefix owns in an account, without those that another one covers.

    Args:
        service: The service prefix.
        account: 12 digits, or a pseudo parameter.
        prefix: Beginning of the resource names.
        types: Only these resource types. Default: all.
    """
    patterns = sorted(
        {
            template.replace("{account}", account).replace("{prefix}", prefix)
            for name, template in owned_types(service).items()
            if types is None or name in types
        },
        key=len,
    )
    kept: list[str] = []
    for pattern in patterns:
        if not any(pattern.startswith(shorter[:-1]) for shorter in kept):
            kept.append(pattern)
    return tuple(sorted(kept))
