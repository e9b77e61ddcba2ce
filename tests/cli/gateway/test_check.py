"""``mcp-guardrails gateway check``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli

if TYPE_CHECKING:
    from pathlib import Path

READ = 'await call_boto3(service_name="s3", operation_name="ListBuckets")\n'
DELETE = 'await call_boto3(service_name="s3", operation_name="DeleteBucket", params={"Bucket": "prod-data"})\n'
ITEM = {"line", "service", "operation", "action", "level", "region", "resource", "times", "decision", "reason"}


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(code: str | bytes, *options: str, code_: int = 0) -> Any:
        file = tmp_path / "script.py"
        file.write_bytes(code if isinstance(code, bytes) else code.encode())
        assert cli.main(["gateway", "check", str(file), *options, "--json"]) == code_
        return json.loads(capsys.readouterr().out)

    return run


def test_without_an_agent_no_policy_is_asked_and_a_person_decides(check: Any) -> None:
    said = check(READ, "--account", "111111111111", "--region", "eu-central-1", code_=1)
    summary = said["summary"]
    assert (summary["decidable"], summary["risk"], summary["decision"]) == (True, "R0", "ask")
    (item,) = said["items"]
    assert set(item) == ITEM
    assert (item["action"], item["region"], item["resource"]) == ("s3:ListAllMyBuckets", "eu-central-1", "*")


def test_without_an_account_nothing_is_harmless(check: Any) -> None:
    assert check(READ, code_=1)["summary"]["risk"] == "R3"


def test_a_script_that_is_not_decidable_is_denied_with_line_and_reason(check: Any) -> None:
    said = check("x = 1\nf = call_boto3\n", code_=1)
    assert said["summary"]["decision"] == "deny"
    assert said["summary"]["undecidable"] == [{"line": 2, "reason": "call_boto3 is used other than by calling it"}]


@pytest.mark.parametrize("code", [b"\xff", b"x" * 1_000_001])
def test_what_is_no_script_is_an_error(check: Any, code: bytes) -> None:
    assert check(code, code_=2)["error"]


def test_a_file_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["gateway", "check", "/nowhere.py", "--json"]) == 2
    assert "nowhere" in json.loads(capsys.readouterr().out)["error"]


def test_templates_without_an_agent_are_an_error(check: Any, tmp_path: Path) -> None:
    assert "--agent" in check(READ, "--app-dir", str(tmp_path), code_=2)["error"]


def test_the_agents_own_policies_decide(check: Any, assembly: Path) -> None:
    def ask(code: str, capability: str = "read", code_: int = 0) -> Any:
        options = ("--agent", "release-bot", "--capability", capability, "--account", account, "-a", str(assembly))
        return check(code, *options, code_=code_)

    account = _account(assembly)
    read = ask(READ)
    assert (read["summary"]["decision"], read["items"][0]["decision"]) == ("allow", "allow")
    denied = ask(DELETE, code_=1)
    assert (denied["summary"]["decision"], denied["items"][0]["decision"]) == ("deny", "deny")
    assert "s3:DeleteBucket" in denied["items"][0]["reason"]
    secret = (
        'await call_boto3(service_name="secretsmanager", operation_name="GetSecretValue", params={"SecretId": "x"})'
    )
    assert ask(secret, code_=1)["summary"]["decision"] == "deny"
    # Of which bucket is not known before it runs; reading is allowed on some, and AWS asks once more.
    tags = (
        'r = await call_boto3(service_name="s3", operation_name="ListBuckets")\n'
        'for b in r["Buckets"]:\n'
        '    await call_boto3(service_name="s3", operation_name="GetBucketTagging", params={"Bucket": b["Name"]})'
    )
    assert ask(tags)["summary"]["decision"] == "allow"
    assert ask(READ + DELETE, "nothing", code_=2)["error"]


def test_the_tier_decides_what_goes_to_a_person(check: Any) -> None:
    topic = 'await call_boto3(service_name="sns", operation_name="CreateTopic", params={"Name": "x"})'
    options = ("--account", "111111111111", "--region", "eu-central-1", "--sandbox")
    assert check(topic, *options, "--tier", "T0", code_=1)["summary"]["decision"] == "deny"
    assert check(topic, *options, "--tier", "T1", code_=1)["summary"]["decision"] == "ask"


def test_text_for_people_moves_no_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "script.py"
    file.write_text(
        'await call_boto3(service_name="sqs", operation_name="ListQueues", params={"QueueNamePrefix": "\\x1b[2J"})'
    )
    assert cli.main(["gateway", "check", str(file), "--account", "111111111111"]) == 1
    out = capsys.readouterr().out
    assert "\x1b[2J" not in out
    assert "sqs:ListQueues" in out.replace("\n", "").replace(" ", "")


def _account(assembly: Path) -> str:
    from sudo_mcp_guardrails.cli.app_roles import read_app

    return next(
        s.facts.principal.account or ""
        for s, _ in read_app(assembly, lambda _: None).subjects
        if s.agent == "release-bot"
    )
