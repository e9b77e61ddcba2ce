"""The runbooks, checked against the schema and botocore's models, and played step by step."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.response.requests import read_request
from sudo_mcp_guardrails.response.runbooks import contain_document, restore_document
from sudo_mcp_guardrails.response.workflow import MACHINE_SECONDS
from tests.response.automation import Automation, DocumentError, check

if TYPE_CHECKING:
    from sudo_mcp_guardrails.response.requests import Request

MACHINE = "arn:aws:states:eu-central-1:111111111111:stateMachine:mcp-guardrails-containment"
ROLE, LEAD = (f"arn:aws:iam::111111111111:role/{name}" for name in ("runbooks", "lead"))
CONTAIN = contain_document(MACHINE, ROLE)
RESTORE = restore_document(MACHINE, ROLE, [LEAD])
WISH = {"Target": "agent:release-bot", "Incident": "INC-1", "Reason": "it reads 'every' secret: {1}, ümlaut & <tag>"}


class Machine:
    """Takes what starts it, as the functions read it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def start_execution(self, **call: str) -> str:
        assert call["stateMachineArn"] == MACHINE
        self.requests.append(read_request(json.loads(call["input"])))
        return "started"


def test_containing_starts_the_machine_with_what_was_asked() -> None:
    machine = Machine()
    automation = Automation(CONTAIN, "mcp-guardrails-contain-agents", machine.start_execution)
    assert automation.run(**WISH, Level="K2") == "started"
    [request] = machine.requests
    assert (request.op, request.target.key, request.incident) == ("contain", "agent:release-bot", "INC-1")
    assert (request.by, request.reason) == (ROLE, WISH["Reason"])
    assert automation.run(**{**WISH, "Target": "all"}, Level="K4") == "started"
    assert [each.level.value for each in machine.requests if each.level] == ["K2", "K4"]


def test_the_level_has_a_default_and_the_digest_may_be_left_out() -> None:
    machine = Machine()
    Automation(CONTAIN, "mcp-guardrails-contain-agents", machine.start_execution).run(**WISH)
    Automation(RESTORE, "mcp-guardrails-restore-agents", machine.start_execution).run(**WISH)
    contained, restored = machine.requests
    assert contained.level is not None
    assert contained.level.value == "K2"
    assert (restored.op, restored.level, restored.digest) == ("restore", None, "")


def test_restoring_waits_for_somebody_and_does_nothing_without() -> None:
    machine = Machine()
    name = "mcp-guardrails-restore-agents"
    refused = Automation(RESTORE, name, machine.start_execution, approve=False)
    assert refused.run(**WISH, Digest="ab" * 32) is None
    assert machine.requests == []
    assert refused.asked == [f"Restore agent:release-bot after incident INC-1: {WISH['Reason']}"]
    approved = Automation(RESTORE, name, machine.start_execution)
    approved.run(**WISH, Digest="ab" * 32)
    assert approved.played == ["aws:approve", "aws:executeStateMachine"]
    assert machine.requests[0].digest == "ab" * 32


@pytest.mark.parametrize(
    "changes",
    [
        {"Target": "release-bot"},
        {"Target": "agent:Release"},
        {"Target": 'all","op":"restore'},
        {"Incident": "INC 1"},
        {"Incident": 'a"b'},
        {"Reason": ""},
        {"Reason": 'x","by":"arn:aws:iam::111111111111:role/other'},
        {"Reason": "a\\"},
        {"Reason": "two\nlines"},
        {"Reason": "x" * 901},
        {"Level": "K5"},
        {"Digest": "ab"},
    ],
)
def test_parameters_that_are_refused(changes: dict[str, str]) -> None:
    machine = Machine()
    document = RESTORE if "Digest" in changes else CONTAIN
    with pytest.raises(DocumentError):
        Automation(document, "mcp-guardrails-agents", machine.start_execution).run(**{**WISH, **changes})
    assert machine.requests == []


def test_a_step_lives_as_long_as_the_machine() -> None:
    for document in (CONTAIN, RESTORE):
        assert document["mainSteps"][-1]["timeoutSeconds"] == MACHINE_SECONDS


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(schemaVersion="2.2"),
        lambda d: d.update(steps=[]),
        lambda d: d["parameters"]["Target"].update(type="Text"),
        lambda d: d["parameters"]["Level"].update(default="K7"),
        lambda d: d["parameters"]["Reason"].update(allowedPattern=r"\p{Cntrl}"),
        lambda d: d["mainSteps"][0].update(action="aws:startStateMachine"),
        lambda d: d["mainSteps"][0].update(name="a b"),
        lambda d: d["mainSteps"][0]["inputs"].pop("stateMachineArn"),
        lambda d: d["mainSteps"][0]["inputs"].update(StateMachineArn=MACHINE),
        lambda d: d["mainSteps"][0]["inputs"].update(input="{{ Levels }}"),
        lambda d: d["mainSteps"].append(d["mainSteps"][0]),
    ],
    ids=map(str, range(11)),
)
def test_the_check_finds_what_systems_manager_would_refuse(change: Any) -> None:
    document = copy.deepcopy(CONTAIN)
    check(document, "mcp-guardrails-contain-agents")
    change(document)
    with pytest.raises(DocumentError):
        check(document, "mcp-guardrails-contain-agents")


def test_approvers_are_at_most_ten() -> None:
    with pytest.raises(DocumentError):
        check(restore_document(MACHINE, ROLE, [LEAD] * 11), "mcp-guardrails-restore-agents")
    with pytest.raises(DocumentError):
        check(restore_document(MACHINE, ROLE, []), "mcp-guardrails-restore-agents")
