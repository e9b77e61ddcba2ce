"""The demo's app under all six rule packs, and every risk that it accepts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

PINNED = Path(__file__).with_name("accepted_risks.txt")
PACKS = {"AwsSolutions", "HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321", "Serverless"}
Template = dict[str, Any]


def test_all_six_packs_pass(demo_report: list[dict[str, Any]]) -> None:
    assert {plugin["pluginName"] for plugin in demo_report} == PACKS
    assert {plugin["conclusion"] for plugin in demo_report} == {"success"}
    assert [v["ruleName"] for plugin in demo_report for v in plugin["violations"]] == []


def test_every_accepted_finding_has_a_reason(demo_report: list[dict[str, Any]]) -> None:
    accepted = [v for plugin in demo_report for v in plugin["suppressedViolations"]]
    assert accepted
    assert [v["ruleName"] for v in accepted if len(v.get("reason", "")) < 20] == []


def accepted_risks(report: list[dict[str, Any]], template: Template) -> list[str]:
    """All accepted risks, as ``tool finding place``.

    A wildcard finding names the pattern, which follows the action catalogue; here it is cut to the service, so
    that a newer catalogue is no new risk but a new service is.
    """
    found = set()
    for plugin in report:
        for violation in plugin["suppressedViolations"]:
            rule = re.sub(r"\[Action::([\w-]+):.*\]", r"[Action \1]", violation["ruleName"])
            rule = re.sub(
                r"\[Resource::arn:[^:]*(?:::[^:]*)*?:([a-z0-9-]+):.*\]",
                r"[Resource \1]",
                rule.replace("<AWS::Partition>", "aws"),
            )
            found |= {f"nag {rule} {c['constructPath']}" for c in violation["violatingConstructs"]}
    for id_, resource in template["Resources"].items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            assert len(skip["comment"]) >= 20
            found.add(f"checkov {skip['id']} {id_}")
    return sorted(found)


def test_accepted_risks_are_exactly_these(demo_report: list[dict[str, Any]], demo_template: Template) -> None:
    assert accepted_risks(demo_report, demo_template) == PINNED.read_text(encoding="utf-8").splitlines()


def _of(template: Template, kind: str) -> dict[str, Template]:
    return {id_: r["Properties"] for id_, r in template["Resources"].items() if r["Type"] == kind}


def _filled(value: Any) -> Any:
    """Pseudo parameters as AWS would fill them, joins joined."""
    if isinstance(value, dict) and set(value) == {"Ref"} and value["Ref"].startswith("AWS::"):
        return f"<{value['Ref'][5:]}>"
    if isinstance(value, dict) and set(value) == {"Fn::Join"}:
        parts = [_filled(part) for part in value["Fn::Join"][1]]
        return value["Fn::Join"][0].join(p if isinstance(p, str) else json.dumps(p) for p in parts)
    if isinstance(value, dict):
        return {k: _filled(v) for k, v in value.items()}
    return [_filled(v) for v in value] if isinstance(value, list) else value


def _guarded(template: Template) -> dict[str, Template]:
    roles = _of(template, "AWS::IAM::Role").values()
    return {r["RoleName"]: r for r in roles if r.get("Path", "").startswith("/mcp-guardrails/agents/")}


def test_every_agent_role_has_a_boundary_and_no_inline_policy(demo_template: Template) -> None:
    roles = _guarded(demo_template)
    assert sorted(roles) == [
        f"mcp-guardrails-{agent}-{kind}"
        for agent in ("data-bot", "release-bot")
        for kind in ("apply", "execution", "plan", "read")
    ]
    boundaries = _of(demo_template, "AWS::IAM::ManagedPolicy")
    for name, role in roles.items():
        boundary = boundaries[role["PermissionsBoundary"]["Ref"]]
        suffix = "execution" if name.endswith("-execution") else f"agent-{role['Path'].split('/')[3]}"
        assert boundary["ManagedPolicyName"] == f"mcp-guardrails-{suffix}"
        assert boundary["Path"] == "/mcp-guardrails/boundary/"
        assert "Policies" not in role


def test_no_inline_policies(demo_template: Template) -> None:
    assert _of(demo_template, "AWS::IAM::Policy") == {}
    assert [id_ for id_, r in _of(demo_template, "AWS::IAM::Role").items() if "Policies" in r] == []
    assert [
        id_ for id_, p in _of(demo_template, "AWS::IAM::ManagedPolicy").items() if {"Roles", "Users"} & set(p)
    ] == []


def test_sensitive_reads_are_denied_to_read_and_plan(demo_template: Template) -> None:
    for name, role in _guarded(demo_template).items():
        attached = str(role["ManagedPolicyArns"])
        assert attached.count("Sensitive") == (5 if name.endswith(("-read", "-plan")) else 0)


def _broker_trust(kind: str, role: str, digest: str) -> list[Template]:
    principal = {"AWS": {"Fn::GetAtt": [role, "Arn"]}}
    exact = {"aws:RequestTag/agent": "release-bot", "aws:RequestTag/capability": kind}
    tags = {
        "aws:RequestTag/run": "run-??????????????????????????",
        "aws:RequestTag/ticket": "?*",
        "aws:RequestTag/plan-digest": digest,
        "aws:RequestTag/caller": "?*",
    }
    run = {"sts:SourceIdentity": "run-??????????????????????????"}
    only = {"aws:TagKeys": ["agent", "run", "ticket", "capability", "plan-digest", "caller"]}
    return [
        {
            "Sid": "TrustBroker",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": exact,
                "StringLike": {**tags, **run},
                "ForAllValues:StringEquals": only,
            },
        },
        {
            "Sid": "TrustBrokerTags",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sts:TagSession",
            "Condition": {"StringEquals": exact, "StringLike": tags, "ForAllValues:StringEquals": only},
        },
        {
            "Sid": "TrustBrokerRun",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sts:SetSourceIdentity",
            "Condition": {"StringLike": run},
        },
    ]


def _logical(template: Template, role_name: str) -> str:
    return next(id_ for id_, r in _of(template, "AWS::IAM::Role").items() if r.get("RoleName") == role_name)


@pytest.mark.parametrize("kind", ["read", "plan", "apply"])
def test_trust_of_minted_roles(demo_template: Template, kind: str) -> None:
    broker = "approval-stand-in" if kind == "apply" else "mcp-guardrails-session-broker"
    role = _guarded(demo_template)[f"mcp-guardrails-release-bot-{kind}"]
    assert role["AssumeRolePolicyDocument"] == {
        "Version": "2012-10-17",
        "Statement": _broker_trust(kind, _logical(demo_template, broker), "sha256-*" if kind == "apply" else "none"),
    }
    assert role["MaxSessionDuration"] == 3600


def test_trust_of_the_execution_role(demo_template: Template) -> None:
    role = _guarded(demo_template)["mcp-guardrails-release-bot-execution"]
    [statement] = _filled(role["AssumeRolePolicyDocument"])["Statement"]
    condition = statement.pop("Condition")
    assert statement == {
        "Sid": "TrustCloudFormation",
        "Effect": "Allow",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    assert list(condition.values()) == [{"aws:SourceAccount": "<AccountId>"}]


def test_no_literal_partition(demo_template: Template) -> None:
    # The roles that the app itself adds beside the guardrails are rendered by the CDK under its own flags.
    ours = {id_: r for id_, r in demo_template["Resources"].items() if id_.startswith("Agents")}
    assert len(ours) == len(demo_template["Resources"]) - 2
    assert re.findall(r"arn:aws[a-z-]*:", json.dumps(ours)) == []
