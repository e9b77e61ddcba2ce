"""Where CloudTrail records go: the event history, log files in S3 for each trail, and EventBridge.

Not an extension: what `cloudtrail_events` calls. AWS delivers log files after some minutes; here they follow half a
second after the first record, so that a scenario can wait for them. The bucket policy is not asked (a trail is not a
principal of ministack), and there are no digest files.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope
from ministack.services import cloudtrail, eventbridge, organizations, s3

from . import management_event_rules
from .organizations_api import management_account_of
from .support import REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator

Record = dict[str, Any]
Trail = dict[str, Any]

DELAY_SECONDS = 0.5
HANDED_OVER = "MCP_GUARDRAILS_EMBEDDED_TRAIL_FILES"
ARN_COLONS = 5  # in an ARN that names a resource
_log = logging.getLogger("ministack")
_pending: dict[tuple[str, str, str, str], list[Record]] = {}
_tasks: set[asyncio.Task[None]] = set()


def deliver(record: Record) -> None:
    """Put the record where its account's event history, trails and event bus want it; returns at once."""
    if record["managementEvent"]:
        _remember(record)
    wanted = [trail for trail in trails_of(get_account_id(), get_region()) if selected(trail, record)]
    for owner, trail in wanted:
        _queue(owner, trail, record)
    # Reads reach the rules alone that opt in, and data events come only with a trail that records them.
    if record["managementEvent"] or wanted:
        _spawn(_to_event_bus(record))


def trails_of(account: str, region: str) -> list[tuple[str, Trail]]:
    """The running trails that see a call in this account and Region, with the account that owns each."""
    owners = {account: False}
    management = management_account_of(account)
    if management is not None:
        owners.setdefault(management, True)
    found = []
    for (owner, home, _name), trail in list(cloudtrail._trails._data.items()):
        if owner not in owners or not trail.get("IsLogging"):
            continue
        if owners[owner] and not trail.get("IsOrganizationTrail"):
            continue
        if trail.get("IsMultiRegionTrail") or home == region:
            found.append((owner, trail))
    return found


def selected(owned: tuple[str, Trail], record: Record) -> bool:
    """Whether the trail's event selectors take the record."""
    owner, trail = owned
    selectors = cloudtrail._event_selectors.get_scoped(owner, trail["HomeRegion"], trail["Name"])
    for selector in selectors or cloudtrail._DEFAULT_EVENT_SELECTORS:
        if "FieldSelectors" in selector:
            if all(_field_matches(field, record) for field in selector["FieldSelectors"]):
                return True
        elif _basic_matches(selector, record):
            return True
    return False


def _basic_matches(selector: dict[str, Any], record: Record) -> bool:
    kind = selector.get("ReadWriteType", "All")
    if kind != "All" and (kind == "ReadOnly") != record["readOnly"]:
        return False
    if record["managementEvent"]:
        excluded = selector.get("ExcludeManagementEventSources") or []
        return bool(selector.get("IncludeManagementEvents", True)) and record["eventSource"] not in excluded
    return any(_data_resource_matches(resource, record) for resource in selector.get("DataResources") or [])


def _data_resource_matches(resource: dict[str, Any], record: Record) -> bool:
    sources = {"AWS::S3::Object": "s3", "AWS::Lambda::Function": "lambda", "AWS::DynamoDB::Table": "dynamodb"}
    if record["eventSource"] != f"{sources.get(resource.get('Type', ''), '')}.amazonaws.com":
        return False
    parameters = record["requestParameters"] or {}
    named = parameters.get("bucketName") or parameters.get("functionName") or parameters.get("tableName") or ""
    tail = f"{named}/{parameters.get('key', '')}" if "bucketName" in parameters else named
    # A value that names a service alone means all; otherwise it is a prefix of the resource.
    return any(
        value.count(":") < ARN_COLONS
        or f"/{tail}".startswith(f"/{value.rpartition(':')[2].rpartition('function/')[2]}")
        for value in resource.get("Values") or []
    )


def _field_matches(field: dict[str, Any], record: Record) -> bool:
    values = {
        "eventCategory": record["eventCategory"],
        "eventName": record["eventName"],
        "eventSource": record["eventSource"],
        "readOnly": str(record["readOnly"]).lower(),
        "userIdentity.arn": record["userIdentity"].get("arn", ""),
        "resources.type": _DATA_TYPES.get(record["eventSource"], ""),
    }
    name = field.get("Field", "")
    if name not in values:
        return False  # unknown means no
    value = values[name]
    positive = {
        "Equals": lambda wanted: value == wanted,
        "StartsWith": value.startswith,
        "EndsWith": value.endswith,
    }
    for operator, test in positive.items():
        if field.get(operator) and not any(test(wanted) for wanted in field[operator]):
            return False
        if field.get(f"Not{operator}") and any(test(wanted) for wanted in field[f"Not{operator}"]):
            return False
    return True


