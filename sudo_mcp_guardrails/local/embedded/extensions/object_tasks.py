"""Gap: Step Functions of ministack knows neither s3:putObject nor s3:getObject.

Both are performed by the S3 service itself, after the task was authorized as the machine's role. A `Body` that is no
text is written as JSON, and read back as text. A parameter that is not listed here is refused instead of dropped.
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from ministack import app as server
from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions

from .support import error_text

# Parameters and result members, as Step Functions spells them, and S3's headers. It writes an acronym with one capital.
_SENT = {
    "ContentType": "content-type",
    "CacheControl": "cache-control",
    "IfMatch": "if-match",
    "IfNoneMatch": "if-none-match",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SsekmsKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "BucketKeyEnabled": "x-amz-server-side-encryption-bucket-key-enabled",
    "ObjectLockMode": "x-amz-object-lock-mode",
    "ObjectLockRetainUntilDate": "x-amz-object-lock-retain-until-date",
    "ObjectLockLegalHoldStatus": "x-amz-object-lock-legal-hold",
    "ExpectedBucketOwner": "x-amz-expected-bucket-owner",
    "StorageClass": "x-amz-storage-class",
    "Tagging": "x-amz-tagging",
}
_RECEIVED = {
    "ETag": "etag",
    "VersionId": "x-amz-version-id",
    "ContentType": "content-type",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SsekmsKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "ObjectLockMode": "x-amz-object-lock-mode",
    "ObjectLockRetainUntilDate": "x-amz-object-lock-retain-until-date",
}
_TAKEN = {
    "putObject": frozenset({"Bucket", "Key", "Body", "Metadata", *_SENT}),
    "getObject": frozenset({"Bucket", "Key", "VersionId", "IfMatch", "ExpectedBucketOwner"}),
}
LONGEST_RESULT = 262_144


def install() -> None:
    """Perform the two operations."""
    stock = stepfunctions._invoke_aws_sdk_integration

    def invoke_aws_sdk_integration(resource: str, data: Any) -> Any:
        service, operation = resource.replace(".waitForTaskToken", "").split(":")[-2:]
        if service != "s3" or operation not in _TAKEN:
            return stock(resource, data)
        return _perform(operation, data if isinstance(data, dict) else {})

    stepfunctions._invoke_aws_sdk_integration = invoke_aws_sdk_integration


def _perform(operation: str, data: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(data) - _TAKEN[operation])
    missing = sorted({"Bucket", "Key"} - {name for name in data if data[name]})
    if unknown or missing:
        message = f"s3:{operation} is not allowed with parameters {unknown} and without {missing}"
        raise stepfunctions._ExecutionError("States.Runtime", message)
    # The account's own name, since a request without one is anybody's; who may do this was decided before.
    scope = f"{get_account_id()}/20260101/{get_region()}/s3/aws4_request"
    headers = {"host": "s3.amazonaws.com", "authorization": f"AWS4-HMAC-SHA256 Credential={scope}"}
    headers |= {_SENT[name]: _text(value) for name, value in data.items() if name in _SENT}
    headers |= {f"x-amz-meta-{name.lower()}": str(value) for name, value in (data.get("Metadata") or {}).items()}
    body = data.get("Body", "")
    sent = (body if isinstance(body, str) else json.dumps(body)).encode() if operation == "putObject" else b""
    headers["content-length"] = str(len(sent))
    path = f"/{data['Bucket']}/{data['Key']}"  # the service takes it as its router hands it on: decoded
    query = {"versionId": [str(data["VersionId"])]} if data.get("VersionId") else {}
    status, answered, answer = server.call_service_handler_sync(
        server.SERVICE_HANDLERS["s3"], "PUT" if operation == "putObject" else "GET", path, headers, sent, query
    )
    if status >= HTTPStatus.BAD_REQUEST:
        code, _, message = error_text(answer).partition(": ")
        raise stepfunctions._ExecutionError(f"S3.{code.removesuffix('Exception')}Exception", message or code)
    found = {name.lower(): value for name, value in answered.items()}
    result: dict[str, Any] = {name: str(found[header]) for name, header in _RECEIVED.items() if header in found}
    if operation == "getObject":
        text = (answer if isinstance(answer, bytes) else str(answer).encode()).decode("utf-8", "replace")
        if len(text.encode()) > LONGEST_RESULT:
            message = "The state/task returned a result with a size exceeding the maximum number of bytes"
            raise stepfunctions._ExecutionError("States.DataLimitExceeded", message)
        result |= {"Body": text, "ContentLength": len(text.encode())}
    return result


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
