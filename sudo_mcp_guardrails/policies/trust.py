"""Who may become an agent: the trust policies of its roles, as data.

Every session is minted by a broker, which chooses SourceIdentity and the session tags; an agent never does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

SESSION_TAGS: Final = ("agent", "run", "ticket", "capability", "plan-digest", "caller")
"""The tags of every minted session, in this order. ``caller`` is who asked for it, as AWS verified it: the only place
in CloudTrail that leads from an agent's session back to a person."""
RUN_PATTERN: Final = "run-??????????????????????????"
"""A run id: ``run-`` and 26 characters of a ULID."""
DIRECT_PATTERN: Final = "direct-*"
"""SourceIdentity of a direct, unattributed session."""
NO_PLAN: Final = "none"
"""The ``plan-digest`` of a session that is not bound to an approved plan."""


def minted(agent: str, kind: str, broker: str) -> tuple[Statement, ...]:
    """Return the statements that let a broker mint sessions of one role, with all six tags pinned.

    One AssumeRole needs all three actions. Each statement rests only on the condition keys that AWS sends for its
    action (Service Authorization Reference, STS): a key that is absent would refuse every session.

    Args:
        agent: Name of the agent.
        kind: read, plan or apply.
        broker: ARN of the broker's role, or a placeholder for it.
    """
    digest = "sha256-*" if kind == "apply" else NO_PLAN
    principals = (("AWS", broker),)
    identity = ("StringLike", "sts:SourceIdentity", (RUN_PATTERN,))
    tags = (
        ("StringEquals", "aws:RequestTag/agent", (agent,)),
        ("StringEquals", "aws:RequestTag/capability", (kind,)),
        ("StringLike", "aws:RequestTag/run", (RUN_PATTERN,)),
        ("StringLike", "aws:RequestTag/ticket", ("?*",)),
        ("StringLike", "aws:RequestTag/plan-digest", (digest,)),
        ("StringLike", "aws:RequestTag/caller", ("?*",)),
        ("ForAllValues:StringEquals", "aws:TagKeys", SESSION_TAGS),
    )
    reason = "sessions are minted by the broker, with a fresh run id that the agent cannot choose"
    return (
        Statement(
            "TrustBroker",
            "Allow",
            ("sts:AssumeRole",),
            principals=principals,
            conditions=(*tags, identity),
            reason=reason,
        ),
        Statement(
            "TrustBrokerTags", "Allow", ("sts:TagSession",), principals=principals, conditions=tags, reason=reason
        ),
        Statement(
            "TrustBrokerRun",
            "Allow",
            ("sts:SetSourceIdentity",),
            principals=principals,
            conditions=(identity,),
            reason=reason,
        ),
    )


def direct(principals: Sequence[str]) -> tuple[Statement, ...]:
    """Return the statements for break-glass: sessions without the broker, marked as such.

    A user must have a second factor. The credentials of an assumed role carry none that IAM could see (IAM user
    guide, "Configuring MFA-protected API access"), so for a role it rests with whoever lets people into that role.

    Args:
        principals: ARNs of roles or users.
    """
    identity = ("StringLike", "sts:SourceIdentity", (DIRECT_PATTERN,))
    # A session's ARN is all that a function URL hands on: none may be named as a run of the broker's.
    name = ("StringNotLike", "sts:RoleSessionName", ("run-*",))
    kinds = (
        ("TrustDirectUsers", ":user/", (("Bool", "aws:MultiFactorAuthPresent", ("true",)),)),
        ("TrustDirectRoles", ":role/", ()),
    )
    return tuple(
        Statement(
            sid=sid,
            effect="Allow",
            actions=("sts:AssumeRole", "sts:SetSourceIdentity"),
            principals=tuple(("AWS", principal) for principal in principals if kind in principal),
            conditions=(identity, name, *mfa),
            reason="break-glass; its SourceIdentity says direct, and never counts as attributed",
        )
        for sid, kind, mfa in kinds
        if any(kind in principal for principal in principals)
    )


def nobody() -> Statement:
    """Return the statement of a role that nobody can assume yet."""
    return Statement(
        sid="TrustNobody",
        effect="Deny",
        actions=("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"),
        principals=(("*", "*"),),
        reason="apply sessions are for an approval workflow, and this deployment has none",
    )


def cloudformation() -> Statement:
    """Return the statement of the execution role: CloudFormation alone, for this account's stacks alone."""
    return Statement(
        sid="TrustCloudFormation",
        effect="Allow",
        actions=("sts:AssumeRole",),
        principals=(("Service", "cloudformation.amazonaws.com"),),
        # Whoever hands the role over needs iam:PassRole in this very account; where CloudFormation also says for
        # which account it works, that must be this one.
        conditions=(("StringEqualsIfExists", "aws:SourceAccount", (ACCOUNT,)),),
        reason="CloudFormation carries out approved changes as this role",
    )


def codebuild(project: str) -> Statement:
    """Return the statement of an execution role that applies Terraform plans: CodeBuild alone, for one project alone.

    Source: CodeBuild user guide, "Cross-service confused deputy prevention".

    Args:
        project: ARN of the project, with pseudo parameters.
    """
    return Statement(
        sid="TrustCodeBuild",
        effect="Allow",
        actions=("sts:AssumeRole",),
        principals=(("Service", "codebuild.amazonaws.com"),),
        conditions=(
            ("StringEquals", "aws:SourceAccount", (ACCOUNT,)),
            ("StringEquals", "aws:SourceArn", (project,)),
        ),
        reason="CodeBuild applies approved Terraform plans as this role, in the one project that is for them",
    )


def trust_policy(*statements: Statement) -> PolicyDocument:
    """Return a trust policy."""
    return PolicyDocument("trust", statements)
