"""What may be shown of a plan."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.masking import masked, masked_value
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.secret_names import is_secret_name, secret_paths, without_secrets

GITHUB = "ghp_" + "a1" * 18
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZ2VudCJ9.c2lnbmF0dXJl"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "name",
    [
        *("Password", "MasterUserPassword", "DB_PASSWORD", "password_wo", "dbPasswd", "AuthToken", "authToken"),
        *(
            "SecretString",
            "secret_string",
            "client_secret",
            "OAuthToken",
            "github_token",
            "ApiKey",
            "API_KEY",
            "apikey",
        ),
        *("PrivateKey", "private_key_pem", "AccessKey", "AWS_SECRET_ACCESS_KEY", "ConnectionString", "KeyMaterial"),
        *("CERTIFICATE_PASSPHRASE", "credentials", "Passwords", "webhookUrl", "shared_key", "SlackWebhookUrl"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("BucketName", "KmsKeyId", "KeyId", "SecretArn", "secret_arn", "SecretId", "SecretName", "AccessKeyId"),
        *("PasswordLength", "PasswordPolicy", "MinimumPasswordLength", "TokenValidityUnits", "ClientToken"),
        *("NextToken", "ClientRequestToken", "ServiceToken", "TaskToken", "KeyPolicy", "PublicKey", "SecretsManager"),
        *("Tags", "Tokyo", "Secretary", "Key", "Value", "", "AuthType", "Policy", "PolicyDocument", "Principal"),
    ],
)
def test_names_that_are_none(name: str) -> None:
    assert not is_secret_name(name)


def test_a_name_and_a_value_side_by_side() -> None:
    value = {
        "Environment": [{"Name": "DB_PASSWORD", "Value": "x"}, {"Name": "STAGE", "Value": "live"}],
        "parameters": [{"ParameterKey": "DbPassword", "ParameterValue": "x"}],
        "Secrets": [{"Name": "DB_PASSWORD", "ValueFrom": "/prod/db"}],
        "Tags": [{"Key": "owner", "Value": "ops"}],
    }
    assert secret_paths(value) == (("Environment", "0", "Value"), ("parameters", "0", "ParameterValue"))


@pytest.mark.parametrize(
    "value",
    [
        "arn:aws:iam::111111111111:role/Admin",
        "*",
        "0.0.0.0/0",
        "::/0",
        "{{resolve:secretsmanager:db:SecretString:password}}",
        {"Ref": "DbPassword"},
        {"Fn::GetAtt": ["Secret", "Password"]},
        None,
        True,
        "",
    ],
    ids=str,
)
def test_nothing_that_opens_something_is_hidden_by_a_name(value: Any) -> None:
    assert secret_paths({"Password": value}) == ()


@pytest.mark.parametrize(
    "value", ["hunter2", 1234, ["hunter2"], {"a": "hunter2"}, {"Fn::Sub": "hunter2-${A}"}], ids=str
)
def test_all_else_is_under_a_secrets_name(value: Any) -> None:
    shown = json.dumps(masked_value({"Password": value}))
    assert "hunter2" not in shown
    assert "1234" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"token {GITHUB} here", "token **** here"),
        (JWT, "****"),
        (f"key: {KEY}!", "key: ****!"),
        (KEY.replace("\n", "\\n"), "****"),
        ("https://me:hunter2@example.com/x", "https://****@example.com/x"),
        ("xoxb-1234567890-abcdef", "****"),
        ("https://b/k?X-Amz-Signature=" + "ab" * 32, "https://b/k?X-Amz-Signature=****"),
        ("arn:aws:iam::111111111111:role/Admin", "arn:aws:iam::111111111111:role/Admin"),
        ('{"Action": "*", "Resource": "*"}', '{"Action": "*", "Resource": "*"}'),
    ],
)
def test_what_looks_like_a_secret(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_a_policy_cannot_be_hidden_within_something_that_looks_like_a_secret() -> None:
    """Only what a key or a token is made of is masked: no brace, quote or star with it."""
    policy = '{"Sid": "%s", "Effect": "Allow", "Action": "*", "End": "%s"}'
    for begin, end in (
        ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"),
        ("https://a:", "@b"),
        ("ghp_", GITHUB),
        ("eyJaaaaaaaa.eyJ", JWT),
    ):
        assert '"Effect": "Allow", "Action": "*"' in without_secrets(policy % (begin, end))


def test_json_within_a_text() -> None:
    containers = json.dumps([{"name": "app", "environment": [{"name": "DB_PASSWORD", "value": "hunter2"}]}])
    shown = masked_value({"container_definitions": containers})["container_definitions"]
    assert json.loads(shown) == [{"name": "app", "environment": [{"name": "DB_PASSWORD", "value": "****"}]}]
    plain = '{"a" :  1}'
    assert masked_value(plain) == plain
    assert masked_value("[" * 5_000 + "]" * 5_000) == "[" * 5_000 + "]" * 5_000


def plan(**more: Any) -> Plan:
    change = Change(Operation.UPDATE, "T", "It", **more)
    return Plan(Form.TEMPLATE, "", "", "", (change,), parameters={"a": {"b": "hunter2"}}, sensitive=(("a", "b"),))


def test_marked_paths_are_masked_in_what_was_and_what_becomes() -> None:
    value = {"list": [{"x": "hunter2"}, {"x": "shown"}], "whole": {"y": "hunter2"}, "": "shown", "none": None}
    marked = (("list", "0", "x"), ("whole",), ("none",), ("missing", "deep"))
    made = plan(before=value, after=value, sensitive=marked)
    before = made.digest
    shown = masked(made)
    expected = {"list": [{"x": "****"}, {"x": "shown"}], "whole": "****", "": "shown", "none": None}
    assert (shown["changes"][0]["before"], shown["changes"][0]["after"]) == (expected, expected)
    assert shown["parameters"] == {"a": {"b": "****"}}
    assert made.document()["changes"][0]["before"] == value
    assert made.digest == before


def test_all_of_a_value_can_be_marked() -> None:
    assert masked(plan(after={"a": "hunter2"}, sensitive=((),)))["changes"][0]["after"] == "****"


def test_what_options_tell_beside_the_properties() -> None:
    details = [
        {"Target": {"Path": "/Properties/MasterUserPassword", "BeforeValue": "hunter2", "AfterValue": "hunter3"}},
        {"Target": {"Path": "/Properties/Role", "AfterValue": "arn:aws:iam::1:role/a"}},
        "malformed",
    ]
    patch = [{"op": "add", "path": "/Db/Password", "value": "hunter2"}, {"op": "add", "path": "/A", "value": 1}]
    shown = masked(plan(options={"Details": details, "PatchDocument": patch, "token": "hunter2"}))["changes"][0][
        "options"
    ]
    assert "hunter" not in json.dumps(shown)
    assert shown["Details"][1:] == details[1:]
    assert shown["PatchDocument"][1] == patch[1]
    assert [shown["PatchDocument"][0][key] for key in ("path", "value")] == ["/Db/Password", "****"]


def test_names_are_never_masked_into_one_another() -> None:
    value = {f"{GITHUB}": 1, f"{GITHUB[:-1]}b": 2}
    assert list(masked_value(value).values()) == [1, 2]
