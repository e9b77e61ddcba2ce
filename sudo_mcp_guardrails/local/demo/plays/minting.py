"""Sessions: who may become an agent, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, APPROVAL_ROLE, REGION
from sudo_mcp_guardrails.local.demo.plays.rows import APPLY, DATA, RELEASE, play, role_arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.local.demo.play import Play


def rows() -> tuple[Play, ...]:
    """Return the rows in order."""
    read = role_arn(RELEASE, "read")
    run = "run-01JDEM0000000000000000000A"
    tags = {
        "agent": RELEASE,
        "run": run,
        "ticket": "OPS-1",
        "capability": "apply",
        "plan-digest": "sha256-0",
        "caller": "demo",
    }

    def assume(role: str, identity: str | None, given: Mapping[str, str]) -> dict[str, Any]:
        wish: dict[str, Any] = {"RoleArn": role, "RoleSessionName": "me"}
        if given:
            wish["Tags"] = [{"Key": key, "Value": value} for key, value in given.items()]
        return {**wish, "SourceIdentity": identity} if identity else wish

    def keys(identity: str | None, given: Mapping[str, str]) -> dict[str, Any]:
        context: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in given.items()}
        if given:
            context["aws:TagKeys"] = tuple(given)
        return {**context, "sts:SourceIdentity": identity} if identity else context

    untagged = {key: value for key, value in tags.items() if key != "plan-digest"}
    foreign = {**tags, "agent": DATA}
    return (
        play(
            "host-assumes-read",
            RELEASE,
            "host",
            "deny",
            "sts:AssumeRole",
            read,
            "sts.assume_role",
            assume(read, run, {}),
            "the agents' host goes around the broker",
            context=keys(run, {}),
        ),
        play(
            "approval-assumes-apply",
            RELEASE,
            "approval",
            "allow",
            "sts:AssumeRole",
            APPLY,
            "sts.assume_role",
            assume(APPLY, run, tags),
            f"{APPROVAL_ROLE} mints an apply session",
            context=keys(run, tags),
        ),
        play(
            "approval-without-digest",
            RELEASE,
            "approval",
            "deny",
            "sts:AssumeRole",
            APPLY,
            "sts.assume_role",
            assume(APPLY, run, untagged),
            "mints an apply session without a plan's digest",
            context=keys(run, untagged),
        ),
        play(
            "approval-other-agent",
            RELEASE,
            "approval",
            "deny",
            "sts:AssumeRole",
            APPLY,
            "sts.assume_role",
            assume(APPLY, run, foreign),
            "mints an apply session in another agent's name",
            context=keys(run, foreign),
        ),
        play(
            "approval-own-identity",
            RELEASE,
            "approval",
            "deny",
            "sts:AssumeRole",
            APPLY,
            "sts.assume_role",
            assume(APPLY, "somebody", tags),
            "chooses a SourceIdentity of its own",
            context=keys("somebody", tags),
        ),
        play(
            "broker-apply",
            RELEASE,
            "host",
            "deny",
            "",
            "*",
            "broker.mint",
            {"agent": RELEASE, "capability": "apply", "ticket": "OPS-1"},
            "asks the broker for an apply session",
        ),
        play(
            "broker-unknown-agent",
            "other-bot",
            "host",
            "deny",
            "",
            "*",
            "broker.mint",
            {"agent": "other-bot", "capability": "read", "ticket": "OPS-1"},
            "asks for an agent that is not known",
        ),
        play(
            "broker-by-agent",
            RELEASE,
            "read",
            "deny",
            "lambda:InvokeFunctionUrl",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:mcp-guardrails-session-broker",
            "broker.mint",
            {"agent": RELEASE, "capability": "plan", "ticket": "OPS-1"},
            "an agent asks the broker for more",
            context={"lambda:FunctionUrlAuthType": "AWS_IAM"},
        ),
    )
