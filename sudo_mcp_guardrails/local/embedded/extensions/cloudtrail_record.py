"""One API call as a CloudTrail record.

Not an extension: what `cloudtrail_events` builds from a request and its answer. The record's fields are those of
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from ministack.core.iam_evaluator import resolve_caller_identity
from ministack.core.responses import get_account_id, new_uuid
from ministack.services import cloudtrail, iam

from .record_members import nested
from .support import REFUSED

if TYPE_CHECKING:
    from collections.abc import Mapping

Record = dict[str, Any]

_READ_PREFIX = re.compile(
    r"^(Get|List|Describe|Head|Lookup|Search|BatchGet|Query|Scan|Select|Filter|Simulate|Validate)"
)
_READ_NAMES = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "Decrypt", "GenerateDataKey"})
# The console's own names where they differ from the IAM action.
_EVENT_NAMES = {
    "lambda:CreateFunction": "CreateFunction20150331",
    "lambda:DeleteFunction": "DeleteFunction20150331",
    "lambda:UpdateFunctionCode": "UpdateFunctionCode20150331v2",
    "lambda:UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
    "lambda:AddPermission": "AddPermission20150331v2",
    "lambda:InvokeFunction": "Invoke",
    "s3:ListAllMyBuckets": "ListBuckets",
    "s3:ListBucket": "ListObjects",
}
_EVENT_SOURCES = {"cloudwatch": "monitoring"}
_DATA_EVENTS = re.compile(
    r"^(s3:(Get|Put|Delete|Head|Copy|Upload|Create|Complete|Abort|List|Restore|Select)\w*(Object|Multipart|Part)\w*"
    r"|s3:ListBucket"
    r"|lambda:InvokeFunction\w*"
    r"|dynamodb:(GetItem|PutItem|UpdateItem|DeleteItem|BatchGetItem|BatchWriteItem|Query|Scan|PartiQL\w*)"
    r"|sqs:(SendMessage|ReceiveMessage|DeleteMessage)\w*|sns:Publish\w*|kinesis:(Put|Get)Record\w*)$"
)
# But for the id of a secret, which is its name: CloudTrail tells whose value was asked for.
_SECRET_MEMBERS = re.compile(r"password|secret(?!Id$)|token|credential|plaintext|ciphertext", re.IGNORECASE)
# Members that carry values or payloads, which CloudTrail hides or leaves out.
_HIDDEN = {
    "ssm:PutParameter": {"Value"},
    "lambda:CreateFunction": {"Code", "Environment"},
    "lambda:UpdateFunctionCode": {"ZipFile"},
    "lambda:UpdateFunctionConfiguration": {"Environment"},
    "dynamodb:PutItem": {"Item"},
    "dynamodb:UpdateItem": {"ExpressionAttributeValues"},
    "dynamodb:BatchWriteItem": {"RequestItems"},
    "logs:PutLogEvents": {"logEvents"},
    "sqs:SendMessage": {"MessageBody", "MessageAttributes"},
    "sns:Publish": {"Message", "MessageAttributes"},
    "kinesis:PutRecord": {"Data"},
    "states:StartExecution": {"input"},
    "events:PutEvents": {"Entries"},
}


@dataclass(frozen=True)
class Call:
    """A request and its answer, as ministack's router saw them."""

    action: str  # IAM action, `s3:GetObject`
    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes
    access_key: str
    region: str
    request_id: str
    status: int
    answer: bytes

    @property
    def is_data_event(self) -> bool:
        """Whether CloudTrail counts it as a data event, which a trail records only when its selectors ask."""
        return _DATA_EVENTS.match(self.action) is not None


def build(call: Call) -> Record:
    """The CloudTrail record of the call."""
    service, _, operation = call.action.partition(":")
    name = _EVENT_NAMES.get(call.action) or _operation(call) or operation
    record: Record = {
        "eventVersion": "1.11",
        "userIdentity": identity(call.access_key),
        "eventTime": _timestamp(time.time()),
        "eventSource": f"{_EVENT_SOURCES.get(service, service)}.amazonaws.com",
        "eventName": name,
        "awsRegion": call.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": call.headers.get("user-agent", ""),
        "requestParameters": _parameters(call),
        "responseElements": _response(call),
        "requestID": call.request_id,
        "eventID": new_uuid(),
        "readOnly": bool(_READ_PREFIX.match(name)) or name in _READ_NAMES,
        "eventType": "AwsApiCall",
        "managementEvent": not call.is_data_event,
        "recipientAccountId": get_account_id(),
        "eventCategory": "Data" if call.is_data_event else "Management",
    }
    if call.status >= REFUSED:
        record["errorCode"], record["errorMessage"] = _error(call)
    return record


