"""What a trace shows, and what it says that it cannot."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sudo_mcp_guardrails.trail.trace.gather import NotInTrailError, gather
from sudo_mcp_guardrails.trail.trace.nodes import Asked, Kind, Mark
from sudo_mcp_guardrails.trail.trace.tree import trace
from tests.trail.made import ACCOUNT, ROLE, RUN, SIGN_IN, event, minting, session, tool_call
from tests.trail.trace.traced import SERVER, USER, attributed, chained, node, oauth_session, outline, rows_of, traced

KEY = "ASIAEXAMPLE0000000001"
OTHER = "ASIAEXAMPLE0000000002"
SESSION = [
    f"person: {USER}",
    "  grant: granted by OAuth",
    "    step: signin:AuthorizeOAuth2Access",
    "    step: signin:CreateOAuth2Token",
    f"    session: {SIGN_IN}",
    "      tool-call: call_aws",
    "        api-call: s3:PutBucketPolicy",
    "        api-call: cloudtrail:StopLogging",
    "      session-end: the session was ended",
    "      approval: approval not known",
]


def call(event_id: str, *, key: str = KEY, **fields: Any) -> dict[str, Any]:
    return event(event_id, userIdentity=session(key), **fields)


@pytest.mark.parametrize("asked", ["auth", "put", "call", "end", "r-stop", "r-call", SIGN_IN, "ASIAEXAMPLE0000000002"])
def test_whatever_names_a_session_shows_all_of_it(asked: str) -> None:
    made = traced(asked, event("somebody"), *oauth_session())
    if asked.startswith("ASIA"):  # the key of one call: the call, and the tool call that made it with all it made
        assert {each.event_id for _, each in made.walk()} >= {"put", "call", "stop"}
    else:
        assert outline(made) == SESSION
    assert made.people[0].reason is None


def test_events_in_any_order_give_the_same_tree() -> None:
    events = oauth_session()
    for seed in range(10):
        random.Random(seed).shuffle(events)  # noqa: S311 - the order of a test
        assert outline(traced("call", *events)) == SESSION


def test_what_was_asked_for_is_marked() -> None:
    made = traced("r-stop", *oauth_session())
    assert (made.by, made.events) == (Asked.REQUEST, 6)
    assert [each.event_id for _, each in made.walk() if Mark.ASKED in each.marks] == ["stop"]
    session_asked = traced(SIGN_IN, *oauth_session())
    assert [each.kind for _, each in session_asked.walk() if Mark.ASKED in each.marks] == [Kind.SESSION]


def test_a_run_of_the_broker() -> None:
    made = traced(
        RUN,
        minting(approval="appr-7", **{"plan-digest": "sha256:ab", "caller": USER}),
        call("direct", eventTime="2026-11-20T10:00:07Z"),
        event("made", userIdentity=session(OTHER, invoked_by=SERVER), eventTime="2026-11-20T10:00:08Z"),
        tool_call("call", "r-made", eventTime="2026-11-20T10:00:09Z"),
    )
    assert made.by is Asked.RUN
    assert outline(made) == [
        f"person: {USER}",
        "  grant: minted by the broker",
        "    step: sts:AssumeRole",
        f"    session: {KEY}",
        "      api-call: s3:ListBuckets",
        "      tool-call: call_aws",
        "        api-call: s3:ListBuckets",
        "      approval: approval appr-7",
    ]
    facts = dict(made.people[0].children[0].children[1].facts)
    assert (facts["agent"], facts["run"], facts["ticket"], facts["role"]) == ("release-bot", RUN, "OPS-42", ROLE)
    assert dict(made.people[0].children[0].children[1].children[-1].facts)["plan digest"] == "sha256:ab"
    assert made.summary()["unknown"] == 0


def test_a_key_of_a_service_is_of_the_run_that_its_source_identity_names() -> None:
    made = traced(RUN, minting(caller=USER), call("own"), call("other", key=OTHER))
    assert outline(made)[-4:] == [
        "  grant: of the run's grant",
        f"    session: {OTHER}",
        "      api-call: s3:ListBuckets",
        "      approval: approval not known",
    ]
    assert made.count(Kind.PERSON) == 1


def test_what_the_events_do_not_show_is_said() -> None:
    made = traced("direct", call("direct"))
    person, grant, _, _, approval = [each for _, each in made.walk()]
    assert all(Mark.UNKNOWN in each.marks for each in (person, grant, approval))
    assert "person" in str(person.reason)
    assert "minted the session was not seen" in str(grant.reason)
    assert "was not seen" in str(approval.reason)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({}, "mints sessions that read or plan without one"),
        ({"plan-digest": "sha256:ab"}, "carries the digest of the plan"),
    ],
)
def test_why_an_approval_is_not_known(tags: dict[str, str], reason: str) -> None:
    made = traced(RUN, minting(**tags), call("direct"))
    (approval,) = [each for _, each in made.walk() if each.kind is Kind.APPROVAL]
    assert reason in str(approval.reason)


def test_a_call_that_is_listed_and_was_not_seen_is_unknown() -> None:
    listed = [{"apiName": "s3:GetObject", "requestId": "r-gone", "awsRegion": "eu-west-3"}]
    made = traced("call", tool_call("call", additionalEventData={"downstreamRequests": listed}))
    (missing,) = [each for _, each in made.walk() if each.kind is Kind.API_CALL]
    assert (missing.title, missing.event_id, missing.marks) == ("s3:GetObject", None, (Mark.UNKNOWN,))
    assert "eu-west-3" in str(missing.reason)


def test_a_call_by_a_server_that_no_tool_call_lists_says_so() -> None:
    made = traced("made", event("made", userIdentity=session(invoked_by=SERVER)))
    assert Mark.UNLISTED in node(made, "made").marks
    assert "no tool call" in str(node(made, "made").reason)


@pytest.mark.parametrize(
    ("code", "mark"),
    [
        ("AccessDenied", Mark.DENIED),
        ("Client.UnauthorizedOperation", Mark.DENIED),
        ("NotAuthorizedException", Mark.DENIED),
        ("NoSuchBucket", Mark.FAILED),
    ],
)
def test_calls_that_did_not_succeed_are_marked(code: str, mark: Mark) -> None:
    made = traced("x", call("x", errorCode=code, errorMessage="not you", readOnly=False), call("y"))
    assert set(node(made, "x").marks) == {Mark.ASKED, mark, Mark.WRITES}
    assert dict(node(made, "x").facts)["error"] == f"{code}: not you"
    assert made.denied == (mark is Mark.DENIED)
    assert node(made, "y").marks == ()


def test_a_tool_that_reports_an_error_is_marked() -> None:
    made = traced("call", tool_call("call", responseElements={"result": {"isError": True}}))
    assert Mark.FAILED in node(made, "call").marks


def test_other_regions_and_accounts_are_marked() -> None:
    far = {"awsRegion": "us-east-1", "recipientAccountId": "444455556666"}
    made = traced("here", call("here"), call("there"), call("far", **far))
    assert set(node(made, "far").marks) == {Mark.OTHER_REGION, Mark.OTHER_ACCOUNT}
    assert not node(made, "there").marks
    assert made.regions == ("eu-central-1", "us-east-1")
    assert made.accounts == (ACCOUNT, "444455556666")


def test_a_call_in_another_region_than_its_tool_call_says_is_marked() -> None:
    made = traced("call", tool_call("call", "r-x", awsRegion="eu-central-1"), call("x"))  # the tool call: us-east-1
    assert Mark.OTHER_REGION in node(made, "x").marks
    assert dict(node(made, "x").facts)["tool call says Region"] == "us-east-1"


def test_a_session_that_a_call_minted_stands_under_the_call() -> None:
    made = traced(
        RUN,
        minting(caller=USER),
        chained("hop", KEY, OTHER),
        call("after", key=OTHER, eventTime="2026-11-20T10:00:09Z"),
    )
    assert outline(made)[2:] == [
        "    step: sts:AssumeRole",
        f"    session: {KEY}",
        "      api-call: sts:AssumeRole",
        f"        session: {OTHER}",
        "          api-call: s3:ListBuckets",
        "          approval: approval not known",
        "      approval: approval not known",
    ]


@pytest.mark.usefixtures("no_hang")
def test_sessions_that_mint_each_other_end_and_lose_nothing() -> None:
    events = [chained("a", KEY, OTHER), chained("b", OTHER, KEY), call("c"), call("d", key=OTHER)]
    made = traced(RUN, *events)
    assert sorted(str(each.event_id) for _, each in made.walk() if each.event_id) == ["a", "b", "c", "d"]


def test_a_long_chain_of_sessions_is_cut_into_pieces() -> None:
    keys = [f"ASIA{number:016d}" for number in range(300)]
    events = [chained(f"hop-{number}", keys[number], keys[number + 1]) for number in range(299)]
    made = traced(RUN, *events)
    assert len({each.event_id for _, each in made.walk() if each.event_id}) == 299
    assert max(depth for depth, _ in made.walk()) < 30


@pytest.mark.parametrize("seed", range(5))
def test_each_event_stands_in_the_tree_once(seed: int) -> None:
    """Whatever refers to whatever: keys minted twice, requests listed by several calls, tool calls of others."""
    random_ = random.Random(seed)  # noqa: S311 - the order of a test
    keys = [f"ASIA{number:016d}" for number in range(4)]
    events: list[dict[str, Any]] = [minting(key=keys[0])]
    for number in range(60):
        key = random_.choice(keys)
        kind = random_.choice(["call", "chained", "tool", "made"])
        id = f"e{number}"
        if kind == "chained":
            events.append(chained(id, key, random_.choice(keys)))
        elif kind == "tool":
            listed = [f"r-e{random_.randrange(60)}" for _ in range(3)]
            events.append(tool_call(id, *listed, userIdentity=session(key)))
        else:
            server = SERVER if kind == "made" else None
            events.append(event(id, userIdentity=session(key, invoked_by=server)))
    made = traced(RUN, *events)
    found = [each.event_id for _, each in made.walk() if each.event_id]
    assert sorted(found) == sorted(each["eventID"] for each in events)
    assert made.events == len(events)


def test_an_event_that_cannot_be_parsed_again_is_shown_without_its_details() -> None:
    events = attributed(call("deep"), tool_call("call", "r-deep"))
    events = [one._replace(event=one.event._replace(raw=b'{"deep": ' + b"[" * 100_000)) for one in events]
    made = trace(gather(RUN, rows_of(events)))
    assert {each.event_id for _, each in made.walk() if each.event_id} == {"deep", "call"}


def test_an_event_of_nobody_is_shown_alone() -> None:
    made = traced("x", event("x"), event("y"))
    assert [each.event_id for _, each in made.walk() if each.event_id] == ["x"]
    assert "nothing tells of an agent" in str(made.people[0].reason)


def test_a_long_term_key_is_no_session_that_was_granted() -> None:
    identity = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ann", "accessKeyId": "AKIAEXAMPLE"}
    made = traced("x", event("x", userIdentity=identity, userAgent="mcp-proxy-for-aws/1.7.0"))
    assert "long-term" in str(made.people[0].children[0].reason)


def test_what_is_nowhere_is_refused() -> None:
    with pytest.raises(NotInTrailError, match="nothing in the trail is known by 'nobody'"):
        traced("nobody", event("x"))


def test_more_events_than_are_taken_are_said() -> None:
    events = [call(f"e{number}") for number in range(12)]
    assert traced(RUN, *events, limit=12).complete
    made = traced(RUN, *events, limit=5)
    assert (made.complete, made.events) == (False, 5)


def test_items_name_the_item_above() -> None:
    items = traced("call", *oauth_session()).items()
    assert [item["parent"] for item in items] == [None, 0, 1, 1, 1, 4, 5, 5, 4, 4]
