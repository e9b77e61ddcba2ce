"""The proof that no agent can come to match an exempt principal.

An exemption is a hole in the guardrails for everyone. An agent gets through it by being such a role already, by
becoming it (a session of it, or something that runs with it and that the agent may steer), or by changing what it may
do or who may assume it. The proof supposes the worst of all that the organization does not decide: the agent holds
``AdministratorAccess``, has no boundary, and every resource's own policy lets it in. What is left is the SCPs of
agents. What runs with another role may be any: each escalation path that passes no role has to be blocked. It is not
for execution roles, whose own boundary confines what a template changes; of them, what IAM and STS decide is proved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import Capability
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.escalation import escalation_paths
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.layers import Layers
from sudo_mcp_guardrails.iam.lint_rules.patterns import overlap
from sudo_mcp_guardrails.iam.matching import ACCOUNT_PART, ARN_PARTS
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.boundary.approved import beyond_approved, project_arn
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.naming import PARTITION, ROLE_KINDS
from sudo_mcp_guardrails.policies.organization.packs import agent_scps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

_AGENT: Final = "some-agent"
_ACCOUNT: Final = "111111111111"


def no_agent_matches(
    settings: OrganizationSettings, *, scps: Sequence[PolicyDocument] | None = None
) -> tuple[str, ...]:
    """Say by what an agent could come to match an exempt principal; nothing, where it is proved that none can.

    Args:
        settings: The organization's, with its exemptions.
        scps: What binds agents, with pseudo parameters. Default: :func:`agent_scps` of the settings.

    Returns:
        One line for each problem: the pattern, and the request that is allowed or why it could not be decided.
    """
    patterns = settings.exempt_patterns
    if not patterns:
        return ()
    agents = settings.names.agent_principals
    problems = [
        f"exempt principal {pattern!r} can be an agent: {agents} are the agents' roles"
        for pattern in patterns
        if _meet(pattern, agents)
    ]
    bound = agent_scps(settings) if scps is None else scps
    # No statement of the agents' SCPs names an account or a partition: asked once for each kind of role.
    steered: dict[str, tuple[str, ...]] = {}
    for pattern in patterns:
        exempt, partition, account = _placed(pattern)
        pseudo = {"Partition": partition, "AccountId": account, "Region": "us-east-1"}
        layers = Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, *(scp.resolve(pseudo) for scp in bound)),))
        for kind, principal in _principals(settings, partition, account):
            prover = Prover(layers, Facts(principal, partition=partition))
            for act, step in _steps(exempt):
                proof = prover.prove([step], changing=True)
                if proof.verdict is not Verdict.PROVED:
                    problems.append(f"{kind} role of an agent may {act} exempt principal {pattern!r}: {proof.reason}")
            if kind not in steered:
                steered[kind] = () if kind == "execution" else tuple(_open_paths(prover, kind, settings, partition))
    problems += [
        f"{kind} role of an agent may steer what runs as an exempt principal, by path {path!r}"
        for kind, paths in steered.items()
        for path in paths
    ]
    return tuple(problems)


def _open_paths(prover: Prover, kind: str, settings: OrganizationSettings, partition: str) -> Iterator[str]:
    """Yield the escalation paths that pass no role and that are not blocked; who signs in stays who it is.

    The project that applies approved plans is the apply role's to start: it is the guardrails', and nobody's exempt.
    """
    project = (
        (project_arn(settings.names, "*", "*").replace(PARTITION, partition),) if kind == Capability.APPLY.value else ()
    )
    for path in escalation_paths():
        if "iam:PassRole" in path.actions or all(action.startswith("signin:") for action in path.actions):
            continue
        if prover.prove(beyond_approved(path.steps, roles=(), builds=project)).verdict is not Verdict.PROVED:
            yield path.id


def _placed(pattern: str) -> tuple[str, str, str]:
    """Return a pattern in one partition and account, and these two.

    Condition operators compare an ARN part by part, while in a question a wildcard would run on into the next part.
    No statement of the agents' SCPs names an account, so that any account stands for all.
    """
    parts = pattern.split(":", ARN_PARTS - 1)
    partition = "aws" if parts[1] == "*" else parts[1]
    account = _ACCOUNT if parts[ACCOUNT_PART] == "*" else parts[ACCOUNT_PART]
    return f"arn:{partition}:iam::{account}:{parts[-1]}", partition, account


def _steps(exempt: str) -> Iterator[tuple[str, Statement]]:
    """Yield, in words and as a question, each way to become a principal or to change what it may do."""
    any_account = f"arn:*:iam::*:{exempt.split(':', ARN_PARTS - 1)[-1]}"
    ways = {
        "assume": (("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"), any_account),
        "make, pass or change": (("iam:*",), exempt),
        "change the policies of": (
            ("iam:CreatePolicyVersion", "iam:DeletePolicy*", "iam:SetDefaultPolicyVersion"),
            "*",
        ),
        "change the groups of": (("iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:PutGroupPolicy"), "*"),
        "change the providers that sign in as": (("iam:*Provider*",), "*"),
        "give people or itself": (("identitystore:*", "sso:*", "sso-directory:*"), "*"),
    }
    for act, (actions, resource) in ways.items():
        yield act, Statement("Exempt", "Allow", actions=actions, resources=(resource,))


def _principals(settings: OrganizationSettings, partition: str, account: str) -> Iterator[tuple[str, Principal]]:
    """Yield one session of each kind of role that an agent has, and of what its resources carry."""
    names = settings.names
    found = {kind: f"{names.role_path(_AGENT)}{names.role_name(_AGENT, kind)}" for kind in ROLE_KINDS}
    found["workload"] = f"{names.role_path(_AGENT)}workloads/worker"
    for kind, role in found.items():
        yield kind, Principal(f"arn:{partition}:iam::{account}:role{role}", session="run")


def _meet(first: str, second: str) -> bool:
    """Return whether some ARN is matched by both patterns, compared as ``ArnLike`` does."""
    parts = zip(first.split(":", ARN_PARTS - 1), second.split(":", ARN_PARTS - 1), strict=True)
    return all(overlap(mine, theirs) for mine, theirs in parts)
