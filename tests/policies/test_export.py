"""Exports, read back: their policies mean what the source means, their references lead somewhere."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.iam.assembly import Template, read_assembly
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement, parse_document, resolve
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.export import Export, ExportError, ExportFile
from sudo_mcp_guardrails.policies.export.cloudformation import cloudformation
from sudo_mcp_guardrails.policies.export.directory import write
from sudo_mcp_guardrails.policies.export.guard import guard
from sudo_mcp_guardrails.policies.export.hcl import template
from sudo_mcp_guardrails.policies.export.iam_json import iam_json
from sudo_mcp_guardrails.policies.export.organization import OrganizationPolicy, organization_policies, scp_json
from sudo_mcp_guardrails.policies.export.reading import read_sources
from sudo_mcp_guardrails.policies.export.rest import rest_of
from sudo_mcp_guardrails.policies.export.source import StackSource, folders
from sudo_mcp_guardrails.policies.export.terraform import stack_module, terraform
from sudo_mcp_guardrails.policies.export.terraform_organization import KINDS, organization_module
from sudo_mcp_guardrails.policies.hooks import HOOK_RULES
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError, OrganizationSettings
from sudo_mcp_guardrails.policies.scope import AgentScope
from sudo_mcp_guardrails.policies.trust import cloudformation as trusts_cloudformation
from sudo_mcp_guardrails.policies.trust import minted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ACCOUNT = "111111111111"
VALUES = {"Partition": "aws-us-gov", "AccountId": ACCOUNT, "Region": "us-gov-west-1"}
POLICIES = "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy"
BROKER = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/broker"
PLACED = re.compile(r"\$\{AWS::(\w+)\}")
DATA = {
    "${data.aws_partition.current.partition}": VALUES["Partition"],
    "${data.aws_caller_identity.current.account_id}": VALUES["AccountId"],
    "${data.aws_region.current.id}": VALUES["Region"],
}


def as_template(value: Any) -> Any:
    """Text with pseudo parameters as CloudFormation has it."""
    if isinstance(value, str) and PLACED.search(value):
        parts = PLACED.split(value)
        return {"Fn::Join": ["", [{"Ref": f"AWS::{p}"} if i % 2 else p for i, p in enumerate(parts) if p]]}
    if isinstance(value, list):
        return [as_template(item) for item in value]
    if isinstance(value, dict):
        return {key: as_template(item) for key, item in value.items()}
    return value


@pytest.fixture(scope="module")
def policies() -> AgentPolicies:
    agent = Agent(
        "bot", owner="team@example.com", services=["s3", "dynamodb"], environments=[AgentEnvironment.sandbox(ACCOUNT)]
    )
    return AgentPolicies(AgentScope(agent, None))


@pytest.fixture
def body(policies: AgentPolicies) -> dict[str, Any]:
    """A template of two roles and a broker, of no known account; names are made as the constructs make them."""
    names = GuardrailNames()
    trust = PolicyDocument("trust", minted("bot", "read", "@broker"))
    return {
        "Resources": {
            "Broker": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": "broker",
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": {
                            "Effect": "Allow",
                            "Action": "sts:AssumeRole",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                        },
                    },
                },
            },
            "Boundary": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "ManagedPolicyName": names.boundary_name("bot"),
                    "Path": names.boundary_path,
                    "PolicyDocument": as_template(policies.boundary.to_dict()),
                },
            },
            "Read": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "Path": names.policy_path,
                    "Description": "costs 100%{ of ${this}",
                    "PolicyDocument": as_template(policies.read.to_dict()),
                },
            },
            "ReadRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": names.role_name("bot", "read"),
                    "Path": names.role_path("bot"),
                    "AssumeRolePolicyDocument": json.loads(
                        trust.to_json().replace('"@broker"', '{"Fn::GetAtt": ["Broker", "Arn"]}')
                    ),
                    "PermissionsBoundary": {"Ref": "Boundary"},
                    "ManagedPolicyArns": [{"Ref": "Read"}],
                    "Tags": [{"Key": "agent", "Value": "bot"}],
                },
            },
            "ExecutionRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": names.role_name("bot", "execution"),
                    "Path": names.role_path("bot"),
                    "AssumeRolePolicyDocument": as_template(
                        PolicyDocument("trust", (trusts_cloudformation(),)).to_dict()
                    ),
                    "PermissionsBoundary": {"Ref": "Boundary"},
                },
            },
            "Attached": {
                "Type": "AWS::IAM::Policy",
                "Properties": {
                    "PolicyName": "extra",
                    "Roles": [{"Ref": "ExecutionRole"}],
                    "PolicyDocument": as_template(policies.execution.to_dict()),
                },
            },
            "Topic": {"Type": "AWS::SNS::Topic"},
        }
    }


def read(body: dict[str, Any], **more: Any) -> StackSource:
    made = Template("Stack", body, file="Stack.template.json", **more)
    agents = {(made.file, id_) for id_ in ("ReadRole", "ExecutionRole")}
    (stack,) = read_sources([made], agents)
    return stack


def source(document: PolicyDocument) -> PolicyDocument:
    return parse_document(resolve(document.to_dict(), VALUES))


def meaning(document: Any) -> PolicyDocument:
    return parse_document(document)


def unescaped(text: str) -> str:
    """What Terraform makes of a template: data sources replaced, escapes undone."""
    for reference, value in DATA.items():
        text = text.replace(reference, value)
    return text.replace("$${", "${").replace("%%{", "%{")


def check_references(module: dict[str, Any]) -> None:
    """Check that all that a module's expressions and ``depends_on`` name is in it."""
    text = json.dumps(module)
    expressions = " ".join(re.findall(r"(?<!\$)\$\{([^}]*)", text))
    blocks = [block for kind in module["resource"].values() for block in kind.values()]
    waits = [name for block in blocks for name in block.get("depends_on", [])]
    found = {*re.findall(r"\b((?:data|var|path|self|each|aws_\w+)\.[\w.-]+)", expressions), *waits}
    known = {"path.module", "self.account_id", "each.value"}
    known |= {f"var.{name}" for name in module.get("variable", {})}
    resources = tuple(f"{kind}.{name}" for kind, block in module["resource"].items() for name in block)
    resources += tuple(f"data.{kind}.{name}" for kind, block in module.get("data", {}).items() for name in block)
    assert found
    for reference in found - known:
        # What follows the whole name is an attribute; in `depends_on` nothing does.
        assert f"{reference}.".startswith(tuple(f"{name}." for name in resources)), reference


