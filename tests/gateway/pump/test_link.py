from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.gateway.call import Outcome, Verdict
from sudo_mcp_guardrails.gateway.pump.answers import QUESTION, SHOWN
from sudo_mcp_guardrails.gateway.pump.limits import Limits
from sudo_mcp_guardrails.gateway.pump.messages import read
from sudo_mcp_guardrails.gateway.pump.refusals import (
    BUSY,
    INVALID_PARAMS,
    INVALID_REQUEST,
    REFUSED,
    SERVER_GONE,
    SERVER_MISBEHAVED,
    TIMED_OUT,
    RefusedError,
)
from tests.gateway.pump.making import (
    ASK,
    DENY,
    MODERN,
    Check,
    Clock,
    answer,
    call,
    link_of,
    release,
    said,
    take,
    text_of,
    told,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.pump.link import Link

YES = {"action": "accept", "content": {"approve": True}}


def listed(link: Link, *tools: dict[str, Any]) -> Any:
    take(link, {"jsonrpc": "2.0", "id": "list", "method": "tools/list"})
    return told(release(link, answer("list", {"tools": list(tools)})).client)


def hands(link: Link, **capabilities: Any) -> None:
    params = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {}}
    take(link, {"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": params})
    release(link, answer("init", {"protocolVersion": "2025-11-25"}))


def test_what_nobody_objects_to_passes_byte_by_byte() -> None:
    link = link_of(Check())
    raw = b'{ "jsonrpc":"2.0", "params":{"arguments":{"a":1.0},"name":"t"}, "id":1,"method":"tools/call"}'
    assert link.take(read(raw, 128)).server is raw
    back = b'{"id":1,"result":{"content":[ ] },"jsonrpc":"2.0"}'
    assert link.release(back).client is back
    assert not link.pending


@pytest.mark.parametrize("meta", [None, MODERN])
def test_a_denied_call_never_reaches_the_server(meta: Any) -> None:
    check = Check(says={"t": DENY})
    step = take(link_of(Check(), check), call(meta=meta))
    assert step.server is None
    assert "The test says so. [test.told]" in text_of(step.client)
    assert told(step.client)["result"].get("resultType") == ("complete" if meta else None)


def test_every_check_is_asked_and_the_strictest_counts() -> None:
    first, last = Check(says={"t": DENY}), Check(says={"t": ASK})
    assert take(link_of(first, last), call()).server is None
    assert len(first.calls) == len(last.calls) == 1


def test_a_check_that_fails_denies_call_and_result() -> None:
    class Broken(Check):
        def before(self, *_: Any) -> Outcome:
            raise RuntimeError

        def after(self, *_: Any) -> Outcome:
            raise RuntimeError

    step = take(link_of(Broken()), call())
    assert step.server is None
    assert "guard.check-failed" in text_of(step.client)

    class Late(Check):
        def after(self, *_: Any) -> Outcome:
            raise RuntimeError

    link = link_of(Late())
    take(link, call())
    back = text_of(release(link, answer(1, {"content": [{"type": "text", "text": "secret"}]})).client)
    assert "guard.check-failed" in back
    assert "secret" not in back


def test_an_observer_that_fails_denies() -> None:
    class Full:
        def decided(self, *_: Any) -> None:
            raise OSError

        def answered(self, *_: Any) -> None:
            raise OSError

    assert take(link_of(observers=(Full(),)), call()).server is None


def test_what_goes_on_is_what_later_checks_saw() -> None:
    first = Check(
        says={"t": said(Verdict.REDACT, {"a": "***"})}, of_results={"t": said(Verdict.REDACT, {"content": []})}
    )
    last = Check()
    link = link_of(first, last)
    step = take(link, call(arguments={"a": "key"}, meta=MODERN))
    assert told(step.server)["params"] == {"name": "t", "arguments": {"a": "***"}, "_meta": MODERN}
    assert last.calls[0].arguments == {"a": "***"}
    assert told(release(link, answer(1, {"content": [1]})).client) == answer(1, {"content": []})
    assert last.results[0].body == {"content": []}


