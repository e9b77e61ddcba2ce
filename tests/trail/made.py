"""Events as CloudTrail writes them, for the tests of this room; made up, account 111122223333."""

from __future__ import annotations

import json
from typing import Any

ACCOUNT = "111122223333"
PATH = "/mcp-guardrails/agents/release-bot/"
ROLE = f"arn:aws:iam::{ACCOUNT}:role{PATH}mcp-guardrails-release-bot-plan"
RUN = "run-01JD5W7Q6ZC9T8R2E4B6M8N0PA"
SIGN_IN = f"arn:aws:signin:us-east-1:{ACCOUNT}:session/00000000-1111-4222-8333-444444444444"
CLIENT = "arn:aws:signin:us-east-1::external-client/dcr/00000000-aaaa-4bbb-8ccc-dddddddddddd"


def event(event_id: str = "e-1", **fields: Any) -> dict[str, Any]:
    """Return an event of nobody's, with fields of its own."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ann", "accountId": ACCOUNT},
        "eventTime": "2026-11-20T10:00:05Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListBuckets",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.31",
        "requestParameters": None,
        "responseElements": None,
        "requestID": f"r-{event_id}",
        "eventID": event_id,
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        **fields,
    }


def session(
    key: str = "ASIAEXAMPLE0000000001",
    *,
    role: str = ROLE,
    run: str | None = RUN,
    sign_in: str | None = None,
    invoked_by: str | None = None,
) -> dict[str, Any]:
    """Return the identity of an assumed role."""
    name = role.rsplit("/", 1)[-1]
    context: dict[str, Any] = {"sessionIssuer": {"type": "Role", "arn": role, "userName": name, "accountId": ACCOUNT}}
    if run is not None:
        context["sourceIdentity"] = run
    if sign_in is not None:
        context["signInSessionArn"] = sign_in
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{run}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{run}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": context,
        **({"invokedBy": invoked_by} if invoked_by else {}),
    }


def minting(event_id: str = "mint", *, key: str = "ASIAEXAMPLE0000000001", **tags: str) -> dict[str, Any]:
    """Return the event in which the broker assumes an agent's role."""
    stated = {"agent": "release-bot", "run": RUN, "ticket": "OPS-42", "capability": "plan", "plan-digest": "none"}
    return event(
        event_id,
        userIdentity=session("ASIABROKER", role=f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails-broker", run=None),
        eventSource="sts.amazonaws.com",
        eventName="AssumeRole",
        requestParameters={
            "roleArn": ROLE,
            "roleSessionName": RUN,
            "sourceIdentity": RUN,
            "principalTags": {**stated, **tags},
        },
        responseElements={"credentials": {"accessKeyId": key, "sessionToken": "hidden"}},
    )


def tool_call(event_id: str = "call", *requests: str, tool: str = "aws___call_aws", **fields: Any) -> dict[str, Any]:
    """Return a tool call of the AWS MCP Server, in the form of autumn 2026."""
    listed = [{"apiName": "iam:ListUsers", "requestId": request, "awsRegion": "us-east-1"} for request in requests]
    return event(
        event_id,
        **{
            "userIdentity": session(),
            "eventSource": "aws-mcp.amazonaws.com",
            "eventName": "CallReadWriteTool",
            "eventType": "AwsMcpEvent",
            "requestParameters": {"jsonrpc": "2.0", "method": "tools/call", "id": 2, "params": {"name": tool}},
            "additionalEventData": {"downstreamRequests": listed},
            **fields,
        },
    )


def records(*events: dict[str, Any]) -> bytes:
    """Return the file that CloudTrail would write of events."""
    return json.dumps({"Records": list(events)}, separators=(",", ":")).encode()