def test_terraform_means_what_the_template_means(body: dict[str, Any], policies: AgentPolicies) -> None:
    module = stack_module(read(body))
    check_references(module)
    resources = module["resource"]
    made = resources["aws_iam_policy"]
    assert set(made) == {"Boundary", "Read"}
    assert meaning(json.loads(unescaped(made["Boundary"]["policy"]))) == source(policies.boundary)
    assert meaning(json.loads(unescaped(made["Read"]["policy"]))) == source(policies.read)
    assert made["Read"]["name"] == "Stack-Read"
    assert unescaped(made["Read"]["description"]) == "costs 100%{ of ${this}"
    role = resources["aws_iam_role"]["ReadRole"]
    assert role["permissions_boundary"] == "${aws_iam_policy.Boundary.arn}"
    assert role["tags"] == {"agent": "bot"}
    trust = role["assume_role_policy"].replace("${aws_iam_role.Broker.arn}", BROKER)
    assert trust != role["assume_role_policy"]
    trusted = PolicyDocument("trust", minted("bot", "read", resolve(BROKER, VALUES)))
    assert meaning(json.loads(resolve(unescaped(trust), VALUES))) == parse_document(trusted.to_dict())
    assert resources["aws_iam_role_policy_attachment"] == {
        "ReadRole-Read": {"role": "${aws_iam_role.ReadRole.name}", "policy_arn": "${aws_iam_policy.Read.arn}"}
    }
    (inline,) = resources["aws_iam_role_policy"].values()
    assert inline["role"] == "${aws_iam_role.ExecutionRole.name}"
    assert meaning(json.loads(unescaped(inline["policy"]))) == source(policies.execution)
    assert set(module["output"]["roles"]["value"]) == {"mcp-guardrails-bot-read", "mcp-guardrails-bot-execution"}
    assert "lifecycle" not in json.dumps(module["data"])


