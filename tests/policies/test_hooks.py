"""Each hook rule in both shapes of input, decided by Guard itself."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    TemplateContent,
    ValidateConfig,
)

from sudo_mcp_guardrails.policies.hooks import FOR_EVERYONE, HOOK_RULES, HookRuleError, HookTarget, guard_text
from sudo_mcp_guardrails.policies.hooks.looked_at import LookedAt, looked_at, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

Resource = tuple[str, dict[str, Any]]

SHAPE = re.compile(r"^  # <shape>$.*?^  # </shape>$", re.MULTILINE | re.DOTALL)
QUIET = ValidateConfig(disable_builtin_rules=True)


@cache
def engine(text: str) -> CompositeEngine:
    return CompositeEngine(CompositeEngineConfig(guard_rules=[ExternalRuleSource(name="hooks", content=text)]))


@pytest.fixture(scope="module", autouse=True)
def _free() -> Iterator[None]:
    """Engines that outlive the interpreter complain when it ends."""
    yield
    engine.cache_clear()


def findings(text: str, document: Any) -> list[tuple[str, str]]:
    """(rule, message) of what Guard finds in a document as it is written."""
    report = engine(text).validate_template(TemplateContent(json.dumps(document), "input"), QUIET)
    return [(found.rule_id, found.message) for found in report.diagnostics]


def template(*resources: Resource, **more: Any) -> dict[str, Any]:
    """A template, as synthesis, stack and change set operations show it, and AWS's samples a resource."""
    return {"Resources": {f"R{n}": {"Type": t, "Properties": p} for n, (t, p) in enumerate(resources)}, **more}


def hook_input(*resources: Resource) -> dict[str, Any]:
    """A resource operation, as the Hooks user guide shows it."""
    return {
        "HookContext": {"TargetType": "RESOURCE", "InvocationPoint": "CREATE_PRE_PROVISION"},
        "Resources": {
            f"R{n}": {"ResourceType": kind, "ResourceProperties": properties}
            for n, (kind, properties) in enumerate(resources)
        },
    }


SHAPES = {"template": template, "hook": hook_input}

WORLD = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
HTTPS = {**WORLD, "FromPort": 443, "ToPort": 443}
TAGS = {"Tags": [{"Key": "team", "Value": "x"}, {"Key": "agent", "Value": "bot"}, {"Key": "owner", "Value": "x"}]}
ALL_BLOCKED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
AES256 = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
AES = {"BucketEncryption": {"ServerSideEncryptionConfiguration": [AES256]}}
GATEWAY = {
    "AuthorizerType": "AWS_IAM",
    "PolicyEngineConfiguration": {"Arn": {"Fn::GetAtt": ["Engine", "Arn"]}, "Mode": "ENFORCE"},
}
JWT = {**GATEWAY, "AuthorizerType": "CUSTOM_JWT"}


def group(*ingress: Any) -> Resource:
    return "AWS::EC2::SecurityGroup", {"GroupDescription": "x", "SecurityGroupIngress": list(ingress)}


def ingress(**properties: Any) -> Resource:
    return "AWS::EC2::SecurityGroupIngress", {"GroupId": "sg-1", **WORLD, **properties}


ALLOWS = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ANYBODY = {**ALLOWS, "Principal": "*"}
OURS = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}

POLICIES = {
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::KMS::ReplicaKey": "KeyPolicy",
    "AWS::Kinesis::ResourcePolicy": "ResourcePolicy",
    "AWS::S3::AccessPoint": "Policy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicInlinePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueueInlinePolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
    "AWS::EFS::FileSystem": "FileSystemPolicy",
    "AWS::Elasticsearch::Domain": "AccessPolicies",
    "AWS::OpenSearchService::Domain": "AccessPolicies",
}
"""Where each type has its resource policy."""


def policy(statement: Any, kind: str = "AWS::SQS::QueuePolicy") -> Resource:
    # Domains must be in a VPC too, by the same rule.
    inside = {"VPCOptions": {"SubnetIds": ["subnet-1"]}} if kind.endswith("::Domain") else {}
    return kind, {POLICIES[kind]: {"Statement": statement}, **inside}


def bounded(operator: str, key: str, value: Any) -> Resource:
    return policy([{**ANYBODY, "Condition": {operator: {key: value}}}])


