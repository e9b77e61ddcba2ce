"""Traces out of events, as a directory of files gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.attribution import Attributed
from sudo_mcp_guardrails.trail.reading import read_file
from sudo_mcp_guardrails.trail.trace.gather import MAX_EVENTS, gather
from sudo_mcp_guardrails.trail.trace.tree import trace
from tests.trail.made import ACCOUNT, CLIENT, SIGN_IN, event, records, session, tool_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.trail.trace.gather import Rows, Wanted
    from sudo_mcp_guardrails.trail.trace.nodes import Node, Trace

USER = f"arn:aws:sts::{ACCOUNT}:assumed-role/AgentPlan/ann@example.com"
SERVER = "aws-mcp.amazonaws.com"


def attributed(*events: dict[str, Any]) -> list[Attributed]:
    """Attribute events with all that any of them tells."""
    found = read_file("a.json", records(*events)).events
    attributor = Attributor()
    for one in found:
        attributor.attribute(one)
    return [Attributed(one, attributor.attribute(one)) for one in found]


def rows_of(every: list[Attributed]) -> Rows:
    """Return what finds events in a list."""

    def rows(wanted: Wanted, limit: int) -> Iterator[Attributed]:
        yield from [one for one in every if wanted.matches(one)][:limit]

    return rows


def traced(asked: str, *events: dict[str, Any], limit: int = MAX_EVENTS) -> Trace:
    """Return the trace of events."""
    return trace(gather(asked, rows_of(attributed(*events)), limit=limit))


def outline(made: Trace) -> list[str]:
    """Return kind and title of each node, indented by its depth."""
    return [f"{'  ' * depth}{node.kind.value}: {node.title}" for depth, node in made.walk()]


def node(made: Trace, event_id: str) -> Node:
    """Return the node of an event, of which there must be one."""
    (found,) = [each for _, each in made.walk() if each.event_id == event_id]
    return found


def oauth_session() -> list[dict[str, Any]]:
    """Return a session that a person granted: two events of the grant, a tool call with two calls, and the end."""
    person = {
        "type": "AssumedRole",
        "arn": USER,
        "accountId": ACCOUNT,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/AgentPlan"}},
    }
    inside = {**person, "sessionContext": {**person["sessionContext"], "signInSessionArn": SIGN_IN}}  # type: ignore[dict-item]
    asked = {"resource": "https://aws-mcp.us-east-1.api.aws/mcp", "client_id": CLIENT}
    sign_in = {"eventSource": "signin.amazonaws.com", "requestParameters": asked, "userIdentity": person}

    def made(event_id: str, source: str, name: str, second: int, key: str) -> dict[str, Any]:
        return event(
            event_id,
            eventSource=source,
            eventName=name,
            eventTime=f"2026-11-20T10:01:0{second}Z",
            readOnly=False,
            userIdentity={**inside, "accessKeyId": key, "invokedBy": SERVER},
            sourceIPAddress=SERVER,
            userAgent=SERVER,
        )

    return [
        event("auth", eventName="AuthorizeOAuth2Access", eventTime="2026-11-20T10:00:05Z", **sign_in),
        event(
            "token",
            eventName="CreateOAuth2Token",
            eventTime="2026-11-20T10:00:09Z",
            additionalEventData={"signInSessionArn": SIGN_IN},
            **sign_in,
        ),
        made("put", "s3.amazonaws.com", "PutBucketPolicy", 1, "ASIAEXAMPLE0000000002"),
        made("stop", "cloudtrail.amazonaws.com", "StopLogging", 2, "ASIAEXAMPLE0000000003"),
        tool_call("call", "r-put", "r-stop", userIdentity=inside, eventTime="2026-11-20T10:01:03Z"),
        tool_call(
            "end",
            eventName="DestroySession",
            userIdentity=inside,
            requestParameters={"method": "session/destroy"},
            eventTime="2026-11-20T10:03:00Z",
        ),
    ]


def chained(event_id: str, key: str, minted: str, **fields: Any) -> dict[str, Any]:
    """Return a call of one session that mints another."""
    return event(
        event_id,
        userIdentity=session(key),
        eventSource="sts.amazonaws.com",
        eventName="AssumeRole",
        requestParameters={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/elsewhere", "roleSessionName": "x"},
        responseElements={"credentials": {"accessKeyId": minted}},
        **fields,
    )
