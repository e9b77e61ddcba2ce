"""What approvals keep their records in: append-only tables, sparse indexes, locked versions of objects."""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

AHEAD = dt.timedelta(days=2)


def template(account: Account) -> dict[str, Any]:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }

    def table(keys: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
        attributes = dict([*keys, *more.pop("attributes", [])])
        return {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in attributes.items()],
                "KeySchema": [
                    {"AttributeName": name, "KeyType": kind}
                    for (name, _), kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Ref": "Key"}},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "DeletionProtectionEnabled": True,
                **more,
            },
        }

    return {
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy, "EnableKeyRotation": True}},
            "Evidence": table([("chain", "S"), ("number", "N")], TableName="evidence"),
            "Requests": table(
                [("approval", "S")],
                TableName="requests",
                attributes=[("open", "S"), ("created", "N")],
                GlobalSecondaryIndexes=[
                    {
                        "IndexName": "open",
                        "KeySchema": [
                            {"AttributeName": "open", "KeyType": "HASH"},
                            {"AttributeName": "created", "KeyType": "RANGE"},
                        ],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                ],
            ),
            "Tokens": table(
                [("approval", "S")],
                TableName="tokens",
                TimeToLiveSpecification={"AttributeName": "ends", "Enabled": True},
            ),
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketName": f"evidence-{account.id}",
                    "VersioningConfiguration": {"Status": "Enabled"},
                    "ObjectLockEnabled": True,
                    "ObjectLockConfiguration": {
                        "ObjectLockEnabled": "Enabled",
                        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
                    },
                },
            },
        }
    }


@pytest.fixture
def stores(account: Account) -> Account:
    assert account.deploy(template(account)) == "CREATE_COMPLETE", account.reasons()
    return account


def record(number: int, text: str = "x", chain: str = "apr-1") -> dict[str, Any]:
    return {"chain": {"S": chain}, "number": {"N": str(number)}, "record": {"S": text}}


def test_a_number_of_a_chain_is_written_once(stores: Account, refusal: Callable[..., str]) -> None:
    table = stores.client("dynamodb")

    def put(number: int, text: str) -> None:
        table.put_item(
            TableName="evidence", Item=record(number, text), ConditionExpression="attribute_not_exists(chain)"
        )

    put(0, "first")
    assert refusal(lambda: put(0, "second")) == "ConditionalCheckFailedException"
    put(1, "next")
    found = table.query(
        TableName="evidence",
        ConsistentRead=True,
        KeyConditionExpression="chain = :c AND #n >= :n",
        ExpressionAttributeNames={"#n": "number"},
        ExpressionAttributeValues={":c": {"S": "apr-1"}, ":n": {"N": "0"}},
    )
    assert [(item["number"]["N"], item["record"]["S"]) for item in found["Items"]] == [("0", "first"), ("1", "next")]


def test_of_many_who_append_at_once_one_does(stores: Account) -> None:
    won: list[int] = []
    lost: list[int] = []

    def append(who: int) -> None:
        table = stores.client("dynamodb")
        try:
            table.put_item(
                TableName="evidence",
                Item=record(7, str(who)),
                ConditionExpression="attribute_not_exists(chain)",
            )
        except table.exceptions.ConditionalCheckFailedException:
            lost.append(who)
        else:
            won.append(who)

    threads = [threading.Thread(target=append, args=(who,)) for who in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 15)
    kept = stores.client("dynamodb").get_item(
        TableName="evidence", Key={"chain": {"S": "apr-1"}, "number": {"N": "7"}}, ConsistentRead=True
    )
    assert kept["Item"]["record"]["S"] == str(won[0])


def test_a_query_has_pages_in_the_order_of_numbers(stores: Account) -> None:
    table = stores.client("dynamodb")
    for number in (10, 2, 1, 33, 4):
        table.put_item(TableName="evidence", Item=record(number))
    pages = table.get_paginator("query").paginate(
        TableName="evidence",
        ConsistentRead=True,
        KeyConditionExpression="chain = :c",
        ExpressionAttributeValues={":c": {"S": "apr-1"}},
        PaginationConfig={"PageSize": 2},
    )
    assert [int(item["number"]["N"]) for page in pages for item in page["Items"]] == [1, 2, 4, 10, 33]


