"""What the workflow's props are checked for, and what is read from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild

from sudo_mcp_guardrails.agents import check_agents
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
from sudo_mcp_guardrails.constructs.approval.names import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_s3 as s3

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.constructs.approval.identity import ApprovalDirectory
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_ORIGIN: Final = re.compile(r"https://(?P<host>[a-z0-9.-]+)(:\d+)?|http://(?P<local>(?:[a-z0-9-]+\.)*localhost)(:\d+)?")


def relying_party(origin: str) -> dict[str, Any] | None:
    """Return the relying party of WebAuthn, which is the host of the page's origin; None where that is not known.

    Raises:
        WorkflowError: For what is no origin.
    """
    if not origin:
        return None
    found = None if cdk.Token.is_unresolved(origin) else _ORIGIN.fullmatch(origin)
    if found is None:
        raise WorkflowError(
            f"page_origin {origin!r} is not allowed, expected https:// and a host in lower case, without a path"
        )
    return {"id": found["host"] or found["local"], "origins": [origin]}


def project_name(project: codebuild.IProject, names: GuardrailNames) -> str:
    """Return the name of the project that applies Terraform plans.

    Raises:
        WorkflowError: It has another name than the one project that policies let an apply session start.
    """
    expected = names.approval_name("terraform")
    made = project.node.default_child
    # A project that is made here tells its name by a token, whatever name it was given.
    given = made.name if isinstance(made, codebuild.CfnProject) else project.project_name
    if given is None or cdk.Token.is_unresolved(given) or given != expected:
        named = "another name" if given is None or cdk.Token.is_unresolved(given) else f"name {given!r}"
        raise WorkflowError(
            f"terraform_project {project.node.path!r} with {named} is not allowed, expected project_name {expected!r}, "
            "the one build that agents' policies let an approved apply start"
        )
    return expected


def checked(
    agents: Sequence[Agent],
    policy: object,
    directories: Sequence[ApprovalDirectory],
    fingerprints: Mapping[str, str],
    security_groups: Sequence[str],
) -> tuple[Agent, ...]:
    """Return the agents in order; raises WorkflowError for props of another kind."""
    ordered = check_agents(agents)
    known = {agent.name for agent in ordered}
    if not isinstance(policy, ApprovalPolicy):
        raise WorkflowError(f"policy {policy!r} is not allowed, expected an ApprovalPolicy")
    if not directories:
        raise WorkflowError("no directory is not allowed, expected who says which groups somebody is in")
    for name in fingerprints:
        if name not in known:
            raise WorkflowError(f"fingerprint of {name!r} is not allowed, allowed are {', '.join(sorted(known))}")
    groups = [group.name for group in policy.groups]
    for group in security_groups:
        if isinstance(security_groups, str) or group not in groups:
            raise WorkflowError(
                f"security_groups {security_groups!r} are not allowed, expected a list of {', '.join(groups)}"
            )
    return ordered


def place(bucket: s3.IBucket | None) -> tuple[str, str, str | None] | None:
    """Return name, ARN and key of a bucket; None for none."""
    if bucket is None:
        return None
    key = bucket.encryption_key
    return bucket.bucket_name, bucket.bucket_arn, key.key_arn if key is not None else None
