"""Network, key and reserved concurrency of a function from a template, and the network that it names."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.local.embedded.conftest import Account

    Template = dict[str, Any]

CODE = "def handler(event, context):\n    return 'ran'\n"


def network() -> Template:
    trust = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/22"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": {"Fn::Select": [1, {"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, 4, "8"]}]},
            },
        },
        "Inside": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "inside", "VpcId": {"Ref": "Vpc"}},
        },
        "Flows": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "flows"}},
        "FlowRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}},
        },
        "FlowLog": {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {
                "ResourceId": {"Ref": "Vpc"},
                "ResourceType": "VPC",
                "TrafficType": "ALL",
                "LogGroupName": {"Ref": "Flows"},
                "DeliverLogsPermissionArn": {"Fn::GetAtt": ["FlowRole", "Arn"]},
            },
        },
    }


def function(account: Account, **properties: Any) -> Template:
    role = account.role(
        "function",
        trust={"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    )
    settings = {
        "FunctionName": "f",
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": role,
        "Code": {"ZipFile": CODE},
        **properties,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": settings}


def test_stock_drops_the_key_in_silence(stock_account: Account) -> None:
    made = function(stock_account, KmsKeyArn="arn:aws:kms:us-east-1:000000000000:key/none")
    assert stock_account.deploy({"Resources": {"F": made}}) == "CREATE_COMPLETE"
    assert not stock_account.client("lambda").get_function_configuration(FunctionName="f").get("KMSKeyArn")


def test_network_key_and_concurrency_are_kept(account: Account) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    vpc = {"SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": [{"Fn::GetAtt": ["Inside", "GroupId"]}]}
    made = function(account, KmsKeyArn=key, VpcConfig=vpc, ReservedConcurrentExecutions=3)
    assert account.deploy({"Resources": {**network(), "F": made}}) == "CREATE_COMPLETE", account.reasons()
    functions = account.client("lambda")
    config = functions.get_function_configuration(FunctionName="f")
    assert config["KMSKeyArn"] == key
    subnet = account.client("ec2").describe_subnets(SubnetIds=config["VpcConfig"]["SubnetIds"])["Subnets"][0]
    assert subnet["CidrBlock"] == "10.1.1.0/24"
    assert config["VpcConfig"]["VpcId"] == subnet["VpcId"]
    assert functions.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 3
    [flows] = account.client("ec2").describe_flow_logs()["FlowLogs"]
    assert flows["ResourceId"] == subnet["VpcId"]


def test_a_function_whose_key_is_disabled_does_not_run(account: Account) -> None:
    kms, functions = account.client("kms"), account.client("lambda")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    assert account.deploy({"Resources": {"F": function(account, KmsKeyArn=key)}}) == "CREATE_COMPLETE"
    assert json.loads(functions.invoke(FunctionName="f")["Payload"].read()) == "ran"
    kms.disable_key(KeyId=key)
    answer = functions.invoke(FunctionName="f")
    assert answer["FunctionError"]
    assert json.loads(answer["Payload"].read())["errorType"] == "KMSDisabledException"
    kms.enable_key(KeyId=key)
    assert "FunctionError" not in functions.invoke(FunctionName="f")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"KmsKeyArn": "arn:aws:kms:us-east-1:{account}:key/none"}, "there is no such key"),
        ({"VpcConfig": {"SubnetIds": ["subnet-none"], "SecurityGroupIds": ["sg-none"]}}, "needs subnets of one VPC"),
        ({"VpcConfig": {"SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": []}}, "needs subnets of one VPC"),
        ({"VpcConfig": {"SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": ["sg-none"]}}, "sg-none is not of vpc-"),
    ],
)
def test_what_is_not_there_fails_the_function(account: Account, properties: Template, reason: str) -> None:
    given = json.loads(json.dumps(properties).replace("{account}", account.id))
    made = {"Resources": {**network(), "F": function(account, **given)}}
    assert account.deploy(made) == "ROLLBACK_COMPLETE"
    assert reason in account.reasons()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ResourceId": "vpc-none"}, "no such resource"),
        ({"LogGroupName": "none"}, "no such log group"),
        ({"DeliverLogsPermissionArn": "arn:aws:iam::1:role/none"}, "not authorized to assume"),
    ],
)
def test_a_flow_log_names_what_is_there(account: Account, change: Template, reason: str) -> None:
    resources = network()
    resources["FlowLog"]["Properties"].update(change)
    assert account.deploy({"Resources": resources}) == "ROLLBACK_COMPLETE"
    assert reason in account.reasons()
    assert account.client("ec2").describe_flow_logs()["FlowLogs"] == []


def queue_with_function(account: Account, *statements: dict[str, Any], **attributes: str) -> str:
    """A queue, and a function that may do what the statements say; returns the queue's URL."""
    url = account.client("sqs").create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
    role = account.role(
        "reader",
        *statements,
        trust={"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", CODE)
    account.client("lambda").create_function(
        FunctionName="reader",
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": packed.getvalue()},
    )
    return str(url)


def left(account: Account, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


READ = {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]}


def test_a_mapping_needs_a_role_that_may_read_the_queue(account: Account) -> None:
    queue_with_function(account, {**READ, "Action": ["sqs:ReceiveMessage"], "Resource": "*"})
    functions = account.client("lambda")
    arn = f"arn:aws:sqs:us-east-1:{account.id}:work"
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="sqs:DeleteMessage"):
        functions.create_event_source_mapping(FunctionName="reader", EventSourceArn=arn)
    assert functions.list_event_source_mappings()["EventSourceMappings"] == []


def test_a_mapping_of_an_encrypted_queue_needs_the_key(account: Account) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    queue_with_function(account, {**READ, "Resource": "*"}, KmsMasterKeyId=key)
    functions, arn = account.client("lambda"), f"arn:aws:sqs:us-east-1:{account.id}:work"
    # The key's own policy delegates to IAM, and IAM says nothing.
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="kms:Decrypt"):
        functions.create_event_source_mapping(FunctionName="reader", EventSourceArn=arn)
    decrypt = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}
    account.client("iam").put_role_policy(
        RoleName="reader", PolicyName="key", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": decrypt})
    )
    functions.create_event_source_mapping(FunctionName="reader", EventSourceArn=arn)


def test_a_role_that_loses_its_permission_reads_no_more(account: Account) -> None:
    tls: dict[str, Any] = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    tls["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [tls]})
    url = queue_with_function(account, {**READ, "Resource": "*"}, Policy=policy)
    sqs, functions, iam = account.client("sqs"), account.client("lambda"), account.client("iam")
    arn = f"arn:aws:sqs:us-east-1:{account.id}:work"
    functions.create_event_source_mapping(FunctionName="reader", EventSourceArn=arn)
    sqs.send_message(QueueUrl=url, MessageBody="one")
    wait_for(lambda: left(account, url) == 0)
    iam.delete_role_policy(RoleName="reader", PolicyName="inline")
    sqs.send_message(QueueUrl=url, MessageBody="two")
    wait_for(
        lambda: (
            "lacks sqs:ReceiveMessage"
            in functions.list_event_source_mappings()["EventSourceMappings"][0].get("LastProcessingResult", "")
        )
    )
    assert left(account, url) == 1


def wait_for(holds: Any) -> None:
    for _ in range(100):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("did not come to hold")
