"""Gap: CloudFormation refuses AWS::CloudTrail::Trail.

ministack 1.5.33 has the API of CloudTrail and no resource type for it. The trail is made, started and stopped through
the service's own operations; `cloudtrail_events` delivers to it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import cloudtrail
from ministack.services.cloudformation.provisioners import _physical_name

from .support import call, register, truth

if TYPE_CHECKING:
    from .support import Created, Props

_TEXT = {
    "S3BucketName": "S3BucketName",
    "S3KeyPrefix": "S3KeyPrefix",
    "SnsTopicName": "SnsTopicName",
    "KMSKeyId": "KmsKeyId",
    "CloudWatchLogsLogGroupArn": "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn": "CloudWatchLogsRoleArn",
}
_FLAGS = {
    "IsMultiRegionTrail": "IsMultiRegionTrail",
    "IncludeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "EnableLogFileValidation": "EnableLogFileValidation",
    "IsOrganizationTrail": "IsOrganizationTrail",
}


def _settings(props: Props) -> dict[str, Any]:
    settings: dict[str, Any] = {api: props[name] for name, api in _TEXT.items() if props.get(name)}
    settings |= {api: truth(props[name]) for name, api in _FLAGS.items() if props.get(name) is not None}
    return settings


def _record(name: str) -> dict[str, Any]:
    trail: dict[str, Any] = cloudtrail._trails[name]
    return trail


def _configure(name: str, old: Props, props: Props) -> None:
    """What CreateTrail of ministack does not take: log group, selectors, tags, and whether it logs."""
    trail = _record(name)
    for member in ("CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn"):
        if props.get(member):
            trail[member] = props[member]
        else:
            trail.pop(member, None)
    for member in ("EventSelectors", "AdvancedEventSelectors"):
        if props.get(member):
            wanted = {"TrailName": name, member: props[member]}
            call(cloudtrail._put_event_selectors, wanted, doing="cloudtrail:PutEventSelectors")
    if old.get("EventSelectors") and not props.get("EventSelectors") and not props.get("AdvancedEventSelectors"):
        defaults = {"TrailName": name, "EventSelectors": cloudtrail._DEFAULT_EVENT_SELECTORS}
        call(cloudtrail._put_event_selectors, defaults, doing="cloudtrail:PutEventSelectors")
    tags = [{"Key": tag["Key"], "Value": tag.get("Value", "")} for tag in props.get("Tags") or []]
    if tags:
        call(cloudtrail._add_tags, {"ResourceId": trail["TrailARN"], "TagsList": tags}, doing="cloudtrail:AddTags")
    switch = cloudtrail._start_logging if truth(props.get("IsLogging", False)) else cloudtrail._stop_logging
    call(switch, {"Name": name}, doing="cloudtrail:StartLogging or StopLogging")


def _attributes(name: str) -> dict[str, Any]:
    trail = _record(name)
    return {"Arn": trail["TrailARN"], "SnsTopicArn": trail.get("SnsTopicName", "")}


def _create(logical_id: str, props: Props, stack_name: str) -> Created:
    name = props.get("TrailName") or _physical_name(stack_name, logical_id, max_len=128)
    call(cloudtrail._create_trail, {"Name": name, **_settings(props)}, doing="cloudtrail:CreateTrail")
    _configure(name, {}, props)
    return name, _attributes(name)


def _update(physical_id: str, old: Props, new: Props, stack_name: str) -> Created:
    if old.get("TrailName") != new.get("TrailName"):
        return _create("", new, stack_name)
    call(cloudtrail._update_trail, {"Name": physical_id, **_settings(new)}, doing="cloudtrail:UpdateTrail")
    _configure(physical_id, old, new)
    return physical_id, _attributes(physical_id)


def _delete(physical_id: str, _props: Props) -> None:
    if physical_id in cloudtrail._trails:
        call(cloudtrail._delete_trail, {"Name": physical_id}, doing="cloudtrail:DeleteTrail")


def install() -> None:
    """Register the type."""
    register("AWS::CloudTrail::Trail", _create, _delete, _update)
