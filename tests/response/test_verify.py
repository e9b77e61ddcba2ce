"""Looking for calls that should not have succeeded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.response import verify as module
from sudo_mcp_guardrails.response.errors import VerifyError
from sudo_mcp_guardrails.response.verify import verify
from sudo_mcp_guardrails.state.targets import Target
from tests.response.estates import NAMES

if TYPE_CHECKING:
    from sudo_mcp_guardrails.response.verify import Verified

AT = 1_790_000_000  # 2026-09-21T14:13:20Z
BEFORE, GRACE, AFTER = "2026-09-21T14:10:00Z", "2026-09-21T14:18:20Z", "2026-09-21T14:18:21Z"
BOT = Target.agent("release-bot")
READ = "arn:aws:iam::111111111111:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-read"
WORKER = "arn:aws:iam::111111111111:role/mcp-guardrails/agents/release-bot/workloads/worker"
OTHER = "arn:aws:iam::111111111111:role/mcp-guardrails/agents/cost-bot/mcp-guardrails-cost-bot-read"
PERSON = "arn:aws:iam::111111111111:role/admin"


def event(
    time: str | None = AFTER,
    *,
    role: str = READ,
    name: str = "GetObject",
    key: str = "",
    identity: str = "",
    oauth: str = "",
    error: str = "",
    minted: str = "",
    **more: Any,
) -> dict[str, Any]:
    session: dict[str, Any] = {"sessionIssuer": {"arn": role}} if role else {}
    session |= {"sourceIdentity": identity} if identity else {}
    session |= {"signInSessionArn": oauth} if oauth else {}
    arn = f"arn:aws:sts::111111111111:assumed-role/{role.rsplit('/', 1)[-1]}/s"
    answer = {"credentials": {"accessKeyId": minted}} if minted else None
    return {
        "eventID": f"{name}-{time}",
        **({} if time is None else {"eventTime": time}),
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "userIdentity": {"type": "AssumedRole", "arn": arn, "accessKeyId": key, "sessionContext": session},
        **({"errorCode": error} if error else {}),
        "responseElements": answer,
        **more,
    }


def found(*events: Any, target: Target = BOT, at: int = AT, grace: int = 300) -> Verified:
    return verify(events, target, NAMES, at, grace=grace)


def names(verified: Verified) -> list[str]:
    return [call.action.split(":")[1] for call in verified.calls]


@pytest.mark.parametrize("role", [READ, WORKER])
def test_a_call_after_the_grace_is_found(role: str) -> None:
    verified = found(event(role=role))
    assert names(verified) == ["GetObject"]
    assert verified.calls[0].why == "role"
    assert not verified.contained
    assert verified.after == GRACE


@pytest.mark.parametrize(
    "harmless",
    [
        event(BEFORE),
        event(GRACE),
        event(role=OTHER),
        event(role=PERSON),
        event(error="AccessDenied"),
        event(name="GetCallerIdentity"),
        event(eventType="AwsMcpEvent"),
    ],
    ids=["before", "within", "other-agent", "person", "refused", "who-am-i", "tool-call"],
)
def test_what_is_no_call_of_a_contained_principal(harmless: dict[str, Any]) -> None:
    assert found(harmless).contained


def test_what_was_refused_and_what_servers_answered_is_counted() -> None:
    verified = found(event(error="AccessDenied"), event(errorMessage="denied"), event(eventType="AwsMcpEvent"))
    assert (verified.attempts, verified.tool_calls, verified.contained) == (2, 1, True)


def test_a_session_is_told_without_its_issuer() -> None:
    lone = event()
    lone["userIdentity"]["sessionContext"] = {}
    assert found(lone).calls[0].why == "session"


def test_targets() -> None:
    both = (event(role=READ, name="A"), event(role=OTHER, name="B"))
    assert names(found(*both, target=Target.everyone())) == ["A", "B"]
    assert names(found(*both, target=Target.of_class("cost-*"))) == ["B"]


def test_a_chain_of_roles_is_followed_in_any_order() -> None:
    """The agent's session assumed a person's role, that session another; both were made before the switch."""
    events = [
        event(role=PERSON, key="ASIA3", name="DeleteBucket"),
        event(BEFORE, role=PERSON, key="ASIA2", name="AssumeRole", minted="ASIA3"),
        event(BEFORE, key="ASIA1", name="AssumeRole", minted="ASIA2"),
        event(role=PERSON, key="ASIA9", name="PutBucketAcl"),
    ]
    for order in (events, events[::-1]):
        verified = found(*order)
        assert names(verified) == ["DeleteBucket"]
        assert verified.calls[0].why == "access key"


def test_a_session_that_was_refused_makes_no_chain() -> None:
    chained = event(BEFORE, key="ASIA1", name="AssumeRole", minted="ASIA2", error="AccessDenied")
    assert found(chained, event(role=PERSON, key="ASIA2")).contained


def test_a_run_is_followed_by_its_source_identity() -> None:
    run = "run-01ARZ3NDEKTSV4RRFFQ69G5FAV"
    verified = found(event(BEFORE, identity=run), event(role=PERSON, identity=run, name="PutObject"))
    assert [call.why for call in verified.calls] == ["source identity"]


def test_an_oauth_session_is_followed() -> None:
    arn = "arn:aws:signin:us-east-1:111111111111:session/1"
    inside = event(role=PERSON, name="GetObject", additionalEventData={"signInSessionArn": arn})
    verified = found(event(BEFORE, oauth=arn), inside)
    assert [call.why for call in verified.calls] == ["OAuth session"]


class TestClocks:
    def test_a_time_that_is_none_counts_as_after(self) -> None:
        for time in (None, "", "yesterday", "2026-13-01T00:00:00Z"):
            assert names(found(event(time))) == ["GetObject"]

    def test_fractions_of_a_second_are_read(self) -> None:
        assert names(found(event("2026-09-21T14:18:21.123Z"))) == ["GetObject"]
        assert found(event("2026-09-21T14:18:20.123Z")).contained

    def test_a_responders_clock_that_is_fast_hides_nothing(self) -> None:
        """By AWS's clock the role was contained ten minutes before the responder says it was."""
        attached = event(
            "2026-09-21T14:03:20Z",
            role=PERSON,
            name="AttachRolePolicy",
            requestParameters={
                "roleName": "mcp-guardrails-release-bot-read",
                "policyArn": "arn:aws:iam::111111111111:policy/mcp-guardrails/containment/mcp-guardrails-contained",
            },
        )
        later = event("2026-09-21T14:09:00Z")
        assert found(later).contained
        verified = found(attached, later)
        assert names(verified) == ["GetObject"]
        assert (verified.skew, verified.after) == (600, "2026-09-21T14:08:20Z")
        for change in ({"errorCode": "AccessDenied"}, {"eventName": "DetachRolePolicy"}, {"requestParameters": None}):
            assert found({**attached, **change}, later).contained
        other = {**attached["requestParameters"], "roleName": "mcp-guardrails-cost-bot-read"}
        assert found({**attached, "requestParameters": other}, later).contained

    def test_a_responders_clock_that_is_slow_hides_nothing_either(self) -> None:
        attached = event(
            "2026-09-21T14:33:20Z",
            role=PERSON,
            name="AttachRolePolicy",
            requestParameters={
                "roleName": "mcp-guardrails-release-bot-read",
                "policyArn": "arn:aws:iam::111111111111:policy/mcp-guardrails/containment/mcp-guardrails-contained",
            },
        )
        verified = found(attached, event("2026-09-21T14:30:00Z"))
        assert (names(verified), verified.skew) == (["GetObject"], 0)

    def test_a_responders_clock_that_is_slow_only_finds_more(self) -> None:
        assert names(found(event(BEFORE), at=AT - 86_400)) == ["GetObject"]


