"""``mcp-guardrails can`` on the demo's app."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli

if TYPE_CHECKING:
    from pathlib import Path


def ask(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert cli.main(["can", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def who(said: Any) -> set[tuple[str, str, str]]:
    return {(i["agent"], i["capability"], i["context"]) for i in said["items"] if i["may"]}


def test_nobody_may_create_users(assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ask(capsys, "iam:CreateUser", "-a", str(assembly))
    assert said["summary"] == {
        "action": "iam:CreateUser",
        "resource": None,
        "roles": 10,
        "may": 0,
        "may_not": 30,
        "unknown": 0,
    }
    assert all(item["by"] == "prover" and item["sids"] and item["request"] is None for item in said["items"])


def test_the_one_who_may_is_named_with_request_and_statement(
    assembly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ask(capsys, "s3:deletebucket", "-a", str(assembly), "--via", "direct")
    assert said["summary"]["action"] == "s3:DeleteBucket"
    assert who(said) == {("release-bot", name, "direct") for name in ("workload", "apply", "execution")}
    item = next(i for i in said["items"] if i["may"] and i["capability"] == "apply")
    assert "release-bot-" in item["request"]["resource"]
    assert "identity:ApplyWriteOwnResources" in item["statements"]


def test_a_named_resource_is_for_the_evaluator(assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("-a", str(assembly), "--via", "direct", "--region", "us-east-1")
    own = ask(capsys, "s3:DeleteBucket", "arn:aws:s3:::release-bot-x", *arguments)
    assert {item["by"] for item in own["items"]} == {"evaluator"}
    assert ("release-bot", "apply", "direct") in who(own)
    other = ask(capsys, "s3:DeleteBucket", "arn:aws:s3:::somebody", *arguments)
    assert who(other) == set()
    apply = next(i for i in other["items"] if (i["agent"], i["capability"]) == ("release-bot", "apply"))
    assert "BoundaryOutsideScope" in apply["sids"]
    assert apply["reason"].startswith("denied by ")


def test_region_and_context_count(assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resource = "arn:aws:s3:::release-bot-x"
    far = ask(capsys, "s3:DeleteBucket", resource, "-a", str(assembly), "--region", "ap-southeast-1")
    assert who(far) == set()
    assert any("BoundaryRegions" in item["sids"] for item in far["items"])
    far = ask(capsys, "s3:DeleteBucket", "-a", str(assembly), "--region", "ap-southeast-1")
    assert who(far) == set()
    stated = ask(
        capsys,
        "s3:DeleteBucket",
        resource,
        "-a",
        str(assembly),
        "--via",
        "direct",
        "--context",
        "aws:SourceIp=192.0.2.1",
    )
    request = next(i["request"] for i in stated["items"] if i["may"])
    assert request["context"]["aws:sourceip"] == "192.0.2.1"
    assert request["context"]["aws:calledviaawsmcp"] is None


def test_contexts_are_the_three_ways_to_aws(assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("s3:DeleteBucket", "arn:aws:s3:::release-bot-x", "-a", str(assembly))
    said = ask(capsys, *arguments)
    keys = {item["context"]: item["request"]["context"]["aws:calledviaawsmcp"] for item in said["items"] if item["may"]}
    assert keys["aws-mcp"] == "aws-mcp.amazonaws.com"
    assert keys["other-mcp"] == "eks-mcp.amazonaws.com"
    assert keys["direct"] is None
    assert {c for _, _, c in who(ask(capsys, *arguments, "--via", "other-mcp"))} == {"other-mcp"}


def test_text_says_who_and_why(assembly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sarif = tmp_path / "c.sarif"
    assert cli.main(["can", "s3:DeleteBucket", "-a", str(assembly), "--sarif", str(sarif)]) == 0
    out = capsys.readouterr().out
    assert "release-bot apply may (aws-mcp, other-mcp, direct)\n  s3:DeleteBucket on arn:aws:s3:" in out
    assert "release-bot read may not (aws-mcp, other-mcp, direct)\n" in out
    assert out.endswith("s3:DeleteBucket on any resource: 3 of 10 roles may\n")
    results = json.loads(sarif.read_text(encoding="utf-8"))["runs"][0]["results"]
    assert [r["level"] for r in results] == ["note"] * 9


def test_arns_are_printed_as_they_are(assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # rich would take `:x:` for an emoji.
    assert cli.main(["can", "s3:DeleteBucket", "arn:aws:s3:::x:", "-a", str(assembly)]) == 0
    assert "s3:DeleteBucket on arn:aws:s3:::x:: 0 of 10 roles may" in capsys.readouterr().out


def test_an_unknown_policy_leaves_the_answer_open(unknown_assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ask(capsys, "iam:CreateUser", "-a", str(unknown_assembly), code=2)
    # The role that is not understood, and the workload subject that is read off it, are left out.
    assert said["summary"]["roles"] == 8
    assert said["summary"]["unknown"] == 1
    assert "AdministratorAccess" in said["error"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["s3:Delete*"], "action 's3:Delete*' is not allowed, expected one in full"),
        (["DeleteBucket"], "action 'DeleteBucket' is not allowed"),
        (["s3:DeletBucket"], "action 's3:DeletBucket' is not in the action catalogue"),
        (["s4:DeleteBucket"], "service 's4' is not in the action catalogue"),
        (["s3:DeleteBucket", "--context", "x"], "--context 'x' is not allowed, expected KEY=VALUE"),
        (["s3:DeleteBucket", "--context", "aws:a=1", "--context", "AWS:A=2"], "--context has 'AWS:A' twice"),
        (["s3:DeleteBucket", "--via", "x"], "see mcp-guardrails --help"),
        ([], "see mcp-guardrails --help"),
    ],
)
def test_bad_input_is_two(assembly: Path, arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error in ask(capsys, *arguments, "-a", str(assembly), code=2)["error"]
