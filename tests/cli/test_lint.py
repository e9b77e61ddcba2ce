"""``mcp-guardrails lint``, as it is called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.iam.lint import RULES

if TYPE_CHECKING:
    from pathlib import Path

FALSE_GUARD = """{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Fine", "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"},
    {
      "Sid": "ViaMcp",
      "Effect": "Deny",
      "Action": ["s3:DeleteBucket"],
      "Resource": "*",
      "Condition": {
        "StringEquals": {"aws:CalledViaAWSMCP": "true"}
      }
    }
  ]
}
"""
CLEAN = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}}'


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guard.json").write_text(FALSE_GUARD, encoding="utf-8")
    (tmp_path / "clean.json").write_text(CLEAN, encoding="utf-8")
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("policies")
def test_clean_policies_are_ok(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint", "clean.json", "--json"]) == 0
    assert answer(capsys) == {
        "ok": True,
        "summary": {"files": 1, "statements": 1, "errors": 0, "warnings": 0, "notes": 0},
        "items": [],
    }


@pytest.mark.usefixtures("policies")
def test_a_finding_names_file_line_and_statement(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint", "clean.json", "guard.json", "--json"]) == 1
    said = answer(capsys)
    assert said["summary"] == {"files": 2, "statements": 3, "errors": 1, "warnings": 0, "notes": 0}
    (item,) = said["items"]
    assert item["message"].startswith("'true' with StringEquals never equals")
    assert {key: value for key, value in item.items() if key != "message"} == {
        "file": "guard.json",
        "line": 11,
        "kind": "identity",
        "rule": "mcp-key-value",
        "severity": "error",
        "place": "Statement[1].Condition.StringEquals.aws:CalledViaAWSMCP",
        "sid": "ViaMcp",
        "source": RULES["mcp-key-value"].source,
    }


@pytest.mark.usefixtures("policies")
def test_text_has_the_place_where_editors_look_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint", "guard.json"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("guard.json:11: error mcp-key-value: ViaMcp: 'true' with")
    assert lines[-1] == "1 files, 2 statements: 1 errors, 0 warnings, 0 notes"


@pytest.mark.usefixtures("policies")
def test_kind_changes_what_is_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint", "clean.json", "--kind", "rcp", "--json"]) == 1
    assert {item["rule"] for item in answer(capsys)["items"]} == {"unsupported-element", "rcp-syntax"}


def test_sarif_has_the_same_findings(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint", str(policies / "guard.json"), "--sarif", "out/lint.sarif", "--json"]) == 1
    items = answer(capsys)["items"]
    run = json.loads((policies / "out" / "lint.sarif").read_text(encoding="utf-8"))["runs"][0]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(RULES)
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == items[0]["rule"]
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "guard.json"},
        "region": {"startLine": 11},
    }


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("none.json", None, "cannot read 'none.json': No such file or directory"),
        ("bad.json", "{", "bad.json"),
        ("bad.json", '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}', "bad.json.Statement[0]"),
        ("bad.json", " " * 4_000_001, "has 4000001 bytes, expected a policy of at most 4000000"),
    ],
)
def test_what_cannot_be_read_is_two(
    policies: Path, name: str, text: str | None, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (policies / name).write_text(text, encoding="utf-8")
    assert cli.main(["lint", "clean.json", name, "--json"]) == 2
    assert error in answer(capsys)["error"]


def test_no_file_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint", "--json"]) == 2
    assert "see mcp-guardrails --help" in answer(capsys)["error"]
