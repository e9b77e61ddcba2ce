"""``mcp-guardrails prove``, on the demo's app and on policies that are not the project's own."""

from __future__ import annotations

import json
import re
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.iam.escalation import escalation_paths
from sudo_mcp_guardrails.policies.organization.packs import agent_scps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CONTEXTS = {"aws-mcp", "other-mcp", "direct"}
SUMMARY = {"agents", "properties", "proved", "witnesses", "not_proved", "seconds"}
ADMIN = {"Sid": "Admin", "Effect": "Allow", "Action": "*", "Resource": "*"}


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a policy file, and returns its name; the tests run where it is."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, *statements: dict[str, Any]) -> str:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        (tmp_path / name).write_text(json.dumps(document), encoding="utf-8")
        return name

    return write


def test_administrators_are_on_every_path(policy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prove", "--identity", policy("a.json", ADMIN), "--json"]) == 1
    said = answer(capsys)
    paths = len(escalation_paths())
    assert {key: value for key, value in said["summary"].items() if key != "seconds"} == {
        "agents": 1,
        "properties": paths,
        "proved": 0,
        "witnesses": 3 * paths,
        "not_proved": 0,
    }
    assert {item["context"] for item in said["items"]} == CONTEXTS
    item = next(i for i in said["items"] if i["property"] == "escalation/iam-create-policy-version")
    assert item["verdict"] == "WITNESS"
    assert item["request"][0]["action"] == "iam:CreatePolicyVersion"
    assert item["request"][0]["principal"] == "arn:aws:iam::111111111111:role/agent"
    assert item["sids"] == ["Admin"]


def test_a_boundary_that_denies_is_a_proof(policy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    boundary = policy("b.json", ADMIN, {"Sid": "NoChange", "Effect": "Deny", "NotAction": "s3:Get*", "Resource": "*"})
    assert cli.main(["prove", "--identity", policy("a.json", ADMIN), "--boundary", boundary, "--json"]) == 0
    said = answer(capsys)
    assert said["ok"] is True
    assert said["summary"]["proved"] == len(said["items"]) == 3 * len(escalation_paths())
    assert {sid for item in said["items"] for sid in item["sids"]} == {"NoChange"}
    assert all(item["request"] is None for item in said["items"])


def test_a_deny_on_an_mcp_key_holds_for_mcp_alone(policy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    guard = {"Sid": "ViaMcp", "Effect": "Deny", "Action": "*", "Resource": "*"}
    right = policy("r.json", {**guard, "Condition": {"Bool": {"aws:ViaAWSMCPService": "true"}}})
    assert cli.main(["prove", "--scp", right, "--json"]) == 1
    items = answer(capsys)["items"]
    assert {i["context"] for i in items if i["verdict"] == "PROVED"} == {"aws-mcp", "other-mcp"}
    assert {i["context"] for i in items if i["verdict"] == "WITNESS"} == {"direct"}
    # The published guard with a value that the key never has.
    wrong = policy("w.json", {**guard, "Condition": {"StringEquals": {"aws:CalledViaAWSMCP": "true"}}})
    assert cli.main(["prove", "--scp", wrong, "--json"]) == 1
    assert {i["context"] for i in answer(capsys)["items"] if i["verdict"] == "WITNESS"} == CONTEXTS


def test_the_worst_resource_policy_passes_what_no_deny_stops(policy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    reads = policy("a.json", {"Sid": "Reads", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    assert cli.main(["prove", "--identity", reads, "--json"]) == 1
    witnesses = [i for i in answer(capsys)["items"] if i["verdict"] == "WITNESS"]
    assert {statement for i in witnesses for statement in i["statements"]} == {"resource:AssumedResourcePolicy"}
    assert cli.main(["prove", "--identity", reads, "--resource-policies", "none", "--json"]) == 0


def test_what_is_assumed_is_said(policy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    deny = {"Sid": "NoIam", "Effect": "Deny", "Action": "iam:*", "Resource": "*"}
    cli.main(["prove", "--scp", policy("s.json", deny), "--json"])
    err = capsys.readouterr().err
    assert "no --identity: the identity policies are taken to allow everything" in err
    assert "no --scp allows anything: FullAWSAccess" in err


def test_session_policies_limit_too(policy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    session = policy("s.json", {"Sid": "Nothing", "Effect": "Deny", "Action": "*", "Resource": "*"})
    assert cli.main(["prove", "--identity", policy("a.json", ADMIN), "--session", session, "--json"]) == 0
    assert {s for item in answer(capsys)["items"] for s in item["statements"]} == {"session:Nothing"}


def test_text_tells_a_witness_once_for_all_contexts(policy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    one = policy("a.json", {"Sid": "One", "Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*"})
    assert cli.main(["prove", "--identity", one, "--resource-policies", "none"]) == 1
    out = capsys.readouterr().out
    assert len(re.findall(r"iam:CreateAccessKey on arn:aws:iam:\S*:111111111111:user/", out)) == 1
    assert "WITNESS agent given (aws-mcp, other-mcp, direct): escalation/iam-create-access-key" in out
    assert "let through by identity:One" in out
    assert f"1 agents, {len(escalation_paths())} properties: " in out


def test_sarif_has_the_witnesses(policy: Any, tmp_path: Path) -> None:
    assert cli.main(["prove", "--identity", policy("a.json", ADMIN), "--sarif", "p.sarif"]) == 1
    run = json.loads((tmp_path / "p.sarif").read_text(encoding="utf-8"))["runs"][0]
    assert len(run["results"]) == 3 * len(escalation_paths())
    first = run["results"][0]
    assert first["level"] == "error"
    assert first["ruleId"].startswith("proof/escalation/")
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a.json"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--identity", "none.json"], "cannot read 'none.json'"),
        (["--identity", "a.json", "--principal", "me"], "principal 'me' is not allowed, expected the ARN of a role"),
        (["--identity", "a.json", "--principal", "arn:aws:iam::111111111111:root"], "expected the ARN of a role"),
        (["--identity", "a.json", "--app-dir", "x"], "an app and policies as files are given"),
        (["--principal", "arn:aws:iam::111111111111:role/x"], "--principal and --resource-policies go with policies"),
        (["--resource-policies", "none"], "--principal and --resource-policies go with policies"),
        (["--resource-policies", "some"], "see mcp-guardrails --help"),
        (["--app-dir", "x"], "'x' is no cloud assembly"),
        ([], "neither 'cdk.out' nor cdk.json is here"),
    ],
)
def test_bad_input_is_two(policy: Any, arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    policy("a.json", ADMIN)
    assert cli.main(["prove", *arguments, "--json"]) == 2
    assert error in answer(capsys)["error"]


def test_a_user_has_no_session(policy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    user = "arn:aws-cn:iam::111111111111:user/team/jane"
    assert cli.main(["prove", "--identity", policy("a.json", ADMIN), "--principal", user, "--json"]) == 1
    said = answer(capsys)
    assert {item["agent"] for item in said["items"]} == {"jane"}
    request = said["items"][0]["request"][0]
    assert request["principal"] == user
    assert request["resource"] == "*" or request["resource"].startswith("arn:aws-cn:")


def test_the_demo_is_proved(assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prove", "-a", str(assembly), "--json"]) == 0
    said = answer(capsys)
    assert set(said["summary"]) == SUMMARY
    assert said["summary"]["agents"] == 2
    assert said["summary"]["proved"] == len(said["items"])
    assert {item["capability"] for item in said["items"]} == {"read", "workload", "plan", "apply", "execution"}
    assert {item["context"] for item in said["items"]} == CONTEXTS
    assert set(said["items"][0]) >= {"agent", "capability", "context", "property", "verdict", "request", "sids"}


def test_the_demo_without_guardrails_is_not(open_assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prove", "-a", str(open_assembly), "--json"]) == 1
    said = answer(capsys)
    witnesses = [item for item in said["items"] if item["verdict"] == "WITNESS"]
    assert said["summary"]["witnesses"] == len(witnesses) > 0
    # What stands for a workload's role allows everything by assumption, whatever the templates say.
    through = {(item["capability"] == "workload", item["statements"][0]) for item in witnesses}
    assert through == {(False, "identity:Everything"), (True, "identity:FullAWSAccess")}
    assert all(item["source"].startswith("Guardrails/Agents/") for item in witnesses)


def test_a_role_with_an_unknown_policy_is_not_proved(
    unknown_assembly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sarif = tmp_path / "p.sarif"
    assert cli.main(["prove", "-a", str(unknown_assembly), "--json", "--sarif", str(sarif)]) == 2
    said = answer(capsys)
    assert said["ok"] is False
    assert "1 properties are not proved" in said["error"]
    (item,) = (item for item in said["items"] if item["verdict"] == "NOT PROVED")
    assert item["agent"] == "release-bot"
    assert "AdministratorAccess" in item["reason"]
    results = json.loads(sarif.read_text(encoding="utf-8"))["runs"][0]["results"]
    assert [(r["ruleId"], r["level"]) for r in results] == [("proof/undecided", "warning")]


def test_a_role_that_trusts_others_than_declared_has_a_rule_of_its_own(
    changed: Callable[[Callable[[Mapping[str, Any]], None]], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def trust(resources: Mapping[str, Any]) -> None:
        named = (r for r in resources.values() if r["Type"] == "AWS::IAM::Role")
        role = next(r for r in named if str(r["Properties"].get("RoleName", "")).endswith("release-bot-read"))
        statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        role["Properties"]["AssumeRolePolicyDocument"] = {"Version": "2012-10-17", "Statement": [statement]}

    sarif = tmp_path / "p.sarif"
    assert cli.main(["prove", "-a", str(changed(trust)), "--json", "--sarif", str(sarif)]) == 2
    (item,) = (item for item in answer(capsys)["items"] if item["verdict"] == "NOT PROVED")
    assert item["title"] == "others than those declared may assume the role"
    run = json.loads(sarif.read_text(encoding="utf-8"))["runs"][0]
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [("proof/trust", "warning")]
    assert "proof/trust" in {rule["id"] for rule in run["tool"]["driver"]["rules"]}


def test_an_app_without_agents_is_not_called_proved(
    assembly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "artifacts": {}}), encoding="utf-8")
    assert cli.main(["prove", "-a", str(tmp_path), "--json"]) == 2
    assert "declares an agent" in answer(capsys)["error"]


@pytest.fixture
def cdk(assembly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder with a cdk.json, and a CDK CLI that writes the demo's assembly and ends as it is told to."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.json").write_text('{"app": "python3 app.py", "output": "out/cdk.out"}', encoding="utf-8")
    script = tmp_path / "cdk"

    def end(code: int, *, writes: bool = True) -> None:
        script.write_text(
            f"#!{sys.executable}\n"
            "import shutil, sys\n"
            "if sys.argv[1] == '--version':\n"
            "    sys.exit(print('2.1148.1 (build x)'))\n"
            "assert sys.argv[1] == 'synth'\n"
            f"if {writes}:\n"
            f"    shutil.copytree({str(assembly)!r}, sys.argv[sys.argv.index('--output') + 1])\n"
            f"sys.exit('a rule pack found something' if {code} else 0)\n",
            encoding="utf-8",
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("MCP_GUARDRAILS_CDK", str(script))

    return end


def test_the_app_is_synthesized_where_there_is_no_assembly(
    cdk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cdk(0)
    assert cli.main(["can", "iam:CreateUser", "--json"]) == 0
    assert (tmp_path / "out" / "cdk.out" / "manifest.json").exists()
    captured = capsys.readouterr()
    assert "synthesizing the app of cdk.json" in captured.err
    assert json.loads(captured.out)["summary"]["roles"] == 10
    # Now there is one, and no CLI is asked.
    cdk(1, writes=False)
    assert cli.main(["can", "iam:CreateUser", "--json"]) == 0
    assert "synthesizing" not in capsys.readouterr().err


def test_what_a_failed_synthesis_wrote_is_still_looked_at(cdk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cdk(1)
    assert cli.main(["can", "iam:CreateUser", "--json"]) == 2
    said = answer(capsys)
    assert "a rule pack found something" in said["error"]
    assert said["summary"]["roles"] == 10


def test_a_synthesis_that_wrote_nothing_is_an_error(cdk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cdk(1, writes=False)
    assert cli.main(["prove", "--json"]) == 2
    said = answer(capsys)
    assert "could not synthesize the app of cdk.json: a rule pack found something" in said["error"]
    assert said["items"] == []


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_broken_cdk_json_is_named(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.json").write_text(text, encoding="utf-8")
    assert cli.main(["prove", "--json"]) == 2
    assert answer(capsys)["error"].startswith("cdk.json")


class TestOrganization:
    def test_every_set_is_blocked_by_the_organization_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["prove", "--layer", "organization", "--json"]) == 0
        summary = answer(capsys)["summary"]
        assert set(summary) == SUMMARY | {"sets", "blocked", "policies", "bytes"}
        assert summary["sets"] == summary["blocked"] == len(escalation_paths())
        assert (summary["agents"], summary["witnesses"], summary["not_proved"]) == (1, 0, 0)
        assert summary["policies"] == 2
        assert 10_240 < summary["bytes"] <= 2 * 10_240

    def test_a_set_that_is_open_is_a_finding(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        packs = "sudo_mcp_guardrails.policies.organization.packs"
        less = [scp.without("AgentsDirect") for scp in agent_scps()[:1]] + list(agent_scps()[1:])
        monkeypatch.setattr(f"{packs}.agent_scps", lambda: tuple(less))
        assert cli.main(["prove", "--layer", "organization", "--json"]) == 1
        summary = answer(capsys)["summary"]
        assert 0 < summary["blocked"] < summary["sets"]

    @pytest.mark.parametrize("more", [["-a", "x"], ["--identity", "x.json"], ["--synth"]])
    def test_it_is_asked_of_nothing_else(self, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["prove", "--layer", "organization", "--json", *more]) == 2
        assert "expected no app and no policies as files" in answer(capsys)["error"]
