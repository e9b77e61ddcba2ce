"""How a trail writes to a log group, as data.

Source: CloudTrail user guide, "Role policy document for CloudTrail to use CloudWatch Logs for monitoring".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement, resolve
from sudo_mcp_guardrails.policies.log_archive import CLOUDTRAIL, trail_account
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping


def delivery_policy(trail: str, log_group: str, organization_id: str = "") -> PolicyDocument:
    """Return what the role of a trail may do: write its own streams of one log group.

    Args:
        trail: ARN of the trail.
        log_group: Name of the log group, in this account and Region.
        organization_id: Where it is an organization trail, whose members' streams begin with it.
    """
    group = f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{log_group}:log-stream:"
    streams = [f"{trail_account(trail)}_CloudTrail_*"]
    streams += [f"{organization_id}_*"] if organization_id else []
    return PolicyDocument(
        "delivery of the trail",
        (
            Statement(
                "TrailDeliver",
                "Allow",
                ("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=tuple(f"{group}{stream}" for stream in streams),
                reason="CloudTrail chooses the names of its streams, one for each account and Region",
            ),
        ),
    )


def delivery_trust(trail: str) -> PolicyDocument:
    """Return the trust policy of that role: CloudTrail, for this trail alone."""
    return PolicyDocument(
        "trust of the trail's delivery",
        (
            Statement(
                "TrustTrail",
                "Allow",
                ("sts:AssumeRole",),
                principals=CLOUDTRAIL,
                conditions=(("StringEquals", "aws:SourceArn", (trail,)),),
            ),
        ),
    )


def is_same_trail(one: str, other: str, values: Mapping[str, str]) -> bool:
    """Tell whether two ARNs may be of one trail: what is not known of either may be the same.

    Args:
        one: An ARN, with pseudo parameters or tokens.
        other: Likewise.
        values: The pseudo parameters that are known, such as ``{"Region": "eu-central-1"}``.
    """
    pairs = zip(_pieces(one, values), _pieces(other, values), strict=True)
    return all(a == b or "${" in a or "${" in b for a, b in pairs)


def _pieces(arn: str, values: Mapping[str, str]) -> list[str]:
    """Return the six parts of an ARN, each pseudo parameter in one part."""
    known = {"Partition": "${}", "Region": "${}", "AccountId": "${}", **values}
    filled: str = resolve(arn, known)
    return filled.split(":", 5)
