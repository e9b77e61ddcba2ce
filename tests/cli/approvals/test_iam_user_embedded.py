"""An IAM user's session with a second factor, signed by us and let through by the embedded AWS's own policies."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.function_urls import call_function_url
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.approvals.conftest import Run

pytestmark = pytest.mark.integration

ACCOUNT = "200000000901"
REGION = "us-east-1"
# What it answers is who asked, as AWS tells the function.
CODE = """
import json

def handler(event, context):
    who = event["requestContext"]["authorizer"]["iam"]["userArn"]
    names = ("id", "delegate", "starts", "ends", "reason")
    lent = {**dict.fromkeys(names, event["rawPath"]), "delegator": who, "groups": []}
    return {"statusCode": 200, "body": json.dumps({"delegations": [lent]})}
"""
WITH_MFA = {
    "Bool": {"aws:MultiFactorAuthPresent": "true"},
    "NumericLessThan": {"aws:MultiFactorAuthAge": "300"},
}


def function_url(aws: EmbeddedAws) -> str:
    """Deploy a function with a URL that asks for signatures."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", CODE)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = aws.client("iam", account=ACCOUNT, region=REGION).create_role(
        RoleName="function", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    functions = aws.client("lambda", account=ACCOUNT, region=REGION)
    functions.create_function(
        FunctionName="approval-api",
        Runtime="python3.12",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": packed.getvalue()},
    )
    return str(functions.create_function_url_config(FunctionName="approval-api", AuthType="AWS_IAM")["FunctionUrl"])


def user(aws: EmbeddedAws) -> tuple[dict[str, str], str]:
    """Return the keys and the device of a user who may call the function with a second factor."""
    iam = aws.client("iam", account=ACCOUNT, region=REGION)
    iam.create_user(UserName="Alice")
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:approval-api"
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": action, "Resource": function, "Condition": WITH_MFA}
        for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="Alice", PolicyName="decides", PolicyDocument=document)
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="Alice", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    return dict(iam.create_access_key(UserName="Alice")["AccessKey"]), serial


def test_a_session_with_a_second_factor_is_let_through_and_the_keys_alone_are_not(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddedAws() as aws:
        url = function_url(aws)
        key, serial = user(aws)
        config = tmp_path / "config"
        config.write_text(
            f"[profile alice]\nregion = {REGION}\nendpoint_url = {aws.endpoint_url}\nmfa_serial = {serial}\n"
            f"aws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        local = f"{aws.endpoint_url}/_aws/lambda-url/{url.split('//')[1].split('.')[0]}/"
        options = ("--url", local, "--profile", "alice", "--mfa-code")
        (item,) = run("delegate", *options, "123456")["items"]
        assert item["delegator"] == f"arn:aws:iam::{ACCOUNT}:user/Alice"
        assert item["id"].endswith("/api/delegations")
        plain = clients.session(key["AccessKeyId"], key["SecretAccessKey"])
        status, _ = call_function_url(
            aws.endpoint_url, url, plain, None, method="GET", path="/api/delegations", region=REGION
        )
        assert status == 403