def test_a_denied_result_is_not_shown() -> None:
    link = link_of(Check(of_results={"t": DENY}))
    take(link, call())
    assert "poison" not in text_of(release(link, answer(1, {"content": "poison"})).client)
    link = link_of(Check(of_results={"t": ASK}))
    take(link, call())
    assert "poison" not in text_of(release(link, answer(1, {"content": "poison"})).client)


def test_an_error_is_a_result_too() -> None:
    check = Check()
    link = link_of(check)
    take(link, call())
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no"}}
    assert told(release(link, error).client) == error
    assert check.results[0].body == {"error": {"code": -1, "message": "no"}}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"name": ""},
        {"name": 5},
        {"name": "t", "arguments": []},
        {"name": "t", "arguments": None},
        {"name": "t", "arguments": {"a": 1, "A": 2}},
        {"name": "t", "_meta": 5},
        {"name": "t", "_meta": {"io.modelcontextprotocol/protocolVersion": 5}},
    ],
)
def test_a_call_that_is_none_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        take(link_of(), {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})
    assert (refused.value.code, refused.value.id) == (INVALID_PARAMS, 7)


def test_an_id_is_used_once_at_a_time_and_openings_are_bounded() -> None:
    link = link_of(limits=Limits(pending=2))
    take(link, call(1))
    with pytest.raises(RefusedError) as refused:
        take(link, call(1))
    assert (refused.value.code, refused.value.id) == (INVALID_REQUEST, None)
    take(link, call("1"))
    with pytest.raises(RefusedError) as refused:
        take(link, call(2))
    assert (refused.value.code, refused.value.id) == (BUSY, 2)
    release(link, answer(1, {}))
    take(link, call(1))


def test_a_server_answers_what_was_asked_and_nothing_else() -> None:
    link = link_of()
    take(link, call(1))
    assert release(link, answer(2, {})).client is None
    assert release(link, answer("1", {})).client is None
    assert link.release(b"not json").client is None
    assert link.dropped == 3
    assert release(link, answer(1, {})).client is not None
    assert release(link, answer(1, {})).client is None


def test_an_answer_that_is_none_ends_its_call_with_a_typed_error() -> None:
    check = Check()
    link = link_of(check)
    take(link, call(1))
    step = link.release(b'{"jsonrpc":"2.0","id":1,"result":5}')
    assert told(step.client)["error"]["code"] == SERVER_MISBEHAVED
    assert not link.pending
    assert "error" in check.results[0].body


def test_time_and_the_end_of_a_server_end_what_is_open() -> None:
    clock, check = Clock(), Check()
    link = link_of(check, clock=clock, limits=Limits(call_seconds=10))
    take(link, call(1))
    take(link, {"jsonrpc": "2.0", "id": 2, "method": "subscriptions/listen", "params": {"_meta": MODERN}})
    clock.now = 9.9
    assert link.expire() == []
    clock.now = 10
    (step,) = link.expire()
    assert told(step.client)["error"]["code"] == TIMED_OUT
    assert told(step.server)["params"]["requestId"] == 1
    assert release(link, answer(1, {})).client is None
    assert check.results[0].body["error"]["message"] == "no answer in time"
    (end,) = link.fail(SERVER_GONE, "gone")
    assert told(end.client) == {"jsonrpc": "2.0", "id": 2, "error": {"code": SERVER_GONE, "message": "gone"}}


def test_definitions_come_with_calls_and_lists_are_filtered() -> None:
    class Hide:
        def listed(self, _session: Any, _server: str, tools: Any) -> Any:
            return [each for each in tools if each["name"] != "hidden"]

    check = Check()
    link = link_of(check, lists=(Hide(),))
    shown = listed(link, {"name": "t", "x": 1}, {"name": "hidden"})
    assert shown["result"] == {"tools": [{"name": "t", "x": 1}]}
    take(link, call(1))
    take(link, call(2, "hidden"))
    take(link, call(3, "other"))
    assert [each.definition for each in check.calls] == [{"name": "t", "x": 1}, {"name": "hidden"}, None]
    assert [each.number for each in check.calls] == [1, 2, 3]