class TestInput:
    @pytest.mark.parametrize("bad", [None, [], "x", 7, {}])
    def test_what_is_no_event_is_counted_and_not_overlooked(self, bad: Any) -> None:
        verified = found(bad)
        assert verified.unreadable == 1
        assert not verified.contained

    @pytest.mark.parametrize(
        "odd", [{"userIdentity": "x"}, {"userIdentity": {"arn": 7, "sessionContext": []}}, {"eventTime": {}, "a": 1}]
    )
    def test_fields_of_another_kind_are_none(self, odd: dict[str, Any]) -> None:
        assert found(odd).contained

    def test_events_of_the_trail(self) -> None:
        from sudo_mcp_guardrails.trail.event import Event

        raw = json.dumps(event()).encode()
        fields: dict[str, Any] = dict.fromkeys(Event._fields) | {"event_id": "e", "raw": raw}
        assert names(found(Event(**fields))) == ["GetObject"]
        assert found(Event(**{**fields, "raw": b"["})).unreadable == 1

    @pytest.mark.parametrize(("at", "grace"), [(-1, 0), (1 << 40, 0), (AT, -1), (AT, 3_601)])
    def test_bounds(self, at: int, grace: int) -> None:
        with pytest.raises(VerifyError, match="is not allowed, expected"):
            found(at=at, grace=grace)

    def test_events_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_EVENTS", 2)
        with pytest.raises(VerifyError, match="there are more than 2 events"):
            found(event(), event(), event())

    def test_nothing_is_contained_by_no_events_at_all(self) -> None:
        assert found().contained
