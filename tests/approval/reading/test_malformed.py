"""Whatever stands wherever: a plan, or an error of ours, and never another one."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.masking import masked
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.reading import Known, read_plan
from tests.approval.reading import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG: tuple[Any, ...] = (
    None,
    7,
    -0.5,
    True,
    "",
    "x",
    "{{resolve:",
    [],
    [7],
    [[]],
    {},
    {"a": 7},
    {"Ref": ["a"]},
    {"Fn::Sub": [[]]},
    {"": {}},
)


def rich_template() -> dict[str, Any]:
    return {
        "Transform": ["AWS::LanguageExtensions", {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}],
        "Parameters": {"Ami": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/ami"}},
        "Mappings": {"M": {"a": {"b": "c"}}},
        "Conditions": {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Equals": [{"Ref": "Ami"}, "x"]}},
        "Resources": {
            "Fn::ForEach::Topics": ["Name", ["a"], {"Topic${Name}": {"Type": "AWS::SNS::Topic"}}],
            "Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://b/t?versionId=1"}},
            "Seed": {"Type": "Custom::Seed", "Condition": "A", "Properties": {"ServiceToken": {"Ref": "Ami"}}},
            "Task": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {"ContainerDefinitions": [{"Image": {"Fn::Join": [":", ["repo", "tag"]]}}]},
            },
            "Macro": {"Type": "AWS::S3::Bucket", "Properties": {"Fn::Transform": {"Name": "Fill"}}},
            "Import": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"TopicName": {"Fn::ImportValue": {"Fn::Sub": "${Ami}"}}},
            },
        },
        "Outputs": {"O": {"Value": {"Fn::FindInMap": ["M", "a", "b"]}}},
    }


def rich_terraform() -> dict[str, Any]:
    plan = samples.terraform()
    row = plan["resource_changes"][0]
    plan["resource_drift"] = [deepcopy(row)]
    plan["deferred_changes"] = [{"reason": "unknown", "resource_change": deepcopy(row)}]
    plan["action_invocations"] = [{"address": "action.aws_lambda_invoke.x", "type": "aws_lambda_invoke"}]
    plan["checks"] = [{"address": {"to_display": "check.a"}, "status": "fail", "instances": []}]
    resource = plan["configuration"]["root_module"]["resources"][0]
    resource["provisioners"] = [{"type": "local-exec", "expressions": {}}]
    resource["depends_on"] = ["module.data"]
    return plan


def pages() -> list[dict[str, Any]]:
    first, second = samples.change_set(), samples.change_set()
    first["NextToken"] = "more"
    first["Changes"], second["Changes"] = first["Changes"][:1], second["Changes"][1:]
    return [first, second]


DOCUMENTS: dict[str, tuple[Any, Form]] = {
    "template": (samples.template(), Form.TEMPLATE),
    "change-set": (samples.change_set(), Form.CHANGE_SET),
    "cloud-control": (samples.cloud_control(), Form.CLOUD_CONTROL),
    "terraform": (samples.terraform(), Form.TERRAFORM),
    "rich template": (rich_template(), Form.TEMPLATE),
    "rich terraform": (rich_terraform(), Form.TERRAFORM),
    "pages": (pages(), Form.CHANGE_SET),
    "api-calls": (samples.api_calls(), Form.API_CALLS),
}


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from nodes(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from nodes(item, (*path, number))


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = deepcopy(document)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return changed


def tried(data: Any, form: Form, known: Known) -> bool:
    """Whether it is a plan; any error but ours passes on."""
    try:
        plan = read_plan(data, form=form, known=known)
        assert len(plan.digest) == 64
        json.dumps(masked(plan), default=str)
    except PlanError as error:
        message = str(error)
    else:
        return True
    assert message
    assert "\n" not in message
    return False


@pytest.mark.parametrize("name", DOCUMENTS)
def test_anything_anywhere_is_a_plan_or_refused(name: str) -> None:
    document, form = DOCUMENTS[name]
    found = [tried(put(document, path, value), form, Known()) for path in nodes(document) for value in WRONG]
    assert True in found
    assert False in found


def test_anything_anywhere_in_the_files_beside_it() -> None:
    template, (change_set, _) = samples.template(), DOCUMENTS["change-set"]
    found = []
    for path in nodes(template):
        for value in WRONG:
            other = put(template, path, value)
            found += [
                tried(template, Form.TEMPLATE, Known(deployed=other, deployed_parameters={})),
                tried(change_set, Form.CHANGE_SET, Known(template=other)),
            ]
    for path in nodes(samples.PROPERTIES):
        for value in WRONG:
            known = Known(properties=put(samples.PROPERTIES, path, value))
            found.append(tried(samples.cloud_control(), Form.CLOUD_CONTROL, known))
    assert True in found
    assert False in found
