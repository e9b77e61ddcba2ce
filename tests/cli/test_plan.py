"""``mcp-guardrails plan``, as it is called."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.approval.reading import Known, read_plan
from tests.approval.reading import samples

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]

YAML = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Stage: {Type: String, Default: live}
Mappings:
  Accounts:
    012345670123: {Size: 1.10}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub "shop-${Stage}"
      Role: !GetAtt Role.Arn
      Plain: !Join ["", [a, !Ref Stage]]
      Date: 2012-10-17
      Octal: 0755
      Time: 12:30:45
      Number: 7
      Truth: yes
      Nothing: ~
      Text: "yes"
  Role: {Type: AWS::IAM::Role}
"""
AS_JSON = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Stage": {"Type": "String", "Default": "live"}},
    "Mappings": {"Accounts": {"012345670123": {"Size": "SIZE"}}},
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketName": {"Fn::Sub": "shop-${Stage}"},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Plain": {"Fn::Join": ["", ["a", {"Ref": "Stage"}]]},
                "Date": "2012-10-17",
                "Octal": "0755",
                "Time": "12:30:45",
                "Number": 7,
                "Truth": True,
                "Nothing": None,
                "Text": "yes",
            },
        },
        "Role": {"Type": "AWS::IAM::Role"},
    },
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("template", "change_set", "cloud_control", "terraform", "api_calls"):
        (tmp_path / f"{name}.json").write_text(json.dumps(getattr(samples, name)()), encoding="utf-8")
    (tmp_path / "template.yaml").write_text(YAML, encoding="utf-8")
    (tmp_path / "same.json").write_text(json.dumps(AS_JSON).replace('"SIZE"', "1.10"), encoding="utf-8")
    return tmp_path


