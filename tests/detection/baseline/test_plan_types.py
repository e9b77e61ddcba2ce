from __future__ import annotations

import pytest

from sudo_mcp_guardrails.detection.baseline.calls import Call
from sudo_mcp_guardrails.detection.baseline.plan_types import needs, service_of
from tests.detection.baseline.made import made


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("AWS::S3::Bucket", "s3"),
        ("AWS::CloudWatch::Alarm", "monitoring"),
        ("AWS::StepFunctions::StateMachine", "states"),
        ("AWS::ElasticLoadBalancingV2::Listener", "elasticloadbalancing"),
        ("AWS::CloudFormation::Stack", "cloudformation"),
        ("AWS::CloudFormation::CustomResource", None),
        ("Custom::Thing", None),
        ("aws_s3_bucket", None),
        ("", None),
    ],
)
def test_a_type_belongs_to_a_service(name: str, service: str | None) -> None:
    assert service_of(name) == service


@pytest.mark.parametrize(
    ("action", "types", "needed"),
    [
        ("s3:CreateBucket", {"AWS::S3::Bucket": "create"}, True),
        ("s3:PutBucketEncryption", {"AWS::S3::Bucket": "update"}, True),
        ("s3:PutBucketPolicy", {"AWS::S3::Bucket": "create"}, False),
        ("s3:PutBucketPolicy", {"AWS::S3::Bucket": "create", "AWS::S3::BucketPolicy": "create"}, True),
        ("s3:PutObject", {"AWS::S3::Bucket": "create"}, False),
        ("s3:DeleteBucket", {"AWS::S3::Bucket": "create"}, True),  # a create that failed
        ("s3:DeleteBucket", {"AWS::S3::Bucket": "replace"}, True),
        ("s3:DeleteBucket", {"AWS::S3::Bucket": "update"}, False),
        ("s3:DeleteBucketCors", {"AWS::S3::Bucket": "update"}, True),
        ("ec2:TerminateInstances", {"AWS::EC2::Instance": "update"}, True),  # claimed: a new one may be made
        ("dynamodb:DeleteTable", {"AWS::DynamoDB::Table": "update"}, False),
        ("dynamodb:DeleteTable", {"AWS::DynamoDB::Table": "delete"}, True),
        ("dynamodb:DeleteBackup", {"AWS::DynamoDB::Table": "update"}, True),
        ("iam:CreateRole", {"AWS::IAM::Role": "create"}, True),
        ("iam:PutRolePolicy", {"AWS::IAM::Policy": "create"}, True),
        ("iam:CreateRole", {"AWS::IAM::Policy": "create"}, False),
        ("iam:UpdateAssumeRolePolicy", {"AWS::IAM::ManagedPolicy": "update"}, False),
        ("iam:CreateUser", {"AWS::IAM::Role": "create"}, False),
        ("iam:CreateAccessKey", {"AWS::IAM::User": "create"}, False),
        ("iam:CreatePolicyVersion", {"AWS::IAM::ManagedPolicy": "update"}, True),
        ("iam:CreateRole", {"AWS::Lambda::Function": "create"}, False),
        ("lambda:AddPermission", {"AWS::Lambda::Function": "update"}, False),
        ("lambda:AddPermission", {"AWS::Lambda::Permission": "create"}, True),
        ("lambda:UpdateFunctionCode", {"AWS::Lambda::Function": "update"}, True),
        ("lambda:Invoke", {"AWS::Lambda::Function": "update"}, False),
        ("ec2:CreateNetworkInterface", {"AWS::Lambda::Function": "create"}, True),
        ("ec2:RunInstances", {"AWS::Lambda::Function": "create"}, False),
        ("ec2:AuthorizeSecurityGroupIngress", {"AWS::EC2::VPC": "create"}, False),
        ("ec2:AuthorizeSecurityGroupIngress", {"AWS::EC2::SecurityGroup": "create"}, True),
        ("ec2:ModifySnapshotAttribute", {"AWS::EC2::Volume": "create"}, False),
        ("kms:CreateGrant", {"AWS::S3::Bucket": "create"}, True),
        ("kms:PutKeyPolicy", {"AWS::S3::Bucket": "create"}, False),
        ("kms:PutKeyPolicy", {"AWS::KMS::Key": "create"}, True),
        ("kms:ScheduleKeyDeletion", {"AWS::KMS::Alias": "create"}, False),
        ("kms:CreateGrant", {}, False),
        ("iam:CreateServiceLinkedRole", {"AWS::ECS::Service": "create"}, True),
        ("logs:PutSubscriptionFilter", {"AWS::Logs::LogGroup": "create"}, False),
        ("secretsmanager:GetSecretValue", {"AWS::SecretsManager::Secret": "create"}, False),
        ("sqs:CreateQueue", {"AWS::SNS::Topic": "create"}, False),
    ],
)
def test_what_types_need(action: str, types: dict[str, str], needed: bool) -> None:  # noqa: FBT001
    call = Call.of(made(action).event)
    assert needs(call, frozenset(types.items())) is needed