_DATA_TYPES = {
    "s3.amazonaws.com": "AWS::S3::Object",
    "lambda.amazonaws.com": "AWS::Lambda::Function",
    "dynamodb.amazonaws.com": "AWS::DynamoDB::Table",
}


def _remember(record: Record) -> None:
    """The event history that LookupEvents answers from."""
    user = record["userIdentity"]
    cloudtrail._get_event_queue().append(
        {
            "EventId": record["eventID"],
            "EventName": record["eventName"],
            "EventSource": record["eventSource"],
            "EventTime": time.time(),
            "Username": str(user.get("userName") or user.get("arn", "")).rpartition("/")[2],
            "AccessKeyId": user.get("accessKeyId", ""),
            "ReadOnly": str(record["readOnly"]).lower(),
            "Resources": [],
            "CloudTrailEvent": json.dumps(record),
        }
    )


def _queue(owner: str, trail: Trail, record: Record) -> None:
    """Batch records of one trail, account and Region; the first one starts the clock."""
    key = (owner, trail["TrailARN"], record["recipientAccountId"], record["awsRegion"])
    if key in _pending:
        _pending[key].append(record)
        return
    _pending[key] = [record]
    _spawn(_flush_later(key, trail))


async def _flush_later(key: tuple[str, str, str, str], trail: Trail) -> None:
    await asyncio.sleep(DELAY_SECONDS)
    records = _pending.pop(key, [])
    bucket = trail.get("S3BucketName", "")
    bucket_owner = s3._bucket_owner_account(bucket)
    if not records or bucket_owner is None:
        _log.warning("trail %s cannot deliver %d records, bucket %r does not exist", key[1], len(records), bucket)
        return
    body = gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode(), mtime=0)
    _put(key, trail, bucket_owner, body)
    for name, data in _handed_over(trail["Name"]):
        _put(key, trail, bucket_owner, data, name)


def _handed_over(trail: str) -> Iterator[tuple[str, bytes]]:
    """Take the files that whoever runs this server laid down for the trail, as if CloudTrail had made them elsewhere.

    Only a process of this host's user can lay them down, so no caller of the API can forge a record this way.
    """
    folder = Path(os.environ.get(HANDED_OVER) or os.devnull) / trail
    for file in sorted(folder.glob("*")) if folder.is_dir() else ():
        if file.is_file() and not file.name.startswith("."):
            data = file.read_bytes()
            file.unlink()
            yield file.name, data


def _put(key: tuple[str, str, str, str], trail: Trail, bucket_owner: str, body: bytes, name: str = "") -> None:
    owner, _arn, account, region = key
    bucket = trail["S3BucketName"]
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    if trail.get("KmsKeyId"):
        headers["x-amz-server-side-encryption"] = "aws:kms"
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = trail["KmsKeyId"]
    if body[:2] != b"\x1f\x8b":
        del headers["content-encoding"]
    with request_scope(bucket_owner, trail["HomeRegion"]):
        # Below the checks of who may write: those would take this for the agent's call that is being recorded.
        status, _, answer = s3._put_object(bucket, _object_key(owner, trail, account, region, name), body, headers)
    if status >= REFUSED:
        _log.warning("trail %s could not write to %s: %s %r", key[1], bucket, status, answer)


def _object_key(owner: str, trail: Trail, account: str, region: str, name: str = "") -> str:
    now = time.gmtime()
    parts = [trail["S3KeyPrefix"]] if trail.get("S3KeyPrefix") else []
    parts.append("AWSLogs")
    if trail.get("IsOrganizationTrail"):
        organization = organizations._orgs.get_scoped(owner, None, "self") or {}
        parts.append(organization.get("Id", "o-unknown"))
    parts += [account, "CloudTrail", region, time.strftime("%Y/%m/%d", now)]
    unique = new_uuid().replace("-", "")[:16]
    name = name or f"{account}_CloudTrail_{region}_{time.strftime('%Y%m%dT%H%MZ', now)}_{unique}.json.gz"
    return "/".join([*parts, name])


async def _to_event_bus(record: Record) -> None:
    entry = {
        "Source": f"aws.{record['eventSource'].partition('.')[0]}",
        "DetailType": "AWS API Call via CloudTrail",
        "Detail": json.dumps(record),
        "Resources": [],
    }
    # On a thread: a rule's Lambda target runs inside this call.
    if not (record["managementEvent"] and record["readOnly"]):
        await asyncio.to_thread(eventbridge._put_events, {"Entries": [entry]}, allow_aws_source=True)
    elif management_event_rules.installed():
        await asyncio.to_thread(management_event_rules.put_read_only, entry)


def _spawn(work: Any) -> None:
    """Run in the background under the request's own account and Region, and hold on to the task until it ends."""
    task = asyncio.get_running_loop().create_task(work)
    _tasks.add(task)
    task.add_done_callback(_finished)


def _finished(task: asyncio.Task[None]) -> None:
    _tasks.discard(task)
    if not task.cancelled() and task.exception() is not None:
        _log.error("CloudTrail delivery failed", exc_info=task.exception())
