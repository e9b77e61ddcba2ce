from __future__ import annotations

from typing import Any

from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.first_seen import MAX_CLIENTS, FirstSeen
from tests.detection.events import attributed

CLIENT = "arn:aws:signin:eu-west-1::external-client/dcr/11111111-2222-4333-8444-555555555555"


def _grant(client: str = CLIENT, resource: str = "https://aws-mcp.eu-west-1.api.aws/mcp", **fields: Any) -> Any:
    asked = {"resource": resource, "client_id": client}
    call = {"eventSource": "signin.amazonaws.com", "eventName": "CreateOAuth2Token", "requestParameters": asked}
    return attributed(**{**call, **fields}).event


def test_a_clients_first_grant_is_its_first_alone() -> None:
    seen = FirstSeen()
    assert seen.marks(_grant()) == ["oauth-client"]
    assert seen.marks(_grant()) == ["oauth-client"], "delivered again"
    assert seen.marks(_grant(eventID="00000000-0000-4000-8000-000000000002")) == []
    assert seen.marks(_grant("arn:aws:signin:eu-west-1::external-client/dcr/other")) == ["oauth-client"]


def test_a_client_that_is_known_is_not_new() -> None:
    assert FirstSeen([CLIENT]).marks(_grant()) == []
    seen = FirstSeen()
    seen.marks(_grant())
    assert FirstSeen(seen.known()).marks(_grant(eventID="x")) == []


def test_what_grants_nothing_is_no_grant() -> None:
    for event in (
        _grant(resource="https://signin.aws.amazon.com"),
        _grant(errorCode="AccessDenied"),
        _grant(eventName="RevokeOAuth2Token"),
        _grant(eventSource="cognito-idp.amazonaws.com"),
    ):
        seen = FirstSeen()
        assert seen.marks(event) == []
        assert seen.known() == ()


def test_no_more_than_so_many_clients_are_remembered() -> None:
    seen = FirstSeen(f"client-{number}" for number in range(MAX_CLIENTS))
    seen.marks(_grant("client-0", eventID="a"))
    seen.marks(_grant())
    assert len(seen.known()) == MAX_CLIENTS
    assert "client-0" in seen.known()
    assert "client-1" not in seen.known()


def test_rules_see_a_first_grant_of_anybody() -> None:
    facts = Facts()
    (event, attribution) = attributed(
        eventSource="signin.amazonaws.com",
        eventName="CreateOAuth2Token",
        requestParameters={"resource": "https://aws-mcp.eu-west-1.api.aws/mcp", "client_id": CLIENT},
    )
    assert facts.of(event, attribution) == {"first": ["oauth-client"]}
