"""The state machine: that it is one, and that nothing in it stands on what may be missing."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.workflow.definition import SCANNER, SUBSTITUTIONS, definition
from sudo_mcp_guardrails.approval.workflow.notices import BATCH, notify
from sudo_mcp_guardrails.approval.workflow.retries import LAMBDA_ERRORS
from tests.approval.workflow import asl
from tests.approval.workflow.evaluator import jsonata

State = dict[str, Any]
CONTEXT = {"Execution": {"Name": "apr-1", "Input": {"approval": "apr-1"}}, "Task": {"Token": "t"}}


@pytest.fixture(params=[False, True], ids=["no scanner", "scanner"])
def machine(request: pytest.FixtureRequest) -> State:
    return definition(scanner=request.param)


def evaluate(text: Any, *, result: Any = None, error: Any = None, **variables: Any) -> Any:
    """Evaluate what stands in a state, as Step Functions does: JSONata in ``{% %}``, everywhere in a JSON value."""
    if isinstance(text, dict):
        return {key: evaluate(value, result=result, error=error, **variables) for key, value in text.items()}
    if isinstance(text, list):
        return [evaluate(value, result=result, error=error, **variables) for value in text]
    if not isinstance(text, str) or not text.startswith("{%"):
        return text
    null = jsonata.utils.Utils.NULL_VALUE
    bindings = {name: null if value is None else value for name, value in variables.items()}
    bindings["states"] = {"context": CONTEXT, "result": result, "errorOutput": error}
    return jsonata.Jsonata.jsonata(text[2:-2].strip()).evaluate(None, bindings)


def test_it_is_a_state_machine(machine: State) -> None:
    assert asl.problems(machine) == []
    assert machine["QueryLanguage"] == "JSONata"
    assert len(json.dumps(machine)) < 100_000, "Step Functions takes 1 MB, and people read it"


@pytest.mark.parametrize(
    ("mend", "problem"),
    [
        (lambda s: s["Read"].update(Next="Nowhere"), "Read: goes to 'Nowhere', which is no state"),
        (lambda s: s["Recheck"].pop("Resource"), "Recheck: has no Resource"),
        (lambda s: s.update(Lost={"Type": "Succeed"}), "Lost is never reached"),
        (lambda s: s["Poll"].update(InputPath="$"), "Poll: has InputPath, which no Task has"),
        (lambda s: s["WhatNext"].pop("Default"), "WhatNext: has no Default"),
        (lambda s: s["WhatNext"]["Choices"][0].update(Condition="{% $a = %}"), "WhatNext: expression '$a ='"),
        (lambda s: s["Executed"].update(Type="Pass", Next="Executed"), "from Executed no end is reached"),
        (lambda s: s["Read"]["Catch"].append({"ErrorEquals": ["E"], "Next": "Ended"}), "Read: States.ALL in Catch is"),
    ],
)
def test_the_check_finds_what_is_wrong(mend: Any, problem: str) -> None:
    broken = copy.deepcopy(definition())
    mend(broken["States"])
    assert [each for each in asl.problems(broken) if each.startswith(problem)]


def test_every_task_is_tried_again_ends_in_time_and_catches_everything(machine: State) -> None:
    tasks = {name: state for name, state in machine["States"].items() if state["Type"] == "Task"}
    assert {"Read", "Classify", "RecordScan", "Recheck", "Apply", "Poll", "Verify", "Record"} < set(tasks)
    for name, state in tasks.items():
        assert state["TimeoutSeconds"], name
        assert state["Retry"], name
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        if state["Resource"].endswith("lambda:invoke"):
            assert state["Retry"][0]["ErrorEquals"] == list(LAMBDA_ERRORS), name
            assert state["Retry"][0]["MaxAttempts"] >= 5, name
            [caught] = state["Catch"]
            assert caught["Next"] == ("NotRecorded" if name == "RecordFailure" else "RecordFailure"), name


def test_no_expression_names_a_variable_that_may_not_be_there(machine: State) -> None:
    """Step Functions fails an execution, and catches nothing of it, where a choice or a wait has no value."""
    states = machine["States"]

    def assigned(state: State) -> set[str]:
        return set(state.get("Assign", ()))

    # What is surely set when a state begins: the intersection over all ways there, to a fixed point.
    everything = {name for state in states.values() for name in assigned(state)}
    surely = {name: set(everything) for name in states}
    surely[machine["StartAt"]] = set()
    changed = True
    while changed:
        changed = False
        for name, state in states.items():
            for then in asl.next_of(state):
                ways = (
                    [surely[name] | assigned(state)] if then not in {c["Next"] for c in state.get("Catch", ())} else []
                )
                ways += [
                    surely[name] | set(catcher.get("Assign", ()))
                    for catcher in state.get("Catch", ())
                    if catcher["Next"] == then
                ]
                if state.get("Next") == then:
                    ways.append(surely[name] | assigned(state))
                for way in ways:
                    if not surely[then] <= way:
                        surely[then] &= way
                        changed = True
    for name, state in states.items():
        named = {v for text in asl.expressions(state) for v in asl.variables(text)}
        assert named <= surely[name], (name, named - surely[name])


def test_what_the_construct_puts_in(machine: State) -> None:
    named = set(re.findall(r"\$\{(\w+)\}", json.dumps(machine)))
    assert named - {SCANNER} == set(SUBSTITUTIONS)
    assert (SCANNER in named) == (machine["States"]["Scan"]["Type"] == "Task")


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(120, 120), (301, 300), (0, 1), (-5, 1), (7.9, 7), ("30", 60), (None, 60), ("absent", 60)],
)
def test_a_wait_is_whole_seconds_whatever_is_answered(answer: Any, seconds: int) -> None:
    payload = {"next": "wait", "approvalDigest": "a", "planDigest": "b"}
    payload |= {} if answer == "absent" else {"waitSeconds": answer}
    text = definition()["States"]["Recheck"]["Assign"]["waitSeconds"]
    assert evaluate(text, result={"Payload": payload}) == seconds


def test_the_calendar_takes_seconds_and_time_stamps_and_nothing_else() -> None:
    text = definition()["States"]["Recheck"]["Assign"]["opens"]
    told: dict[str, Any] = {"next": "calendar", "opens": 1_795_478_400}
    assert evaluate(text, result={"Payload": told}) == "2026-11-24T00:00:00.000Z"
    told["opens"] = "2026-11-24T00:00:00Z"
    assert evaluate(text, result={"Payload": told}) == "2026-11-24T00:00:00.000Z"
    assert evaluate(text, result={"Payload": {"next": "wait"}}) == ""
    for wrong in ({"next": "calendar"}, {"next": "calendar", "opens": "soon"}, {"next": "calendar", "opens": None}):
        try:
            value = evaluate(text, result={"Payload": wrong})
        except Exception:  # noqa: BLE001, S112 - an error is caught in the state machine, which is what is wanted
            continue
        assert value is None, "nothing at all is an error too"


def follow(name: str, **variables: Any) -> str:
    """The state that a choice leads to."""
    state = definition()["States"][name]
    for choice in state["Choices"]:
        found = evaluate(choice["Condition"], **variables)
        assert isinstance(found, bool), "Step Functions takes nothing but a boolean for a condition"
        if found:
            return str(choice["Next"])
    return str(state["Default"])


@pytest.mark.parametrize(
    ("next_", "round_", "then"),
    [
        ("people", 0, "WaitForPeople"),
        ("rule", 0, "Recheck"),
        ("rule", 1, "UnknownAnswer"),
        ("wait", 3, "WaitForPeople"),
        ("wait", 200, "TooManyRounds"),
        ("calendar", 1, "Calendar"),
        ("calendar", 200, "TooManyRounds"),
        ("apply", 200, "Apply"),
        ("ended", 5, "Refused"),
        ("refused", 0, "Refused"),
        ("approve", 1, "UnknownAnswer"),
        ("", 0, "UnknownAnswer"),
        (None, 0, "UnknownAnswer"),
        (True, 0, "UnknownAnswer"),
        ({"next": "apply"}, 0, "UnknownAnswer"),
        (["apply"], 0, "UnknownAnswer"),
    ],
)
def test_what_is_next(next_: Any, round_: int, then: str) -> None:
    assert follow("WhatNext", next=next_, round=round_, opens="2026-11-24T00:00:00.000Z") == then


def test_only_a_look_at_the_chain_leads_to_the_calendar_or_to_the_execution() -> None:
    assert follow("WhatNext", next="apply", round=0, opens="") == "UnknownAnswer"
    assert follow("WhatNext", next="calendar", round=0, opens="") == "UnknownAnswer"


def test_an_answer_of_the_broker() -> None:
    assign = definition()["States"]["Apply"]["Assign"]
    made = evaluate(assign, result={"Payload": {"execution": "e", "running": True, "poll": {"a": 1}}})
    assert (made["refused"], made["running"], made["execution"], made["poll"]) == (False, True, "e", {"a": 1})
    refused = evaluate(assign, result={"Payload": {"refused": True, "because": "the plan changed"}})
    assert (refused["refused"], refused["running"], refused["because"]) == (True, False, "the plan changed")
    assert follow("IsStarted", refused=True, running=False) == "Refused"
    assert follow("IsStarted", refused=False, running=True) == "PollLater"
    assert follow("IsStarted", refused=False, running=False) == "Verify"
    with pytest.raises(Exception, match="no running was answered"):
        evaluate(assign, result={"Payload": {"execution": "e"}})


def test_polling_ends() -> None:
    hours = 3600 * 1000
    now = evaluate("{% $millis() %}")
    assert follow("IsRunning", running=True, began=now) == "PollLater"
    assert follow("IsRunning", running=True, began=now - 8 * hours) == "RunsTooLong"
    assert follow("IsRunning", running=False, began=now) == "Verify"
    seconds = definition()["States"]["PollLater"]["Seconds"]
    assert [evaluate(seconds, polls=polls) for polls in (0, 10, 400)] == [5, 15, 30]


def test_only_what_passed_the_scan_goes_on() -> None:
    assign = definition(scanner=True)["States"]["RecordScan"]["Assign"]
    for passed, next_ in ((True, "people"), (False, "refused"), (None, "refused"), ("yes", "refused"), (1, "refused")):
        payload = {"passed": passed, "because": "a secret"}
        made = evaluate(assign, result={"Payload": payload}, next="people", because="")
        assert made["next"] == next_
        assert made["because"] == ("" if passed is True else "a secret")
    assert evaluate(assign, result={"Payload": {}}, next="rule", because="")["next"] == "refused"


def entries(state: State, notices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = evaluate(state["Arguments"], notices=notices)["Entries"]
    return found


def test_notices_are_sent_ten_at_a_time_and_none_twice() -> None:
    state = notify("bus", "https://page", then="Next")
    notices: list[dict[str, Any]] = [
        {"id": f"n{n}", "about": "decide", "groups": ["sre"] if n else [], "text": "R2 by a bot"} for n in range(23)
    ]
    sent: list[str] = []
    told = []
    while notices:
        batch = entries(state, notices)
        assert 1 <= len(batch) <= BATCH
        told += [each["Detail"]["notice"] for each in batch]
        made = evaluate(state["Assign"], notices=notices, sent=sent)
        sent, notices = made["sent"], made["notices"]
    assert told == sent == [f"n{n}" for n in range(23)]


def test_a_notice_has_a_link_and_no_token_and_no_markup_of_others() -> None:
    text = "release-bot asks: <https://evil|approve> & 'more' \"here\" <!channel>"
    state = notify("bus", "https://page", then="Next")
    [entry] = entries(state, [{"id": "n", "about": "decide", "groups": ["sre", "security"], "text": text}])
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == (
        "sudo-mcp-guardrails.approval",
        "Approval Notice",
        "bus",
    )
    detail = entry["Detail"]
    assert detail["url"] == "https://page#/approvals/apr-1"
    assert detail["groups"] == ["sre", "security"]
    assert detail["text"] == text
    assert "<https://evil" not in detail["slack"]["text"]
    assert "&lt;!channel&gt;" in detail["slack"]["text"]
    assert detail["slack"]["text"].endswith("<https://page#/approvals/apr-1>")
    card = detail["teams"]["attachments"][0]["content"]
    assert card["body"][0]["inlines"][0] == {"type": "TextRun", "text": text}
    assert [action["type"] for action in card["actions"]] == ["Action.OpenUrl"]
    assert "token" not in json.dumps(entry).casefold()
    long = entries(state, [{"id": "n", "about": "a", "groups": [], "text": "x" * 5000}])
    assert len(json.dumps(long)) * BATCH < 256 * 1024


def test_the_wait_gives_the_token_to_the_table_alone() -> None:
    for name, state in definition()["States"].items():
        has = "Task.Token" in json.dumps(state)
        assert has == (name == "WaitForPeople"), name
    wait = definition()["States"]["WaitForPeople"]
    values = evaluate(wait["Arguments"], round=3, waitSeconds=60)["ExpressionAttributeValues"]
    assert (values[":token"], values[":round"]) == ({"S": "t"}, {"N": "3"})
    assert re.fullmatch(r"\d{10}", values[":ends"]["N"])


def test_an_error_is_told_with_the_state_it_came_from() -> None:
    [caught] = definition()["States"]["Apply"]["Catch"]
    told = evaluate(caught["Assign"], error={"Error": "Boom", "Cause": "x" * 5000})["failure"]
    assert told == {"error": "Boom", "cause": "x" * 1000, "state": "Apply"}
    assert evaluate(caught["Assign"], error={"Error": "Boom"})["failure"]["cause"] == ""