def test_a_transaction_is_all_or_nothing(stores: Account, refusal: Callable[..., str]) -> None:
    table = stores.client("dynamodb")

    def write(number: int) -> None:
        once = {"ConditionExpression": "attribute_not_exists(chain)"}
        table.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "evidence", "Item": record(number), **once}},
                {"Put": {"TableName": "evidence", "Item": record(99), **once}},
            ]
        )

    write(1)
    assert refusal(lambda: write(2)) == "TransactionCanceledException"
    assert "Item" not in table.get_item(TableName="evidence", Key={"chain": {"S": "apr-1"}, "number": {"N": "2"}})


def test_an_index_holds_only_what_is_open(stores: Account) -> None:
    table = stores.client("dynamodb")
    for name, created in (("a", 3), ("b", 1), ("c", 2)):
        item = {"approval": {"S": name}, "created": {"N": str(created)}, "open": {"S": "1"}}
        table.put_item(TableName="requests", Item=item)

    def opened() -> list[str]:
        found = table.query(
            TableName="requests",
            IndexName="open",
            KeyConditionExpression="#o = :o",
            ExpressionAttributeNames={"#o": "open"},
            ExpressionAttributeValues={":o": {"S": "1"}},
        )
        return [item["approval"]["S"] for item in found["Items"]]

    assert opened() == ["b", "c", "a"]
    table.update_item(
        TableName="requests",
        Key={"approval": {"S": "c"}},
        UpdateExpression="REMOVE #o SET #s = :s",
        ConditionExpression="attribute_exists(#o)",
        ExpressionAttributeNames={"#o": "open", "#s": "state"},
        ExpressionAttributeValues={":s": {"S": "executed"}},
    )
    assert opened() == ["b", "a"]


def test_the_tables_settings_are_kept(stores: Account) -> None:
    table = stores.client("dynamodb")
    described = table.describe_table(TableName="evidence")["Table"]
    assert described["SSEDescription"]["SSEType"] == "KMS"
    assert described["DeletionProtectionEnabled"]
    assert table.describe_time_to_live(TableName="tokens")["TimeToLiveDescription"]["AttributeName"] == "ends"
    backups = table.describe_continuous_backups(TableName="evidence")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_version_stays_as_it_was_put(stores: Account, refusal: Callable[..., str]) -> None:
    s3, bucket = stores.client("s3"), f"evidence-{stores.id}"
    first = s3.put_object(Bucket=bucket, Key="plans/apr-1/bundle.json", Body=b"first")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="plans/apr-1/bundle.json", Body=b"second")["VersionId"]
    got = s3.get_object(Bucket=bucket, Key="plans/apr-1/bundle.json", VersionId=first)
    assert (got["Body"].read(), got["VersionId"], got["ObjectLockMode"]) == (b"first", first, "COMPLIANCE")
    assert first != second
    gone = {"Bucket": bucket, "Key": "plans/apr-1/bundle.json", "VersionId": first}
    assert refusal(lambda: s3.delete_object(**gone)) == "AccessDenied"
    assert refusal(lambda: s3.delete_object(**gone, BypassGovernanceRetention=True)) == "AccessDenied"
    sooner = {"Mode": "COMPLIANCE", "RetainUntilDate": dt.datetime.now(dt.timezone.utc)}
    assert refusal(lambda: s3.put_object_retention(**gone, Retention=sooner)) != ""


def test_an_object_is_put_once_where_the_writer_says_so(stores: Account, refusal: Callable[..., str]) -> None:
    s3, bucket = stores.client("s3"), f"evidence-{stores.id}"
    until = dt.datetime.now(dt.timezone.utc) + AHEAD

    def put(body: bytes) -> None:
        s3.put_object(
            Bucket=bucket,
            Key="records/apr-1/00000000.json",
            Body=body,
            IfNoneMatch="*",
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=until,
            ChecksumAlgorithm="SHA256",
        )

    put(b"one")
    assert refusal(lambda: put(b"two")) == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="records/apr-1/00000000.json")["Body"].read() == b"one"


def test_a_role_may_write_its_own_table_and_nothing_else(stores: Account, refusal: Callable[..., str]) -> None:
    arn = f"arn:aws:dynamodb:us-east-1:{stores.id}:table/evidence"
    session = stores.assume(stores.role("w", {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": arn}))
    table = stores.client("dynamodb", session)
    table.put_item(TableName="evidence", Item=record(0))
    assert refusal(
        lambda: table.delete_item(TableName="evidence", Key={k: record(0)[k] for k in ("chain", "number")})
    ) == ("AccessDeniedException")
    assert refusal(lambda: table.put_item(TableName="tokens", Item={"approval": {"S": "a"}})) == "AccessDeniedException"
