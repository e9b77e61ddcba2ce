"""What the workflow's props are checked for, and what is read from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild

from sudo_mcp_guardrails.agents import check_agents
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
from sudo_mcp_guardrails.constructs.approval.names import WorkflowError
from sudo_mcp_guardrails.constructs.approval.terraform_project import TerraformProject
from sudo_mcp_guardrails.constructs.statements import tokens
from sudo_mcp_guardrails.policies.terraform import project_name

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


Projects = TerraformProject | codebuild.IProject


@dataclass(frozen=True)
class Builds:
    """What applies Terraform plans.

    Args:
        projects: Names of the projects, by agent.
        roles: ARNs of the agents' execution roles that are theirs, by agent, which read saved plans.
        foreign: Agents whose project is not of this library's making.
    """

    projects: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any] | None:
        """What the broker is told; None where nothing applies such plans."""
        return {"projects": self.projects} if self.projects else None


def builds(given: Projects | Sequence[Projects] | None, agents: Sequence[Agent], names: GuardrailNames) -> Builds:
    """Return what applies Terraform plans.

    Raises:
        WorkflowError: For a project of no agent here, a second one of an agent, or one with another name than the one
            that policies let an apply session start.
    """
    projects: dict[str, str] = {}
    roles: dict[str, str] = {}
    foreign: list[str] = []
    expected = {project_name(names, agent.name): agent.name for agent in agents}
    for each in () if given is None else tuple(given) if isinstance(given, list | tuple) else (given,):
        name = each.project_name if isinstance(each, TerraformProject) else _name(each)
        agent = "" if name is None or cdk.Token.is_unresolved(name) else expected.get(name, "")
        if not agent:
            named = "another name" if name is None or cdk.Token.is_unresolved(name) else f"name {name!r}"
            raise WorkflowError(
                f"terraform_project {each.node.path!r} with {named} is not allowed, expected project_name "
                f"{' or '.join(map(repr, sorted(expected)))}, the one build of an agent that its policies let an "
                "approved apply start"
            )
        if agent in projects:
            raise WorkflowError(
                f"terraform_project {each.node.path!r} is a second one of agent {agent!r}, expected one"
            )
        projects[agent] = str(name)
        if not isinstance(each, TerraformProject):
            foreign.append(agent)
        elif each.own_role is None:
            roles[agent] = tokens(names.role_arn(agent, "execution"))
    return Builds(dict(sorted(projects.items())), dict(sorted(roles.items())), tuple(sorted(foreign)))


def _name(project: codebuild.IProject) -> str | None:
    """Return a project's name; one that is made here tells it by a token, whatever name it was given."""
    made = project.node.default_child
    return made.name if isinstance(made, codebuild.CfnProject) else project.project_name


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