def identity(access_key: str) -> Record:
    """`userIdentity`: who the key belongs to, with the role, the times and the source identity of a session."""
    caller = resolve_caller_identity(access_key)
    if caller is None:
        return {"type": "Unknown", "principalId": access_key, "accessKeyId": access_key}
    known = {
        "principalId": caller["userId"],
        "arn": caller["userArn"],
        "accountId": caller["accountId"],
        "accessKeyId": access_key,
    }
    arn = str(caller["userArn"])
    if arn.endswith(":root"):
        return {"type": "Root", **known}
    if ":assumed-role/" in arn:
        return {"type": "AssumedRole", **known, "sessionContext": _session(arn, caller["session"] or {})}
    if ":federated-user/" in arn:
        return {"type": "FederatedUser", **known}
    return {"type": "IAMUser", **known, "userName": arn.rpartition("/")[2]}


def _session(arn: str, session: Mapping[str, Any]) -> Record:
    account, role_name = arn.split(":")[4], arn.split("/")[1]
    role = iam._roles.get_scoped(account, None, role_name) or {}
    context: Record = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": role.get("RoleId", ""),
            "arn": role.get("Arn", ""),
            "accountId": account,
            "userName": role_name,
        },
        "attributes": {
            "creationDate": _timestamp(session.get("IssuedAt", time.time())),
            "mfaAuthenticated": "true" if session.get("MfaSince") else "false",
        },
    }
    if session.get("SourceIdentity"):
        context["sourceIdentity"] = session["SourceIdentity"]
    return context


def _operation(call: Call) -> str:
    """The operation that a JSON or query request names itself; a REST request names none."""
    target = call.headers.get("x-amz-target", "")
    if "." in target:
        return target.rpartition(".")[2]
    return _form(call).get("Action", "") or (call.query.get("Action") or [""])[0]


def _form(call: Call) -> dict[str, str]:
    if "x-www-form-urlencoded" not in call.headers.get("content-type", ""):
        return {}
    return {key: values[0] for key, values in parse_qs(call.body.decode("utf-8", "replace")).items()}


def _parameters(call: Call) -> Record | None:
    """Request parameters without secrets; of an S3 request the bucket and key, as CloudTrail shows them."""
    if call.action.startswith("s3:"):
        bucket, _, key = unquote(call.path).lstrip("/").partition("/")
        return {"bucketName": bucket, **({"key": key} if key else {})} if bucket else None
    parameters: Any = _form(call)
    if not parameters and call.body:
        try:
            parameters = json.loads(call.body)
        except ValueError:
            parameters = None
    if not isinstance(parameters, dict):
        return None
    secret = {key for key in parameters if _SECRET_MEMBERS.search(key) or key in _HIDDEN.get(call.action, ())}
    hidden = dict.fromkeys(sorted(secret), "HIDDEN_DUE_TO_SECURITY_REASONS")
    shown = nested({**cloudtrail._scrub(parameters), **hidden})
    for member in ("action", "version"):
        shown.pop(member, None)
    if call.action.startswith("lambda:") and "/functions/" in call.path:
        shown["functionName"] = unquote(call.path.split("/functions/")[1].split("/")[0])
    return shown


def _response(call: Call) -> Record | None:
    """Of AssumeRole the session that it made, which is what ties a chain of sessions together; of no other call."""
    if call.action != "sts:AssumeRole" or call.status >= REFUSED:
        return None
    text = call.answer.decode("utf-8", "replace")
    found = {name: re.search(f"<{name}>([^<]*)</{name}>", text) for name in ("AccessKeyId", "Arn", "AssumedRoleId")}
    values = {name: match.group(1) for name, match in found.items() if match}
    return {
        "credentials": {"accessKeyId": values.get("AccessKeyId", "")},
        "assumedRoleUser": {"assumedRoleId": values.get("AssumedRoleId", ""), "arn": values.get("Arn", "")},
    }


def _error(call: Call) -> tuple[str, str]:
    """Code and message of a JSON or XML error answer."""
    text = call.answer.decode("utf-8", "replace")
    code = re.search(r"<Code>([^<]*)</Code>", text)
    if code:
        message = re.search(r"<Message>([^<]*)</Message>", text)
        return code.group(1), message.group(1) if message else ""
    try:
        parsed = json.loads(text)
    except ValueError:
        # HEAD requests have no body; 403 is the only status that says why.
        return ("AccessDenied" if call.status == HTTPStatus.FORBIDDEN else str(call.status)), text[:200]
    if not isinstance(parsed, dict):
        return str(call.status), text[:200]
    kind = str(parsed.get("__type") or parsed.get("code") or call.status).rpartition("#")[2]
    # CloudTrail writes AccessDenied whatever the exception of the service's protocol is called.
    name = "AccessDenied" if kind == "AccessDeniedException" else kind
    return name, str(parsed.get("message") or parsed.get("Message") or "")


def _timestamp(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
