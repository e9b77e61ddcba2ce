"""The trail that all calls end up in."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final

from benchmarks.detection.benign.agents import ACCOUNT, REGION

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

BUCKET: Final = "organization-trail-files"
_NAME: Final = "organization"
_DATA: Final = {"AWS::S3::Object": "s3", "AWS::DynamoDB::Table": "dynamodb", "AWS::Lambda::Function": "lambda"}


def record_all(aws: EmbeddedAws) -> None:
    """Make a trail with the data events that one can have of objects, items and invocations."""
    aws.client("s3", account=ACCOUNT, region=REGION).create_bucket(Bucket=BUCKET)
    trail = aws.client("cloudtrail", account=ACCOUNT, region=REGION)
    trail.create_trail(Name=_NAME, S3BucketName=BUCKET, IsMultiRegionTrail=True)
    trail.start_logging(Name=_NAME)
    data = [{"Type": kind, "Values": [f"arn:aws:{service}"]} for kind, service in _DATA.items()]
    trail.put_event_selectors(
        TrailName=_NAME,
        EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": data}],
    )


def delivered(aws: EmbeddedAws) -> list[dict[str, Any]]:
    """Return all events that were delivered, in the order in which the calls were answered."""
    s3 = aws.client("s3", account=ACCOUNT, region=REGION)
    files = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="AWSLogs/"):
        files += [(entry["LastModified"], entry["Key"]) for entry in page.get("Contents", [])]
    found: list[dict[str, Any]] = []
    for _, key in sorted(files):
        data = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        found += json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)["Records"]
    return found
