"""Gap: encryption, TTL, backups and resource policies of topics, tables and streams are dropped in silence.

ministack 1.5.33 drops, from CloudFormation: AWS::SNS::Topic KmsMasterKeyId; AWS::DynamoDB::Table SSESpecification (on
create), TimeToLiveSpecification, PointInTimeRecoverySpecification and ResourcePolicy; AWS::Kinesis::Stream
StreamEncryption. Each has an API in the service, which is called here.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ministack.services import dynamodb, kinesis, sns

from .support import after, call, truth

if TYPE_CHECKING:
    from .support import Props


def _topic(arn: str, old: Props, new: Props) -> None:
    attributes = sns._topics[arn]["attributes"]
    if new.get("KmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = new["KmsMasterKeyId"]
    elif old.get("KmsMasterKeyId"):
        attributes.pop("KmsMasterKeyId", None)


def _table(name: str, old: Props, new: Props) -> None:
    _table_encryption(name, old, new)
    _table_time_to_live(name, old.get("TimeToLiveSpecification"), new.get("TimeToLiveSpecification"))
    recovery = new.get("PointInTimeRecoverySpecification")
    if recovery or old.get("PointInTimeRecoverySpecification"):
        enabled = truth((recovery or {}).get("PointInTimeRecoveryEnabled", False))
        specification = {"PointInTimeRecoveryEnabled": enabled}
        wanted = {"TableName": name, "PointInTimeRecoverySpecification": specification}
        call(dynamodb._update_continuous_backups, wanted, doing="dynamodb:UpdateContinuousBackups")
    _table_policy(name, old.get("ResourcePolicy"), new.get("ResourcePolicy"))


def _table_encryption(name: str, old: Props, new: Props) -> None:
    """CloudFormation says SSEEnabled where the API says Enabled."""
    before, now = old.get("SSESpecification"), new.get("SSESpecification")
    if before == now:
        return
    specification = {key: value for key, value in (now or {}).items() if key in ("SSEType", "KMSMasterKeyId")}
    enabled = truth((now or {}).get("SSEEnabled", False))
    wanted = {"TableName": name, "SSESpecification": {**specification, "Enabled": enabled}}
    call(dynamodb._update_table, wanted, doing="dynamodb:UpdateTable")


def _table_time_to_live(name: str, before: Props | None, now: Props | None) -> None:
    if before == now:
        return
    wanted = now or before or {}
    enabled = truth(now.get("Enabled", False)) if now else False
    specification = {"AttributeName": wanted.get("AttributeName"), "Enabled": enabled}
    # The API refuses to switch off what is off, so only a change of state is sent.
    if enabled or (before and truth(before.get("Enabled", False))):
        request = {"TableName": name, "TimeToLiveSpecification": specification}
        call(dynamodb._update_ttl, request, doing="dynamodb:UpdateTimeToLive")


def _table_policy(name: str, before: Props | None, now: Props | None) -> None:
    arn = dynamodb._tables[name]["TableArn"]
    if now:
        document = now["PolicyDocument"]
        text = document if isinstance(document, str) else json.dumps(document)
        call(dynamodb._put_resource_policy, {"ResourceArn": arn, "Policy": text}, doing="dynamodb:PutResourcePolicy")
    elif before:
        call(dynamodb._delete_resource_policy, {"ResourceArn": arn}, doing="dynamodb:DeleteResourcePolicy")


def _stream(name: str, old: Props, new: Props) -> None:
    encryption = new.get("StreamEncryption")
    if encryption:
        wanted = {"StreamName": name, "EncryptionType": encryption["EncryptionType"], "KeyId": encryption["KeyId"]}
        call(kinesis._start_stream_encryption, wanted, doing="kinesis:StartStreamEncryption")
    elif old.get("StreamEncryption"):
        before = old["StreamEncryption"]
        wanted = {"StreamName": name, "EncryptionType": before["EncryptionType"], "KeyId": before["KeyId"]}
        call(kinesis._stop_stream_encryption, wanted, doing="kinesis:StopStreamEncryption")


def install() -> None:
    """Apply the properties after the resource was created or updated."""
    after("AWS::SNS::Topic", _topic)
    after("AWS::DynamoDB::Table", _table)
    after("AWS::Kinesis::Stream", _stream)