def test_terraform_refuses_another_account(body: dict[str, Any]) -> None:
    module = stack_module(read(body, values={"AccountId": ACCOUNT, "Partition": "aws", "Region": "us-east-1"}))
    (check,) = module["data"]["aws_caller_identity"]["current"]["lifecycle"]["postcondition"]
    assert check["condition"] == f'${{self.account_id == "{ACCOUNT}"}}'
    assert set(module["data"]) == {"aws_caller_identity"}


def test_terraform_refuses_another_region_for_what_has_one(body: dict[str, Any]) -> None:
    values = {"AccountId": ACCOUNT, "Partition": "aws", "Region": "us-east-1"}
    stack = read(body, values=values)
    rest = rest_of(stack, Template("Stack", body, file="Stack.template.json", values=values), [])
    (check,) = stack_module(stack, rest)["data"]["aws_region"]["current"]["lifecycle"]["postcondition"]
    assert check["condition"] == '${self.id == "us-east-1"}'


def test_iam_json_is_resolved_and_means_the_same(body: dict[str, Any], policies: AgentPolicies) -> None:
    files = {file.path: json.loads(file.data) for file in iam_json([read(body)], VALUES)}
    assert "${AWS::" not in json.dumps(files)
    names = GuardrailNames()
    assert meaning(files[f"Stack/boundaries/{names.boundary_name('bot')}.json"]) == source(policies.boundary)
    assert meaning(files["Stack/policies/Stack-Read.json"]) == source(policies.read)
    role = files["Stack/roles/mcp-guardrails-bot-read/role.json"]
    assert role["attach"] == [
        {
            "arn": f"arn:aws-us-gov:iam::{ACCOUNT}:policy/mcp-guardrails/policies/Stack-Read",
            "file": "policies/Stack-Read.json",
        }
    ]
    assert role["createRole"]["PermissionsBoundary"] == resolve(names.boundary_arn("bot"), VALUES)
    assert meaning(files["Stack/roles/mcp-guardrails-bot-execution/inline/extra.json"]) == source(policies.execution)
    assert meaning(files["Stack/roles/mcp-guardrails-bot-execution/trust.json"]).statements[0].principals == (
        ("Service", "cloudformation.amazonaws.com"),
    )


def test_what_is_left_out_is_named(body: dict[str, Any]) -> None:
    assert read(body).left_out == ("AWS::SNS::Topic Topic",)


def test_iam_json_needs_to_know_the_account(body: dict[str, Any]) -> None:
    with pytest.raises(ExportError, match="give --account"):
        iam_json([read(body)], {"Partition": "aws", "Region": "us-east-1"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["Read"].update(Condition="Sometimes"), "depends on condition 'Sometimes'"),
        (lambda r: r["ReadRole"]["Properties"].update(Description={"Ref": "Topic"}), "a deployment alone can tell"),
        (
            lambda r: r["ReadRole"]["Properties"]["ManagedPolicyArns"].append("arn:aws:iam::aws:policy/ReadOnlyAccess"),
            "is in no template",
        ),
        (lambda r: r["Attached"]["Properties"].update(Roles=[{"Ref": "Topic"}]), "cannot be exported"),
        (lambda r: r["Attached"].update(Condition="Sometimes"), "depends on condition"),
    ],
)
def test_what_is_not_known_is_refused(
    body: dict[str, Any], change: Callable[[dict[str, Any]], None], message: str
) -> None:
    change(body["Resources"])
    with pytest.raises(ExportError, match=message):
        read(body)


def test_template_refuses_what_it_cannot_hold() -> None:
    assert template("${aws:username} 5%{x} ${$}{") == "$${aws:username} 5%%{x} $${$}{"
    for text in ("a$${b}", "a%%{b}"):
        with pytest.raises(ExportError, match="which Terraform cannot hold"):
            template(text)
    with pytest.raises(ExportError, match="'AWS::URLSuffix' is not supported"):
        template("${AWS::URLSuffix}")


def test_scp_json_is_compact_and_means_the_same() -> None:
    made = organization_policies(["agents"], OrganizationSettings())
    files = scp_json(made, {"Partition": "aws"})
    documents = agent_scps()
    assert len(files) == len(documents) <= 2
    for file, document in zip(files, documents, strict=True):
        text = file.data.decode()
        assert text == json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
        assert file.notes == {"type": "SERVICE_CONTROL_POLICY", "characters": len(text), "limit": 10_240}
        assert len(text) <= 10_240
        assert meaning(json.loads(text)) == parse_document(resolve(document.to_dict(), {"Partition": "aws"}))


