"""Every published escalation path is broken by an explicit Deny in the boundary alone.

The worst case: the role's own policies allow everything, and so does a resource policy of the same account that
names the session, which a boundary's silence would not limit. The agent even holds every service that the path
needs, as far as an agent may.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agent_checks import FORBIDDEN_SERVICES
from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.iam import Layers, Principal, Request, evaluate
from sudo_mcp_guardrails.iam.catalogue import UnknownActionError, resource_arns, service_actions
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.witness import worst_case
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS, AgentPolicies
from sudo_mcp_guardrails.policies.scope import AgentScope

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam import PolicyDocument

ACCOUNT = "111111111111"
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "us-east-1"}
DATA = Path(
    os.environ.get("MCP_GUARDRAILS_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data")
).joinpath("privesc")

KNOWN_PATHS = {
    "attach a policy to oneself": ("iam:AttachRolePolicy",),
    "inline policy": ("iam:PutRolePolicy",),
    "new policy version": ("iam:CreatePolicyVersion",),
    "older policy version": ("iam:SetDefaultPolicyVersion",),
    "access key of somebody else": ("iam:CreateAccessKey",),
    "console password": ("iam:CreateLoginProfile",),
    "trust oneself": ("iam:UpdateAssumeRolePolicy", "sts:AssumeRole"),
    "drop the boundary": ("iam:DeleteRolePermissionsBoundary",),
    "function under a stronger role": ("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"),
    "code of a stronger function": ("lambda:UpdateFunctionCode",),
    "layer in a stronger function": ("lambda:UpdateFunctionConfiguration",),
    "open a stronger function": ("lambda:AddPermission",),
    "stack under a stronger role": ("iam:PassRole", "cloudformation:CreateStack"),
    "stack that kept a stronger role": ("cloudformation:UpdateStack",),
    "change set of a stack that kept a stronger role": (
        "cloudformation:CreateChangeSet",
        "cloudformation:ExecuteChangeSet",
    ),
    "instance under a stronger role": ("iam:PassRole", "ec2:RunInstances"),
    "shell on an instance": ("ssm:SendCommand",),
    "session on an instance": ("ssm:StartSession",),
    "shell in a container": ("ecs:ExecuteCommand",),
    "notebook of somebody else": ("sagemaker:CreatePresignedNotebookInstanceUrl",),
    "build project of somebody else": ("codebuild:StartBuild",),
    "somebody else's code interpreter": (
        "bedrock-agentcore:StartCodeInterpreterSession",
        "bedrock-agentcore:InvokeCodeInterpreter",
    ),
    "data key of a bucket's key policy": ("kms:PutKeyPolicy",),
    "bucket policy of somebody else": ("s3:PutBucketPolicy",),
    "same identity, longer life": ("sts:GetScopedCredentials",),
}


def _published() -> list[tuple[str, tuple[str, ...]]]:
    """The paths of the published lists; none where the data is absent."""
    if not DATA.is_dir():
        return []

    def load(name: str) -> Any:
        return json.loads((DATA / name).read_text(encoding="utf-8"))

    paths = [(p["id"], tuple(r["permission"] for r in p["required"])) for p in load("pathfinding_cloud.json")]
    paths += [(f"rhino-{p['n']}", tuple(p["actions"])) for p in load("rhino_methods.json")]
    methods = load("cloudsplaining_lists.json")["PRIVILEGE_ESCALATION_METHODS"]
    paths += [(name, tuple(actions)) for name, actions in methods.items()]
    for module in load("iam_vulnerable_policies.json"):
        if module["kind"] == "privesc":
            paths.append((module["name"], _actions(module["policies"])))
    return [(name, actions) for name, actions in paths if actions]


def _actions(policies: list[dict[str, Any]]) -> tuple[str, ...]:
    """All actions that a vulnerable module names, without what only lists; wildcards name none."""
    statements = [s for p in policies for s in _listed(p["document"]["Statement"])]
    named = [a for s in statements for a in _listed(s["Action"])]
    return tuple(a for a in named if "*" not in a and not re.search(r":(list|describe|get)", a.lower()))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def _catalogue(service: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    try:
        return {name.lower(): (name, a.resources) for name, a in service_actions(service).items()}
    except UnknownActionError:
        return {}


def _foreign(action: str) -> tuple[str, str]:
    """The action as IAM writes it, and somebody else's resource that it takes."""
    service = action.split(":", maxsplit=1)[0]
    name, types = _catalogue(service).get(action.lower(), (action, ()))
    # PassRole and the rest of identity: an administrator's role.
    if service in {"iam", "sts"}:
        kind = next((t for t in ("role", "user", "group", "policy") if t in types), "role")
        return name, f"arn:aws:iam::{ACCOUNT}:{kind}/admin"
    if not types:
        return name, "*"
    arn = resource_arns(service)[types[0]]
    for variable, value in {"Partition": "aws", "Region": "us-east-1", "Account": ACCOUNT}.items():
        arn = arn.replace(f"${{{variable}}}", value)
    return name, re.sub(r"\$\{\w+\}", "admin-tool", arn)