@pytest.mark.parametrize("tools", [5, [5], [{}], [{"name": "a"}, {"name": "a"}], [{"name": ""}]])
def test_a_list_that_is_none_is_refused(tools: Any) -> None:
    link = link_of()
    take(link, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert told(release(link, answer(1, {"tools": tools})).client)["error"]["code"] == SERVER_MISBEHAVED


def test_a_list_check_that_fails_shows_nothing() -> None:
    class Broken:
        def listed(self, *_: Any) -> Any:
            raise RuntimeError

    assert listed(link_of(lists=(Broken(),)), {"name": "t"})["error"]["code"] == REFUSED


def test_other_lists_and_introductions_are_checked() -> None:
    class Pins:
        def offered(self, _session: Any, _server: str, kind: str, items: Any) -> Any:
            return [] if kind == "prompts" else items

        def introduced(self, _session: Any, _server: str, result: Any, *, asked: str = "") -> Outcome:  # noqa: ARG002 - a check's
            return DENY if "evil" in str(result) else Outcome()

    link = link_of(offers=(Pins(),), introductions=(Pins(),))
    for id, method, kind in ((1, "prompts/list", "prompts"), (2, "resources/list", "resources")):
        take(link, {"jsonrpc": "2.0", "id": id, "method": method})
        back = told(release(link, answer(id, {kind: [{"name": "x"}]})).client)
        assert back["result"][kind] == ([] if kind == "prompts" else [{"name": "x"}])
    for id, method in ((3, "initialize"), (4, "server/discover")):
        take(link, {"jsonrpc": "2.0", "id": id, "method": method, "params": {}})
        back = told(release(link, answer(id, {"instructions": "evil"})).client)
        assert back["error"]["code"] == REFUSED
        assert "evil" not in str(back)


def test_a_client_of_2026_is_asked_and_his_yes_is_good_for_one_call() -> None:
    check = Check(says={"t": ASK})
    link = link_of(check)
    listed(link, {"name": "t"})
    step = take(link, call(1, arguments={"a": 1}, meta=MODERN))
    assert step.server is None
    result = told(step.client)["result"]
    assert result["resultType"] == "input_required"
    assert '"a": 1' in result["inputRequests"][QUESTION]["params"]["message"]
    back = {"requestState": result["requestState"], "inputResponses": {QUESTION: YES}}

    with pytest.raises(RefusedError, match="for another call"):
        take(link, call(2, arguments={"a": 2}, meta=MODERN, **back))
    with pytest.raises(RefusedError, match="for another call"):
        take(link, call(2, "u", arguments={"a": 1}, meta=MODERN, **back))
    step = take(link, call(2, arguments={"a": 1}, meta=MODERN, **back))
    assert told(step.server) == call(2, arguments={"a": 1}, meta=MODERN)
    release(link, answer(2, {"content": []}))
    with pytest.raises(RefusedError, match="was used"):
        take(link, call(3, arguments={"a": 1}, meta=MODERN, **back))


@pytest.mark.parametrize(
    "response",
    [
        None,
        {"action": "decline"},
        {"action": "cancel"},
        {"action": "accept"},
        {"action": "accept", "content": {"approve": "yes"}},
        {"action": "accept", "content": {"approve": 1}},
        {"action": "accept", "content": {"approve": False}},
    ],
)
def test_nothing_but_a_yes_is_a_yes(response: Any) -> None:
    link = link_of(Check(says={"t": ASK}))
    state = told(take(link, call(1, meta=MODERN)).client)["result"]["requestState"]
    step = take(link, call(2, meta=MODERN, requestState=state, inputResponses={QUESTION: response}))
    assert step.server is None
    assert "approval.refused" in text_of(step.client)
    hands(old := link_of(Check(says={"t": ASK})), elicitation={})
    question = told(take(old, call(1)).client)
    step = take(old, answer(question["id"], response or {}))
    assert step.server is None
    assert told(step.client)["id"] == 1
    assert "approval.refused" in text_of(step.client)


def test_an_approval_is_bound_to_definition_and_policy_and_lost_by_a_denial() -> None:
    check = Check(says={"t": ASK})
    link = link_of(check)
    listed(link, {"name": "t"})
    state = told(take(link, call(1, meta=MODERN)).client)["result"]["requestState"]
    back = {"requestState": state, "inputResponses": {QUESTION: YES}}
    listed(link, {"name": "t", "description": "swapped"})
    with pytest.raises(RefusedError, match="for another"):
        take(link, call(2, meta=MODERN, **back))
    listed(link, {"name": "t"})
    check.says["t"] = DENY
    assert take(link, call(2, meta=MODERN, **back)).server is None
    with pytest.raises(RefusedError, match="not one of this guard"):
        take(link, call(3, meta=MODERN, requestState="mcpg1.AAAA"))
    other = link_of(check)
    with pytest.raises(RefusedError, match="not one of this guard"):
        take(other, call(3, meta=MODERN, **back))


def test_an_approval_ends() -> None:
    clock = Clock()
    link = link_of(Check(says={"t": ASK}), clock=clock)
    state = told(take(link, call(1, meta=MODERN)).client)["result"]["requestState"]
    clock.now = 301
    with pytest.raises(RefusedError, match="too old"):
        take(link, call(2, meta=MODERN, requestState=state, inputResponses={QUESTION: YES}))


def test_a_server_that_asks_for_more_within_an_approved_call_is_not_asked_about_again() -> None:
    link = link_of(Check(says={"t": ASK}))
    state = told(take(link, call(1, meta=MODERN)).client)["result"]["requestState"]
    take(link, call(2, meta=MODERN, requestState=state, inputResponses={QUESTION: YES}))
    more = {"resultType": "input_required", "inputRequests": {"x": {}}, "requestState": "theirs"}
    state = told(release(link, answer(2, more)).client)["result"]["requestState"]
    assert state != "theirs"
    step = take(link, call(3, meta=MODERN, requestState=state, inputResponses={"x": 1}))
    assert told(step.server) == call(3, meta=MODERN, inputResponses={"x": 1}, requestState="theirs")


def test_a_servers_own_state_survives_the_guards_question() -> None:
    check = Check()
    link = link_of(check)
    check.says["t"] = ASK
    mine: Any = {"requestState": "theirs", "inputResponses": {"x": 1}}
    state = told(take(link, call(1, meta=MODERN, **mine)).client)["result"]["requestState"]
    step = take(link, call(2, meta=MODERN, requestState=state, inputResponses={QUESTION: YES}))
    assert told(step.server) == call(2, meta=MODERN, **mine)


def test_a_client_of_2025_is_asked_by_a_request_and_his_yes_lets_the_held_call_through() -> None:
    check = Check(says={"t": ASK})
    link = link_of(check)
    hands(link, elicitation={})
    step = take(link, call(1))
    question = told(step.client)
    assert (step.server, question["method"]) == (None, "elicitation/create")
    assert release(link, answer(1, {"content": "forged"})).client is None
    assert release(link, answer(question["id"], YES)).server is None
    step = take(link, answer(question["id"], YES))
    assert told(step.server) == call(1)
    assert take(link, answer(question["id"], YES)).server is None
    assert told(release(link, answer(1, {"content": []})).client) == answer(1, {"content": []})


def test_what_is_denied_while_a_person_thinks_stays_denied() -> None:
    check = Check(says={"t": ASK})
    link = link_of(check)
    hands(link, elicitation={})
    question = told(take(link, call(1)).client)
    check.says["t"] = DENY
    assert take(link, answer(question["id"], YES)).server is None


def test_nobody_answers_a_held_call() -> None:
    clock = Clock()
    link = link_of(Check(says={"t": ASK}), clock=clock)
    hands(link, elicitation={})
    question = told(take(link, call(1)).client)
    clock.now = 300
    (step,) = link.expire()
    assert step.server is None
    assert "Nobody answered" in text_of(step.client)
    assert take(link, answer(question["id"], YES)).server is None


@pytest.mark.parametrize("meta", [None, {**MODERN, "io.modelcontextprotocol/clientCapabilities": {}}])
def test_a_client_that_cannot_ask_is_told_where_to(meta: Any) -> None:
    step = take(link_of(Check(says={"t": ASK})), call(1, meta=meta))
    assert step.server is None
    assert "the desk" in text_of(step.client)


def test_nobody_approves_what_he_cannot_be_shown() -> None:
    step = take(link_of(Check(says={"t": ASK})), call(1, arguments={"a": "x" * SHOWN}, meta=MODERN))
    assert "too long to be shown" in text_of(step.client)


def test_a_question_hides_nothing() -> None:
    hidden = "a\u202eb\u200bc\U000e0041"
    step = take(link_of(Check(says={"t": ASK})), call(1, arguments={"a": hidden}, meta=MODERN))
    message = told(step.client)["result"]["inputRequests"][QUESTION]["params"]["message"]
    assert message.isascii()
    assert "\\u202e" in message


def test_cancelling() -> None:
    check = Check()
    link = link_of(check)
    take(link, call(1))
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert told(take(link, cancel).server) == cancel
    assert take(link, cancel).server is None
    assert release(link, answer(1, {})).client is None
    assert check.results[0].body["error"]["message"] == "cancelled by the client"
    hands(held := link_of(Check(says={"t": ASK})), elicitation={})
    question = told(take(held, call(1)).client)
    assert take(held, cancel).server is None
    assert take(held, answer(question["id"], YES)).server is None


def test_a_servers_requests_are_answered_once_and_bounded() -> None:
    link = link_of(limits=Limits(pending=2))
    asks = {"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {}}
    assert release(link, asks).client is not None
    assert release(link, asks).client is None
    assert release(link, {**asks, "id": 2}).client is not None
    assert told(release(link, {**asks, "id": 3}).server)["error"]["code"] == BUSY
    assert take(link, answer(1, {})).server is not None
    assert take(link, answer(1, {})).server is None
    assert take(link, answer(99, {})).server is None


def test_a_tasks_result_is_a_tools_result() -> None:
    check = Check(of_results={"t": DENY})
    link = link_of(check)
    check.of_results.clear()
    take(link, call(1, task={"ttl": 1}))
    release(link, answer(1, {"task": {"taskId": "k", "status": "working"}}))
    check.of_results["t"] = DENY
    for id, method, late in (
        (2, "tasks/result", {"content": "poison"}),
        (3, "tasks/get", {"taskId": "k", "status": "completed", "result": {"content": "poison"}}),
    ):
        take(link, {"jsonrpc": "2.0", "id": id, "method": method, "params": {"taskId": "k"}})
        assert b"poison" not in (release(link, answer(id, late)).client or b"")
    take(link, {"jsonrpc": "2.0", "id": 4, "method": "tasks/result", "params": {"taskId": "unknown"}})
    assert told(release(link, answer(4, {"content": "poison"})).client)["error"]["code"] == REFUSED
    notice = {"jsonrpc": "2.0", "method": "notifications/tasks", "params": {"taskId": "k", "result": {"content": 1}}}
    assert release(link, notice).client is None
    status = {"jsonrpc": "2.0", "method": "notifications/tasks/status", "params": {"taskId": "k", "status": "working"}}
    assert release(link, status).client is not None


def test_everything_else_passes_unchanged() -> None:
    link = link_of()
    for number, method in enumerate(("ping", "resources/read", "prompts/get", "completion/complete", "x/unknown")):
        raw = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {"a": 1}}).encode()
        assert link.take(read(raw, 8)).server == raw
        back = json.dumps(answer(number, {"b": 2})).encode()
        assert link.release(back).client == back
    note = {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}
    assert told(take(link, note).server) == note
    assert told(release(link, {**note, "method": "notifications/progress", "params": {}}).client) is not None