def test_scp_json_needs_to_know_the_partition() -> None:
    with pytest.raises(ExportError, match="give --partition"):
        scp_json(organization_policies(["agents"], OrganizationSettings()), {})


def test_an_unknown_pack_is_refused() -> None:
    with pytest.raises(OrganizationError, match="pack 'nobody' is not known"):
        organization_policies(["nobody"], OrganizationSettings())


def test_organization_module_waits_for_each_policy() -> None:
    module = organization_module(organization_policies(["agents"], OrganizationSettings()))
    check_references(module)
    made, attached = (module["resource"][f"aws_organizations_policy{part}"] for part in ("", "_attachment"))
    order = [f"aws_organizations_policy.{name}" for name in made]
    order += [f"aws_organizations_policy_attachment.{name}" for name in attached]
    waits = [block.get("depends_on", []) for block in (*made.values(), *attached.values())]
    assert waits == [[], *([name] for name in order[:-1])]
    assert module["variable"]["scp_targets"]["default"] == []
    for block, document in zip(made.values(), agent_scps(), strict=True):
        expected = parse_document(resolve(document.to_dict(), VALUES))
        assert meaning(json.loads(unescaped(block["content"]))) == expected
        assert len(block["name"]) <= 128
        assert len(block["description"]) <= 512


def test_packs_of_several_kinds() -> None:
    settings = OrganizationSettings(organization_id="o-a1b2c3d4e5")
    made = organization_policies(["management", "perimeter", "s3-public-access", "root"], settings)
    kinds = {policy.kind for policy in made}
    assert kinds == set(PolicyKind)
    assert len({policy.name for policy in made}) == len(made)
    folders = {file.path.split("/")[0] for file in scp_json(made, {"Partition": "aws"})}
    assert folders == {"scp", "rcp", "management"}
    (module,) = (json.loads(file.data) for file in terraform([], made))
    check_references(module)
    types = {block["type"] for block in module["resource"]["aws_organizations_policy"].values()}
    assert types == {kind.value for kind in KINDS} == {kind.value for kind in kinds - {PolicyKind.S3}}


