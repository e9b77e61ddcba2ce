"""Two people who restore, and approvals that are withdrawn: keys, rights, variables, warnings."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails import AgentGuardrails, KillSwitch, KillSwitchError, Responder
from sudo_mcp_guardrails.handlers.contain_tools import estate_of
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.runbooks import ROLE_ACTIONS
from sudo_mcp_guardrails.response.settings import ResponseSettings
from tests.constructs.approval.test_approval_workflow import agent, terraform_project, workflow
from tests.constructs.test_kill_switch import AGENTS, new_stack, of_type, statements

HOME = cdk.Environment(account="111111111111", region="eu-central-1")


def people(stack: cdk.Stack, **options: Any) -> KillSwitch:
    users = [iam.User.from_user_name(stack, name, name) for name in ("ben", "cat")]
    responders = [
        Responder.iam_user(users[0], restores=True),
        Responder.iam_user(users[1], restores=True, person="cat@example.com", break_glass=True),
        Responder.permission_set("Oncall", restores=True),
    ]
    return KillSwitch(stack, "Switch", agents=AGENTS, responders=responders, **options)


def functions(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    return {
        each["Properties"]["FunctionName"]: each["Properties"]["Environment"]["Variables"]
        for each in of_type(stack, "AWS::Lambda::Function")
    }


def warnings(stack: cdk.Stack) -> set[str]:
    found = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
    return {str(each.entry.data).rpartition("killSwitch.")[2].rstrip("]") for each in found}


def test_each_key_signs_for_one_function_alone() -> None:
    stack = new_stack()
    people(stack)
    signers = {}
    for key in of_type(stack, "AWS::KMS::Key"):
        for statement in key["Properties"]["KeyPolicy"]["Statement"]:
            if statement["Action"] == "kms:Sign":
                assert statement["Effect"] == "Deny"
                signers[statement["Sid"]] = json.dumps(statement["Condition"]["ArnNotEquals"])
    assert sorted(signers) == ["ContainmentDecisionsKeySign", "ContainmentKeySign"]
    assert "mcp-guardrails-containment-decisions" in signers["ContainmentDecisionsKeySign"]
    assert "mcp-guardrails-responder" in signers["ContainmentKeySign"]
    found = statements(stack)
    assert found["ContainmentSign"]["Resource"] != found["ContainmentDecisionsSign"]["Resource"]


def test_only_named_people_say_what_is_restored_with_a_fresh_second_factor() -> None:
    stack = new_stack()
    people(stack)
    told = json.dumps(functions(stack)["mcp-guardrails-containment-decisions"]["PEOPLE"])
    assert "user/ben" in told
    assert "cat@example.com" in told
    assert "AWSReservedSSO" not in told
    grants = [
        s for p in of_type(stack, "AWS::IAM::ManagedPolicy") for s in p["Properties"]["PolicyDocument"]["Statement"]
    ]
    deciding = [s for s in grants if s["Sid"] in {"ContainmentDecide", "ContainmentDecideFunction"}]
    assert len(deciding) == 4
    for statement in deciding:
        assert statement["Condition"]["NumericLessThan"] == {"aws:MultiFactorAuthAge": "300"}
        assert statement["Condition"]["Bool"]["aws:MultiFactorAuthPresent"] == "true"
    assert functions(stack)["mcp-guardrails-responder"]["TWO_PEOPLE_FROM"] == "K3"
    assert warnings(stack) == set()


def test_one_person_is_a_choice_and_loud() -> None:
    stack = new_stack()
    people(stack, two_people_from=None)
    assert "mcp-guardrails-containment-decisions" not in functions(stack)
    assert "TWO_PEOPLE_FROM" not in functions(stack)["mcp-guardrails-responder"]
    assert len(of_type(stack, "AWS::KMS::Key")) == 2
    assert warnings(stack) == {"onePerson"}


def test_too_few_people_are_loud() -> None:
    stack = new_stack()
    user = iam.User.from_user_name(stack, "Ben", "ben")
    same = [Responder.iam_user(user, restores=True, person="ben"), Responder.permission_set("Oncall", restores=True)]
    KillSwitch(stack, "Switch", agents=AGENTS, responders=same)
    assert warnings(stack) == {"noSecondPerson"}


def test_what_is_refused() -> None:
    stack = new_stack()
    user = iam.User.from_user_name(stack, "Ben", "ben")
    with pytest.raises(KillSwitchError, match=r"break-glass of .* is not allowed"):
        Responder.iam_user(user, break_glass=True)
    with pytest.raises(KillSwitchError, match=r"break-glass of .\*. is not allowed"):
        Responder("*", restores=True, break_glass=True)
    for level in (Level.K1, Level.K4):
        with pytest.raises(KillSwitchError, match=f"two people from {level.value} on are not allowed, expected K2, K3"):
            KillSwitch(new_stack(), "Switch", agents=AGENTS, two_people_from=level)


@pytest.mark.parametrize("own_stack", [False, True])
def test_a_workflow_lets_the_kill_switch_withdraw_and_nothing_else(*, own_stack: bool) -> None:
    """Also where the kill switch is in a stack of its own, on which the workflow's then depends."""
    app = cdk.App()
    stack = cdk.Stack(app, "Approvals", env=HOME)
    home = cdk.Stack(app, "Home", env=HOME) if own_stack else stack
    switch = KillSwitch(home, "Switch", agents=[agent()])
    workflow(stack, kill_switch=switch)
    [policy] = [p for p in of_type(stack, "AWS::IAM::ManagedPolicy") if p["Properties"].get("Roles")]
    assert policy["Properties"]["Roles"] == ["mcp-guardrails-responder"]
    rights = {s["Sid"]: s for s in policy["Properties"]["PolicyDocument"]["Statement"]}
    assert {
        action for s in rights.values() for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
    } == {
        *("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
        *("kms:Decrypt", "kms:GenerateDataKey", "s3:PutObject", "states:SendTaskSuccess"),
    }
    for sid in ("ContainmentApprovalsChains", "ContainmentApprovalsTokens"):
        assert rights[sid]["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "apr-*"}}
    assert "records/apr-*" in json.dumps(rights["ContainmentApprovalsCopies"]["Resource"])
    responder = functions(home)["mcp-guardrails-responder"]
    assert responder["APPROVALS_TABLE"] == "mcp-guardrails-approval-requests"
    assert responder["APPROVAL_TOKENS_TABLE"] == "mcp-guardrails-approval-tokens"
    assert functions(home)["mcp-guardrails-containment-intake"]["APPROVALS_TABLE"]
    for name in ("classify", "recheck", "record", "broker", "api", "intake"):
        assert functions(stack)[f"mcp-guardrails-approval-{name}"]["RESPONDER_KEY"], name
    assert not any("sign" in json.dumps(s["Action"]).lower() for s in rights.values())
    assert "TERRAFORM_AGENTS" not in responder


def test_a_workflow_tells_the_kill_switch_whose_builds_there_are_to_stop() -> None:
    stack = cdk.Stack(cdk.App(), "Approvals", env=HOME)
    switch = KillSwitch(stack, "Switch", agents=[agent()])
    project = terraform_project(stack)
    found = workflow(stack, kill_switch=switch, terraform_project=project)
    AgentGuardrails(stack, "Agents", agents=[agent()], apply_broker=found.broker_role, terraform=[project])
    variables = functions(stack)["mcp-guardrails-responder"]
    known = {**variables, "ACCOUNT": HOME.account, "PARTITION": "aws", "AWS_REGION": HOME.region, "ORGANIZATION": ""}
    estate = estate_of(ResponseSettings((agent(),)), {**known, "SWITCH_TABLE": "mcp-guardrails-kill-switch"})
    assert estate.terraform_agents == (agent().name,)


def test_a_runbooks_role_may_what_the_step_calls() -> None:
    assert set(ROLE_ACTIONS) == {"states:DescribeExecution", "states:StartExecution", "states:StopExecution"}