def cluster(**config: Any) -> Resource:
    return "AWS::EKS::Cluster", {"ResourcesVpcConfig": config}


def launch_template(**card: Any) -> Resource:
    return "AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {"NetworkInterfaces": [card]}}


BAD: dict[str, list[Resource]] = {
    "open-security-groups": [
        group(WORLD),
        group(HTTPS, WORLD),
        ("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": WORLD}),
        group({**WORLD, "CidrIp": "128.0.0.0/1"}),
        group({"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}),
        group({**HTTPS, "IpProtocol": "-1"}),
        group({"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0"}),
        group({**HTTPS, "FromPort": 0}),
        group({**HTTPS, "ToPort": 65535}),
        group({"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "CidrIpv6": "::/0"}),
        group({"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "CidrIp": "0.0.0.0/0"}),
        ingress(),
        ingress(CidrIp="10.0.0.0/8", CidrIpv6="2000::/3"),
        ingress(IpProtocol="udp", FromPort=53, ToPort=53),
    ],
    "unencrypted-stores": [
        ("AWS::EC2::Volume", {}),
        ("AWS::EC2::Volume", {"Encrypted": False}),
        ("AWS::EC2::Volume", {"Encrypted": {"Ref": "Parameter"}}),
        ("AWS::EFS::FileSystem", {}),
        ("AWS::RDS::DBCluster", {"StorageEncrypted": False}),
        ("AWS::RDS::DBInstance", {}),
        ("AWS::RDS::DBInstance", {"DBClusterIdentifier": "c", "StorageEncrypted": False}),
        ("AWS::Redshift::Cluster", {}),
        ("AWS::OpenSearchService::Domain", {"EncryptionAtRestOptions": {"Enabled": False}}),
        ("AWS::OpenSearchService::Domain", {}),
        ("AWS::SNS::Topic", {}),
        ("AWS::SNS::Topic", {"KmsMasterKeyId": ""}),
        ("AWS::Kinesis::Stream", {"StreamEncryption": {"EncryptionType": "NONE"}}),
        ("AWS::EC2::Instance", {"BlockDeviceMappings": [{"Ebs": {"Encrypted": True}}, {"Ebs": {"VolumeSize": 8}}]}),
        ("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {"BlockDeviceMappings": [{"Ebs": {"Encrypted": False}}]}}),
        ("AWS::SQS::Queue", {"SqsManagedSseEnabled": False}),
        ("AWS::DynamoDB::Table", {"SSESpecification": {"SSEEnabled": False}}),
        ("AWS::S3::Bucket", {"BucketEncryption": {"ServerSideEncryptionConfiguration": [{"BucketKeyEnabled": True}]}}),
    ],
    "declared-encryption": [
        ("AWS::S3::Bucket", {}),
        ("AWS::DynamoDB::Table", {}),
        ("AWS::SQS::Queue", {}),
        ("AWS::SQS::Queue", {"SqsManagedSseEnabled": False}),
    ],
    "missing-tags": [
        ("AWS::S3::Bucket", {}),
        ("AWS::S3::Bucket", {"Tags": []}),
        ("AWS::S3::Bucket", {"Tags": TAGS["Tags"][:2]}),
        ("AWS::Lambda::Function", {"Tags": TAGS["Tags"][2:]}),
    ],
    "public-endpoints": [
        ("AWS::RDS::DBInstance", {"PubliclyAccessible": True}),
        ("AWS::RDS::DBInstance", {}),
        ("AWS::DMS::ReplicationInstance", {}),
        ("AWS::Redshift::Cluster", {"PubliclyAccessible": True}),
        ("AWS::RedshiftServerless::Workgroup", {"PubliclyAccessible": "true"}),
        ("AWS::OpenSearchService::Domain", {}),
        ("AWS::Lambda::Url", {"AuthType": "NONE"}),
        ("AWS::Lambda::Permission", {"Principal": "*", "FunctionUrlAuthType": "NONE"}),
        ("AWS::ApiGateway::Method", {"HttpMethod": "GET", "AuthorizationType": "NONE"}),
        ("AWS::ApiGateway::Method", {"HttpMethod": "GET"}),
        ("AWS::ApiGatewayV2::Route", {"RouteKey": "GET /items"}),
        ("AWS::ApiGatewayV2::Route", {"RouteKey": "$connect", "AuthorizationType": "NONE"}),
        ("AWS::ApiGatewayV2::Route", {"RouteKey": "$default"}),
        ("AWS::S3::Bucket", {"PublicAccessBlockConfiguration": {**ALL_BLOCKED, "BlockPublicPolicy": False}}),
        ("AWS::S3::Bucket", {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}),
        ("AWS::S3::AccessPoint", {"PublicAccessBlockConfiguration": {**ALL_BLOCKED, "IgnorePublicAcls": False}}),
        ("AWS::S3::Bucket", {"AccessControl": "PublicRead"}),
        ("AWS::EKS::Cluster", {}),
        cluster(EndpointPublicAccess=True),
        cluster(EndpointPublicAccess=True, PublicAccessCidrs=[]),
        cluster(PublicAccessCidrs=["203.0.113.0/24", "0.0.0.0/0"]),
        cluster(PublicAccessCidrs=["128.0.0.0/1"]),
        cluster(EndpointPublicAccess="true", PublicAccessCidrs=["::/0"]),
        ("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": True}),
        ("AWS::EC2::Instance", {"NetworkInterfaces": [{"DeviceIndex": "1"}, {"AssociatePublicIpAddress": True}]}),
        launch_template(AssociatePublicIpAddress="true"),
        ("AWS::AutoScaling::LaunchConfiguration", {"AssociatePublicIpAddress": True}),
        ("AWS::Lambda::Permission", {"Principal": "*"}),
        ("AWS::Lambda::Permission", {"Principal": "*", "FunctionUrlAuthType": "AWS_IAM"}),
        *(policy([ANYBODY], kind) for kind in POLICIES),
        policy(ANYBODY),
        policy([{**ALLOWS, "Principal": {"AWS": "*"}}]),
        policy([{**ALLOWS, "Principal": {"AWS": ["arn:aws:iam::111111111111:root", "*"]}}]),
        policy([{**ALLOWS, "Principal": {"AWS": "111111111111"}}, ANYBODY]),
        policy([{**ANYBODY, "Condition": OURS}, ANYBODY]),
        policy({**ALLOWS, "Principal": {"AWS": "*"}, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        policy([{**ALLOWS, "NotPrincipal": {"AWS": "111111111111"}}]),
        policy({**ALLOWS, "NotPrincipal": {"AWS": "111111111111"}}),
        policy([{**ANYBODY, "Condition": {}}]),
        bounded("StringNotEquals", "aws:PrincipalOrgID", "o-1"),
        bounded("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1"),
        bounded("ForAllValues:StringEquals", "aws:PrincipalOrgPaths", "o-1/r-1/"),
        bounded("StringLike", "aws:PrincipalOrgID", "*"),
        bounded("StringLike", "aws:PrincipalArn", ["arn:aws:iam::111111111111:role/x", "arn:*"]),
        bounded("IpAddress", "aws:SourceIp", "0.0.0.0/0"),
        bounded("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "::/0"]),
        bounded("StringEquals", "s3:prefix", "public"),
        ("AWS::SQS::QueuePolicy", {"PolicyDocument": '{"Statement": []}'}),
    ],
    "agentcore-gateways": [
        ("AWS::BedrockAgentCore::Gateway", {**GATEWAY, "AuthorizerType": "NONE"}),
        ("AWS::BedrockAgentCore::Gateway", {**GATEWAY, "AuthorizerType": "AUTHENTICATE_ONLY"}),
        ("AWS::BedrockAgentCore::Gateway", {"AuthorizerType": "AWS_IAM"}),
        (
            "AWS::BedrockAgentCore::Gateway",
            {**GATEWAY, "PolicyEngineConfiguration": {"Arn": "arn", "Mode": "LOG_ONLY"}},
        ),
        ("AWS::BedrockAgentCore::Gateway", {**GATEWAY, "PolicyEngineConfiguration": {"Arn": "arn"}}),
        ("AWS::BedrockAgentCore::Gateway", {**GATEWAY, "PolicyEngineConfiguration": {"Mode": "ENFORCE"}}),
        ("AWS::BedrockAgentCore::Gateway", JWT),
        ("AWS::BedrockAgentCore::Policy", {"EnforcementMode": "LOG_ONLY"}),
    ],
}

GOOD: dict[str, list[Resource]] = {
    "open-security-groups": [
        group(),
        group(HTTPS),
        group({**HTTPS, "FromPort": "443", "ToPort": "443", "IpProtocol": "udp"}),
        group({**WORLD, "CidrIp": "10.0.0.0/8"}, {**WORLD, "CidrIp": "203.0.113.0/24"}),
        group({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv6": "fd00::/8"}),
        group({"IpProtocol": "-1", "SourceSecurityGroupId": "sg-2"}),
        group({**WORLD, "CidrIp": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}}),
        ("AWS::EC2::SecurityGroup", {"SecurityGroupEgress": [WORLD]}),
        ingress(FromPort=443, ToPort=443),
        ("AWS::S3::Bucket", {}),
    ],
    "unencrypted-stores": [
        ("AWS::EC2::Volume", {"Encrypted": True}),
        ("AWS::EFS::FileSystem", {"Encrypted": "true"}),
        ("AWS::RDS::DBCluster", {"StorageEncrypted": True}),
        ("AWS::RDS::DBInstance", {"StorageEncrypted": True}),
        ("AWS::RDS::DBInstance", {"DBClusterIdentifier": {"Ref": "Cluster"}}),
        ("AWS::RDS::DBInstance", {"SourceDBInstanceIdentifier": "db"}),
        ("AWS::Redshift::Cluster", {"Encrypted": True}),
        ("AWS::OpenSearchService::Domain", {"EncryptionAtRestOptions": {"Enabled": True}}),
        ("AWS::SNS::Topic", {"KmsMasterKeyId": {"Ref": "Key"}}),
        ("AWS::Kinesis::Stream", {"StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}}),
        ("AWS::EC2::Instance", {"BlockDeviceMappings": [{"Ebs": {"Encrypted": True}}, {"VirtualName": "ephemeral0"}]}),
        ("AWS::EC2::Instance", {}),
        ("AWS::EC2::Instance", {"BlockDeviceMappings": []}),
        ("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {}}),
        ("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {"BlockDeviceMappings": []}}),
        ("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {"BlockDeviceMappings": [{"NoDevice": ""}]}}),
        ("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {"BlockDeviceMappings": [{"Ebs": {"Encrypted": True}}]}}),
        ("AWS::SQS::Queue", {}),
        ("AWS::SQS::Queue", {"SqsManagedSseEnabled": False, "KmsMasterKeyId": "alias/mine"}),
        ("AWS::DynamoDB::Table", {}),
        ("AWS::DynamoDB::Table", {"SSESpecification": {"SSEEnabled": True}}),
        ("AWS::S3::Bucket", {}),
        ("AWS::S3::Bucket", AES),
    ],
    "declared-encryption": [
        ("AWS::S3::Bucket", AES),
        ("AWS::DynamoDB::Table", {"SSESpecification": {"SSEEnabled": True}}),
        ("AWS::SQS::Queue", {"SqsManagedSseEnabled": True}),
        ("AWS::SQS::Queue", {"KmsMasterKeyId": {"Ref": "Key"}}),
    ],
    "missing-tags": [("AWS::S3::Bucket", TAGS), ("AWS::Lambda::Function", TAGS), ("AWS::IAM::ManagedPolicy", {})],
    "public-endpoints": [
        ("AWS::RDS::DBInstance", {"PubliclyAccessible": False}),
        ("AWS::RDS::DBCluster", {}),
        ("AWS::Redshift::Cluster", {}),
        ("AWS::OpenSearchService::Domain", {"VPCOptions": {"SubnetIds": [{"Ref": "Subnet"}]}}),
        ("AWS::Lambda::Url", {"AuthType": "AWS_IAM"}),
        ("AWS::Lambda::Permission", {"Principal": "s3.amazonaws.com"}),
        ("AWS::ApiGateway::Method", {"HttpMethod": "GET", "AuthorizationType": "AWS_IAM"}),
        ("AWS::ApiGateway::Method", {"HttpMethod": "OPTIONS", "AuthorizationType": "NONE"}),
        ("AWS::ApiGatewayV2::Route", {"RouteKey": "GET /items", "AuthorizationType": "JWT"}),
        ("AWS::ApiGatewayV2::Route", {"RouteKey": "OPTIONS /items"}),
        ("AWS::ApiGatewayV2::Route", {"RouteKey": "sendMessage"}),
        ("AWS::S3::Bucket", {"PublicAccessBlockConfiguration": ALL_BLOCKED, "AccessControl": "Private"}),
        ("AWS::S3::Bucket", {}),
        cluster(EndpointPublicAccess=False),
        cluster(EndpointPublicAccess="false", PublicAccessCidrs=["0.0.0.0/0"]),
        cluster(EndpointPublicAccess=True, PublicAccessCidrs=["203.0.113.0/24", "2001:db8::/32"]),
        cluster(PublicAccessCidrs=[{"Ref": "Office"}]),
        ("AWS::EC2::Subnet", {}),
        ("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": "false"}),
        ("AWS::EC2::Instance", {}),
        ("AWS::EC2::Instance", {"NetworkInterfaces": []}),
        ("AWS::EC2::Instance", {"NetworkInterfaces": [{"AssociatePublicIpAddress": False}, {"DeviceIndex": "1"}]}),
        launch_template(AssociatePublicIpAddress=False),
        launch_template(DeviceIndex=0),
        ("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {}}),
        ("AWS::AutoScaling::LaunchConfiguration", {}),
        ("AWS::Lambda::Permission", {"Principal": "*", "FunctionUrlAuthType": "AWS_IAM", "PrincipalOrgID": "o-1"}),
        ("AWS::Lambda::Permission", {"Principal": "*", "SourceAccount": {"Ref": "AWS::AccountId"}}),
        *(policy([{**ANYBODY, "Condition": OURS}], kind) for kind in POLICIES),
        policy([]),
        policy({**ANYBODY, "Condition": OURS}),
        policy([{**ANYBODY, "Effect": "Deny"}, {**ALLOWS, "Effect": "Deny", "NotPrincipal": {"AWS": "111111111111"}}]),
        policy([{**ALLOWS, "Principal": {"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}}]),
        policy([{**ALLOWS, "Principal": {"AWS": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}]]}}}]),
        policy([{**ANYBODY, "Condition": {**OURS, "Bool": {"aws:SecureTransport": "true"}}}]),
        bounded("StringEquals", "AWS:SourceOwner", {"Ref": "AWS::AccountId"}),
        bounded("StringEquals", "kms:CallerAccount", ["111111111111", {"Ref": "AWS::AccountId"}]),
        bounded("ArnLike", "aws:SourceArn", "arn:aws:s3:*:*:bucket"),
        bounded("IpAddress", "aws:SourceIp", ["203.0.113.0/24"]),
        bounded("StringEquals", "aws:SourceVpce", "vpce-1"),
        bounded("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", ["o-1/r-1/*"]),
        policy(
            [{**ANYBODY, "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}}],
            "AWS::EFS::FileSystem",
        ),
    ],
    "agentcore-gateways": [
        ("AWS::BedrockAgentCore::Gateway", GATEWAY),
        (
            "AWS::BedrockAgentCore::Gateway",
            {**JWT, "AuthorizerConfiguration": {"CustomJWTAuthorizer": {"DiscoveryUrl": "https://idp.example.com"}}},
        ),
        ("AWS::BedrockAgentCore::Policy", {}),
        ("AWS::BedrockAgentCore::Policy", {"EnforcementMode": "ACTIVE"}),
    ],
}


def cases(table: dict[str, list[Resource]]) -> list[Any]:
    return [
        pytest.param(rule, shape, resource, id=f"{rule}-{shape}-{n}")
        for rule, resources in table.items()
        for n, resource in enumerate(resources)
        for shape in SHAPES
    ]


@pytest.mark.parametrize(("rule", "shape", "resource"), cases(BAD))
def test_refused(rule: str, shape: str, resource: Resource) -> None:
    found = findings(HOOK_RULES[rule].source, SHAPES[shape](resource))
    assert {name for name, _ in found} == {HOOK_RULES[rule].rule}
    assert [message for _, message in found if message.startswith("unknown shape")] == []


@pytest.mark.parametrize(("rule", "shape", "resource"), cases(GOOD))
def test_passed(rule: str, shape: str, resource: Resource) -> None:
    assert findings(HOOK_RULES[rule].source, SHAPES[shape](resource)) == []


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rule", BAD)
def test_one_bad_resource_among_good_ones_is_refused(rule: str, shape: str) -> None:
    assert findings(HOOK_RULES[rule].source, SHAPES[shape](*GOOD[rule])) == []
    for bad in BAD[rule]:
        found = findings(HOOK_RULES[rule].source, SHAPES[shape](GOOD[rule][0], bad, *GOOD[rule][1:]))
        assert {name for name, _ in found} == {HOOK_RULES[rule].rule}, bad


def test_every_rule_has_cases() -> None:
    assert set(BAD) == set(GOOD) == set(HOOK_RULES) - {"suppressions"}


SUPPRESSED = {
    "cdk_nag": {"rules_to_suppress": [{"id": "AwsSolutions-S1", "reason": "x"}]},
    "cfn_nag": {"rules_to_suppress": [{"id": "W1"}]},
    "checkov": {"skip": [{"id": "CKV_AWS_18", "comment": "x"}]},
    "guard": {"SuppressedRules": ["S3_BUCKET_LOGGING_ENABLED"]},
    "Guard": {"SuppressedRules": ["S3_BUCKET_LOGGING_ENABLED"]},
    "cfn-lint": {"config": {"ignore_checks": ["E3012"]}},
    "terrascanSkip": [{"rule": "AC_AWS_0214", "comment": "x"}],
    "tfsec": {"ignore": ["aws-s3-enable-versioning"]},
    "semgrep": {"ignore": ["x"]},
    "Comment": "x # nosemgrep: rules.s3",
    "Note": "#ts:skip=AC_AWS_0214 x",
    "Why": "tfsec:ignore:aws-s3-enable-versioning",
    "Text": "checkov:skip=CKV_AWS_18:x",
}


@pytest.mark.parametrize("scanner", SUPPRESSED)
def test_suppressions_are_refused(scanner: str) -> None:
    text, metadata = HOOK_RULES["suppressions"].source, {scanner: SUPPRESSED[scanner]}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {}}
    for document in (
        {"Resources": {"A": bucket, "B": {**bucket, "Metadata": metadata}}},
        {"Resources": {"B": {**bucket, "Metadata": {"aws:cdk:path": "x", **metadata}}}},
        {"Resources": {"A": bucket}, "Metadata": metadata},
        {"Resources": {"A": {"ResourceType": "AWS::S3::Bucket", "ResourceProperties": {}, "Metadata": metadata}}},
    ):
        assert {name for name, _ in findings(text, document)} == {"SMG_HOOK_SUPPRESSIONS"}


def test_a_description_that_tells_a_scanner_to_look_away_is_refused() -> None:
    for description, refused in (("A bucket # nosemgrep", True), ("A bucket", False)):
        document = template(("AWS::S3::Bucket", {}), Description=description)
        assert bool(findings(HOOK_RULES["suppressions"].source, document)) is refused


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"aws:cdk:path": "Stack/Bucket"},
        {"AWS::CloudFormation::Init": {"config": {}}},
        {"guardian": "x", "semantics": ["y"], "n": 1, "b": True, "reviewed": "checkov and tfsec pass"},
    ],
)
def test_other_metadata_passes(metadata: dict[str, Any]) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Metadata": metadata}
    assert findings(HOOK_RULES["suppressions"].source, {"Resources": {"B": bucket}, "Metadata": metadata}) == []
    assert findings(HOOK_RULES["suppressions"].source, hook_input(("AWS::S3::Bucket", {}))) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"Resources": {}},
        {"Resources": []},
        {"Resources": {"A": {}}},
        {"Resources": {"A": "AWS::S3::Bucket"}},
        {"Resources": {"A": {"Type": 3}}},
        {"Resources": {"A": {"TypeName": "AWS::S3::Bucket", "Properties": {}}}},
        {"Resources": {"A": {"Type": "AWS::S3::Bucket", "ResourceProperties": {}}}},
        {"Resources": {"A": {"ResourceType": "AWS::S3::Bucket", "Properties": {}}}},
        {"Resources": {"A": {"Type": "AWS::S3::Bucket", "ResourceType": "AWS::S3::Bucket"}}},
        {"Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": [{}]}}},
        {"Resources": {"A": {"ResourceType": "AWS::S3::Bucket", "ResourceProperties": "{}"}}},
        {"Resources": {"A": {"Type": "AWS::X::Y"}, "B": {"Kind": "AWS::S3::Bucket"}}},
        {"Resources": {"Fn::ForEach::A": ["Name", ["a"], {"B${Name}": {"Type": "AWS::S3::Bucket"}}]}},
        {"HookContext": {"TargetType": "RESOURCE"}, "ResourceType": "AWS::S3::Bucket", "ResourceProperties": {}},
    ],
)
@pytest.mark.parametrize("rule", HOOK_RULES)
def test_an_unknown_shape_fails_every_rule(rule: str, document: dict[str, Any]) -> None:
    found = findings(HOOK_RULES[rule].source, document)
    assert {name for name, _ in found} == {HOOK_RULES[rule].rule}
    assert any(message.startswith("unknown shape") for _, message in found)


def test_metadata_switches_no_rule_off() -> None:
    for rule, resources in BAD.items():
        document = template(*resources)
        for resource in document["Resources"].values():
            resource["Metadata"] = {"guard": {"SuppressedRules": [HOOK_RULES[rule].rule]}}
        assert findings(HOOK_RULES[rule].source, document)


def test_the_shape_is_checked_alike_everywhere() -> None:
    assert len({match[0] for rule in HOOK_RULES.values() if (match := SHAPE.search(rule.source))}) == 1
    assert all(SHAPE.search(rule.source) for rule in HOOK_RULES.values())


def test_all_rules_stand_in_one_file() -> None:
    text = guard_text()
    for shape in SHAPES.values():
        for rule, resources in BAD.items():
            assert HOOK_RULES[rule].rule in {name for name, _ in findings(text, shape(*resources))}
        assert findings(text, shape(("AWS::IAM::ManagedPolicy", {}))) == []


def test_files_and_registry_agree() -> None:
    from importlib import resources

    shipped = {f.name for f in resources.files("sudo_mcp_guardrails.policies.hooks").iterdir() if f.suffix == ".guard"}  # type: ignore[attr-defined]
    assert shipped == {rule.file for rule in HOOK_RULES.values()}
    for rule in HOOK_RULES.values():
        assert re.findall(r"^rule (\w+)", rule.source, re.MULTILINE) == [rule.rule]
        assert rule.reason
        assert rule.stops
        assert len(rule.digest) == 64
    assert FOR_EVERYONE == ("open-security-groups", "unencrypted-stores", "public-endpoints", "agentcore-gateways")
    assert HookTarget.RESOURCE not in HOOK_RULES["suppressions"].targets


def test_required_tags_are_configurable() -> None:
    text = guard_text(["missing-tags"], required_tags=["cost centre", "team"])
    wanted = [{"Key": "team", "Value": "x"}, {"Key": "cost centre", "Value": "y"}]
    for shape in SHAPES.values():
        assert findings(text, shape(("AWS::S3::Bucket", {"Tags": wanted}))) == []
        assert findings(text, shape(("AWS::S3::Bucket", {"Tags": wanted[:1]})))
        assert findings(text, shape(("AWS::S3::Bucket", TAGS)))


def test_open_ports_are_configurable() -> None:
    http = group({**WORLD, "FromPort": 80, "ToPort": 80})
    wide = group({**WORLD, "FromPort": 80, "ToPort": 443})
    for shape in SHAPES.values():
        both, none = (guard_text(["open-security-groups"], open_ports=ports) for ports in ((80, 443), ()))
        assert findings(both, shape(http, group(HTTPS))) == []
        assert findings(both, shape(wide))
        assert findings(none, shape(group(HTTPS)))
        assert findings(none, shape(group({**WORLD, "CidrIp": "10.0.0.0/8"}))) == []


def test_defaults_are_the_text_that_ships() -> None:
    assert guard_text(["missing-tags"]) == HOOK_RULES["missing-tags"].source
    assert guard_text(["open-security-groups"]) == HOOK_RULES["open-security-groups"].source


UNSEEN: Resource = ("AWS::IAM::ManagedPolicy", {"Roles": [{"Ref": "R0"}]})


@pytest.mark.parametrize("rule", [*HOOK_RULES, None], ids=str)
def test_what_rules_do_not_look_at_is_not_shown_to_them_and_no_finding_is_lost(rule: str | None) -> None:
    text = guard_text() if rule is None else HOOK_RULES[rule].source
    whole = [shape(*r, UNSEEN) for r in (*BAD.values(), *GOOD.values()) for shape in SHAPES.values()]
    # One by one too, with a reference into what is left out.
    each = [template(resource, UNSEEN) for resource in BAD.get(rule or "", [])]
    for document in (*whole, *each):
        left = shown(document, looked_at(text))
        assert sorted(findings(text, left)) == sorted(findings(text, document)), document


def test_only_what_is_looked_at_is_shown() -> None:
    rules = looked_at(guard_text(FOR_EVERYONE))
    assert rules.types is not None
    assert "AWS::S3::Bucket" in rules.types
    assert UNSEEN[0] not in rules.types
    document = template(UNSEEN, ("AWS::S3::Bucket", {}), UNSEEN, Outputs={"Name": {"Value": {"Ref": "R0"}}})
    assert shown(document, rules) == {**document, "Resources": {"R1": document["Resources"]["R1"]}}
    assert list(shown(template(UNSEEN, UNSEEN), rules)["Resources"]) == ["R0"]
    marked = {"Resources": {"A": {"Type": UNSEEN[0]}, "B": {"Type": UNSEEN[0], "Metadata": {}}}}
    assert list(shown(marked, rules)["Resources"]) == ["A"]
    assert list(shown(marked, looked_at(guard_text(["suppressions"])))["Resources"]) == ["B"]
    assert shown(marked, LookedAt(None, metadata=True)) == marked


@pytest.mark.parametrize(
    "odd",
    ["x", {}, {"Type": 3}, {"Type": UNSEEN[0], "Properties": []}, {"Type": UNSEEN[0], "ResourceProperties": {}}],
)
def test_a_resource_of_an_odd_shape_is_always_shown(odd: Any) -> None:
    document = {"Resources": {"A": odd, "B": {"Type": "AWS::S3::Bucket"}}}
    assert shown(document, looked_at(guard_text())) == document


@pytest.mark.parametrize(
    "line",
    [
        "Resources.*[ Type == /Bucket$/ ] empty",
        "Resources.*[ Type != 'AWS::S3::Bucket' ] empty",
        "Resources.*[ Properties.Tags exists ] empty",
        "Resources.*[ Type == 'AWS::S3::Bucket' or Properties.Tags exists ] empty",
        "Resources.*[ Type == 'AWS::S3::Bucket' or ResourceType == 'AWS::S3::Bucket'\n or Condition exists ] empty",
        "Resources.*[ Type in %other ] empty",
        "let odd_types = [/AWS::EC2::.*/]\n  Resources.*[ Type in %odd_types ] empty",
        "let odd_types = Resources.*.Type",
        "let noted = Resources.*[ Metadata exists ]\n  %noted { Properties.Tags exists }",
        "Resources.Bucket exists",
    ],
)
def test_a_rule_that_picks_resources_otherwise_is_shown_everything(line: str) -> None:
    assert looked_at(f"rule X {{\n  {line}\n}}\n") == LookedAt(None, metadata=True)
    assert looked_at(f"{guard_text()}\nrule X {{\n  {line}\n}}\n").types is None


def test_text_outside_of_rules_is_shown_everything() -> None:
    assert looked_at(guard_text() + "let all = Resources.*\n").types is None


def test_every_rule_that_ships_says_what_it_looks_at() -> None:
    for rule in HOOK_RULES.values():
        seen = looked_at(rule.source)
        assert seen.types is not None
        assert seen.metadata is (rule.id == "suppressions")
        assert {kind for kind, _ in BAD.get(rule.id, [])} <= seen.types


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": []}, "hook has no rules"),
        ({"rules": ["open-doors"]}, "hook rule 'open-doors' is not known, allowed are open-security-groups"),
        ({"required_tags": []}, "expected a list of at least one"),
        ({"required_tags": "owner"}, "expected a list of at least one"),
        ({"required_tags": ["o'wner"]}, 'required tag "o\'wner" is not allowed'),
        ({"required_tags": ["aws:x"]}, "required tag 'aws:x' is not allowed"),
        ({"open_ports": [0]}, "open port 0 is not allowed, expected 1 to 65535"),
        ({"open_ports": [65536]}, "open port 65536 is not allowed"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    with pytest.raises(HookRuleError, match=re.escape(message)):
        guard_text(**options)