def test_a_pack_that_says_nothing_is_refused() -> None:
    with pytest.raises(ExportError, match="pack 'regions' has no statement"):
        organization_policies(["agents", "regions"], OrganizationSettings())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": "${AWS::AccountId}"}, "names AWS::AccountId"),
        ({"a": "x" * 13}, "has 21 characters, expected at most 20"),
        ({"a": "${AWS::Partition}xxx"}, "has 21 characters"),
    ],
)
def test_a_policy_that_organizations_would_refuse(content: Mapping[str, str], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        OrganizationPolicy(PolicyKind.SCP, "p", "", content, 20)
    assert OrganizationPolicy(PolicyKind.SCP, "p", "", {"a": "${AWS::Partition}xx"}, 20).limit == 20


ASSET = ExportFile("assets/x.zip", b"code", {"upload": [{"bucket": "cdk-assets", "key": "x.zip"}]})


def test_the_rest_is_a_template_of_its_own(body: dict[str, Any]) -> None:
    body["Parameters"] = {"BootstrapVersion": {"Type": "String"}}
    body["Outputs"] = {"Url": {"Value": {"Fn::GetAtt": ["Function", "Arn"]}}}
    body["Resources"]["Function"] = {
        "Type": "AWS::Lambda::Function",
        "DependsOn": ["Broker", "Topic"],
        "Metadata": {"aws:cdk:path": "a/b", "checkov": {"skip": []}},
        "Properties": {
            "Code": {"S3Bucket": {"Fn::Sub": "cdk-assets"}, "S3Key": "x.zip"},
            "Role": {"Fn::GetAtt": ["Broker", "Arn"]},
            "Environment": {
                "Variables": {"ROLE": {"Ref": "ReadRole"}, "POLICY": {"Ref": "Read"}, "T": {"Ref": "Topic"}}
            },
        },
    }
    stack = read(body)
    rest = rest_of(stack, Template("Stack", body, file="Stack.template.json"), [ASSET])
    assert rest is not None
    assert set(rest.template["Resources"]) == {"Topic", "Function"}
    assert rest.template["Parameters"] == {"AssetsBucket": {"Type": "String"}}
    assert rest.template["Outputs"] == body["Outputs"]
    function = rest.template["Resources"]["Function"]
    (asset,) = rest.assets
    assert asset == ExportFile(f"{ASSET.sha256}.zip", b"code")
    assert {key: value for key, value in function.items() if key != "Properties"} == {
        "Type": "AWS::Lambda::Function",
        "DependsOn": ["Topic"],
        "Metadata": {"checkov": {"skip": []}},
    }
    assert function["Properties"] == {
        "Code": {"S3Bucket": {"Ref": "AssetsBucket"}, "S3Key": asset.path},
        "Role": {"Fn::Sub": BROKER},
        "Environment": {
            "Variables": {
                "ROLE": "mcp-guardrails-bot-read",
                "POLICY": {"Fn::Sub": f"{POLICIES}/mcp-guardrails/policies/Stack-Read"},
                "T": {"Ref": "Topic"},
            }
        },
    }
    module = stack_module(stack, rest)
    check_references(module)
    (made,) = module["resource"]["aws_cloudformation_stack"].values()
    iam = [
        f"{kind}.{name}" for kind, block in module["resource"].items() if kind.startswith("aws_iam") for name in block
    ]
    assert set(made["depends_on"]) == {*iam, *(f"aws_s3_object.{name}" for name in module["resource"]["aws_s3_object"])}
    assert made["count"] == '${var.assets_bucket == "" ? 0 : 1}'
    assert module["variable"]["assets_bucket"]["default"] == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b.update(Transform="AWS::Serverless-2016-10-31"), "rewritten by macro"),
        (lambda b: b.update(Parameters={"P": {"Type": "String"}}), "has parameters P"),
        (lambda b: b["Resources"]["Topic"].update(Type="AWS::CloudFormation::Stack"), "has nested stacks"),
        (lambda b: b["Resources"]["Topic"].update(Properties={"A": {"Fn::Sub": "${Broker.Arn}/x"}}), "names 'Broker'"),
        (lambda b: b["Resources"]["Topic"].update(Properties={"A": {"Fn::GetAtt": "Broker.RoleId"}}), "is not known"),
        (lambda b: b["Resources"]["Topic"].update(Properties={"A": "x" * 51_200}), "expected at most 51200"),
        (lambda b: b["Resources"]["Topic"].update(Properties={"A": "s3://b/x.zip"}), "within a text"),
        (lambda b: b["Resources"]["Attached"]["Properties"]["Roles"].append("other"), "and to 'other'"),
    ],
)
def test_a_rest_that_would_not_work_is_refused(
    body: dict[str, Any], change: Callable[[dict[str, Any]], None], message: str
) -> None:
    stack = read(body)
    change(body)
    with pytest.raises(ExportError, match=message):
        rest_of(stack, Template("Stack", body, file="Stack.template.json"), [ASSET])


def test_a_stack_of_agents_alone_has_no_rest(body: dict[str, Any]) -> None:
    stack = read(body)
    del body["Resources"]["Topic"]
    assert rest_of(stack, Template("Stack", body, file="Stack.template.json"), []) is None


def test_guard_rules_are_those_of_the_hooks() -> None:
    files = guard()
    assert {file.sha256 for file in files} == {rule.digest for rule in HOOK_RULES.values()}
    assert all(file.path.endswith(".guard") for file in files)


def assembly(directory: Path, **asset: Any) -> Path:
    """A cloud assembly of one stack with one asset, a folder."""
    (directory / "asset.1").mkdir(parents=True)
    (directory / "asset.1" / "index.py").write_text("pass\n", encoding="utf-8")
    properties = {"templateFile": "S.template.json"}
    artifacts = {"S": {"type": "aws:cloudformation:stack", "environment": "aws://1/x", "properties": properties}}
    destination = {"d": {"bucketName": "bucket", "objectKey": "1.zip", "region": "us-east-1"}}
    files = {"1": {"source": {"path": "asset.1", "packaging": "zip"}, "destinations": destination, **asset}}
    for name, value in {
        "manifest.json": {"artifacts": artifacts},
        "S.template.json": {"Resources": {}},
        "S.assets.json": {"files": files},
    }.items():
        (directory / name).write_text(json.dumps(value), encoding="utf-8")
    return directory