def said(capsys: Capture) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", ["template", "change_set", "cloud_control", "terraform", "api_calls"])
def test_digest_is_printed_alone(name: str, capsys: Capture) -> None:
    assert cli.main(["plan", "digest", f"{name}.json"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{read_plan(json.dumps(getattr(samples, name)()).encode()).digest}\n"
    assert printed.err == ""


def test_digest_is_equal_for_a_reordered_plan_and_different_for_a_changed_one(files: Path, capsys: Capture) -> None:
    def reordered(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: reordered(item) for name, item in reversed(value.items())}
        return [reordered(item) for item in value] if isinstance(value, list) else value

    template = samples.template()
    (files / "reordered.json").write_text(json.dumps(reordered(template), indent=7), encoding="utf-8")
    template["Resources"]["Bucket"]["Properties"]["Tags"][0]["Value"] = "opt"
    (files / "changed.json").write_text(json.dumps(template), encoding="utf-8")
    printed = []
    for name in ("template", "reordered", "changed"):
        assert cli.main(["plan", "digest", f"{name}.json"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


@pytest.mark.usefixtures("files")
def test_digest_in_json(capsys: Capture) -> None:
    assert cli.main(["plan", "digest", "change_set.json", "--json"]) == 0
    answer = said(capsys)
    assert answer["ok"] is True
    assert answer["summary"] == {
        "file": "change_set.json",
        "form": "cloudformation-change-set",
        "target": samples.STACK,
        "account": samples.ACCOUNT,
        "region": samples.REGION,
        "digest": read_plan(json.dumps(samples.change_set()).encode()).digest,
        "artifact": samples.CHANGE_SET,
        "changes": 3,
        "pins": 0,
        "unknown": 0,
    }
    assert [(item["kind"], item["operation"], item["id"]) for item in answer["items"]] == [
        ("change", "create", "Queue"),
        ("change", "replace", "Table"),
        ("change", "delete", "Topic"),
    ]
    assert "before" not in answer["items"][0]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", ["template", "change_set", "cloud_control", "terraform", "api_calls"])
@pytest.mark.parametrize("command", ["digest", "show"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_secret_is_printed(name: str, command: str, options: tuple[str, ...], capsys: Capture) -> None:
    assert cli.main(["plan", command, f"{name}.json", *options]) == 0
    printed = capsys.readouterr()
    assert "hunter2" not in printed.out + printed.err


@pytest.mark.usefixtures("files")
def test_show_is_a_table_of_changes_pins_and_what_is_not_known(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["plan", "show", "cloud_control.json", "--account", samples.ACCOUNT]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["update", "AWS::RDS::DBInstance", "shop-db", samples.ACCOUNT, "?",
                                "MasterUserPassword,", "Tags"] for line in lines)  # fmt: skip
    assert any("what it is now is not given" in line for line in lines)
    assert "1 changes, 0 pinned, 1 not known" in lines
    known = Known(account=samples.ACCOUNT)
    assert lines[-1] == f"digest {read_plan(json.dumps(samples.cloud_control()).encode(), known=known).digest}"
    assert cli.main(["plan", "show", "template.json"]) == 0
    assert "s3-object" in capsys.readouterr().out


@pytest.mark.usefixtures("files")
def test_show_in_json_has_what_was_and_what_becomes(capsys: Capture) -> None:
    assert cli.main(["plan", "show", "terraform.json", "--json"]) == 0
    database = next(item for item in said(capsys)["items"] if item["type"] == "aws_db_instance")
    assert database["after"] == {"identifier": "new", "password": "****"}


def test_what_stands_in_a_plan_moves_no_cursor(files: Path, capsys: Capture) -> None:
    template = samples.template()
    template["Resources"]["\x1b[2J[red]\u202eevil"] = {"Type": "AWS::S3::Bucket"}
    unseen = "\u009b\r\n\u2066\u00ad\u061c"
    template["Resources"] |= {f"x{character}": {"Type": "AWS::S3::Bucket"} for character in unseen}
    (files / "evil.json").write_text(json.dumps(template), encoding="utf-8")
    assert cli.main(["plan", "show", "evil.json"]) == 0
    out = capsys.readouterr().out
    assert "\x1b[2J" not in out
    assert "\u202e" not in out
    assert "[red]" in out.replace("\n", "")
    assert all(f"x\\u{ord(character):04x}" in out for character in unseen)
    assert not any(f"x{character}" in out for character in unseen)


@pytest.mark.usefixtures("files")
def test_a_template_in_yaml_is_the_same_plan(capsys: Capture) -> None:
    pytest.importorskip("yaml", reason="no PyYAML is installed")
    digests = []
    for name in ("template.yaml", "same.json"):
        assert cli.main(["plan", "digest", name]) == 0
        digests.append(capsys.readouterr().out)
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &x hunter2\nb: *x\n", "at line 2: CloudFormation has no aliases"),
        ("a: hunter2\na: 2\n", "at line 2: a name is there twice"),
        ("a: 1\n<<: {b: hunter2}\n", "at line 2: CloudFormation has no merges"),
        ("a: !!python/object/apply:os.system [hunter2]\n", "at line 1: could not determine a constructor"),
        ("a: !!binary aHVudGVyMg==\n", "at line 1: could not determine a constructor"),
        ("? [hunter2]\n: 1\n", "at line 1: a name is no text"),
        ("a: " + "[" * 200 + "]" * 200, "nested more than 90 deep"),
        ('a: "hunter2', "at line 1: found unexpected end of stream"),
        ("a: b: hunter2\n", "at line 1: mapping values are not allowed here"),
        ("a: 1\n---\nb: hunter2\n", "but found another document"),
        ("a: \x01\n", "it has characters that YAML does not allow"),
    ],
)
def test_yaml_that_cloudformation_has_not(files: Path, capsys: Capture, text: str, reason: str) -> None:
    pytest.importorskip("yaml", reason="no PyYAML is installed")
    (files / "bad.yaml").write_text(text, encoding="utf-8")
    assert cli.main(["plan", "digest", "bad.yaml"]) == 2
    printed = capsys.readouterr()
    assert reason in printed.err
    assert printed.err.startswith("error: 'bad.yaml' is no template in YAML")
    assert "hunter2" not in printed.err
    assert printed.out == ""


@pytest.mark.usefixtures("files")
def test_without_a_parser_yaml_is_refused() -> None:
    code = (
        "import sys; sys.modules['yaml'] = None; from sudo_mcp_guardrails import cli; "
        "sys.exit(cli.main(['plan', 'digest', 'template.yaml']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "'template.yaml' is YAML, and no PyYAML is installed" in done.stderr


def test_what_is_given_beside_the_file(files: Path, capsys: Capture) -> None:
    (files / "current.json").write_text(json.dumps(samples.PROPERTIES), encoding="utf-8")
    (files / "plan.tfplan").write_bytes(b"saved")
    unpinned = samples.template()
    del unpinned["Resources"]["Function"]["Properties"]["Code"]["S3ObjectVersion"]
    (files / "unpinned.json").write_text(json.dumps(unpinned), encoding="utf-8")
    inner = {**samples.change_set(), "ChangeSetId": samples.NESTED}
    outer = samples.change_set()
    stack = {"ChangeSetId": samples.NESTED, "AfterContext": samples.context()}
    outer["Changes"] = [samples.row("Add", "Inner", "AWS::CloudFormation::Stack", **stack)]
    (files / "inner.json").write_text(json.dumps(inner), encoding="utf-8")
    (files / "outer.json").write_text(json.dumps(outer), encoding="utf-8")
    role = "RoleARN=arn:aws:iam::111111111111:role/x"
    for arguments, changes, pins, unknown in (
        (["cloud_control.json", "--current", "current.json"], 1, 0, 0),
        (["template.json", "--deployed", "template.json", "--parameter", "Stage=live"], 2, 0, 2),
        (["template.json", "--deployed", "template.json", "--deployed-parameter", "Stage=live"], 1, 0, 1),
        (["unpinned.json", "--pin", "s3://code/app.zip=v7"], 4, 1, 0),
        (["unpinned.json", "--option", role], 4, 0, 1),
        (["outer.json", "--nested", "inner.json", "--template", "template.json"], 4, 0, 0),
        (["terraform.json", "--saved", "plan.tfplan", "--target", "prod"], 2, 0, 0),
    ):
        assert cli.main(["plan", "digest", *arguments, "--json"]) == 0, arguments
        summary = said(capsys)["summary"]
        assert (summary["changes"], summary["pins"], summary["unknown"]) == (changes, pins, unknown), arguments
    assert (summary["artifact"], summary["target"]) == (hashlib.sha256(b"saved").hexdigest(), "prod")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["missing.json"], "cannot read 'missing.json': No such file or directory"),
        (["template.json", "--form", "terraform-plan"], "format_version: expected 1.x"),
        (["template.json", "--account", "12"], "account: expected an account of 12 digits"),
        (["template.json", "--parameter", "hunter2"], "--parameter has no name and value, expected NAME=VALUE"),
        (["template.json", "--parameter", "Stage=a", "--parameter", "Stage=b"], "--parameter has 'Stage' twice"),
        (["template.json", "--saved", "missing"], "cannot read 'missing'"),
        (["template.json", "--nested", "template.json"], "'template.json' has no ChangeSetId"),
        (["change_set.json", "--account", "222222222222"], "the plan is for '111111111111'"),
    ],
)
@pytest.mark.usefixtures("files")
def test_bad_input_is_one_line_and_code_2(arguments: list[str], reason: str, capsys: Capture) -> None:
    assert cli.main(["plan", "digest", *arguments]) == 2
    printed = capsys.readouterr()
    assert reason in printed.err
    assert "hunter2" not in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_file_over_the_limit_is_not_even_read(files: Path, capsys: Capture) -> None:
    with (files / "big.json").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    assert cli.main(["plan", "digest", "big.json"]) == 2
    assert "has 17825792 bytes, allowed are 16777216" in capsys.readouterr().err
