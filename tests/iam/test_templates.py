"""Reading roles out of templates: what is known, what only a deployment can tell, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.assembly import Template, TemplateError, macros, read_assembly
from sudo_mcp_guardrails.iam.intrinsics import Resolver
from sudo_mcp_guardrails.iam.templates import read_templates

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.iam.templates import TemplateRole

ACCOUNT = "111111111111"
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "us-east-1"}
Json = dict[str, Any]


def document(*actions: str, resource: Any = "*", effect: str = "Allow", **more: Any) -> Json:
    statement = {"Sid": f"{effect}It", "Effect": effect, "Action": list(actions), "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def template(resources: Json, name: str = "App", **more: Any) -> Template:
    return Template(name, {"Resources": resources, **more.pop("body", {})}, **{"values": VALUES, **more})


def role(**properties: Any) -> Json:
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def managed(**properties: Any) -> Json:
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document("s3:GetObject"), **properties}}


def only(found: tuple[TemplateRole, ...]) -> TemplateRole:
    [one] = found
    return one


def identity(found: TemplateRole) -> list[tuple[str, ...]]:
    """The actions of each attached policy."""
    return [tuple(a for s in d.statements for a in s.actions) for d in found.layers.identity]


def resolved(value: Any, resources: Json | None = None, **more: Any) -> Any:
    one = template(resources or {}, **more)
    return Resolver([one]).value(one, value, "here")


class TestIntrinsics:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("plain", "plain"),
            (7, 7),
            ({"Ref": "AWS::AccountId"}, ACCOUNT),
            ({"Ref": "AWS::StackName"}, "App"),
            ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
            ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}, 1]]}, "a-us-east-1-1"),
            ({"Fn::Sub": "${AWS::Partition}:${!aws:username}"}, "aws:${aws:username}"),
            ({"Fn::Sub": ["${A}-${AWS::Region}", {"A": {"Ref": "AWS::AccountId"}}]}, f"{ACCOUNT}-us-east-1"),
            ({"Fn::Select": [1, {"Fn::Split": [":", "a:b:c"]}]}, "b"),
            (["a", {"Ref": "AWS::NoValue"}, "b"], ["a", "b"]),
            ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
            ({"Ref": "AWS::NoValue"}, None),
        ],
    )
    def test_known(self, value: Any, expected: Any) -> None:
        assert resolved(value) == expected

    def test_pseudo_parameters_stay_where_they_are_not_known(self) -> None:
        assert resolved({"Fn::Sub": "arn:${AWS::Partition}:x:${AWS::Region}:${AWS::AccountId}"}, values={}) == (
            "arn:${AWS::Partition}:x:${AWS::Region}:${AWS::AccountId}"
        )

    def test_split_does_not_take_a_placeholders_colons_for_separators(self) -> None:
        split = {"Fn::Split": [":", {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/x"}]}
        assert resolved({"Fn::Select": [4, split]}, values={}) == "${AWS::AccountId}"

    @pytest.mark.parametrize(
        "value",
        [
            {"Fn::If": ["Cond", "a", "b"]},
            {"Fn::FindInMap": ["Map", "a", "b"]},
            {"Fn::ImportValue": "of-another-app"},
            {"Fn::GetStackOutput": {"StackName": "other", "OutputName": "X"}},
            {"Fn::Select": [9, ["a"]]},
            {"Fn::Split": [":", {"Ref": "Param"}]},
            {"Ref": "Param"},
            {"Ref": "Table"},
            {"Fn::GetAtt": ["Table", "Arn"]},
            {"Fn::GetAtt": "Table.Arn"},
            {"Ref": "AWS::StackId"},
            {"Fn::Sub": "${Table.Arn}"},
        ],
    )
    def test_what_only_a_deployment_tells_is_a_variable(self, value: Any) -> None:
        found = resolved(
            value,
            {"Table": {"Type": "AWS::DynamoDB::Table"}},
            body={"Parameters": {"Param": {"Type": "String", "Default": "a:b"}}},
        )
        assert found.startswith("${cfn:App/")
        assert found.endswith("}")

    def test_the_same_expression_is_the_same_variable(self) -> None:
        one, other = {"Fn::If": ["C", "a", "b"]}, {"Fn::If": ["C", "a", "c"]}
        assert resolved(one) == resolved(one)
        assert resolved(one) != resolved(other)
        assert resolved(one) != resolved(one, name="Other")

    def test_a_plain_string_is_not_substituted(self) -> None:
        # CloudFormation leaves it as it is, and a Deny on such a resource denies nothing.
        assert resolved("arn:aws:s3:::${AWS::AccountId}") == "arn:aws:s3:::${cfn:literal-AWS::AccountId}"

    def test_a_name_that_refers_to_itself(self) -> None:
        resources = {"R": role(RoleName={"Ref": "R"}, Path={"Fn::GetAtt": ["R", "Arn"]})}
        assert resolved({"Ref": "R"}, resources) == "${cfn:App/R}"

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({"Ref": "Nothing"}, "here.Ref: 'Nothing' is no resource or parameter of the template"),
            ({"Ref": ["R"]}, r"here.Ref: expected a name, got \['R'\]"),
            ({"Ref": "X", "Fn::Sub": "y"}, "here: expected Ref alone"),
            ({"Fn::GetAtt": ["Nothing", "Arn"]}, "here.Fn::GetAtt: 'Nothing' is no resource of the template"),
            ({"Fn::GetAtt": ["A", "B", "C"]}, "here.Fn::GetAtt: expected a list of two"),
            ({"Fn::Join": "x"}, "here.Fn::Join: expected a list of two"),
            ({"Fn::Sub": [1, {}]}, "here.Fn::Sub: expected a string, or a string and an object"),
            ({"Fn::GetStackOutput": "x"}, "here.Fn::GetStackOutput: expected an object"),
        ],
    )
    def test_malformed(self, value: Any, message: str) -> None:
        with pytest.raises(TemplateError, match=f"template 'App': {message}"):
            resolved(value)

    def test_depth_is_limited(self) -> None:
        value: Any = "x"
        for _ in range(200):
            value = {"Fn::Join": ["", [value]]}
        with pytest.raises(TemplateError, match="over the limit of 100 levels"):
            resolved(value)

    def test_outputs_that_double_are_limited(self) -> None:
        def output(value: Any, name: str) -> Json:
            return {"Value": value, "Export": {"Name": name}}

        outputs = {
            f"O{n}": output({"Fn::Join": ["", [{"Fn::ImportValue": f"e{n + 1}"}] * 4]}, f"e{n}") for n in range(30)
        }
        one = template({}, body={"Outputs": {**outputs, "Last": output("x", "e30")}})
        with pytest.raises(TemplateError, match="over the limit"):
            Resolver([one]).value(one, {"Fn::ImportValue": "e0"}, "here")

    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        *("Ref", "Fn::Sub", "Fn::Join", "Fn::GetAtt", "Fn::Select", "Fn::Split", "Fn::If"),
                        *("Fn::ImportValue", "Fn::GetStackOutput", "Statement", "PolicyDocument", "RoleName", "Path"),
                    ]
                ),
                inner,
                max_size=2,
            )
        ),
        max_leaves=12,
    )

    @settings(max_examples=300, deadline=None)
    @given(
        properties=st.dictionaries(
            st.sampled_from(
                [
                    "RoleName",
                    "Path",
                    "ManagedPolicyArns",
                    "Policies",
                    "PermissionsBoundary",
                    "AssumeRolePolicyDocument",
                    "Tags",
                ]
            ),
            json_values,
            max_size=4,
        )
    )
    def test_any_json_is_read_or_refused(self, properties: Json) -> None:
        try:
            found = only(read_templates([template({"R": role(**properties)})]))
        except TemplateError:
            return
        if properties.get("ManagedPolicyArns") or properties.get("PermissionsBoundary"):
            assert found.unknown or found.layers.identity == ()


class TestRoles:
    def test_attached_inline_and_boundary(self) -> None:
        found = only(
            read_templates(
                [
                    template(
                        {
                            "Read": managed(),
                            "Cap": managed(ManagedPolicyName="cap", Path="/b/", PolicyDocument=document("s3:*")),
                            "R": role(
                                RoleName="worker",
                                Path="/x/",
                                ManagedPolicyArns=[{"Ref": "Read"}],
                                Policies=[{"PolicyName": "in", "PolicyDocument": document("s3:PutObject")}],
                                PermissionsBoundary={
                                    "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/b/cap"
                                },
                                Tags=[{"Key": "team", "Value": "a"}],
                                AssumeRolePolicyDocument={
                                    "Version": "2012-10-17",
                                    "Statement": {
                                        "Effect": "Allow",
                                        "Action": "sts:AssumeRole",
                                        "Principal": {"Service": "lambda.amazonaws.com"},
                                    },
                                },
                            ),
                            "Default": {
                                "Type": "AWS::IAM::Policy",
                                "Properties": {"Roles": [{"Ref": "R"}], "PolicyDocument": document("s3:ListBucket")},
                            },
                            "ByName": {
                                "Type": "AWS::IAM::RolePolicy",
                                "Properties": {"RoleName": "worker", "PolicyDocument": document("s3:GetBucketAcl")},
                            },
                            "Own": managed(Roles=["worker", "other"], PolicyDocument=document("s3:GetBucketCors")),
                        },
                        paths={"R": "App/R/Resource"},
                    )
                ]
            )
        )
        assert found.arn == f"arn:aws:iam::{ACCOUNT}:role/x/worker"
        assert (found.name, found.path, found.tags) == ("worker", "/x/", {"team": "a"})
        assert found.construct_path == "App/R/Resource"
        assert sorted(identity(found)) == [
            ("s3:GetBucketAcl",),
            ("s3:GetBucketCors",),
            ("s3:GetObject",),
            ("s3:ListBucket",),
            ("s3:PutObject",),
        ]
        assert found.layers.boundary is not None
        assert found.layers.boundary.statements[0].actions == ("s3:*",)
        assert found.boundary == f"arn:aws:iam::{ACCOUNT}:policy/b/cap"
        assert found.trust is not None
        assert found.trust.statements[0].principals == (("Service", "lambda.amazonaws.com"),)
        assert found.unknown == ()

    def test_unknown_values_stay_in_the_statement(self) -> None:
        inline = document("s3:GetObject", resource=[{"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::b/*"])
        found = only(
            read_templates(
                [
                    template(
                        {
                            "Bucket": {"Type": "AWS::S3::Bucket"},
                            "R": role(Policies=[{"PolicyName": "p", "PolicyDocument": inline}]),
                        }
                    )
                ]
            )
        )
        assert found.layers.identity[0].statements[0].resources == ("${cfn:App/Bucket.Arn}", "arn:aws:s3:::b/*")
        assert found.unknown == ()

    def test_placeholders_of_inline_policies_are_no_literals(self) -> None:
        inline = document("s3:GetObject", resource={"Fn::Sub": "arn:aws:s3:::b-${AWS::AccountId}"})
        resources = {"R": role(Policies=[{"PolicyName": "p", "PolicyDocument": inline}])}
        found = only(read_templates([template(resources, values={})]))
        assert found.layers.identity[0].statements[0].resources == ("arn:aws:s3:::b-${AWS::AccountId}",)

    @pytest.mark.parametrize(
        ("properties", "reason"),
        [
            (
                {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
                "managed policy 'arn:aws:iam::aws:policy/ReadOnlyAccess' of role 'R' is in no template",
            ),
            ({"ManagedPolicyArns": [{"Fn::If": ["C", "a", "b"]}]}, "is in no template and was not given"),
            ({"ManagedPolicyArns": {"Fn::If": ["C", ["a"], ["b"]]}}, "is in no template and was not given"),
            ({"PermissionsBoundary": {"Ref": "Param"}}, "is in no template and was not given"),
            ({"Policies": [{"Fn::If": ["C", "a", "b"]}]}, "policy of 'R' in template 'App'"),
            ({"Policies": [{"PolicyName": "p", "PolicyDocument": document({"Ref": "Param"})}]}, "policy of 'R'"),  # type: ignore[arg-type]
            ({"Policies": [{"PolicyName": "p", "PolicyDocument": document("s3:Get*", effect="Maybe")}]}, "Maybe"),
            (
                {
                    "Policies": [
                        {
                            "PolicyName": "p",
                            "PolicyDocument": {
                                "Statement": [{"Effect": "Deny", "Action": "*", "Resource": {"Ref": "Param"}}]
                            },
                        }
                    ]
                },
                "expected Version '2012-10-17'",
            ),
        ],
    )
    def test_a_policy_that_is_not_known_is_a_reason(self, properties: Json, reason: str) -> None:
        one = template({"R": role(**properties)}, body={"Parameters": {"Param": {"Type": "String"}}})
        found = only(read_templates([one]))
        assert len(found.unknown) == 1
        assert reason in found.unknown[0]

    def test_a_given_policy_is_known(self) -> None:
        arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
        given_policy = PolicyDocument("aws", (Statement("A", "Allow", ("s3:Get*",), resources=("*",)),))
        one = template(
            {"R": role(ManagedPolicyArns=[{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess"}])}
        )
        found = only(read_templates([one], {arn: given_policy}))
        assert found.layers.identity == (given_policy,)
        assert found.unknown == ()

    def test_a_policy_under_a_condition_may_allow_and_may_not_deny(self) -> None:
        both = document("s3:*")
        both["Statement"].append({"Sid": "No", "Effect": "Deny", "Action": "iam:*", "Resource": "*"})
        attached = {
            "Type": "AWS::IAM::Policy",
            "Properties": {"Roles": [{"Ref": "R"}], "PolicyDocument": both},
        }
        always = only(read_templates([template({"R": role(), "P": attached})]))
        assert [s.effect for s in always.layers.identity[0].statements] == ["Allow", "Deny"]
        maybe = only(read_templates([template({"R": role(), "P": {**attached, "Condition": "C"}})]))
        assert [s.effect for s in maybe.layers.identity[0].statements] == ["Allow"]

    def test_a_policy_for_a_role_that_only_the_deployment_knows_may_be_for_any(self) -> None:
        policy = {
            "Type": "AWS::IAM::Policy",
            "Properties": {"Roles": [{"Ref": "Param"}], "PolicyDocument": document("s3:*")},
        }
        one = template({"R": role(RoleName="worker"), "P": policy}, body={"Parameters": {"Param": {"Type": "String"}}})
        assert identity(only(read_templates([one]))) == [("s3:*",)]

    def test_a_policy_for_a_role_elsewhere_is_not_for_this_one(self) -> None:
        policy = {
            "Type": "AWS::IAM::Policy",
            "Properties": {"Roles": ["elsewhere"], "PolicyDocument": document("s3:*")},
        }
        assert identity(only(read_templates([template({"R": role(RoleName="worker"), "P": policy})]))) == []


class TestAcrossTemplates:
    def test_imports_outputs_and_names(self) -> None:
        producer = template(
            {"P": managed(), "Named": managed(ManagedPolicyName="named")},
            name="Producer",
            body={
                "Outputs": {
                    "Strong": {"Value": {"Ref": "P"}, "Export": {"Name": "Producer:Strong"}},
                    "Weak": {"Value": {"Ref": "P"}},
                }
            },
        )
        for arn in (
            {"Fn::ImportValue": "Producer:Strong"},
            {"Fn::GetStackOutput": {"StackName": "Producer", "OutputName": "Weak", "Region": "us-east-1"}},
            f"arn:aws:iam::{ACCOUNT}:policy/named",
        ):
            consumer = template({"R": role(ManagedPolicyArns=[arn])}, name="Consumer")
            found = only(read_templates([consumer, producer]))
            assert identity(found) == [("s3:GetObject",)], arn
            assert found.unknown == ()

    def test_another_accounts_policy_is_another_one(self) -> None:
        elsewhere = template({"P": managed(ManagedPolicyName="p")}, name="B", values={**VALUES, "AccountId": "2" * 12})
        here = template({"R": role(ManagedPolicyArns=[f"arn:aws:iam::{ACCOUNT}:policy/p"])})
        assert only(read_templates([here, elsewhere])).unknown

    def test_a_name_in_two_templates_that_differ_is_not_known(self) -> None:
        one, other = (
            template({"P": managed(ManagedPolicyName="p", PolicyDocument=document(action))}, name=name, values={})
            for name, action in (("A", "s3:GetObject"), ("B", "s3:*"))
        )
        arn = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/p"}
        consumer = template({"R": role(ManagedPolicyArns=[arn])}, name="C", values={})
        assert "in several templates, which differ" in only(read_templates([one, other, consumer])).unknown[0]

    def test_policies_attach_by_name_within_the_account(self) -> None:
        policy = {"Type": "AWS::IAM::Policy", "Properties": {"Roles": ["r"], "PolicyDocument": document("s3:*")}}
        here = template({"R": role(RoleName="r")})
        for account, expected in ((ACCOUNT, [("s3:*",)]), ("2" * 12, [])):
            other = template({"P": policy}, name="B", values={**VALUES, "AccountId": account})
            assert identity(only(read_templates([here, other]))) == expected

    def test_a_nested_stack_gets_its_parents_parameters(self) -> None:
        passed = {"Arn": {"Ref": "P"}}
        stack = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": "https://x/1.json", "Parameters": passed},
        }
        parent = template({"P": managed(), "N": stack})
        child = template(
            {"R": role(ManagedPolicyArns=[{"Ref": "Arn"}])},
            name="App/N",
            body={"Parameters": {"Arn": {"Type": "String"}}, "Outputs": {"Name": {"Value": {"Ref": "R"}}}},
            parameters=passed,
            parent=parent,
        )
        assert identity(only(read_templates([parent, child]))) == [("s3:GetObject",)]
        name = Resolver([parent, child]).value(parent, {"Fn::GetAtt": ["N", "Outputs.Name"]}, "here")
        assert name == "${cfn:App/N/R}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "template 'T': expected an object, got list"),
        ({"Resources": []}, "Resources: expected an object, got list"),
        ({"Resources": {"R": {"Properties": {}}}}, r"Resources\.R: expected an object with a Type"),
        ({"Resources": {"Fn::ForEach::R": []}}, "Fn::ForEach::R: expected an object with a Type"),
        ({"Resources": {"R": {"Type": "X", "Properties": "p"}}}, r"Resources\.R\.Properties: expected an object"),
        ({"Resources": {}, "Metadata": 1}, "Metadata: expected an object, got int"),
        ({"Resources": {}, "Outputs": []}, "Outputs: expected an object, got list"),
    ],
)
def test_what_is_no_template(body: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        Template("T", body)


def write_assembly(directory: Path, **files: Any) -> Path:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (directory / f"{name.replace('__', '.')}.json").write_text(text, encoding="utf-8")
    return directory


def stack_artifact(**more: Any) -> Json:
    return {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://{ACCOUNT}/cn-north-1",
        "properties": {"templateFile": "S.template.json"},
        **more,
    }


class TestAssembly:
    def test_stack_with_a_nested_one(self, tmp_path: Path) -> None:
        nested = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": {"Fn::Sub": "https://x/abc.json"}},
        }
        other = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://elsewhere"}}
        acknowledged = {"type": "aws:cdk:acknowledged-rules", "data": {"AwsSolutions::AwsSolutions-S1": "why"}}
        found = read_assembly(
            write_assembly(
                tmp_path,
                manifest={"artifacts": {"S": stack_artifact(additionalMetadataFile="S.metadata.json")}},
                S__template={"Resources": {"N": nested, "Other": other}},
                S__assets={"files": {"abc": {"source": {"path": "N.nested.template.json"}}}},
                S__metadata={"/S/R/Resource": [{"type": "aws:cdk:logicalId", "data": "R"}, acknowledged]},
                N__nested__template={"Resources": {"R": role(RoleName="inner")}},
            )
        )
        assert [(t.name, t.file) for t in found.templates] == [
            ("S", "S.template.json"),
            ("S/N", "N.nested.template.json"),
        ]
        assert found.templates[1].parent is found.templates[0]
        assert found.templates[0].values == {"AccountId": ACCOUNT, "Region": "cn-north-1", "Partition": "aws-cn"}
        assert found.acknowledged == (("S/R/Resource", "AwsSolutions::AwsSolutions-S1"),)
        assert found.unread == ("S/Other",)
        assert [r.name for r in read_templates(found.templates)] == ["inner"]

    def test_an_unknown_environment(self, tmp_path: Path) -> None:
        artifact = stack_artifact(environment="aws://unknown-account/unknown-region")
        write_assembly(tmp_path, manifest={"artifacts": {"S": artifact}}, S__template={"Resources": {}})
        assert read_assembly(tmp_path).templates[0].values == {}

    @pytest.mark.parametrize(
        ("files", "message"),
        [
            ({}, "file 'manifest.json' is not readable as JSON"),
            ({"manifest": "{"}, "file 'manifest.json' is not readable as JSON"),
            ({"manifest": "[" * 100_000}, "file 'manifest.json' is not readable as JSON"),
            ({"manifest": []}, "file 'manifest.json': expected an object, got list"),
            ({"manifest": {"artifacts": {"S": "x"}}}, "is malformed"),
            ({"manifest": {"artifacts": {"S": stack_artifact()}}}, "file 'S.template.json' is not readable"),
            ({"manifest": {"artifacts": {"S": stack_artifact()}}, "S__template": []}, "expected an object, got list"),
            (
                {
                    "manifest": {
                        "artifacts": {"S": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}}
                    }
                },
                "over the limit of 10 assemblies within another",
            ),
        ],
    )
    def test_malformed(self, tmp_path: Path, files: Json, message: str) -> None:
        with pytest.raises(TemplateError, match=message):
            read_assembly(write_assembly(tmp_path, **files))

    def test_a_huge_file(self, tmp_path: Path) -> None:
        with (tmp_path / "manifest.json").open("wb") as file:
            file.truncate(33 * 1024 * 1024)
        with pytest.raises(TemplateError, match="over the limit of 33554432"):
            read_assembly(tmp_path)


class TestDeployment:
    """What CloudFormation replaces or rewrites at deployment is not known before."""

    @pytest.mark.parametrize(
        "value",
        [
            "{{resolve:ssm:/name}}",
            "arn:aws:s3:::{{resolve:ssm:/name:1}}/*",
            {"Fn::Join": ["", ["{{resolve:", "ssm:/name", "}}"]]},
            {"Fn::Sub": "{{resolve:ssm:/${AWS::Region}}}"},
            {"Fn::Join": ["", ["{{", {"Ref": "Param"}, "}}"]]},
            {"Fn::Select": [0, {"Fn::Split": [",", "{{resolve:ssm:/name}},x"]}]},
        ],
    )
    def test_a_dynamic_reference_is_one_unknown(self, value: Any) -> None:
        found = resolved(value, body={"Parameters": {"Param": {"Type": "String"}}})
        assert found.startswith("${cfn:App/")
        assert found.count("}") == 1

    def test_in_a_roles_name_and_path_too(self) -> None:
        found = only(
            read_templates([template({"R": role(RoleName="{{resolve:ssm:/r}}", Path="/{{resolve:ssm:/p}}/")})])
        )
        assert found.name.startswith("${cfn:")
        assert found.path.startswith("${cfn:")

    @pytest.mark.parametrize("name", ["{{resolve:ssm:/name}}", "WORKER"])
    def test_a_policy_that_names_the_role_so_is_attached(self, name: str) -> None:
        other = {
            "P": {"Type": "AWS::IAM::RolePolicy", "Properties": {"RoleName": name, "PolicyDocument": document("*")}}
        }
        found = only(read_templates([template({"R": role(RoleName="worker")}), template(other, name="Other")]))
        assert identity(found) == [("*",)]

    def test_a_macro_leaves_nothing_known(self) -> None:
        resources = {"R": role(ManagedPolicyArns=[{"Ref": "P"}]), "P": managed()}
        for body in (
            {"Transform": "AWS::LanguageExtensions"},
            {"Transform": ["Mine"]},
            {"Fn::Transform": {"Name": "X"}},
        ):
            assert (
                "rewrites template 'App' at deployment"
                in only(read_templates([template(resources, body=body)])).unknown[0]
            )

    @pytest.mark.parametrize("id_", ["R", "P"])
    def test_nor_does_one_in_a_resource(self, id_: str) -> None:
        resources = {"R": role(ManagedPolicyArns=[{"Ref": "P"}]), "P": managed(ManagedPolicyName="p")}
        resources[id_]["Fn::Transform"] = {"Name": "Mine"}
        found = only(read_templates([template(resources)]))
        assert f"Fn::Transform in '{id_}' of template 'App' rewrites it" in found.unknown[0]

    def test_macros_that_may_attach_anything(self) -> None:
        include = {"Fn::Transform": {"Name": "AWS::Include"}}
        bucket: Json = {"Type": "AWS::S3::Bucket", "Properties": {"Tags": include}}
        assert list(macros([template({"B": bucket}, body={"Transform": "AWS::Serverless-2016-10-31"})])) == []
        [said] = macros([template({"B": {**bucket, **include}})])
        assert "in 'B' of template 'App' may make anything of it" in said
        [said] = macros([template({"P": {"Type": "AWS::IAM::RolePolicy", "Properties": include}})])
        assert "in 'P' of template 'App' may make anything of it" in said
        for transform in ("Mine", ["AWS::Include"], {"Name": "Mine"}):
            [said] = macros([template({}, body={"Transform": transform})])
            assert "may attach anything" in said
