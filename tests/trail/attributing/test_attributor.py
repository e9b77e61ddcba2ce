"""Whose work an event is, in every shape that an agent's work has, and in any order."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.policies.agent_events import MCP_SERVICES
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.trail.attributing import Attributor, MemoryKnowledge
from sudo_mcp_guardrails.trail.attributing.attributor import NOBODY
from sudo_mcp_guardrails.trail.attributing.dynamodb_store import DynamoKnowledge
from sudo_mcp_guardrails.trail.attributing.sqlite_store import SqliteKnowledge
from sudo_mcp_guardrails.trail.attribution import By
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.reading.decode import decode
from tests.trail.made import ACCOUNT, CLIENT, PATH, ROLE, RUN, SIGN_IN, event, minting, session, tool_call

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sudo_mcp_guardrails.trail.attribution import Attribution

MCP = "aws-mcp.amazonaws.com"
KEY = "ASIAEXAMPLE0000000001"
PERSON = f"arn:aws:sts::{ACCOUNT}:assumed-role/Person/ann@example.com"
MINTED = {"agent": "release-bot", "run": RUN, "ticket": "OPS-42", "capability": "plan"}


def attributed(events: Iterable[dict[str, Any]], attributor: Attributor | None = None) -> dict[str, Attribution]:
    """Attribute events, and return what is known of each in the end."""
    attributor = attributor or Attributor()
    found: dict[str, Attribution] = {}
    for one in events:
        made = decode(json.dumps(one).encode())
        found[made.event_id] = attributor.attribute(made)
    found.update({better.event_id: better.attribution for better in attributor.amendments()})
    return found


def known(attribution: Attribution) -> dict[str, str | None]:
    return {name: getattr(attribution, name) for name in MINTED}


def grants(resource: str = "https://aws-mcp.us-east-1.api.aws/mcp") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two events of an OAuth grant by a person."""
    identity = session("ASIAPERSON", role=f"arn:aws:iam::{ACCOUNT}:role/Person", run=None)
    identity["arn"] = PERSON
    common: dict[str, Any] = {
        "eventSource": "signin.amazonaws.com",
        "userIdentity": identity,
        "requestParameters": {"resource": resource, "client_id": CLIENT},
    }
    asked = event("asked", **common, eventName="AuthorizeOAuth2Access")
    token = event("token", **common, eventName="CreateOAuth2Token", additionalEventData={"signInSessionArn": SIGN_IN})
    return asked, token


def oauth_call(event_id: str, **fields: Any) -> dict[str, Any]:
    """Return an API call of an OAuth session, whose access key is new for every call."""
    role = f"arn:aws:iam::{ACCOUNT}:role/Person"
    identity = session(f"ASIA{event_id}", role=role, run=None, sign_in=SIGN_IN, invoked_by=MCP)
    return event(event_id, userIdentity=identity, **fields)


def test_people_and_services_are_nobody() -> None:
    service = event("s", userIdentity={"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"})
    person = event("p")
    other = event("o", userIdentity=session(role=f"arn:aws:iam::{ACCOUNT}:role/pipeline", run=None))
    named = event("n", userIdentity=session(role=f"arn:aws:iam::{ACCOUNT}:role/pipeline", run="ann@example.com"))
    signed_in = event("i", userIdentity=session(role=f"arn:aws:iam::{ACCOUNT}:role/x", run=None, sign_in=SIGN_IN))
    found = attributed([service, person, other, named, signed_in])
    assert set(found.values()) == {NOBODY}
    assert not NOBODY.attributed
    assert NOBODY.reason


def test_a_session_of_the_broker_tells_everything_but_the_approval() -> None:
    found = attributed([minting(), event("a", userIdentity=session())])
    assert known(found["a"]) == MINTED
    assert found["a"].by is By.SESSION_TAGS
    assert found["a"].session == KEY
    assert found["a"].plan_digest is None
    assert found["a"].reason == "the session was minted without plan digest, approval, person"
    assert known(found["mint"]) == MINTED


