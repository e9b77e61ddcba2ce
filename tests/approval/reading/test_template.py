"""Templates: what is created, changed and deleted, and what a template alone cannot tell."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.masking import masked
from sudo_mcp_guardrails.approval.plan import Operation
from tests.approval.reading import samples
from tests.approval.reading.samples import change, read, reasons

REPLACED = "whether it is replaced, and what then changes in what needs it, only a change set tells"


def with_resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Resources": {"It": {"Type": kind, "Properties": properties}}}


def test_without_a_deployed_one_all_is_created() -> None:
    plan = read(samples.template(), account=samples.ACCOUNT, region=samples.REGION, target="shop")
    assert {each.operation for each in plan.changes} == {Operation.CREATE}
    bucket = change(plan, "Bucket")
    assert (bucket.type, bucket.account, bucket.region) == ("AWS::S3::Bucket", samples.ACCOUNT, samples.REGION)
    assert bucket.after == samples.template()["Resources"]["Bucket"]["Properties"]
    assert bucket.before is None
    assert bucket.options == {"DeletionPolicy": "Retain"}
    assert plan.target == "shop"
    assert plan.parameters["Parameters"] == {"Stage": "test", "DbPassword": "hunter2-of-old"}
    assert plan.unknown == ()


def test_the_same_template_again_changes_nothing() -> None:
    plan = read(samples.template(), deployed=samples.template(), deployed_parameters={})
    assert plan.changes == ()
    assert plan.unknown == ()


def test_the_differences_to_the_deployed_one() -> None:
    new = samples.template()
    del new["Resources"]["Role"]
    new["Resources"]["Queue"] = {"Type": "AWS::SQS::Queue"}
    new["Resources"]["Database"]["Properties"]["AllocatedStorage"] = 40
    del new["Resources"]["Bucket"]["DeletionPolicy"]
    plan = read(new, deployed=samples.template(), deployed_parameters={})
    assert {each.id: each.operation for each in plan.changes} == {
        "Bucket": Operation.UPDATE,
        "Database": Operation.UPDATE,
        "Queue": Operation.CREATE,
        "Role": Operation.DELETE,
    }
    assert change(plan, "Database").changed == ("AllocatedStorage",)
    assert change(plan, "Database").before["AllocatedStorage"] == 20
    assert change(plan, "Role").before == {"RoleName": "shop"}
    assert change(plan, "Role").after is None
    assert change(plan, "Bucket").changed == ()
    assert change(plan, "Bucket").options["Before"]["DeletionPolicy"] == "Retain"
    assert reasons(plan, "Database") == reasons(plan, "Bucket") == [REPLACED]
    assert reasons(plan, "Queue") == reasons(plan, "Role") == []


@pytest.mark.parametrize("other", [0, None, "false"])
def test_what_python_takes_for_equal_is_a_change(other: Any) -> None:
    new = samples.template()
    assert new["Resources"]["Database"]["Properties"]["MultiAZ"] is False
    new["Resources"]["Database"]["Properties"]["MultiAZ"] = other
    plan = read(new, deployed=samples.template(), deployed_parameters={})
    assert [(each.id, each.changed) for each in plan.changes] == [("Database", ("MultiAZ",))]


def test_another_value_of_a_parameter_changes_what_hangs_on_it() -> None:
    old = samples.template()
    plan = read(samples.template(), deployed=old, deployed_parameters={}, parameters={"Stage": "live"})
    assert [each.id for each in plan.changes] == ["Bucket"]
    assert change(plan, "Bucket").changed == ("BucketName",)


def test_parameters_that_nobody_knows_may_all_have_changed() -> None:
    plan = read(samples.template(), deployed=samples.template())
    assert sorted(each.id for each in plan.changes) == ["Bucket", "Database"]


def test_a_condition_that_turns_is_not_known() -> None:
    old = samples.template()
    old["Resources"]["Role"]["Condition"] = "IsLive"
    plan = read(deepcopy(old), deployed=old, deployed_parameters={}, parameters={"Stage": "live"})
    assert "whether it is there, and was there before, hangs on its condition" in reasons(plan, "Role")


def test_another_type_replaces() -> None:
    new = samples.template()
    new["Resources"]["Role"] = {"Type": "AWS::IAM::User"}
    plan = read(new, deployed=samples.template(), deployed_parameters={})
    assert change(plan, "Role").operation is Operation.REPLACE


def test_a_parameter_that_is_not_declared_is_refused_without_its_value() -> None:
    with pytest.raises(PlanError, match="parameter 'Sage' is given, and the template declares none") as raised:
        read(samples.template(), parameters={"Sage": "hunter2"})
    assert "hunter2" not in str(raised.value)


def test_a_parameter_without_a_value_is_not_known() -> None:
    template = samples.template()
    del template["Parameters"]["Stage"]["Default"]
    assert reasons(read(template)) == ["parameter Stage has no value"]
    assert reasons(read(template, parameters={"Stage": "live"})) == []


def test_a_parameter_of_systems_manager_is_pinned_by_the_caller_alone() -> None:
    template = samples.template()
    kind = "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
    template["Parameters"]["Ami"] = {"Type": kind, "Default": "/ami"}
    assert reasons(read(template)) == [
        f"parameter Ami, of type {kind}, has no version or hash that says which content it is"
    ]
    plan = read(template, versions={"ssm:/ami": "7"})
    assert plan.unknown == ()
    assert [(pin.kind, pin.name, pin.version) for pin in plan.pins if pin.kind == "parameter"] == [
        ("parameter", "ssm:/ami", "7")
    ]


def test_values_of_noecho_parameters_are_masked_and_count() -> None:
    plan = read(samples.template(), parameters={"DbPassword": "hunter2-of-new"})
    shown = masked(plan)
    assert shown["parameters"]["Parameters"] == {"Stage": "test", "DbPassword": "****"}
    assert shown["parameters"]["Template"]["Parameters"]["DbPassword"]["Default"] == "****"
    assert plan.digest != read(samples.template(), parameters={"DbPassword": "hunter3"}).digest


def test_noecho_hides_no_principal() -> None:
    template = with_resource("AWS::IAM::Role", RoleName="r", AssumeRolePolicyDocument={"x": {"Fn::Sub": "${Hidden}"}})
    template["Parameters"] = {"Hidden": {"Type": "String", "NoEcho": "true", "Default": "arn:aws:iam::9:root"}}
    assert reasons(read(template), "It") == ["AssumeRolePolicyDocument is hidden, and is no property for a secret"]
    template["Resources"]["It"] = {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {"MasterUserPassword": {"Ref": "Hidden"}},
    }
    assert reasons(read(template)) == []


@pytest.mark.parametrize("transform", ["AWS::Serverless-2016-10-31", ["Mine"], {"Name": "Mine"}, [{"Name": "Mine"}]])
def test_macros_are_not_known(transform: Any) -> None:
    template = samples.template()
    template["Transform"] = transform
    name = "Mine" if "Mine" in str(transform) else transform
    assert reasons(read(template)) == [f"Transform: what {name} makes of the template, only a change set tells"]


def test_an_include_takes_in_an_object() -> None:
    template = samples.template()
    template["Transform"] = {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/part.yaml"}}
    assert "s3-object s3://b/part.yaml has no version or hash that says which content it is" in reasons(read(template))


def test_loops_and_macros_in_place_are_not_known_and_count() -> None:
    template = samples.template()
    loop = ["N", ["a"], {"T${N}": {"Type": "AWS::SNS::Topic"}}]
    template["Resources"]["Fn::ForEach::Topics"] = loop
    template["Resources"]["Bucket"]["Properties"]["Fn::Transform"] = {"Name": "Fill"}
    plan = read(template)
    assert reasons(plan, "") == ["Fn::ForEach::Topics makes resources, which only a change set tells"]
    assert reasons(plan, "Bucket") == ["Fn::Transform: what Fill makes of it, only a change set tells"]
    loop[1] = ["a", "b"]
    assert read(template).digest != plan.digest


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("Custom::Seed", "the code of custom resource It has no version or hash that says which content it is"),
        ("AWS::CloudFormation::CustomResource", "the code of custom resource It has no version or hash"),
        ("AWS::CloudFormation::Stack", "a nested stack, whose changes only a change set with nested stacks tells"),
        ("AWS::CloudFormation::StackSet", "deploys a template of its own"),
        ("My::S3::Bucket::MODULE", "module My::S3::Bucket::MODULE makes resources that are not in this plan"),
        ("Initech::Lib::Thing", "type Initech::Lib::Thing is an extension, whose code is a third party's"),
        ("Bucket", "its type has no form that CloudFormation knows"),
        ("AWS::Not::Yet", None),
        ("AWS::S3::Bucket", None),
    ],
)
def test_what_the_type_of_a_resource_tells(kind: str, reason: str | None) -> None:
    found = reasons(read({"Resources": {"It": {"Type": kind}}}), "It")
    assert len(found) == (reason is not None)
    assert reason is None or reason in found[0]


def test_a_custom_resource_is_pinned_by_a_published_version_of_its_function() -> None:
    arn = f"arn:aws:lambda:{samples.REGION}:{samples.ACCOUNT}:function:seed"
    plan = read(with_resource("Custom::Seed", ServiceToken=f"{arn}:12"))
    assert [(pin.kind, pin.name, pin.version) for pin in plan.pins] == [("function", arn, "12")]
    assert plan.unknown == ()
    for unpinned in (arn, f"{arn}:live", f"{arn}:$LATEST", {"Fn::GetAtt": ["Seed", "Arn"]}):
        assert read(with_resource("Custom::Seed", ServiceToken=unpinned)).unknown
    assert not read(with_resource("Custom::Seed", ServiceToken=arn), versions={arn: "sha"}).unknown


@pytest.mark.parametrize(
    ("change_", "reason"),
    [
        ({"Resources": []}, "the template: Resources: expected an object, got a list"),
        ({"Resources": {"A": "hunter2"}}, "the template: Resources.A: expected an object, got a text"),
        ({"Resources": {"A": {}}}, "the template: Resources.A.Type: expected a text, got null"),
        ({"Resources": {"A": {"Type": ""}}}, "Resources.A.Type: expected a text, got an empty one"),
        (
            {"Resources": {"A": {"Type": "T", "Properties": 7}}},
            "Resources.A.Properties: expected an object, got a number",
        ),
        ({"Parameters": {"P": 7}}, "the template: Parameters.P: expected an object, got a number"),
    ],
)
def test_malformed_templates_name_the_place(change_: dict[str, Any], reason: str) -> None:
    with pytest.raises(PlanError) as raised:
        read({**samples.template(), **change_})
    assert reason in str(raised.value)
    assert "hunter2" not in str(raised.value)
