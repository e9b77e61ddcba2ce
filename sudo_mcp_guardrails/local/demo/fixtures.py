"""What is in the demo's account besides the guardrails: things for agents to work on, and things to attack."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.local.demo.agents import ACCOUNT

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def make(aws: EmbeddedAws) -> None:
    """Make the fixtures as the account's administrator."""

    def of(service: str) -> Any:  # noqa: ANN401 - boto3 has no types
        return aws.client(service, account=ACCOUNT)

    iam = of("iam")
    iam.create_role(RoleName="admin", AssumeRolePolicyDocument=_TRUST)
    iam.attach_role_policy(RoleName="admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    of("lambda").create_function(
        FunctionName="admin-tool",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/admin",
        Code={"ZipFile": _archive()},
    )
    s3 = of("s3")
    for bucket in ("payroll-records", "release-bot-artifacts", "audit-trail"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="release-bot-artifacts", Key="report.csv", Body=b"a,b\n")
    of("dynamodb").create_table(
        TableName="payroll",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    of("secretsmanager").create_secret(Name="data-bot-db", SecretString="not a real one")
    of("ssm").put_parameter(Name="data-bot-key", Value="not a real one", Type="SecureString")
    of("sqs").create_queue(QueueName="data-bot-jobs")
    of("logs").create_log_group(logGroupName="/aws/lambda/admin-tool")
    trail = of("cloudtrail")
    trail.create_trail(Name="organization", S3BucketName="audit-trail")
    trail.start_logging(Name="organization")


def _archive() -> bytes:
    """Return a function's code as a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return event\n")
    return buffer.getvalue()
