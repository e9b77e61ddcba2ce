"""Every form in which a message tells of trail files, and those that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sudo_mcp_guardrails.handlers.notifications import (
    Notification,
    NotificationError,
    NotifiedObject,
    read_notification,
)
from tests.trail.made import event

KEY = "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/20/a b+c=1.json.gz"
ENCODED = "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/20/a+b%2Bc%3D1.json.gz"


def s3_record(name: str = "ObjectCreated:Put", key: str = ENCODED, **thing: Any) -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"bucket": {"name": "trail"}, "object": {"key": key, **thing}},
    }


def by_event_bridge(detail_type: str = "Object Created", **thing: Any) -> dict[str, Any]:
    detail = {"bucket": {"name": "trail"}, "object": {"key": KEY, **thing}}
    return {"source": "aws.s3", "detail-type": detail_type, "detail": detail}


def by_sns(message: object) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "m", "Message": json.dumps(message)}


CALL = {"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": event("e-7")}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"Records": [s3_record(size=7, versionId="v1")]}, NotifiedObject("trail", KEY, 7, "v1")),
        ({"Records": [s3_record("s3:ObjectCreated:CompleteMultipartUpload")]}, NotifiedObject("trail", KEY)),
        (by_event_bridge(size=7, **{"version-id": "v1"}), NotifiedObject("trail", KEY, 7, "v1")),
        (by_event_bridge(size="x"), NotifiedObject("trail", KEY)),
        ({"s3Bucket": "trail", "s3ObjectKey": [KEY]}, NotifiedObject("trail", KEY)),
        (
            {"Records": [{"EventSource": "aws:sns", "Sns": by_sns({"Records": [s3_record()]})}]},
            NotifiedObject("trail", KEY),
        ),
    ],
    ids=["s3", "multipart", "event-bridge", "odd-size", "cloudtrail", "sns-to-lambda"],
)
def test_an_object_in_every_form_and_envelope(body: dict[str, Any], expected: NotifiedObject) -> None:
    for form in (body, json.dumps(body), json.dumps(by_sns(body)), by_sns(by_sns(body))):
        assert read_notification(form) == Notification((expected,))
    assert expected.name == f"s3://trail/{KEY}"


def test_several_objects_in_one_message() -> None:
    records = [s3_record(key="a"), s3_record("ObjectRemoved:Delete", key="b"), s3_record(key="c")]
    assert [found.key for found in read_notification({"Records": records}).objects] == ["a", "c"]
    assert [f.key for f in read_notification({"s3Bucket": "t", "s3ObjectKey": ["x+y", "z"]}).objects] == ["x+y", "z"]


def test_an_event_comes_whole() -> None:
    [raw] = read_notification(json.dumps(CALL)).events
    assert json.loads(raw) == event("e-7")
    assert read_notification(CALL).objects == ()


@pytest.mark.parametrize(
    "body",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"},
        {"Records": [s3_record("ObjectRemoved:DeleteMarkerCreated")]},
        {"Records": []},
        by_event_bridge("Object Deleted"),
        by_event_bridge("Object Tags Added"),
    ],
)
def test_what_there_is_nothing_to_do_for(body: dict[str, Any]) -> None:
    assert read_notification(json.dumps(body)) == Notification()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "message '' is not JSON"),
        ("{", "message '{' is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "message [] is no JSON object"),
        (None, "message None is no JSON object"),
        ({}, "message {} is in no known form, expected S3's"),
        ({"Records": [{}]}, "lacks 'eventName'"),
        ({"Records": [None]}, "lacks 'NoneType'"),
        ({"Records": [{"eventName": "ObjectCreated:Put", "s3": {}}]}, "lacks 'object'"),
        ({"Records": [s3_record(key="")]}, "lacks text, but ''"),
        ({"s3ObjectKey": ["a"]}, "lacks 's3Bucket'"),
        ({"source": "aws.ec2", "detail": {"state": "running"}}, "is in no known form"),
        ({"source": "aws.s3", "detail-type": "Object Created", "detail": {}}, "lacks 'object'"),
        (by_sns(by_sns(by_sns({}))), "is wrapped more than 2 times"),
    ],
)
def test_what_is_not_understood_stays_in_the_queue(body: object, message: str) -> None:
    with pytest.raises(NotificationError) as caught:
        read_notification(body)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400