@cache
def _boundary(services: frozenset[str]) -> PolicyDocument:
    agent = Agent(
        "release-bot",
        owner="platform@example.com",
        services=sorted(services),
        environments=[AgentEnvironment.sandbox(ACCOUNT)],
    )
    return AgentPolicies(AgentScope(agent, ACCOUNT)).boundary.resolve(VALUES)


def _held(actions: tuple[str, ...]) -> frozenset[str]:
    services = {action.split(":")[0] for action in actions}
    return frozenset({"dynamodb", *(s for s in services if s not in FORBIDDEN_SERVICES and _catalogue(s))})


def _blocked(actions: tuple[str, ...], kind: str) -> list[str]:
    """The actions of a path that are explicitly denied to a role of the agent."""
    boundary = _boundary(_held(actions))
    role = f"mcp-guardrails-release-bot-{kind}"
    principal = Principal(
        arn=f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/release-bot/{role}",
        session="run-00000000000000000000000000",
    )
    layers = Layers(
        identity=(FULL_ACCESS,),
        boundary=boundary,
        resource=worst_case(Facts(principal)),
    )
    blocked = []
    for action in actions:
        name, resource = _foreign(action)
        # The attacker sets the conditions as the guardrails want them.
        context = {"iam:PassedToService": "cloudformation.amazonaws.com"} if name == "iam:PassRole" else {}
        if name == "cloudformation:CreateChangeSet":
            context = {"cloudformation:RoleArn": principal.arn.replace(f"-{kind}", "-execution")}
        decision = evaluate(Request(name, resource, principal, context), layers)
        assert decision.explicit or decision.allowed, "the worst case leaves no implicit denial"
        if decision.explicit:
            blocked.append(name)
    return blocked


@pytest.mark.parametrize("kind", ["read", "plan", "apply"])
@pytest.mark.parametrize("path", KNOWN_PATHS, ids=lambda p: p.replace(" ", "-"))
def test_known_path(path: str, kind: str) -> None:
    assert _blocked(KNOWN_PATHS[path], kind)


@pytest.mark.skipif(not DATA.is_dir(), reason="the published lists are not in ../shared/data/privesc")
def test_published_lists_were_read() -> None:
    assert len(_published()) >= 180


@pytest.mark.skipif(not DATA.is_dir(), reason="the published lists are not in ../shared/data/privesc")
@pytest.mark.parametrize("kind", ["read", "plan", "apply"])
@pytest.mark.parametrize(("name", "actions"), _published())
def test_published_path(name: str, actions: tuple[str, ...], kind: str) -> None:
    assert _blocked(actions, kind), f"{name} is open to {kind}"


def test_own_work_is_not_a_path() -> None:
    """What keeps the tests above from passing on a boundary that denies everything."""
    layers = Layers(identity=(FULL_ACCESS,), boundary=_boundary(frozenset({"dynamodb", "lambda"})))
    principal = Principal(
        arn=f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-apply",
        session="run-00000000000000000000000000",
    )
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:release-bot-worker"
    assert evaluate(Request("lambda:UpdateFunctionCode", function, principal), layers).allowed