def test_cloudformation_keeps_templates_and_assets(tmp_path: Path) -> None:
    made: list[tuple[ExportFile, ...]] = []
    for name in ("one", "two"):
        place = assembly(tmp_path / name)
        os.utime(place / "asset.1" / "index.py", (1_700_000_000, 1_700_000_000 + len(made) * 1000))
        made.append(cloudformation(place, read_assembly(place).templates))
    assert made[0] == made[1]
    stack, asset = made[0]
    assert (stack.path, stack.data) == ("S.template.json", (tmp_path / "one" / "S.template.json").read_bytes())
    assert asset.path == "assets/1.zip"
    assert asset.notes["upload"] == [{"bucket": "bucket", "key": "1.zip", "region": "us-east-1"}]
    with zipfile.ZipFile(io.BytesIO(asset.data)) as archive:
        assert archive.namelist() == ["index.py"]
        assert archive.read("index.py") == b"pass\n"


def test_cloudformation_of_stages(tmp_path: Path) -> None:
    """A stage has a folder of its own, shares the app's assets, and may have a stack of the same name as another."""
    stages = {}
    for name, account in (("a", "111111111111"), ("b", "222222222222")):
        place = {"d": {"bucketName": f"bucket-{account}", "objectKey": "1.zip"}}
        folder = assembly(tmp_path / name, source={"path": "../asset.1", "packaging": "zip"}, destinations=place)
        if name == "a":
            (folder / "asset.1").rename(tmp_path / "asset.1")
        stages[name] = {"type": "cdk:cloud-assembly", "properties": {"directoryName": name}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": stages}), encoding="utf-8")
    files = {file.path: file for file in cloudformation(tmp_path, read_assembly(tmp_path).templates)}
    assert set(files) == {"a/S.template.json", "b/S.template.json", "assets/1.zip"}
    buckets = [place["bucket"] for place in files["assets/1.zip"].notes["upload"]]
    assert buckets == ["bucket-111111111111", "bucket-222222222222"]


def test_a_nested_stack_is_beside_its_parent(tmp_path: Path) -> None:
    place = assembly(tmp_path / "app")
    nested = {"source": {"path": "N.nested.template.json", "packaging": "file"}, "destinations": {}}
    (place / "N.nested.template.json").write_text('{"Resources": {}}', encoding="utf-8")
    (place / "S.assets.json").write_text(json.dumps({"files": {"digest": nested}}), encoding="utf-8")
    body = {"Resources": {"N": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "x/digest.json"}}}}
    (place / "S.template.json").write_text(json.dumps(body), encoding="utf-8")
    files = {file.path: file.notes for file in cloudformation(place, read_assembly(place).templates)}
    assert files == {
        "S.template.json": {"stack": "S"},
        "N.nested.template.json": {"stack": "S/N", "upload": []},
    }


def test_stacks_of_one_name_have_folders_of_their_own() -> None:
    stacks = [
        StackSource(f"{account}/{name}.template.json", name, {"AccountId": account, "Region": "us-east-1"}, (), (), ())
        for name, account in (("S", "1"), ("s", "2"), ("T/N", "1"))
    ]
    assert list(folders(stacks).values()) == ["S-1-us-east-1", "s-2-us-east-1", "T-N"]


@pytest.mark.parametrize(
    ("asset", "message"),
    [
        ({"source": {"path": "asset.2", "packaging": "zip"}}, "'asset.2' is not in the assembly"),
        ({"source": {"path": "asset.2", "packaging": "file"}}, "cannot read 'asset.2'"),
        ({"source": {"path": "../../outside", "packaging": "zip"}}, "expected one that is staged there"),
        ({"source": {"executable": ["make"]}}, "is built by a command"),
    ],
)
def test_an_asset_that_is_not_there_is_refused(asset: dict[str, Any], message: str, tmp_path: Path) -> None:
    place = assembly(tmp_path / "app", **asset)
    with pytest.raises(ExportError, match=message):
        cloudformation(place, read_assembly(place).templates)


