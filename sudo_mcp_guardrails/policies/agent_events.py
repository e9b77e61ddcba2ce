"""Which events tell of agents' calls and of attempts on the trail, within seconds, as patterns of EventBridge.

Names are CloudTrail's, which are not always those of the API: Lambda's carry the date of the API ("Logging AWS Lambda
API calls using AWS CloudTrail"), and OpenSearch Service's source is that of Elasticsearch ("Monitoring Amazon
OpenSearch Service API calls with AWS CloudTrail").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

MCP_SERVICES: Final = (
    *("aws-mcp.amazonaws.com", "aws-api-mcp.amazonaws.com", "ecs-mcp.amazonaws.com", "eks-mcp.amazonaws.com"),
    "sagemaker-unified-studio-mcp.amazonaws.com",
)
"""``invokedBy`` of the managed MCP servers, as the user guide has them for ``aws:CalledViaAWSMCP``, and events do."""
TAMPERING: Final[dict[str, tuple[str, ...]]] = {
    "cloudtrail.amazonaws.com": (
        "DeleteTrail",
        "PutEventSelectors",
        "PutInsightSelectors",
        "StopEventDataStoreIngestion",
        "StopLogging",
        "UpdateTrail",
    ),
    "dynamodb.amazonaws.com": ("DeleteTable", "UpdateTimeToLive"),
    "es.amazonaws.com": (
        "DeleteDomain",
        "DeleteElasticsearchDomain",
        "UpdateDomainConfig",
        "UpdateElasticsearchDomainConfig",
    ),
    "events.amazonaws.com": (
        "DeleteEventBus",
        "DeleteRule",
        "DisableRule",
        "PutPermission",
        "PutRule",
        "PutTargets",
        "RemovePermission",
        "RemoveTargets",
    ),
    "kms.amazonaws.com": ("DisableKey", "PutKeyPolicy", "ScheduleKeyDeletion"),
    "lambda.amazonaws.com": (
        "DeleteEventSourceMapping20150331",
        "DeleteFunction20150331",
        "PutFunctionConcurrency20171031",
        "UpdateEventSourceMapping20150331",
        "UpdateFunctionCode20150331v2",
        "UpdateFunctionConfiguration20150331v2",
    ),
    "logs.amazonaws.com": ("DeleteLogGroup", "DeleteSubscriptionFilter", "PutRetentionPolicy"),
    "monitoring.amazonaws.com": ("DeleteAlarms", "DisableAlarmActions"),
    "s3.amazonaws.com": (
        "DeleteBucketLifecycle",
        "DeleteBucketPolicy",
        "PutBucketLifecycle",
        "PutBucketNotification",
        "PutBucketObjectLockConfiguration",
        "PutBucketPolicy",
        "PutBucketVersioning",
        "PutObjectLockConfiguration",
    ),
    "scheduler.amazonaws.com": ("DeleteSchedule", "UpdateSchedule"),
    "sns.amazonaws.com": ("DeleteTopic", "SetSubscriptionAttributes", "Unsubscribe"),
    "sqs.amazonaws.com": ("DeleteQueue", "PurgeQueue", "SetQueueAttributes"),
}
"""Calls by which a trail or the pipeline behind it is switched off, by who serves them."""
# PutEvents refuses sources that begin so: without it anybody who may call it could forge events.
_OF_AWS: Final = [{"prefix": "aws."}]


def agent_calls(names: GuardrailNames) -> dict[str, Any]:
    """Return the pattern of agents' calls: by their roles' path, by who made the call for them, by its kind."""
    role = {"sessionContext": {"sessionIssuer": {"arn": [{"wildcard": names.agent_principals}]}}}
    return {
        "source": _OF_AWS,
        "detail-type": [{"wildcard": "AWS * via CloudTrail"}],
        "detail": {
            "$or": [
                {"userIdentity": role},
                {"userIdentity": {"invokedBy": list(MCP_SERVICES)}},
                {"eventType": ["AwsMcpEvent"]},
            ]
        },
    }


def tampering() -> dict[str, Any]:
    """Return the pattern of calls that switch the trail or the pipeline off, whoever makes them."""
    return {
        "source": _OF_AWS,
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"$or": [{"eventSource": [source], "eventName": list(calls)} for source, calls in TAMPERING.items()]},
    }
