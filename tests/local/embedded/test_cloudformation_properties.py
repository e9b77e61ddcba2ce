"""Properties that ministack's CloudFormation drops: the gap without the extension, and what holds with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

    Refusal = Callable[[Callable[[], Any]], str]

ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def bucket(name: str, **properties: Any) -> dict[str, Any]:
    return {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **properties}}}}


def bounded_role(account: str, boundary: str | None) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    properties: dict[str, Any] = {
        "RoleName": "agent",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [{"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": [ALL]}}],
    }
    if boundary:
        properties["PermissionsBoundary"] = {"Ref": boundary}
    ceilings = {
        name: {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
                }
            },
        }
        for name, action in (("Queues", "sqs:*"), ("Tables", "dynamodb:*"))
    }
    return {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}, **ceilings}}


def reach(account: Account, refusal: Refusal) -> tuple[bool, bool]:
    """Whether the deployed role may list queues and tables."""
    session = account.assume(f"arn:aws:iam::{account.id}:role/agent")
    queues = refusal(account.client("sqs", session).list_queues)
    tables = refusal(account.client("dynamodb", session).list_tables)
    return not queues, not tables


def update(account: Account, template: dict[str, Any]) -> str:
    account.client("cloudformation").update_stack(
        StackName="stack", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    return account.settled()


def test_stock_drops_the_boundary(stock_account: Account, refusal: Refusal) -> None:
    assert stock_account.deploy(bounded_role(stock_account.id, "Queues")) == "CREATE_COMPLETE"
    assert reach(stock_account, refusal) == (True, True)


def test_boundary_holds_after_create_update_and_removal(account: Account, refusal: Refusal) -> None:
    assert account.deploy(bounded_role(account.id, "Queues")) == "CREATE_COMPLETE"
    assert reach(account, refusal) == (True, False)
    assert update(account, bounded_role(account.id, "Tables")) == "UPDATE_COMPLETE"
    assert reach(account, refusal) == (False, True)
    assert update(account, bounded_role(account.id, None)) == "UPDATE_COMPLETE"
    assert reach(account, refusal) == (True, True)


def test_a_boundary_that_does_not_exist_fails_the_stack(account: Account) -> None:
    template = bounded_role(account.id, None)
    missing = f"arn:aws:iam::{account.id}:policy/missing"
    template["Resources"]["Role"]["Properties"]["PermissionsBoundary"] = missing
    assert account.deploy(template) == "ROLLBACK_COMPLETE"
    assert "iam:PutRolePermissionsBoundary failed" in account.reasons()
    names = [role["RoleName"] for role in account.client("iam").list_roles()["Roles"]]
    assert names == []


LOCK = {
    "ObjectLockEnabled": True,
    "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
    },
}


def delete_version(account: Account, name: str) -> Callable[[], Any]:
    s3 = account.client("s3")
    version = s3.put_object(Bucket=name, Key="log", Body=b"evidence").get("VersionId")
    more = {"VersionId": version} if version else {}
    return lambda: s3.delete_object(Bucket=name, Key="log", **more)


def test_stock_drops_object_lock(stock_account: Account, refusal: Refusal) -> None:
    name = f"archive-{stock_account.id}"
    assert stock_account.deploy(bucket(name, **LOCK)) == "CREATE_COMPLETE"
    assert refusal(delete_version(stock_account, name)) == ""


def test_object_lock_keeps_what_was_written(account: Account, refusal: Refusal) -> None:
    name = f"archive-{account.id}"
    assert account.deploy(bucket(name, **LOCK)) == "CREATE_COMPLETE"
    locked = account.client("s3").get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    assert locked["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": 1}
    assert refusal(delete_version(account, name)) == "AccessDenied"


def test_object_lock_cannot_be_dropped_again(account: Account) -> None:
    name = f"archive-{account.id}"
    account.deploy(bucket(name, **LOCK))
    assert update(account, bucket(name)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot be switched off again" in account.reasons()


def test_a_lock_configuration_without_a_lock_is_refused(account: Account) -> None:
    loose = {"ObjectLockConfiguration": LOCK["ObjectLockConfiguration"]}
    assert account.deploy(bucket(f"loose-{account.id}", **loose)) == "ROLLBACK_COMPLETE"
    assert "needs ObjectLockEnabled" in account.reasons()


ENCRYPTED = {
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key-1"},
                "BucketKeyEnabled": True,
            }
        ]
    },
    "LifecycleConfiguration": {
        "Rules": [
            {
                "Id": "old",
                "Status": "Enabled",
                "ExpirationInDays": 30,
                "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            }
        ]
    },
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    "LoggingConfiguration": {"LogFilePrefix": "access/"},
    "AccessControl": "LogDeliveryWrite",
}


def described(account: Account, name: str) -> dict[str, Any]:
    s3 = account.client("s3")
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    return {
        "encryption": rules[0]["ApplyServerSideEncryptionByDefault"],
        "ownership": s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
        "logging": s3.get_bucket_logging(Bucket=name).get("LoggingEnabled", {}).get("TargetPrefix"),
        "grants": len(s3.get_bucket_acl(Bucket=name)["Grants"]),
    }


def test_stock_drops_encryption_ownership_logging_and_acl(stock_account: Account) -> None:
    name = f"plain-{stock_account.id}"
    assert stock_account.deploy(bucket(name, **ENCRYPTED)) == "CREATE_COMPLETE"
    found = described(stock_account, name)
    assert found["encryption"] == {"SSEAlgorithm": "AES256"}
    assert (found["logging"], found["grants"]) == (None, 1)


def test_bucket_properties_reach_the_service(account: Account, refusal: Refusal) -> None:
    name = f"full-{account.id}"
    assert account.deploy(bucket(name, **ENCRYPTED)) == "CREATE_COMPLETE"
    found = described(account, name)
    assert found["encryption"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key-1"}
    assert (found["ownership"], found["logging"]) == ("BucketOwnerPreferred", "access/")
    assert found["grants"] > 1
    rule = account.client("s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]
    assert (rule["Expiration"]["Days"], rule["NoncurrentVersionExpiration"]["NoncurrentDays"]) == (30, 7)
    assert update(account, bucket(name)) == "UPDATE_COMPLETE"
    rules = account.client("s3").get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    lifecycle = refusal(lambda: account.client("s3").get_bucket_lifecycle_configuration(Bucket=name))
    assert lifecycle == "NoSuchLifecycleConfiguration"


def test_a_lifecycle_member_without_a_place_is_refused(account: Account) -> None:
    rules = {"Rules": [{"Status": "Enabled", "ExpirationInDays": 1, "Teleport": True}]}
    assert account.deploy(bucket(f"odd-{account.id}", LifecycleConfiguration=rules)) == "ROLLBACK_COMPLETE"
    assert "Teleport, which the embedded AWS does not implement" in account.reasons()


def test_an_acl_that_does_not_exist_is_refused(account: Account) -> None:
    assert account.deploy(bucket(f"acl-{account.id}", AccessControl="Everyone")) == "ROLLBACK_COMPLETE"
    assert "AccessControl 'Everyone' is none of" in account.reasons()


def data_services(table: str, topic: str) -> dict[str, Any]:
    return {
        "Resources": {
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": table,
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "BillingMode": "PAY_PER_REQUEST",
                    "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "key-1"},
                    "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                },
            },
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": topic, "KmsMasterKeyId": "key-1"}},
            "Stream": {
                "Type": "AWS::Kinesis::Stream",
                "Properties": {
                    "Name": "stream",
                    "ShardCount": 1,
                    "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "key-1"},
                },
            },
        }
    }


def protections(account: Account) -> tuple[Any, ...]:
    dynamodb = account.client("dynamodb")
    topic = account.client("sns").list_topics()["Topics"][0]["TopicArn"]
    backups = dynamodb.describe_continuous_backups(TableName="table")["ContinuousBackupsDescription"]
    return (
        dynamodb.describe_table(TableName="table")["Table"].get("SSEDescription", {}).get("Status"),
        dynamodb.describe_time_to_live(TableName="table")["TimeToLiveDescription"]["TimeToLiveStatus"],
        backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        account.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"].get("KmsMasterKeyId"),
        account.client("kinesis").describe_stream(StreamName="stream")["StreamDescription"]["EncryptionType"],
    )


def test_stock_drops_encryption_of_tables_topics_and_streams(stock_account: Account) -> None:
    assert stock_account.deploy(data_services("table", "topic")) == "CREATE_COMPLETE"
    assert protections(stock_account) == (None, "DISABLED", "DISABLED", None, "NONE")


def test_tables_topics_and_streams_are_protected_as_declared(account: Account) -> None:
    assert account.deploy(data_services("table", "topic")) == "CREATE_COMPLETE"
    assert protections(account) == ("ENABLED", "ENABLED", "ENABLED", "key-1", "KMS")
    plain = data_services("table", "topic")
    for resource in plain["Resources"].values():
        for name in ("SSESpecification", "TimeToLiveSpecification", "KmsMasterKeyId", "StreamEncryption"):
            resource["Properties"].pop(name, None)
    assert update(account, plain) == "UPDATE_COMPLETE"
    assert protections(account)[1:] == ("DISABLED", "ENABLED", None, "NONE")
    assert protections(account)[0] != "ENABLED"


def put_with_managed_key(account: Account) -> Callable[[], Any]:
    s3 = account.client("s3")
    s3.create_bucket(Bucket=f"assets-{account.id}")
    return lambda: s3.put_object(Bucket=f"assets-{account.id}", Key="asset", Body=b"x", ServerSideEncryption="aws:kms")


def test_stock_refuses_the_managed_key(stock_account: Account, refusal: Refusal) -> None:
    assert refusal(put_with_managed_key(stock_account)) == "InvalidArgument"


def test_a_write_without_a_key_takes_the_managed_key(account: Account) -> None:
    put_with_managed_key(account)()
    found = account.client("s3").head_object(Bucket=f"assets-{account.id}", Key="asset")
    assert found["SSEKMSKeyId"].endswith(f":{account.id}:alias/aws/s3")


UNREAD = {"ReplicationConfiguration": {"Role": "arn:aws:iam::1:role/r", "Rules": []}}


def test_stock_completes_a_stack_whose_properties_it_ignores(stock_account: Account, refusal: Refusal) -> None:
    name = f"copied-{stock_account.id}"
    assert stock_account.deploy(bucket(name, **UNREAD)) == "CREATE_COMPLETE"
    s3 = stock_account.client("s3")
    assert refusal(lambda: s3.get_bucket_replication(Bucket=name)) == "ReplicationConfigurationNotFoundError"


def test_the_audit_refuses_what_no_handler_reads(account: Account) -> None:
    name = f"copied-{account.id}"
    assert account.deploy(bucket(name, **UNREAD)) == "ROLLBACK_COMPLETE"
    assert "does not implement ReplicationConfiguration of AWS::S3::Bucket" in account.reasons()
    assert account.client("s3").list_buckets()["Buckets"] == []


def test_the_audit_refuses_an_update_too(account: Account) -> None:
    name = f"copied-{account.id}"
    assert account.deploy(bucket(name)) == "CREATE_COMPLETE"
    assert update(account, bucket(name, **UNREAD)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "does not implement ReplicationConfiguration" in account.reasons()


def test_the_audit_lets_harmless_properties_pass(account: Account) -> None:
    harmless = {"MetricsConfigurations": [{"Id": "all"}], "Tags": [{"Key": "team", "Value": "a"}]}
    assert account.deploy(bucket(f"fine-{account.id}", **harmless)) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("resource_type", "name", "read", "expected"),
    [
        ("AWS::IAM::Role", "PermissionsBoundary", False, True),
        ("AWS::IAM::Role", "PermissionsBoundary", True, False),
        ("AWS::IAM::Role", "SomethingNew", False, True),
        ("AWS::IAM::Role", "Description", False, False),
        ("AWS::Lambda::Function", "CodeSigningConfigArn", True, True),
        ("AWS::Lambda::Function", "TracingConfig", False, False),
        ("AWS::RDS::DBInstance", "StorageEncrypted", False, True),
        ("AWS::RDS::DBInstance", "AllocatedStorage", False, False),
    ],
)
def test_what_counts_as_security_relevant(resource_type: str, name: str, *, read: bool, expected: bool) -> None:
    from sudo_mcp_guardrails.local.embedded.extensions.audit_rules import matters

    assert matters(resource_type, name, read=read) is expected
