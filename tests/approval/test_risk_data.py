"""The data that rules rest on: types that exist, traits that mean something, levels that survive being written."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.risk_rules.levels import ActionLevels, catalogue_levels
from sudo_mcp_guardrails.approval.risk_rules.suppression import COMMENTS, SCANNERS
from sudo_mcp_guardrails.approval.risk_rules.types import NOT_OF_CLOUDFORMATION, known_types
from sudo_mcp_guardrails.iam.catalogue import all_actions
from sudo_mcp_guardrails.policies.hooks import HOOK_RULES


def types_of_the_cdk() -> set[str]:
    package = importlib.import_module("aws_cdk")
    found: set[str] = set()
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith(("aws_", "alexa_")) and module.ispkg:
            spec = importlib.util.find_spec(f"aws_cdk.{module.name}")
            assert spec is not None
            assert spec.origin is not None
            with open(spec.origin, encoding="utf-8") as file:  # noqa: PTH123 - a few hundred files
                found.update(re.findall(r":cloudformationResource: (AWS::\w+::\w+)", file.read()))
    return found


def test_every_type_exists() -> None:
    known = types_of_the_cdk()
    assert len(known) > 1000
    ours = set(known_types().cloudformation)
    assert ours - known - NOT_OF_CLOUDFORMATION - {"AWS::CloudFormation::CustomResource"} == set()
    assert ours >= NOT_OF_CLOUDFORMATION
    assert NOT_OF_CLOUDFORMATION & known == set()


def test_traits_mean_something_and_types_of_terraform_are_like_one() -> None:
    table = known_types()
    used = {trait for traits in table.cloudformation.values() for trait in traits}
    assert used == table.traits.keys()
    assert set(table.terraform.values()) <= table.cloudformation.keys()
    ours = r"(aws|archive|null|random|terraform|time|tls)_[a-z0-9_]+"
    assert all(re.fullmatch(ours, name) for name in table.terraform)


def test_types_of_the_provider_awscc_are_those_of_cloudformation() -> None:
    table = known_types()
    assert table.like("awscc_ec2_vpc_endpoint") == "AWS::EC2::VPCEndpoint"
    assert table.like("awscc_iam_role") == "AWS::IAM::Role"
    assert table.of("awscc_ec2_thing") is None
    names = ["".join(name.split("::")[1:]).lower() for name in table.cloudformation if name.startswith("AWS::")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("type_", "trait"),
    [("AWS::S3::Bucket", "data"), ("aws_s3_bucket", "data"), ("aws_cloudtrail", "trail"), ("Custom::X", "custom")],
)
def test_a_type_is_looked_up(type_: str, trait: str) -> None:
    assert trait in (known_types().of(type_) or ())


def test_a_type_that_nobody_knows_is_none() -> None:
    assert known_types().of("AWS::S3::Buckets") is None
    assert known_types().of("azurerm_subnet") is None


def test_levels_are_the_same_after_being_written() -> None:
    levels = catalogue_levels()
    text = levels.write()
    again = ActionLevels.read(text)
    assert again.write() == text
    assert all(again.of(action.name) == levels.of(action.name) == action.level for action in all_actions())
    assert (again.version, again.of("S3:getobject"), again.of("s3:Nothing")) == (levels.version, "Read", None)
    assert len(text) < 500_000


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format":2}', '{"format":1,"catalogue":"1","levels":{"Read":1}}']
)
def test_levels_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(PlanError, match="action levels"):
        ActionLevels.read(text)


def test_suppressions_are_those_that_the_hook_refuses() -> None:
    hook = HOOK_RULES["suppressions"].source
    assert SCANNERS in hook
    assert COMMENTS in hook
