"""The patterns of the fast path: the names are CloudTrail's, and a rule takes them."""

from __future__ import annotations

import json

from sudo_mcp_guardrails.policies.agent_events import TAMPERING, agent_calls, tampering
from sudo_mcp_guardrails.policies.naming import GuardrailNames

LAMBDA = {
    "AddLayerVersionPermission": "AddLayerVersionPermission20181031",
    "AddPermission": "AddPermission20150331v2",
    "CreateEventSourceMapping": "CreateEventSourceMapping20150331",
    "CreateFunction": "CreateFunction20150331",
    "DeleteEventSourceMapping": "DeleteEventSourceMapping20150331",
    "DeleteFunction": "DeleteFunction20150331",
    "DeleteFunctionConcurrency": "DeleteFunctionConcurrency20171031",
    "PublishVersion": "PublishVersion20150331",
    "PutFunctionConcurrency": "PutFunctionConcurrency20171031",
    "RemovePermission": "RemovePermission20150331v2",
    "UpdateAlias": "UpdateAlias20150331",
    "UpdateEventSourceMapping": "UpdateEventSourceMapping20150331",
    "UpdateFunctionCode": "UpdateFunctionCode20150331v2",
    "UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
}
"""Names of the API to CloudTrail's (Lambda developer guide, "Logging AWS Lambda API calls using AWS CloudTrail")."""


def test_lambdas_names_carry_the_date_of_its_api() -> None:
    assert set(TAMPERING["lambda.amazonaws.com"]) <= set(LAMBDA.values())


def test_whatever_switches_the_pipeline_off_is_among_them() -> None:
    wanted = {
        "cloudtrail": {"StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"},
        "dynamodb": {"DeleteTable"},
        "es": {"DeleteDomain", "DeleteElasticsearchDomain"},
        "events": {"DeleteEventBus", "DeleteRule", "DisableRule", "RemovePermission", "RemoveTargets"},
        "kms": {"DisableKey", "ScheduleKeyDeletion"},
        "lambda": {
            LAMBDA[name]
            for name in (
                *("DeleteEventSourceMapping", "DeleteFunction", "PutFunctionConcurrency", "UpdateEventSourceMapping"),
                *("UpdateFunctionCode", "UpdateFunctionConfiguration"),
            )
        },
        "monitoring": {"DeleteAlarms", "DisableAlarmActions"},
        "s3": {"DeleteBucketPolicy", "PutBucketPolicy", "PutBucketNotification", "PutBucketLifecycle"},
        "scheduler": {"DeleteSchedule", "UpdateSchedule"},
        "sns": {"DeleteTopic", "Unsubscribe"},
        "sqs": {"DeleteQueue", "PurgeQueue", "SetQueueAttributes"},
    }
    for service, names in wanted.items():
        assert names <= set(TAMPERING[f"{service}.amazonaws.com"]), service


def test_a_rule_takes_the_patterns_and_nobody_can_forge_what_they_match() -> None:
    for pattern in (tampering(), agent_calls(GuardrailNames("a" * 20))):
        assert len(json.dumps(pattern)) < 4096 * 3 // 4, "a rule's pattern has 4,096 characters; leave room"
        assert pattern["source"] == [{"prefix": "aws."}]
    alternatives = tampering()["detail"]["$or"]
    assert {one["eventSource"][0]: tuple(one["eventName"]) for one in alternatives} == TAMPERING
