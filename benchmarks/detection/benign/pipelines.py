"""What pipelines do, and CloudFormation for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from benchmarks.detection.benign.agents import ACCOUNT, REGION
from benchmarks.detection.benign.world import archive, policy

if TYPE_CHECKING:
    from benchmarks.detection.benign.caller import Work

_ASSETS: Final = "cdk-hnb659fds-assets"
_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/orders-api"


def deploy(work: Work) -> None:
    """Deploys as the CDK's CLI does: looks up, publishes assets, makes a change set, carries it out, watches."""
    stack = work.named("orders")
    work("sts", "get_caller_identity")
    work("ssm", "get_parameter", Name="/cdk-bootstrap/hnb659fds/version")
    work("s3", "get_bucket_location", Bucket=_ASSETS)
    work("s3", "get_bucket_encryption", Bucket=_ASSETS)
    for _ in work.times(1, 3):
        work("s3", "list_objects_v2", Bucket=_ASSETS, Prefix=f"{work.draw.getrandbits(64):x}.zip")
        work("s3", "put_object", Bucket=_ASSETS, Key=f"{work.draw.getrandbits(64):x}.zip", Body=archive())
    work("cloudformation", "describe_stacks", StackName=stack)
    template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": stack}}}})
    work(
        "cloudformation",
        "create_change_set",
        StackName=stack,
        ChangeSetName="cdk-deploy",
        ChangeSetType="CREATE",
        TemplateBody=template,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    work("cloudformation", "describe_change_set", StackName=stack, ChangeSetName="cdk-deploy")
    work("cloudformation", "execute_change_set", StackName=stack, ChangeSetName="cdk-deploy")
    for _ in work.times(2, 8):
        work("cloudformation", "describe_stacks", StackName=stack)
        work("cloudformation", "describe_stack_events", StackName=stack)
    if work.chance(0.3):
        work("cloudformation", "delete_stack", StackName=stack)


def release_function(work: Work) -> None:
    """Puts new code of a function out, without a stack."""
    name = work.some("orders-api", "orders-worker")
    work("lambda", "get_function_configuration", FunctionName=name)
    work("lambda", "update_function_code", FunctionName=name, ZipFile=archive(f"# {work.number}\n"))
    work("lambda", "get_function_configuration", FunctionName=name)
    work("lambda", "publish_version", FunctionName=name)


def terraform(work: Work) -> None:
    """Reads the state, refreshes every resource, changes a few."""
    name = work.named("tf")
    work("sts", "get_caller_identity")
    work("s3", "get_object", Bucket="orders-archive", Key="terraform.tfstate")
    work("dynamodb", "put_item", TableName="sessions", Item={"id": {"S": name}})
    for _ in work.times(1, 3):
        bucket = work.some("orders-archive", "web-assets-prod", "data-lake-raw")
        for operation in (
            "get_bucket_policy",
            "get_bucket_acl",
            "get_bucket_cors",
            "get_bucket_website",
            "get_bucket_versioning",
            "get_bucket_logging",
            "get_bucket_lifecycle_configuration",
            "get_bucket_replication",
            "get_bucket_encryption",
            "get_bucket_tagging",
            "get_public_access_block",
        ):
            work("s3", operation, Bucket=bucket)
    for role in ("orders-api", "orders-worker", "data-pipeline"):
        work("iam", "get_role", RoleName=role)
        work("iam", "list_role_policies", RoleName=role)
        work("iam", "list_attached_role_policies", RoleName=role)
    work("ec2", "describe_vpcs")
    work("ec2", "describe_subnets")
    if work.chance(0.4):
        group = work("ec2", "create_security_group", GroupName=name, Description="terraform")
        if group:
            work(
                "ec2",
                "authorize_security_group_ingress",
                GroupId=group["GroupId"],
                IpPermissions=[
                    {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "10.20.0.0/16"}]}
                ],
            )
            work("ec2", "delete_security_group", GroupId=group["GroupId"])
    if work.chance(0.3):
        work(
            "iam",
            "create_policy",
            PolicyName=name,
            PolicyDocument=policy({"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": "*"}),
        )
        work("iam", "attach_role_policy", RoleName="orders-worker", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{name}")
        work("iam", "detach_role_policy", RoleName="orders-worker", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{name}")
        work("iam", "delete_policy", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{name}")
    if work.chance(0.1):
        vpc = work("ec2", "create_vpc", CidrBlock="10.30.0.0/16")
        if vpc:
            work("ec2", "delete_vpc", VpcId=vpc["Vpc"]["VpcId"])
    work("dynamodb", "delete_item", TableName="sessions", Key={"id": {"S": name}})


def make_resources(work: Work) -> None:
    """Makes what a stack says, as CloudFormation does with its role."""
    name = work.named("stack-thing")
    trust = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    work("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust)
    work("iam", "get_role", RoleName=name)
    work(
        "iam",
        "put_role_policy",
        RoleName=name,
        PolicyName="work",
        PolicyDocument=policy({"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": "*"}),
    )
    work(
        "lambda",
        "create_function",
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=_ROLE,
        Code={"ZipFile": archive()},
    )
    work(
        "lambda",
        "add_permission",
        FunctionName=name,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}",
    )
    work("logs", "create_log_group", logGroupName=f"/aws/lambda/{name}")
    work("logs", "put_retention_policy", logGroupName=f"/aws/lambda/{name}", retentionInDays=30)
    work("sqs", "create_queue", QueueName=name)
    if work.chance(0.5):
        work("s3", "create_bucket", Bucket=name)
        work(
            "s3",
            "put_bucket_policy",
            Bucket=name,
            Policy=policy(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": f"arn:aws:s3:::{name}/*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ),
        )
    for _ in work.times(0, 3):  # a later version of the stack
        work("lambda", "update_function_code", FunctionName=name, ZipFile=archive(f"# {work.draw.random()}\n"))
        work("lambda", "update_function_configuration", FunctionName=name, Timeout=work.draw.randint(3, 60))
    if work.chance(0.5):
        work("lambda", "delete_function", FunctionName=name)
        work("iam", "delete_role_policy", RoleName=name, PolicyName="work")
        work("iam", "delete_role", RoleName=name)


def upgrade_guardrails(work: Work) -> None:
    """What CloudFormation does when the platform team deploys a new version of the guardrails."""
    for agent in ("release-bot", "queue-bot", "log-reader"):
        role = f"mcp-guardrails-{agent}-read"
        work("iam", "get_role", RoleName=role)
        boundary = f"arn:aws:iam::{ACCOUNT}:policy/mcp-guardrails/boundary/mcp-guardrails-agent-{agent}"
        version = work("iam", "get_policy", PolicyArn=boundary).get("Policy", {}).get("DefaultVersionId")
        if version:
            held = work("iam", "get_policy_version", PolicyArn=boundary, VersionId=version)
            text = json.dumps(held["PolicyVersion"]["Document"]) if held else policy()
            made = work("iam", "create_policy_version", PolicyArn=boundary, PolicyDocument=text, SetAsDefault=True)
            if made:
                work("iam", "delete_policy_version", PolicyArn=boundary, VersionId=version)
    work(
        "lambda",
        "update_function_configuration",
        FunctionName="mcp-guardrails-session-broker",
        Description=f"release {work.number}",
    )
    work("logs", "put_retention_policy", logGroupName="/aws/lambda/orders-api", retentionInDays=30)


def make_tables(work: Work) -> None:
    """Makes what an agent's approved stack says, as CloudFormation does with the agent's execution role."""
    name = work.named("release-bot-orders")
    work(
        "dynamodb",
        "create_table",
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    for _ in work.times(2, 6):
        work("dynamodb", "describe_table", TableName=name)
    work("sqs", "create_queue", QueueName=name)
