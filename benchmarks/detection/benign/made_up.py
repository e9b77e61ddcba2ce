"""Events that nobody's call on the embedded AWS makes: sign-ins, what services do by themselves, MCP tool calls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping

Record = dict[str, Any]
_DECRYPTS: Final = {"GetSecretValue": "secretsmanager", "GetParameter": "ssm", "GetParametersByPath": "ssm"}
_OWN_EVENTS: Final = (
    ("kms", "RotateKey"),
    ("secretsmanager", "RotationSucceeded"),
    ("ssm", "UpdateInstanceAssociationStatus"),
    ("autoscaling", "CompleteLifecycleAction"),
    ("backup", "BackupJobCompleted"),
)
MCP_SERVICE: Final = "aws-mcp.amazonaws.com"


def base(like: Mapping[str, Any], source: str, name: str, draw: random.Random, *, read: bool = True) -> Record:
    """Return an event beside another: of its account, Region and time, with ids of its own."""
    return {
        "eventVersion": "1.11",
        "userIdentity": like["userIdentity"],
        "eventTime": like["eventTime"],
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": like["awsRegion"],
        "sourceIPAddress": like["sourceIPAddress"],
        "userAgent": like["userAgent"],
        "requestParameters": None,
        "responseElements": None,
        "requestID": uuid(draw),
        "eventID": uuid(draw),
        "readOnly": read,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": like["recipientAccountId"],
        "eventCategory": "Management",
    }


def uuid(draw: random.Random) -> str:
    """Return a random UUID."""
    text = f"{draw.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def decryption(event: Record, draw: random.Random) -> Record | None:
    """Return what a service asks of KMS for whoever reads a secret: the caller's session, the service's address."""
    service = _DECRYPTS.get(event["eventName"])
    if service is None or "errorCode" in event:
        return None
    name = f"{service}.amazonaws.com"
    found = base(event, "kms", "Decrypt", draw)
    return {
        **found,
        "userIdentity": {**event["userIdentity"], "invokedBy": name},
        "sourceIPAddress": name,
        "userAgent": name,
        "requestParameters": {"encryptionContext": {"service": service}, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"},
    }


def assumption(event: Record, service: str, role: str, draw: random.Random) -> Record:
    """Return a service's taking up of a role: no caller's ARN, the service's name in its place."""
    found = base(event, "sts", "AssumeRole", draw)
    return {
        **found,
        "userIdentity": {"type": "AWSService", "invokedBy": service},
        "sourceIPAddress": service,
        "userAgent": service,
        "requestParameters": {"roleArn": role, "roleSessionName": str(event["userIdentity"]["arn"]).rpartition("/")[2]},
        "responseElements": {"credentials": {"accessKeyId": event["userIdentity"].get("accessKeyId", "")}},
    }


def federation(event: Record, role: str, draw: random.Random, *, web: bool) -> Record:
    """Return how a person of the identity provider, or a pipeline's job, comes by its session."""
    name = "AssumeRoleWithWebIdentity" if web else "AssumeRoleWithSAML"
    found = base(event, "sts", name, draw)
    who = "repo:example/orders:ref:refs/heads/main" if web else str(event["userIdentity"]["arn"]).rpartition("/")[2]
    return {
        **found,
        "userIdentity": {"type": "WebIdentityUser" if web else "SAMLUser", "principalId": who, "userName": who},
        "requestParameters": {"roleArn": role, "roleSessionName": str(event["userIdentity"]["arn"]).rpartition("/")[2]},
        "responseElements": {"credentials": {"accessKeyId": event["userIdentity"].get("accessKeyId", "")}},
    }


def console_sign_in(event: Record, draw: random.Random, *, mfa: bool) -> Record:
    """Return a sign-in to the console: of a user with MFA, or of a role by an identity provider, which shows none."""
    found = base(event, "signin", "ConsoleLogin", draw, read=False)
    return {
        **found,
        "requestParameters": None,
        "responseElements": {"ConsoleLogin": "Success"},
        "additionalEventData": {"LoginTo": "https://console.aws.amazon.com/", "MobileVersion": "No",
                                "MFAUsed": "Yes" if mfa else "No"},
        "eventType": "AwsConsoleSignIn",
    }  # fmt: skip


def tool_calls(events: list[Record], client: str, draw: random.Random) -> Iterator[Record]:
    """Yield an agent's events with the tool calls that made them, each after what it made."""
    rest = list(events)
    while rest:
        count = draw.choice((1, 1, 1, 2, 3))
        made, rest = rest[:count], rest[count:]
        yield from made
        read = all(one["readOnly"] for one in made)
        found = base(made[-1], "aws-mcp", "CallReadOnlyTool" if read else "CallReadWriteTool", draw, read=read)
        identity = {key: value for key, value in made[-1]["userIdentity"].items() if key != "invokedBy"}
        yield {
            **found,
            "userIdentity": identity,
            "sourceIPAddress": client,
            "userAgent": "agent-runtime/2.3 mcp-proxy-for-aws/1.7.0",
            "eventType": "AwsMcpEvent",
            "requestParameters": {"jsonrpc": "2.0", "method": "tools/call", "id": draw.randint(1, 900), "params": {
                "name": "aws___call_aws" if count == 1 else "aws___run_script",
                "arguments": "HIDDEN_DUE_TO_SECURITY_REASONS"}},
            "additionalEventData": {"downstreamRequests": [
                {"apiName": f"{one['eventSource'].partition('.')[0]}:{one['eventName']}", "requestId": one["requestID"],
                 "awsRegion": one["awsRegion"]} for one in made]},
        }  # fmt: skip


def of_service(event: Record, draw: random.Random) -> Record:
    """Return what a service writes of what it did by itself."""
    source, name = draw.choice(_OWN_EVENTS)
    found = base(event, source, name, draw, read=False)
    account = event["recipientAccountId"]
    return {
        **found,
        "userIdentity": {"accountId": account, "invokedBy": f"{source}.amazonaws.com"},
        "sourceIPAddress": f"{source}.amazonaws.com",
        "userAgent": f"{source}.amazonaws.com",
        "eventType": "AwsServiceEvent",
    }


def compact(event: Record) -> str:
    """Return an event as one line of JSON."""
    return json.dumps(event, separators=(",", ":"))
