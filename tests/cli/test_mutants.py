"""``mcp-guardrails mutants`` on the demo's app, and on copies of it with a Deny too many and with none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Changed = Callable[[Callable[[Mapping[str, Any]], None]], Path]

ITEM = {"agent", "layer", "sid", "capability", "property", "verdict", "request"}
# What the boundary's ceiling denies already, so that nothing is open without it.
REDUNDANT = {"Sid": "NoUsersTwice", "Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}


def ask(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert cli.main(["mutants", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def policies(resources: Mapping[str, Any]) -> list[Any]:
    """The properties of a template's managed policies."""
    return [r["Properties"] for r in resources.values() if r["Type"] == "AWS::IAM::ManagedPolicy"]


def keep(resources: Any, *roles: str) -> None:
    """Leave of the agents' roles those that are named, with which the command is soon done."""
    for name, resource in list(resources.items()):
        role = str(resource["Properties"].get("RoleName", "")) if resource["Type"] == "AWS::IAM::Role" else ""
        if "-bot-" in role and not role.endswith(roles):
            del resources[name]


def add_redundant(resources: Mapping[str, Any], *roles: str) -> None:
    """Add a Deny of what is denied already to an agent's boundary, of which the roles that are named are left."""
    keep(resources, *(roles or ("release-bot-read",)))
    name = "mcp-guardrails-agent-release-bot"
    (boundary,) = (p for p in policies(resources) if p.get("ManagedPolicyName") == name)
    boundary["PolicyDocument"]["Statement"].append(REDUNDANT)


def test_every_deny_of_the_demo_is_noticed(assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ask(capsys, "-a", str(assembly))
    assert said["ok"] is True
    assert set(said["summary"]) == {"agents", "mutants", "noticed", "seconds"}
    assert said["summary"]["agents"] == 2
    assert said["summary"]["noticed"] == said["summary"]["mutants"] == len(said["items"])
    assert {item["verdict"] for item in said["items"]} == {"WITNESS"}
    for item in said["items"]:
        assert set(item) == ITEM
        assert item["property"].partition("/")[0] in {"escalation", "invariant"}
        assert all({"action", "resource", "principal", "context"} <= set(request) for request in item["request"])
        assert item["request"]
    # Each Deny of each policy in the template is there, and once.
    resources = json.loads((assembly / "Guardrails.template.json").read_text(encoding="utf-8"))["Resources"]
    statements = [s for p in policies(resources) for s in p["PolicyDocument"]["Statement"]]
    denies = [s["Sid"] for s in statements if s["Effect"] == "Deny"]
    assert sorted(item["sid"] for item in said["items"]) == sorted(denies)
    # What only a role with every permission notices is noticed by the one that stands for workloads.
    assert "workload" in {item["capability"] for item in said["items"]}


def test_a_deny_that_changes_nothing_is_named(changed: Changed, capsys: pytest.CaptureFixture[str]) -> None:
    # The copy keeps few roles, to be quick: what they show is not the whole answer, and so code 2 and not 1.
    said = ask(capsys, "-a", str(changed(add_redundant)), code=2)
    assert said["ok"] is False
    assert said["summary"]["mutants"] - said["summary"]["noticed"] == 1
    (item,) = (item for item in said["items"] if item["verdict"] != "WITNESS")
    assert (item["agent"], item["layer"], item["sid"]) == ("release-bot", "boundary", "NoUsersTwice")
    assert (item["verdict"], item["property"], item["request"]) == ("PROVED", "", None)


def test_text_names_what_is_open_and_what_changes_nothing(
    changed: Changed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert cli.main(["mutants", "-a", str(changed(add_redundant))]) == 2
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (unnoticed,) = (line for line in lines if "NoUsersTwice" in line)
    assert unnoticed == ["release-bot", "boundary", "NoUsersTwice", unnoticed[3], "nothing"]
    passes = next(line for line in lines if line[:3] == ["release-bot", "boundary", "BoundaryPassRole"])
    assert passes[4:6] == ["invariant/pass-role", "iam:PassRole"]
    assert " ".join(lines[-1]).startswith(f"1 agents, {len(lines) - 2} Deny statements taken away one at a time: ")
    assert "witness, 1 do not," in " ".join(lines[-1])


def test_an_app_without_any_deny_is_not_called_noticed(changed: Changed, capsys: pytest.CaptureFixture[str]) -> None:
    def bare(resources: Mapping[str, Any]) -> None:
        keep(resources, "release-bot-read")
        for policy in policies(resources):
            statements = policy["PolicyDocument"]["Statement"]
            statements[:] = [s for s in statements if s["Effect"] == "Allow"]

    said = ask(capsys, "-a", str(changed(bare)), code=2)
    assert "no policy of an agent has a Deny to take away" in said["error"]
    assert (said["ok"], said["summary"]["mutants"]) == (False, 0)


def test_a_role_that_is_not_understood_may_be_the_one_that_notices(
    changed: Changed, capsys: pytest.CaptureFixture[str]
) -> None:
    def attach(resources: Mapping[str, Any]) -> None:
        add_redundant(resources, "release-bot-read", "release-bot-plan")
        (read,) = (r for r in resources.values() if str(r["Properties"].get("RoleName")).endswith("release-bot-read"))
        read["Properties"]["ManagedPolicyArns"].append("arn:aws:iam::aws:policy/AdministratorAccess")

    said = ask(capsys, "-a", str(changed(attach)), code=2)
    assert "AdministratorAccess" in said["error"]
    assert said["summary"]["noticed"] < said["summary"]["mutants"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--synth", "--app-dir", "x"], "--app-dir and --synth are given, expected one of them"),
        (["--app-dir", "x"], "'x' is no cloud assembly"),
        (["--synth"], "neither 'cdk.out' nor cdk.json is here"),
        (["release-bot"], "see mcp-guardrails --help"),
    ],
)
def test_bad_input_is_two(
    arguments: list[str],
    error: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    said = ask(capsys, *arguments, code=2)
    assert error in said["error"]
    assert said["items"] == []
