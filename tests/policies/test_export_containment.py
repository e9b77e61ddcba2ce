"""The policies that contain, as files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from sudo_mcp_guardrails.cli.commands import build_app
from sudo_mcp_guardrails.iam.documents import parse_document, resolve
from sudo_mcp_guardrails.policies.containment.names import ContainmentPolicyError
from sudo_mcp_guardrails.policies.containment.roles import deny_boundary, deny_policy, deny_trust
from sudo_mcp_guardrails.policies.containment.scps import all_scp, class_scp
from sudo_mcp_guardrails.policies.export import ExportError
from sudo_mcp_guardrails.policies.export.containment import containment
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from pathlib import Path

NAMES = GuardrailNames("acme")
VALUES = {"Partition": "aws-us-gov", "AccountId": "111111111111", "Region": "us-gov-west-1"}


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(build_app(["export"]), ["export", *arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_each_file_says_what_the_policy_says() -> None:
    files = {file.path: file for file in containment(NAMES, VALUES, classes=["release-*"], home="222222222222")}
    expected = {
        "iam/acme-contained.json": deny_policy(),
        "iam/acme-contained-boundary.json": deny_boundary(),
        "iam/acme-contained-trust.json": deny_trust(),
        "scp/acme-contained-all.json": all_scp(NAMES),
        "scp/acme-contained-release.json": class_scp(NAMES, "release-*"),
    }
    assert set(expected) | {"iam/acme-response.json", "iam/acme-response-trust.json"} == set(files)
    for path, document in expected.items():
        written = parse_document(json.loads(files[path].data), name="x")
        assert written.statements == parse_document(resolve(document.to_dict(), VALUES), name="x").statements, path
    trust = json.loads(files["iam/acme-response-trust.json"].data)
    assert "arn:aws-us-gov:iam::222222222222:role/acme/acme-responder" in json.dumps(trust)
    for file in files.values():
        assert b"${AWS::" not in file.data
        assert file.notes["characters"] <= file.notes["limit"]


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(ExportError, match="AWS::AccountId"):
        containment(NAMES, {"Partition": "aws"})
    with pytest.raises(ContainmentPolicyError, match="is no class of agents"):
        containment(NAMES, VALUES, classes=["*"])


def test_the_command_writes_them(tmp_path: Path) -> None:
    where = ("--account", "111111111111", "--region", "eu-central-1")
    code, found = run("--format", "containment", "--out", str(tmp_path / "out"), "--class", "release-*", *where)
    assert code == 0, found
    assert found["summary"]["files"] == 8
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert "release-*" in json.dumps(manifest)
    assert (tmp_path / "out" / "scp" / "mcp-guardrails-contained-release.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "guard", "--class", "release-*"), "--class and --home do not go with"),
        (("--format", "scp-json", "--home", "111111111111"), "--class and --home do not go with"),
        (("--format", "containment", "--pack", "agents"), "do not go with"),
        (("--format", "containment", "--home", "here"), "--home 'here' is not allowed"),
        (("--format", "containment", "--account", "1"), "--account '1' is not allowed"),
        (("--format", "guard", "--prefix", "acme"), "--prefix does not go with"),
    ],
)
def test_options_that_are_refused(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    code, found = run(*arguments, "--out", str(tmp_path / "out"))
    assert code == 2
    assert message in found["error"]