def test_a_container_image_is_refused(tmp_path: Path) -> None:
    place = assembly(tmp_path / "app")
    (place / "S.assets.json").write_text(json.dumps({"dockerImages": {"abc": {}}}), encoding="utf-8")
    with pytest.raises(ExportError, match="container image"):
        cloudformation(place, read_assembly(place).templates)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "", "C:/x", "a\\b"])
def test_a_path_out_of_the_folder_is_refused(path: str) -> None:
    with pytest.raises(ExportError, match="expected a relative path"):
        ExportFile(path, b"")


def export(**files: str) -> Export:
    return Export("scp-json", tuple(ExportFile(f"{name}.json", data.encode()) for name, data in files.items()))


def put(directory: Path, made: Export, *, force: bool = False) -> None:
    write((*made.files, made.manifest({"a": "1"}, {})), directory, force=force)


def content(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir() if path.name != "manifest.json"}


def test_the_manifest_has_the_digests() -> None:
    manifest = json.loads(export(b="2", a="1").manifest({"v": "1"}, {"s": 1}).data)
    digest = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert manifest["files"][0] == {"file": "a.json", "bytes": 1, "sha256": digest}
    assert [file["file"] for file in manifest["files"]] == ["a.json", "b.json"]


@pytest.mark.parametrize("files", [{}, {"a": "1", "A": "2"}, {"manifest": ""}])
def test_an_export_without_files_or_with_doubles_is_refused(files: Mapping[str, str]) -> None:
    with pytest.raises(ExportError, match=r"no file|have one name"):
        export(**files)


def test_an_earlier_export_is_replaced(tmp_path: Path) -> None:
    put(tmp_path / "new" / "er", export(a="1", b="2"))
    put(tmp_path / "new" / "er", export(b="3", c="4"))
    assert content(tmp_path / "new" / "er") == {"b.json": "3", "c.json": "4"}


def test_other_files_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"1 files that no export has written.*'mine\.txt'"):
        put(tmp_path, export(a="1"))
    assert content(tmp_path) == {"mine.txt": "mine"}
    put(tmp_path, export(a="1"), force=True)
    put(tmp_path, export(b="1"), force=True)
    assert content(tmp_path) == {"mine.txt": "mine", "b.json": "1"}


def test_a_file_that_was_changed_since_is_not_overwritten(tmp_path: Path) -> None:
    put(tmp_path, export(a="1"))
    (tmp_path / "a.json").write_text("mine")
    with pytest.raises(ExportError, match=r"'a\.json'"):
        put(tmp_path, export(a="2"))
    put(tmp_path, export(b="2"), force=True)
    assert content(tmp_path) == {"a.json": "mine", "b.json": "2"}


def test_what_terraform_keeps_is_no_other_file(tmp_path: Path) -> None:
    put(tmp_path, export(a="1"))
    (tmp_path / ".terraform.lock.hcl").write_text("lock")
    put(tmp_path, export(a="2"))
    assert content(tmp_path) == {"a.json": "2", ".terraform.lock.hcl": "lock"}


def test_a_manifest_cannot_have_other_files_removed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("1")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "link.json").symlink_to(outside)
    (folder / "dir").symlink_to(tmp_path, target_is_directory=True)
    digest = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    named = [{"file": name, "sha256": digest} for name in ("../outside.json", str(outside), "dir/outside.json")]
    (folder / "manifest.json").write_text(json.dumps({"files": named}))
    put(folder, export(a="1"), force=True)
    assert outside.read_text() == "1"
    (folder / "b.json").symlink_to(outside)
    with pytest.raises(ExportError, match="leads out of"):
        put(folder, export(b="2"), force=True)
    assert outside.read_text() == "1"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="is no folder"):
        put(tmp_path / "file", export(a="1"))


def test_documents_that_differ_are_told_apart() -> None:
    """What the comparisons above rest on."""
    one = PolicyDocument("policy", (Statement("A", "Deny", ("s3:*",), resources=("*",)),))
    other = PolicyDocument("policy", (Statement("A", "Deny", ("s3:Get*",), resources=("*",)),))
    assert meaning(one.to_dict()) != meaning(other.to_dict())
