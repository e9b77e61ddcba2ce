"""What a trail is held to before it is made: CloudTrail would say so at deployment only, or never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk

from sudo_mcp_guardrails.policies.log_archive import LogArchiveError
from sudo_mcp_guardrails.policies.trail_delivery import is_same_trail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct, IConstruct

    from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket

WARNING: Final = "sudo-mcp-guardrails:agentTrail."
"""Beginning of the ids of warnings about trails."""
_CLAIMED: Final[WeakKeyDictionary[IConstruct, dict[str, str]]] = WeakKeyDictionary()
"""Construct path by organization or account, for each app."""


def check_writable(trail: Construct, arn: str, trails: Sequence[str]) -> None:
    """Check that a bucket's policy lets a trail write.

    Args:
        trail: The trail's construct, whose stack may tell account and Region.
        arn: The trail's ARN.
        trails: ARNs that the bucket lets write.

    Raises:
        LogArchiveError: Where none of them can be this trail's.
    """
    stack = cdk.Stack.of(trail)
    known = {"AccountId": stack.account, "Region": stack.region}
    values = {name: value for name, value in known.items() if not cdk.Token.is_unresolved(value)}
    if not any(is_same_trail(arn, other, values) for other in trails):
        raise LogArchiveError(
            f"trail {arn!r} may not write to its bucket, which lets write {', '.join(trails)}: give the bucket its "
            "ARN, as policies.log_archive.trail_arn tells it"
        )


def key_of(trail: Construct, bucket: ImmutableLogBucket) -> str:
    """Return what a trail names its bucket's key by: its ARN, or the ARN of its alias from another account.

    CloudTrail takes either (CloudTrail API reference, "CreateTrail", ``KmsKeyId``).

    Args:
        trail: The trail's construct.
        bucket: The bucket, with the key.

    Raises:
        LogArchiveError: Where the two are of different accounts, and the key has no alias that is known.
    """
    here, there = cdk.Stack.of(trail).account, cdk.Stack.of(bucket).account
    if here == there:
        return bucket.encryption_key.key_arn
    if bucket.alias_arn is None:
        raise LogArchiveError(
            f"key of bucket {bucket.node.path!r} in account {there!r} is not known in account {here!r}: give the "
            "bucket a bucket_name, which its key is then called by, or the trail an encryption_key"
        )
    return bucket.alias_arn


def claim_trail(trail: Construct, organization_id: str) -> None:
    """Note that a trail of an organization, or of an account, stands here.

    Raises:
        LogArchiveError: Where the app has one already.
    """
    whose = organization_id or cdk.Stack.of(trail).account
    if cdk.Token.is_unresolved(whose):
        return
    taken = _CLAIMED.setdefault(trail.node.root, {})
    if whose in taken:
        raise LogArchiveError(
            f"{whose!r} has trail {taken[whose]!r} and {trail.node.path!r}, expected one: each event would be recorded "
            "and paid twice"
        )
    taken[whose] = trail.node.path


def adopt_trail(trail: Construct, arn: str, known: Sequence[str], *, data_events: bool, insights: bool) -> None:
    """Say at every synthesis what is adopted, and refuse what could only be done to a trail of ours.

    Args:
        trail: The trail's construct.
        arn: ARN of the trail that is there.
        known: What else of it is known, in words.
        data_events: Whether data events are asked for.
        insights: Whether Insights are.

    Raises:
        LogArchiveError: Where either is.
    """
    for what, asked in (("data_events", data_events), ("insights", insights)):
        if asked:
            raise LogArchiveError(
                f"{what} of trail {arn!r} are not allowed, expected none: it is not made here, and so not changed; "
                "create=True makes another"
            )
    cdk.Annotations.of(trail).add_warning_v2(
        f"{WARNING}adopted",
        f"trail {arn} is adopted as it is, with {', '.join(known) or 'nothing else'}: whether it records all Regions "
        "and accounts, its digest files and how long it is kept are not checked",
    )
