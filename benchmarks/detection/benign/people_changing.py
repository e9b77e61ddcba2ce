"""What people change, and undo again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.detection.benign.agents import ACCOUNT, REGION
from benchmarks.detection.benign.world import archive, policy

if TYPE_CHECKING:
    from benchmarks.detection.benign.caller import Work

_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/orders-api"
_PASSWORD: Final = "made-Up-1234"  # noqa: S105 - it opens nothing real


def develop(work: Work) -> None:
    """Tries a function, a queue and a table of one's own out, and removes them again."""
    name = work.named("try")
    work(
        "lambda",
        "create_function",
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=_ROLE,
        Code={"ZipFile": archive()},
    )
    for _ in work.times(1, 6):
        work("lambda", "update_function_code", FunctionName=name, ZipFile=archive(f"# {work.draw.random()}\n"))
        work("lambda", "get_function", FunctionName=name)
        if work.chance(0.3):
            work("lambda", "update_function_configuration", FunctionName=name, Timeout=work.draw.randint(3, 60))
    if work.chance(0.15):
        layer = work("lambda", "publish_layer_version", LayerName=name, Content={"ZipFile": archive()})
        if layer:
            work("lambda", "update_function_configuration", FunctionName=name, Layers=[layer["LayerVersionArn"]])
    if work.chance(0.5):
        work("sqs", "create_queue", QueueName=name)
        work("sqs", "get_queue_attributes", QueueUrl=_queue(work, name), AttributeNames=["All"])
        work("sqs", "delete_queue", QueueUrl=_queue(work, name))
    work("lambda", "delete_function", FunctionName=name)
    if work.chance(0.2):  # developers may not make roles
        work("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=policy())


def _queue(work: Work, name: str) -> str:
    return f"{work.caller.aws.endpoint_url}/{ACCOUNT}/{name}"


def build_platform(work: Work) -> None:
    """Makes a bucket, a key, a role for a new service, by hand."""
    name = work.named("service")
    if work.chance(0.7):
        work("s3", "create_bucket", Bucket=name)
        work(
            "s3",
            "put_public_access_block",
            Bucket=name,
            PublicAccessBlockConfiguration=dict.fromkeys(
                ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
            ),
        )
        work("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        work(
            "s3",
            "put_bucket_encryption",
            Bucket=name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            },
        )
    trust = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    work("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust)
    work(
        "iam",
        "put_role_policy",
        RoleName=name,
        PolicyName="work",
        PolicyDocument=policy(
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{name}/*"}
        ),
    )
    work(
        "iam",
        "attach_role_policy",
        RoleName=name,
        PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    )
    if work.chance(0.3):
        work("sns", "create_topic", Name=name)
        work("sqs", "create_queue", QueueName=name)
    if work.chance(0.2):
        key = work("kms", "create_key", Description=name)
        if key:
            work("kms", "enable_key_rotation", KeyId=key["KeyMetadata"]["KeyId"])


def network(work: Work) -> None:
    """Opens a security group to a private range, and to the office."""
    group = work("ec2", "create_security_group", GroupName=work.named("internal"), Description="internal")
    if not group:
        return
    ranges = work.some("10.20.0.0/16", "192.168.0.0/16", "172.16.0.0/12", "203.0.113.0/24")
    for port in work.draw.sample((22, 443, 5432, 8080), work.draw.randint(1, 3)):
        work(
            "ec2",
            "authorize_security_group_ingress",
            GroupId=group["GroupId"],
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": ranges}]}],
        )
    if work.chance(0.15):  # a web server is there for everybody
        work(
            "ec2",
            "authorize_security_group_ingress",
            GroupId=group["GroupId"],
            IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            ],
        )
    work("ec2", "describe_security_groups", GroupIds=[group["GroupId"]])
    if work.chance(0.5):
        work("ec2", "delete_security_group", GroupId=group["GroupId"])


def administer(work: Work) -> None:
    """Changes a bucket's policy, a role's trust, a parameter, an alarm."""
    bucket = work.some("orders-archive", "data-lake-raw")
    work("s3", "get_bucket_policy", Bucket=bucket)
    work(
        "s3",
        "put_bucket_policy",
        Bucket=bucket,
        Policy=policy(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": f"arn:aws:s3:::{bucket}/*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/{work.some('orders-worker', 'data-pipeline')}"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            },
        ),
    )
    if work.chance(0.3):
        work(
            "iam",
            "update_assume_role_policy",
            RoleName=work.some("orders-worker", "data-pipeline"),
            PolicyDocument=policy(
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"},
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
            ),
        )
    if work.chance(0.4):
        work("ssm", "put_parameter", Name="/orders/flags", Value=work.named("on"), Type="String", Overwrite=True)
    if work.chance(0.3):
        work("logs", "put_retention_policy", logGroupName="/aws/lambda/orders-api", retentionInDays=90)
    if work.chance(0.1):
        work(
            "sqs",
            "set_queue_attributes",
            QueueUrl=_queue(work, "orders-in"),
            Attributes={
                "Policy": policy(
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "sns.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders-in",
                        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"}},
                    }
                )
            },
        )


def newcomer(work: Work) -> None:
    """Makes a user for a person who starts, the old way, and one who leaves goes."""
    name = work.named("new")
    work("iam", "create_user", UserName=name)
    work("iam", "add_user_to_group", UserName=name, GroupName="everybody")
    work("iam", "create_login_profile", UserName=name, Password=_PASSWORD, PasswordResetRequired=True)
    work("iam", "attach_user_policy", UserName=name, PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")
    work("iam", "list_mfa_devices", UserName=name)
    work("iam", "delete_login_profile", UserName=name)
    work("iam", "detach_user_policy", UserName=name, PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")
    work("iam", "delete_user", UserName=name)


def rotate_own_key(work: Work, user: str) -> None:
    """Makes a second key, takes it into use, and removes the first: as a user, for that user."""
    work("iam", "list_access_keys", UserName=user)
    made: dict[str, Any] = work("iam", "create_access_key", UserName=user)
    if not made:
        return
    new = made["AccessKey"]["AccessKeyId"]
    work("iam", "get_access_key_last_used", AccessKeyId=new)
    # The key that the next sessions need stays: here the second one goes again.
    work("iam", "update_access_key", UserName=user, AccessKeyId=new, Status="Inactive")
    work("iam", "delete_access_key", UserName=user, AccessKeyId=new)
