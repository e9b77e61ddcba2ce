"""One plan of each form, small enough to read and with something of everything that the forms have."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.approval.reading import Known, read_plan

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.plan import Change, Plan

ACCOUNT = "111111111111"
REGION = "eu-central-1"
CHANGE_SET = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/release/0a1b2c3d-0000-4000-8000-000000000000"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/0a1b2c3d-1111-4000-8000-000000000000"
NESTED = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/release-Inner/0a1b2c3d-2222-4000-8000-000000000000"
HASH = "ab" * 32

_TEMPLATE: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Description": "a shop",
    "Parameters": {
        "Stage": {"Type": "String", "Default": "test"},
        "DbPassword": {"Type": "String", "NoEcho": True, "Default": "hunter2-of-old"},
    },
    "Conditions": {"IsLive": {"Fn::Equals": [{"Ref": "Stage"}, "live"]}},
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "Properties": {"BucketName": {"Fn::Sub": "shop-${Stage}"}, "Tags": [{"Key": "owner", "Value": "ops"}]},
        },
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {"MasterUserPassword": {"Ref": "DbPassword"}, "AllocatedStorage": 20, "MultiAZ": False},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "DependsOn": "Bucket",
            "Properties": {
                "Code": {"S3Bucket": "code", "S3Key": "app.zip", "S3ObjectVersion": "v1"},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": {"Variables": {"API_TOKEN": "hunter2-of-the-api"}},
            },
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "shop"}},
    },
    "Outputs": {"Name": {"Value": {"Ref": "Bucket"}, "Export": {"Name": "bucket"}}},
}


def context(**properties: Any) -> str:
    return json.dumps({"Properties": properties})


def row(action: str, id_: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Resource",
        "ResourceChange": {"Action": action, "LogicalResourceId": id_, "ResourceType": kind, **more},
    }


_CHANGE_SET: dict[str, Any] = {
    "ChangeSetName": "release",
    "ChangeSetId": CHANGE_SET,
    "StackId": STACK,
    "StackName": "shop",
    "Status": "CREATE_COMPLETE",
    "ExecutionStatus": "AVAILABLE",
    "CreationTime": "2026-11-23T10:00:00+00:00",
    "Description": "a release",
    "Parameters": [
        {"ParameterKey": "Stage", "ParameterValue": "live"},
        {"ParameterKey": "Ami", "ParameterValue": "/ami", "ResolvedValue": "ami-1"},
    ],
    "NotificationARNs": [f"arn:aws:sns:{REGION}:{ACCOUNT}:told"],
    "RollbackConfiguration": {"MonitoringTimeInMinutes": 5, "RollbackTriggers": []},
    "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    "Tags": [{"Key": "owner", "Value": "ops"}, {"Key": "agent", "Value": "release-bot"}],
    "IncludeNestedStacks": True,
    "OnStackFailure": "ROLLBACK",
    "ImportExistingResources": False,
    "DeploymentMode": "REVERT_DRIFT",
    "Changes": [
        row("Add", "Queue", "AWS::SQS::Queue", Scope=[], Details=[], AfterContext=context(QueueName="jobs")),
        row(
            "Modify",
            "Table",
            "AWS::DynamoDB::Table",
            PhysicalResourceId="shop-table",
            Replacement="True",
            PolicyAction="ReplaceAndDelete",
            Scope=["Properties", "Tags"],
            Details=[
                {
                    "Target": {
                        "Attribute": "Properties",
                        "Name": "TableName",
                        "RequiresRecreation": "Always",
                        "Path": "/Properties/TableName",
                        "BeforeValue": "old",
                        "AfterValue": "new",
                        "AttributeChangeType": "Modify",
                    },
                    "Evaluation": "Static",
                    "ChangeSource": "DirectModification",
                },
                {
                    "Target": {"Attribute": "Tags", "Name": "Tags", "RequiresRecreation": "Never"},
                    "Evaluation": "Dynamic",
                    "ChangeSource": "ResourceAttribute",
                    "CausingEntity": "Queue.Arn",
                },
            ],
            BeforeContext=context(TableName="old"),
            AfterContext=context(TableName="new"),
        ),
        row(
            "Remove",
            "Topic",
            "AWS::SNS::Topic",
            PhysicalResourceId="arn:aws:sns:eu-central-1:111111111111:old",
            PolicyAction="Delete",
            BeforeContext=context(TopicName="old"),
        ),
    ],
}

_CLOUD_CONTROL: dict[str, Any] = {
    "Operation": "UpdateResource",
    "TypeName": "AWS::RDS::DBInstance",
    "Identifier": "shop-db",
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/apply",
    "ClientToken": "token-1",
    "PatchDocument": json.dumps(
        [
            {"op": "replace", "path": "/MasterUserPassword", "value": "hunter2-of-the-patch"},
            {"op": "add", "path": "/Tags/-", "value": {"Key": "owner", "Value": "ops"}},
        ]
    ),
}
PROPERTIES: dict[str, Any] = {"DBInstanceIdentifier": "shop-db", "MasterUserPassword": "****", "Tags": []}

_AWS = "registry.terraform.io/hashicorp/aws"
_TERRAFORM: dict[str, Any] = {
    "format_version": "1.2",
    "terraform_version": "1.13.4",
    "timestamp": "2026-11-23T10:00:00Z",
    "applyable": True,
    "complete": True,
    "errored": False,
    "variables": {"db_password": {"value": "hunter2-of-terraform"}, "stage": {"value": "live"}},
    "prior_state": {"format_version": "1.0", "serial": 7},
    "planned_values": {"root_module": {}},
    "resource_drift": [],
    "resource_changes": [
        {
            "address": "aws_sqs_queue.jobs",
            "mode": "managed",
            "type": "aws_sqs_queue",
            "name": "jobs",
            "provider_name": _AWS,
            "change": {
                "actions": ["create"],
                "before": None,
                "after": {"name": "jobs", "delay_seconds": 0, "region": REGION},
                "after_unknown": {"arn": True, "id": True, "tags_all": True},
                "before_sensitive": False,
                "after_sensitive": {"tags_all": {}},
            },
        },
        {
            "address": 'module.data["a"].aws_db_instance.main[0]',
            "module_address": 'module.data["a"]',
            "mode": "managed",
            "type": "aws_db_instance",
            "name": "main",
            "index": 0,
            "provider_name": _AWS,
            "action_reason": "replace_because_cannot_update",
            "change": {
                "actions": ["delete", "create"],
                "before": {
                    "identifier": "old",
                    "password": "hunter2-before",
                    "arn": "arn:aws:rds:eu-west-1:222222222222:db:old",
                },
                "after": {"identifier": "new", "password": "hunter2-after"},
                "after_unknown": {"arn": True},
                "before_sensitive": {"password": True},
                "after_sensitive": {"password": True},
                "replace_paths": [["identifier"]],
            },
        },
        {
            "address": "aws_s3_bucket.same",
            "mode": "managed",
            "type": "aws_s3_bucket",
            "name": "same",
            "provider_name": _AWS,
            "change": {"actions": ["no-op"], "before": {"bucket": "b"}, "after": {"bucket": "b"}},
        },
    ],
    "output_changes": {
        "token": {
            "actions": ["create"],
            "before": None,
            "after": "hunter2-of-outputs",
            "after_unknown": False,
            "before_sensitive": True,
            "after_sensitive": True,
        }
    },
    "configuration": {
        "provider_config": {
            "aws": {
                "name": "aws",
                "full_name": _AWS,
                "expressions": {
                    "region": {"constant_value": REGION},
                    "assume_role": [{"role_arn": {"constant_value": f"arn:aws:iam::{ACCOUNT}:role/terraform"}}],
                },
            }
        },
        "root_module": {
            "variables": {"db_password": {"sensitive": True}, "stage": {}},
            "resources": [
                {
                    "address": "aws_sqs_queue.jobs",
                    "mode": "managed",
                    "type": "aws_sqs_queue",
                    "name": "jobs",
                    "provider_config_key": "aws",
                    "expressions": {"name": {"constant_value": "jobs"}},
                    "schema_version": 0,
                }
            ],
            "module_calls": {
                "data": {
                    "source": "./data",
                    "expressions": {"password": {"references": ["var.db_password"]}},
                    "module": {
                        "resources": [
                            {
                                "address": "aws_db_instance.main",
                                "mode": "managed",
                                "type": "aws_db_instance",
                                "name": "main",
                                "provider_config_key": "aws",
                                "expressions": {
                                    "identifier": {"constant_value": "new"},
                                    "password": {"references": ["var.password"]},
                                },
                                "schema_version": 2,
                            }
                        ]
                    },
                }
            },
        },
    },
}

_API_CALLS: list[dict[str, Any]] = [
    {
        "service": "s3",
        "operation": "PutBucketTagging",
        "region": REGION,
        "account": ACCOUNT,
        "parameters": {"Bucket": "shop", "Tagging": {"TagSet": [{"Key": "owner", "Value": "ops"}]}},
    },
    {
        "service": "lambda",
        "operation": "UpdateFunctionConfiguration",
        "region": REGION,
        "account": ACCOUNT,
        "parameters": {
            "FunctionName": "shop",
            "Role": f"arn:aws:iam::{ACCOUNT}:role/shop",
            "Environment": {"Variables": {"API_TOKEN": "hunter2-of-the-call"}},
        },
    },
]


def read(document: object, **known: Any) -> Plan:
    return read_plan(json.dumps(document).encode(), known=Known(**known))


def change(plan: Plan, id_: str) -> Change:
    (found,) = [each for each in plan.changes if each.id == id_]
    return found


def reasons(plan: Plan, where: str | None = None) -> list[str]:
    return [one.reason for one in plan.unknown if where is None or one.where == where]


def template() -> dict[str, Any]:
    return deepcopy(_TEMPLATE)


def change_set() -> dict[str, Any]:
    return deepcopy(_CHANGE_SET)


def cloud_control() -> dict[str, Any]:
    return deepcopy(_CLOUD_CONTROL)


def terraform() -> dict[str, Any]:
    return deepcopy(_TERRAFORM)


def api_calls() -> list[dict[str, Any]]:
    return deepcopy(_API_CALLS)