def test_a_session_with_an_approved_plan_has_no_reason() -> None:
    minted = minting(**{"plan-digest": "sha256-abc", "approval": "apr-1", "caller": PERSON})
    found = attributed([minted, event("a", userIdentity=session())])["a"]
    assert (found.plan_digest, found.approval, found.person, found.reason) == ("sha256-abc", "apr-1", PERSON, None)


def test_what_came_before_the_minting_event_is_amended() -> None:
    events = [event("a", userIdentity=session()), event("b", userIdentity=session())]
    first = attributed(events)["a"]
    assert (first.by, first.run, first.agent, first.ticket) == (By.SOURCE_IDENTITY, RUN, "release-bot", None)
    assert "was not seen yet" in str(first.reason)
    found = attributed([*events, minting()])
    assert known(found["a"]) == known(found["b"]) == MINTED


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_the_order_of_the_events_does_not_matter(order: tuple[int, ...]) -> None:
    """Minting, tool call and its API call, which may be told of by another Region's file."""
    events = [
        minting(),
        tool_call("call", "r-down"),
        event("down", requestID="r-down", userIdentity=session(invoked_by=MCP), awsRegion="us-east-1"),
        event("direct", userIdentity=session()),
    ]
    found = attributed(events[index] for index in order)
    assert all(known(one) == MINTED for one in found.values()), found
    assert (found["down"].tool, found["down"].tool_call) == ("call_aws", "call")
    assert (found["call"].tool, found["call"].tool_call) == ("call_aws", "call")
    assert found["direct"].tool is None


def test_the_run_follows_a_session_into_another_role() -> None:
    """SourceIdentity holds through role chaining; the access key does not."""
    chained = session("ASIACHAINED", role=f"arn:aws:iam::{ACCOUNT}:role/reports")
    found = attributed([minting(), event("a", userIdentity=chained)])["a"]
    assert known(found) == MINTED
    alone = attributed([event("a", userIdentity=chained)])["a"]
    assert (alone.by, alone.run, alone.agent) == (By.SOURCE_IDENTITY, RUN, None)


@pytest.mark.parametrize(
    ("path", "agent", "capability"),
    [
        (f"{PATH}mcp-guardrails-release-bot-read", "release-bot", "read"),
        (f"{PATH}mcp-guardrails-release-bot-execution", "release-bot", "execution"),
        (f"{PATH}workloads/worker", "release-bot", "workload"),
    ],
)
def test_the_role_tells_whose_it_is_and_what_it_may(path: str, agent: str, capability: str) -> None:
    """Also what the agent's own functions and CloudFormation do, whose sessions nobody minted."""
    found = attributed([event("a", userIdentity=session(role=f"arn:aws-cn:iam::{ACCOUNT}:role{path}", run=None))])["a"]
    assert (found.by, found.agent, found.capability, found.run) == (By.ROLE_PATH, agent, capability, None)
    assert "the role tells whose it is" in str(found.reason)


@pytest.mark.parametrize(
    "role",
    [
        f"arn:aws:iam::{ACCOUNT}:role/other/agents/release-bot/x",
        f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/",
        f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails-release-bot-plan",
    ],
)
def test_another_path_is_another_role(role: str) -> None:
    assert attributed([event("a", userIdentity=session(role=role, run=None))])["a"] == NOBODY


def test_the_name_prefix_is_the_librarys_or_given() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/acme/agents/bot/acme-bot-read"
    found = attributed([event("a", userIdentity=session(role=role, run=None))], Attributor(GuardrailNames("acme")))
    assert (found["a"].agent, found["a"].capability) == ("bot", "read")


def test_a_tag_cannot_tell_of_another_agent_than_the_role() -> None:
    found = attributed([minting(agent="other-bot", capability="apply"), event("a", userIdentity=session())])["a"]
    assert (found.agent, found.capability) == ("release-bot", "plan")


def test_assuming_other_roles_teaches_nothing() -> None:
    other = minting()
    other["requestParameters"]["roleArn"] = f"arn:aws:iam::{ACCOUNT}:role/pipeline"
    found = attributed([other, event("a", userIdentity=session(role=f"arn:aws:iam::{ACCOUNT}:role/pipeline"))])
    assert found["mint"] == NOBODY
    assert (found["a"].by, found["a"].ticket) == (By.SOURCE_IDENTITY, None)


