"""Change sets: each kind of row, what stays open, pages and nested stacks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form, Operation
from tests.approval.reading import samples
from tests.approval.reading.samples import NESTED, change, context, read, reasons, row

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


def of(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**samples.change_set(), "Changes": list(rows), **more}


def both(**properties: Any) -> dict[str, str]:
    return {"BeforeContext": context(**properties), "AfterContext": context(**properties)}


def test_a_change_set_as_a_whole() -> None:
    plan = read(samples.change_set())
    assert plan.form is Form.CHANGE_SET
    assert (plan.account, plan.region) == (samples.ACCOUNT, samples.REGION)
    assert (plan.target, plan.artifact) == (samples.STACK, samples.CHANGE_SET)
    assert plan.unknown == ()
    table = change(plan, "Table")
    assert table.physical_id == "shop-table"
    assert (table.before, table.after) == ({"TableName": "old"}, {"TableName": "new"})
    assert table.changed == ("TableName", "Tags")
    assert table.options["PolicyAction"] == "ReplaceAndDelete"
    assert change(plan, "Queue").dependent == ("Table",)
    options = plan.parameters["Options"]
    assert options["OnStackFailure"] == "ROLLBACK"
    assert options["ImportExistingResources"] is False
    assert options["DeploymentMode"] == "REVERT_DRIFT"
    assert "Status" not in options
    assert plan.parameters["Parameters"]["Ami"] == {"ParameterValue": "/ami", "ResolvedValue": "ami-1"}


@pytest.mark.parametrize(
    ("action", "more", "operation", "reason"),
    [
        ("Add", {}, Operation.CREATE, None),
        ("Remove", {}, Operation.DELETE, None),
        ("Import", {}, Operation.IMPORT, None),
        ("Modify", {"Replacement": "False"}, Operation.UPDATE, None),
        ("Modify", {}, Operation.UPDATE, None),
        ("Modify", {"Replacement": "True"}, Operation.REPLACE, None),
        (
            "Modify",
            {"Replacement": "Conditional"},
            Operation.REPLACE,
            "whether it is replaced, only the deployment tells",
        ),
        ("Dynamic", {}, Operation.REPLACE, "what is done to it, only the deployment tells"),
        ("SyncWithActual", {}, Operation.UPDATE, "the stack takes over what is there, whatever that is then"),
    ],
)
def test_each_action(action: str, more: dict[str, str], operation: Operation, reason: str | None) -> None:
    plan = read(of(row(action, "It", "AWS::S3::Bucket", **more, **both(A="b"))))
    assert change(plan, "It").operation is operation
    assert reasons(plan) == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("action", "missing"),
    [("Add", ["AfterContext"]), ("Remove", ["BeforeContext"]), ("Modify", ["AfterContext", "BeforeContext"])],
)
def test_described_without_values_is_not_known(action: str, missing: list[str]) -> None:
    plan = read(of(row(action, "It", "AWS::S3::Bucket")))
    assert reasons(plan, "It") == [
        f"the change set does not tell its {name}; describe it with its property values" for name in missing
    ]


def test_a_value_that_is_known_later_is_not_known_without_the_template() -> None:
    rows = row("Add", "It", "AWS::Lambda::Function", AfterContext=context(Role=LATER, Name="n", Env={"a": [LATER]}))
    plan = read(of(rows))
    assert reasons(plan, "It") == [
        "Env has a value that is known only after it is applied",
        "Role has a value that is known only after it is applied",
    ]
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    env = {"a": [{"Fn::Join": ["", ["x", {"Ref": "Queue"}]]}]}
    template = {"Resources": {"It": {"Type": "AWS::Lambda::Function", "Properties": {"Role": role, "Env": env}}}}
    told = read(of(rows), template=template)
    assert told.unknown == ()
    assert change(told, "It").after == {"Role": role, "Env": env, "Name": "n"}
    assert told.parameters["Template"] != plan.parameters.get("Template")


@pytest.mark.parametrize(
    "expression",
    [
        {"Fn::Select": [0, ["arn:aws:iam::aws:policy/AdministratorAccess", {"Ref": "X"}]]},
        {"Fn::If": ["A", {"Ref": "X"}, {"Ref": "Y"}]},
        {"Fn::Join": ["", [{"Fn::ImportValue": "x"}]]},
        {"Fn::Sub": ["${A}", {"A": {"Fn::FindInMap": ["a", "b", "c"]}}]},
        "a text that is not what CloudFormation has",
        None,
    ],
    ids=str,
)
def test_a_template_that_chooses_tells_nothing(expression: Any) -> None:
    rows = row("Add", "It", "AWS::IAM::Role", AfterContext=context(ManagedPolicyArns=[LATER]))
    template = {"Resources": {"It": {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": [expression]}}}}
    plan = read(of(rows), template=template)
    assert reasons(plan, "It") == ["ManagedPolicyArns has a value that is known only after it is applied"]


def test_a_template_from_before_its_macros_is_said_to_be_one() -> None:
    assert reasons(read(of(), template={"Transform": "Mine", "Resources": {}})) == [
        "the template is given as it was before its macros ran"
    ]


def test_what_cloudformation_masks_is_not_known_where_no_secret_belongs() -> None:
    rows = row(
        "Modify",
        "It",
        "AWS::RDS::DBInstance",
        **both(MasterUserPassword="****", DBInstanceIdentifier="****"),
    )
    assert reasons(read(of(rows))) == ["DBInstanceIdentifier is hidden, and is no property for a secret"]


def test_content_outside_is_looked_at() -> None:
    code = {"Code": {"S3Bucket": "b", "S3Key": "k"}}
    found = reasons(read(of(row("Add", "It", "AWS::Lambda::Function", AfterContext=context(**code)))))
    assert found == ["s3-object s3://b/k has no version or hash that says which content it is"]
    same = row(
        "Modify", "It", "AWS::Lambda::Function", BeforeContext=context(**code), AfterContext=context(**code, T=3)
    )
    assert reasons(read(of(same))) == []
    custom = row("Add", "It", "Custom::Seed", AfterContext=context(ServiceToken="arn"))
    assert len(reasons(read(of(custom)))) == 1
    assert reasons(read(of(row("Remove", "It", "Custom::Seed", BeforeContext=context())))) == []


def test_pages_are_put_together() -> None:
    whole = samples.change_set()
    pages = [{**whole, "Changes": [each], "NextToken": "t"} for each in whole["Changes"]]
    del pages[-1]["NextToken"]
    assert read(pages).digest == read(whole).digest
    assert read([whole]).digest == read(whole).digest


def test_pages_that_are_missing_or_of_two_change_sets_are_refused() -> None:
    whole = samples.change_set()
    first = {**whole, "NextToken": "t"}
    for wrong, reason in (
        ([first], "page 1 of 1 says that there are more"),
        (first, "page 1 of 1 says that there are more"),
        ([first, first], "page 2 of 2 says that there are more"),
        ([whole, whole], "page 1 of 2 says that it is the last"),
        ([first, {**whole, "Changes": [], "StackName": "other"}], "its pages differ in more than their changes"),
        ([first, whole], "'Queue' is there twice"),
    ):
        with pytest.raises(PlanError, match=reason):
            read(wrong)


@pytest.mark.parametrize("status", ["FAILED", "CREATE_IN_PROGRESS", "DELETE_COMPLETE", None])
def test_what_cannot_be_executed_is_refused(status: str | None) -> None:
    with pytest.raises(PlanError, match="the change set: Status: expected 'CREATE_COMPLETE'"):
        read(of(Status=status))


def test_nested_stacks_are_read_where_they_are_given() -> None:
    outer = of(row("Add", "Inner", "AWS::CloudFormation::Stack", ChangeSetId=NESTED, AfterContext=context()))
    inner = {
        **samples.change_set(),
        "ChangeSetId": NESTED,
        "StackName": "shop-Inner",
        "RootChangeSetId": samples.CHANGE_SET,
    }
    plan = read(outer)
    assert reasons(plan, "Inner") == ["a nested stack, whose change set is not given"]
    told = read(outer, nested={NESTED: json.dumps(inner).encode()})
    assert told.unknown == ()
    assert sorted(each.id for each in told.changes) == ["Inner", "Inner/Queue", "Inner/Table", "Inner/Topic"]
    assert change(told, "Inner/Queue").dependent == ("Inner/Table",)
    inner["Tags"] = []
    assert read(outer, nested={NESTED: inner}).digest != told.digest
    with pytest.raises(PlanError, match="expected the change set that the stack names, got another"):
        read(outer, nested={NESTED: samples.change_set()})


def test_a_change_set_within_itself_is_refused() -> None:
    inner = of(
        row("Add", "Inner", "AWS::CloudFormation::Stack", ChangeSetId=NESTED, AfterContext=context()),
        ChangeSetId=NESTED,
    )
    with pytest.raises(PlanError, match="nested in more than 10 others"):
        read(inner, nested={NESTED: inner})


def test_the_role_that_no_answer_tells_is_an_option() -> None:
    role = f"arn:aws:iam::{samples.ACCOUNT}:role/execution"
    plan = read(samples.change_set(), options={"RoleARN": role})
    assert plan.parameters["Options"]["RoleARN"] == role
    with pytest.raises(PlanError, match="option OnStackFailure is another than the one that is given"):
        read(samples.change_set(), options={"OnStackFailure": "DELETE"})


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (
            {"account": "222222222222"},
            "the change set: account: the plan is for '111111111111', expected '222222222222'",
        ),
        ({"region": "us-east-1"}, "the change set: Region: the plan is for 'eu-central-1', expected 'us-east-1'"),
        ({"target": "other"}, "the change set: the plan is for stack 'shop', expected 'other'"),
    ],
)
def test_a_change_set_of_another_place_is_refused(known: dict[str, str], reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        read(samples.change_set(), **known)
    assert read(samples.change_set(), target="shop").digest == read(samples.change_set()).digest


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (row("Explode", "It", "AWS::S3::Bucket"), r"Changes\[0\].ResourceChange.Action: allowed are Add, Modify"),
        (row("Modify", "It", "T::A::B", Replacement="Maybe"), "Replacement: allowed are True, False, Conditional"),
        (row("Add", "It", "T::A::B", AfterContext="{hunter2"), "AfterContext is not JSON"),
        (row("Add", "It", "T::A::B", AfterContext='{"a": 1, "a": 2}'), "AfterContext names 'a' twice"),
        (row("Add", "It", "T::A::B", AfterContext="[]"), "AfterContext: expected an object, got a list"),
        (row("Add", "It", "T::A::B", AfterContext="[" * 200 + "]" * 200), "AfterContext"),
        ({"Type": "Resource", "ResourceChange": 7}, r"Changes\[0\].ResourceChange: expected an object, got a number"),
    ],
)
def test_malformed_rows_name_the_place(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(PlanError, match=reason) as raised:
        read(of(wrong))
    assert "hunter2" not in str(raised.value)


def test_a_row_of_a_kind_that_is_new_is_kept_and_not_known() -> None:
    plan = read(of({"Type": "Hook", "HookChange": {"a": 1}}))
    assert reasons(plan) == ["change 1 is about no resource"]
    assert read(of({"Type": "Hook", "HookChange": {"a": 2}})).digest != plan.digest