def test_a_refused_assumption_teaches_nothing() -> None:
    refused = {**minting(), "errorCode": "AccessDenied", "responseElements": None}
    assert attributed([refused])["mint"] == NOBODY


@pytest.mark.parametrize("backwards", [False, True])
def test_an_oauth_session_leads_to_the_person_who_granted_it(*, backwards: bool) -> None:
    asked, token = grants()
    role = f"arn:aws:iam::{ACCOUNT}:role/Person"
    identity = session(role=role, run=None, sign_in=SIGN_IN)
    calling = tool_call("call", "r-x", userIdentity={key: identity[key] for key in identity if key != "accessKeyId"})
    events = [asked, token, calling, oauth_call("x", requestID="r-x"), oauth_call("y", requestID="r-y")]
    found = attributed(reversed(events) if backwards else events)
    assert {one.by for one in found.values()} == {By.SIGN_IN_SESSION}
    assert {one.person for one in found.values()} == {PERSON}
    assert {one.session for one in found.values()} == {SIGN_IN}
    assert (found["x"].tool_call, found["y"].tool_call) == ("call", None)
    assert "granted by OAuth, which does not tell agent" in str(found["x"].reason)


def test_a_client_that_is_known_tells_the_agent() -> None:
    found = attributed([*grants(), oauth_call("x")], Attributor(clients={CLIENT: "release-bot"}))
    assert {one.agent for one in found.values()} == {"release-bot"}


def test_a_grant_for_something_else_is_nobodys() -> None:
    found = attributed([*grants("https://console.example.com/"), oauth_call("x")])
    assert found["asked"] == found["token"] == NOBODY
    assert found["x"].by is By.INVOKED_BY


SHAPES = {
    "autumn 2026": tool_call(),
    "a string as JSON-RPC id": tool_call(
        requestParameters={"id": "x", "method": "tools/call", "params": {"name": "aws___call_aws"}}
    ),
    "the user guide's": tool_call(
        eventSource="aws-mcp.us-east-1.api.aws",
        eventName="CallTool",
        eventCategory="Data",
        requestParameters={"method": "call_aws", "params": {"cli_command": "aws s3 ls"}, "id": "x"},
    ),
    "an older user guide's": tool_call(
        eventSource="aws-api-mcp.amazonaws.com", eventCategory="Data", requestParameters={"name": "call_aws"}
    ),
    "SageMaker's": tool_call(
        eventSource="sagemaker-unified-studio-mcp.amazonaws.com",
        eventName="CallPrivilegedTool",
        requestParameters={"method": "tools/call", "params": {"name": "call_aws", "arguments": "***"}},
    ),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_a_tool_call_is_known_in_every_shape(shape: dict[str, Any]) -> None:
    stranger = session("ASIASTRANGER", role=f"arn:aws:iam::{ACCOUNT}:role/Person", run=None)
    found = attributed([{**shape, "userIdentity": stranger}])["call"]
    assert (found.by, found.tool, found.tool_call) == (By.MCP_EVENT, "call_aws", "call")
    assert found.attributed


@pytest.mark.parametrize(
    "parameters", [None, "HIDDEN", {"params": "HIDDEN"}, {"method": "session/destroy"}, {"params": []}]
)
def test_what_is_hidden_of_a_tool_call_is_not_known(parameters: Any) -> None:
    found = attributed([tool_call(requestParameters=parameters, additionalEventData="HIDDEN")])["call"]
    assert found.tool is None
    assert found.attributed


def test_a_call_that_a_server_made_is_an_agents_before_its_tool_call_is_seen() -> None:
    stranger = session("ASIASTRANGER", role=f"arn:aws:iam::{ACCOUNT}:role/Person", run=None, invoked_by=MCP)
    found = attributed([event("a", userIdentity=stranger)])["a"]
    assert (found.by, found.attributed) == (By.INVOKED_BY, True)
    assert "tool call was not seen yet" in str(found.reason)
    joined = attributed([event("a", userIdentity=stranger, requestID="r-1"), tool_call("call", "r-1")])["a"]
    assert (joined.by, joined.tool_call) == (By.DOWNSTREAM_REQUEST, "call")


def test_a_call_that_a_tool_call_lists_need_not_say_who_made_it() -> None:
    found = attributed([tool_call("call", "r-1"), event("a", requestID="r-1"), event("b", requestID="r-2")])
    assert (found["a"].by, found["a"].tool_call) == (By.DOWNSTREAM_REQUEST, "call")
    assert found["b"] == NOBODY


@pytest.mark.parametrize(
    "user_agent",
    [
        "Boto3/1.44 md/awslabs#mcp#aws-api-mcp-server#1.5.6",
        "mcp-proxy-for-aws/1.7.0 claude-code/2.1",
        "awslabs/mcp/aws-api-mcp-server/1.3",
    ],
)
def test_a_user_agent_is_a_sign_and_the_weakest(user_agent: str) -> None:
    found = attributed(
        [event("a", userAgent=user_agent), minting(), event("b", userIdentity=session(), userAgent=user_agent)]
    )
    assert found["a"].by is By.USER_AGENT
    assert found["b"].by is By.SESSION_TAGS


def test_lists_of_what_waits_are_bounded() -> None:
    attributor = Attributor()
    found = attributed([*(event(f"e{n}", userIdentity=session()) for n in range(600)), minting()], attributor)
    assert sum(one.ticket == "OPS-42" for one in found.values()) == 501
    assert attributor.unamended == 100
    assert all(one.run == RUN for one in found.values())


def test_knowledge_is_bounded() -> None:
    knowledge = MemoryKnowledge(limit=3)
    for number in range(5):
        knowledge.put(str(number), number)
    assert [knowledge.get(str(number)) for number in range(5)] == [None, None, 2, 3, 4]
    assert knowledge.forgotten == 2
    knowledge.put("3", None)
    knowledge.put("5", 5)
    assert knowledge.get("2") == 2


class Table:
    """As much of a DynamoDB client as the knowledge uses."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    def get_item(self, *, TableName: str, Key: dict[str, Any], ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        assert TableName == "table"
        assert ConsistentRead, "what another has just written must be seen"
        found = self.items.get(Key["pk"]["S"])
        return {"Item": found} if found else {}

    def put_item(self, *, TableName: str, Item: dict[str, Any]) -> None:  # noqa: N803
        assert TableName == "table"
        self.items[Item["pk"]["S"]] = Item

    def delete_item(self, *, TableName: str, Key: dict[str, Any]) -> None:  # noqa: N803
        assert TableName == "table"
        self.items.pop(Key["pk"]["S"], None)


@pytest.mark.parametrize("kind", ["sqlite", "dynamodb"])
def test_what_was_learned_outlives_the_process(kind: str, tmp_path: Path) -> None:
    """Also what waits: the minting event comes in the second run, in another file."""
    table = Table()

    def opened() -> SqliteKnowledge | DynamoKnowledge:
        return SqliteKnowledge(tmp_path / "k") if kind == "sqlite" else DynamoKnowledge(table, "table")

    first = Attributor(knowledge=opened())
    attributed([event("a", userIdentity=session()), tool_call("call", "r-1")], first)
    first.flush()
    second = Attributor(knowledge=opened())
    found = attributed([minting(), event("b", userIdentity=session(invoked_by=MCP), requestID="r-1")], second)
    second.flush()
    assert known(found["a"]) == known(found["b"]) == MINTED
    assert found["b"].tool_call == "call"
    # What has been told is not told again.
    assert "a" not in attributed([minting()], Attributor(knowledge=opened()))


def test_what_was_not_flushed_is_not_known_to_the_next(tmp_path: Path) -> None:
    """So that a run that broke off is repeated from where its events were written."""
    attributed([minting()], Attributor(knowledge=SqliteKnowledge(tmp_path / "k")))
    found = attributed([event("a", userIdentity=session())], Attributor(knowledge=SqliteKnowledge(tmp_path / "k")))
    assert found["a"].by is By.SOURCE_IDENTITY


def test_a_file_that_is_no_knowledge_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"this is no database, and long enough to be read as one" * 100)
    with pytest.raises(TrailError, match=r"knowledge file .* cannot be opened"):
        SqliteKnowledge(tmp_path / "k")


def test_an_event_that_cannot_be_parsed_whole_is_attributed_by_what_is_read() -> None:
    """Python refuses numbers of thousands of digits, which the reader passes over."""
    text = json.dumps(tool_call("call", "r-1")).replace('"jsonrpc": "2.0"', f'"jsonrpc": {"9" * 10_000}')
    found = Attributor().attribute(decode(text.encode()))
    assert (found.run, found.by) == (RUN, By.SOURCE_IDENTITY)
    assert found.tool is None


def test_a_function_learns_what_another_has_stored_since() -> None:
    """Both live on: what one once looked for and did not find, the other may tell."""
    table = Table()
    first, second = (Attributor(knowledge=DynamoKnowledge(table, "table")) for _ in range(2))
    assert attributed([event("a", userIdentity=session())], first)["a"].by is By.SOURCE_IDENTITY
    first.flush()
    attributed([minting()], second)
    second.flush()
    found = attributed([event("b", userIdentity=session())], first)
    assert found["b"].by is By.SESSION_TAGS


def test_of_two_functions_that_miss_each_other_one_looks_again() -> None:
    """The one's events begin to wait when the other has looked who waits, and told what it learned to nobody."""
    table = Table()
    first, second = (Attributor(knowledge=DynamoKnowledge(table, "table")) for _ in range(2))
    attributed([event("a", userIdentity=session())], first)
    attributed([minting()], second)
    second.flush()
    first.flush()
    assert {one.event_id: known(one.attribution) for one in first.amendments()} == {"a": MINTED}


def test_an_amendment_that_a_sink_did_not_take_comes_again() -> None:
    attributor = Attributor()
    for one in (event("a", userIdentity=session()), minting()):
        attributor.attribute(decode(json.dumps(one).encode()))
    assert attributor.amendments() == attributor.amendments() != []
    attributor.flush()
    assert attributor.amendments() == []


def test_who_mints_by_another_sessions_name_takes_nothing_over() -> None:
    """A role of one's own, with the name of somebody's session as its run: tags are any text."""
    person = event("p", userIdentity={"type": "IAMUser", "accessKeyId": "AKIAPERSON", "accountId": ACCOUNT})
    planted = [minting("x", key="ASIAX", run="AKIAPERSON", ticket="EVIL"), minting("y", ticket="EVIL")]
    found = attributed([minting(), *planted, person, event("a", userIdentity=session())])
    assert found["p"] == NOBODY
    assert known(found["a"]) == MINTED


def test_a_session_is_known_by_its_key_where_the_role_is_left_out() -> None:
    bare = {key: value for key, value in session().items() if key != "sessionContext"}
    assert known(attributed([minting(), event("a", userIdentity=bare)])["a"]) == MINTED


def test_a_run_off_the_agents_path_stays_the_weaker_sign() -> None:
    chained = session("ASIACHAINED", role=f"arn:aws:iam::{ACCOUNT}:role/reports")
    for events in ([minting(), event("a", userIdentity=chained)], [event("a", userIdentity=chained), minting()]):
        assert attributed(events)["a"].by is By.SOURCE_IDENTITY


@pytest.mark.parametrize("backwards", [False, True])
def test_the_role_of_an_event_outranks_what_its_run_was_minted_for(*, backwards: bool) -> None:
    execution = session("ASIAOTHER", role=ROLE.replace("-plan", "-execution"))
    events = [minting(), event("a", userIdentity=execution)]
    assert attributed(reversed(events) if backwards else events)["a"].capability == "execution"


def test_a_grant_that_was_refused_grants_nothing() -> None:
    asked, token = ({**one, "errorCode": "AccessDenied"} for one in grants())
    assert (
        attributed([asked, token, event("a", userIdentity=session(role="x", run=None, sign_in=SIGN_IN))])["a"] == NOBODY
    )


def test_a_call_of_a_session_that_is_granted_in_a_later_file_is_amended() -> None:
    early = event("a", userIdentity=session(role=f"arn:aws:iam::{ACCOUNT}:role/Person", run=None, sign_in=SIGN_IN))
    found = attributed([early, *grants()])["a"]
    assert (found.by, found.person) == (By.SIGN_IN_SESSION, PERSON)


@pytest.mark.parametrize("name", ["half \ud83d", "x" * 3000, "\u20ac" * 900])
def test_names_that_no_store_takes_are_known_all_the_same(name: str, tmp_path: Path) -> None:
    knowledge = SqliteKnowledge(tmp_path / "k")
    knowledge.put(name, {"a": "b"})
    knowledge.flush()
    assert SqliteKnowledge(tmp_path / "k").get(name) == {"a": "b"}


BROKER = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails-broker"
DOUBT = "nothing shows that a broker set the session's tags, which tell ticket, plan digest, approval, person"


def planted(*, run: str | None = RUN, key: str = "ASIAPLANTED", role: str = ROLE) -> dict[str, Any]:
    """Return the event of somebody who assumes a role on the agents' path that lets them, and tags as they like."""
    made = minting("planted", key=key, ticket="EVIL-1", approval="apr-evil", caller="mallory")
    made["userIdentity"] = session("ASIADEV", role=f"arn:aws:iam::{ACCOUNT}:role/Developer", run=None)
    parameters = made["requestParameters"]
    parameters["roleArn"] = role
    if run is None:
        del parameters["sourceIdentity"]
    else:
        parameters["sourceIdentity"] = run
    return made


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_a_mint_that_is_none_of_a_broker_s_teaches_no_tag_in_whatever_order(order: tuple[int, ...]) -> None:
    """Without brokers the first to name the run is believed: see the next test."""
    own = event("own", userIdentity=session("ASIAPLANTED"))
    events = [planted(), minting(), event("a", userIdentity=session()), own]
    found = attributed((events[index] for index in order), Attributor(brokers=[BROKER]))
    assert known(found["a"]) == known(found["mint"]) == MINTED
    assert found["a"].by is By.SESSION_TAGS
    assert (found["planted"].by, found["planted"].reason) == (By.SOURCE_IDENTITY, DOUBT)
    assert known(found["planted"]) == {"agent": "release-bot", "run": RUN, "ticket": None, "capability": "plan"}
    # Its SourceIdentity stands, and with it what the broker says of that run.
    assert known(found["own"]) == MINTED
    assert not any("EVIL" in str(one) or "mallory" in str(one) for one in found.values())


def test_without_brokers_every_mint_is_believed() -> None:
    found = attributed([planted(), minting(), event("a", userIdentity=session("ASIAOTHER"))])
    assert (found["planted"].ticket, found["a"].ticket, found["a"].person) == ("EVIL-1", "EVIL-1", "mallory")
    with_key = attributed([minting(), event("a", userIdentity=session())], Attributor(brokers=[BROKER]))
    assert known(with_key["a"]) == MINTED


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("run", [None, RUN])
def test_of_a_doubted_session_role_and_source_identity_stand(run: str | None, *, whole: bool) -> None:
    """Also where the service leaves the session's context out."""
    identity = session("ASIAPLANTED", run=run)
    if not whole:
        del identity["sessionContext"]
    attributor = Attributor(brokers=[BROKER])
    found = attributed([planted(run=run), event("a", userIdentity=identity)], attributor)
    for one in found.values():
        assert (one.agent, one.capability, one.run, one.ticket) == ("release-bot", "plan", run, None)
        assert one.by is (By.SOURCE_IDENTITY if run else By.ROLE_PATH)
        assert one.reason == (DOUBT if run else DOUBT.replace("tell", "tell run,"))
    # A session of another key is not doubted for it.
    other = attributed([event("b", userIdentity=session())], attributor)["b"]
    assert "was not seen yet" in str(other.reason)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_doubted_session_is_the_weaker_sign_of_a_run_that_is_known(*, backwards: bool) -> None:
    rest = [minting(), event("own", userIdentity=session("ASIAPLANTED"))]
    found = attributed([planted(), *(reversed(rest) if backwards else rest)], Attributor(brokers=[BROKER]))["own"]
    assert (known(found), found.by) == (MINTED, By.SOURCE_IDENTITY)
    assert found.reason == DOUBT.replace("ticket, ", "")


@pytest.mark.parametrize("backwards", [False, True])
def test_the_copy_of_the_role_s_account_does_not_stand_against_the_broker_s(*, backwards: bool) -> None:
    """Of a call from another account it says no more of the caller than the account."""
    copy = minting("copy")
    copy["userIdentity"] = {"type": "AWSAccount", "principalId": "AROAEXAMPLE:x", "accountId": "444455556666"}
    mints = [minting(), copy]
    events = [*(reversed(mints) if backwards else mints), event("a", userIdentity=session())]
    found = attributed(events, Attributor(brokers=[BROKER]))
    assert (known(found["a"]), found["a"].by) == (MINTED, By.SESSION_TAGS)
    assert found["a"].reason == "the session was minted without plan digest, approval, person"
    assert found["copy"].ticket == (None if backwards else "OPS-42")


def test_a_role_of_a_stranger_s_account_tells_no_more_than_its_path() -> None:
    """Whoever owns an account may have the agents' path in it, and assume roles there."""
    outside = ROLE.replace(ACCOUNT, "999999999999").replace("-plan", "-apply")
    events = [minting(), planted(run=None, role=outside), event("a", userIdentity=session())]
    found = attributed(events, Attributor(brokers=[BROKER]))
    assert (found["planted"].by, found["planted"].capability) == (By.ROLE_PATH, "apply")
    assert (found["planted"].ticket, found["planted"].person) == (None, None)
    assert known(found["a"]) == MINTED


@pytest.mark.parametrize("kind", ["sqlite", "dynamodb"])
def test_a_doubt_outlives_the_process(kind: str, tmp_path: Path) -> None:
    table = Table()

    def opened() -> Attributor:
        stored = SqliteKnowledge(tmp_path / "k") if kind == "sqlite" else DynamoKnowledge(table, "table")
        return Attributor(knowledge=stored, brokers=[BROKER])

    first = opened()
    attributed([planted(run=None)], first)
    first.flush()
    identity = {key: value for key, value in session("ASIAPLANTED").items() if key != "sessionContext"}
    assert attributed([event("a", userIdentity=identity)], opened())["a"].by is By.ROLE_PATH


def test_no_broker_at_all_is_believed_where_none_is_named() -> None:
    assert attributed([minting()], Attributor(brokers=[]))["mint"].reason == DOUBT


@pytest.mark.parametrize(
    "arn", ["", "mcp-guardrails-broker", BROKER.replace("role", "user"), f"{BROKER}*", f"{BROKER}\n"]
)
def test_a_broker_that_is_no_role_is_refused(arn: str) -> None:
    with pytest.raises(TrailError, match=r"broker .* is not allowed, expected a role's ARN"):
        Attributor(brokers=[BROKER, arn])
    with pytest.raises(TrailError, match="broker 'a' is not allowed"):
        Attributor(brokers=BROKER)


@pytest.mark.parametrize("service", MCP_SERVICES)
def test_every_server_of_the_seconds_fast_rule_is_known(service: str) -> None:
    stranger = session("ASIASTRANGER", role=f"arn:aws:iam::{ACCOUNT}:role/Person", run=None, invoked_by=service)
    assert attributed([event("a", userIdentity=stranger)])["a"].by is By.INVOKED_BY


def test_the_seconds_fast_rule_names_every_server_that_is_documented() -> None:
    servers = {"aws-mcp", "aws-api-mcp", "ecs-mcp", "eks-mcp", "sagemaker-unified-studio-mcp"}
    assert {f"{server}.amazonaws.com" for server in servers} == set(MCP_SERVICES)
