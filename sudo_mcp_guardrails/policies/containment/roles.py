"""What a contained role has: a policy and a boundary that deny everything, and a trust policy that nobody passes.

They are the same for every agent and are there before anything happens, so that containing takes three calls for each
role and makes no policy. A Deny is decided for each request, so that it acts on sessions that live; a trust policy acts
on new ones alone, and a boundary holds even where somebody detaches the policy. ``AWSRevokeOlderSessions`` would let
new sessions through, and AWS's quarantine policy for keys leaves 22,000 actions open, among them ``sts:AssumeRole``.
Sources: IAM user guide, "Policy evaluation logic", "Revoke IAM role temporary security credentials", "IAM JSON policy
elements: Principal".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import TRUST_POLICY_LIMIT, PolicyDocument, Statement
from sudo_mcp_guardrails.policies.scenario import decided

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scenario import Scenario

_EVERYTHING: Final = ("*",)
ASSUMING: Final = (
    *("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"),
    *("sts:SetSourceIdentity", "sts:TagSession"),
)
"""The actions that a trust policy decides."""


def deny_policy() -> PolicyDocument:
    """Return the managed policy that is attached to a contained role."""
    return PolicyDocument(
        "contained",
        (
            Statement(
                sid="ContainedDenyAll",
                effect="Deny",
                actions=_EVERYTHING,
                resources=("*",),
                reason="a contained role does nothing, in sessions that live as in new ones; nothing is spared",
            ),
        ),
    )


def deny_boundary() -> PolicyDocument:
    """Return the boundary that a contained role has instead of its own.

    A boundary without an Allow would do for the role's own policies; a resource policy that names its session passes by
    a missing Allow and not by a Deny.
    """
    return PolicyDocument(
        "contained-boundary",
        (
            Statement(
                sid="ContainedBoundary",
                effect="Deny",
                actions=_EVERYTHING,
                resources=("*",),
                reason="holds where the policy is detached, and against resource policies that name a session",
            ),
        ),
    )


def deny_trust() -> PolicyDocument:
    """Return the trust policy of a contained role, within the limit of trust policies."""
    document = PolicyDocument(
        "trust",
        (
            Statement(
                sid="ContainedTrust",
                effect="Deny",
                actions=ASSUMING,
                principals=(("*", "*"),),
                reason="no session is made of a contained role: by a broker, a person, a service or another account",
            ),
        ),
    )
    document.check_size(TRUST_POLICY_LIMIT)
    return document


_ACCOUNT: Final = "${AWS::Region}:${AWS::AccountId}"
_ASKED: Final = (
    ("read", "s3:ListAllMyBuckets", "*", "lists buckets, as it always might"),
    ("plan", "cloudformation:CreateChangeSet", f"cloudformation:{_ACCOUNT}:stack/{{prefix}}x/1", "prepares a change"),
    ("apply", "dynamodb:PutItem", f"dynamodb:{_ACCOUNT}:table/{{prefix}}orders", "writes into its own table"),
    ("execution", "dynamodb:CreateTable", f"dynamodb:{_ACCOUNT}:table/{{prefix}}orders", "goes on deploying"),
    ("read", "sts:AssumeRole", "iam::${AWS::AccountId}:role/deploy", "goes on as another role"),
    (
        *("read", "signin:CreateOAuth2Token"),
        f"signin:{_ACCOUNT}:service-principal/aws-mcp.amazonaws.com",
        "takes a fresh OAuth token for the AWS MCP Server",
    ),
)


def _scenarios(layer: str, sid: str) -> tuple[Scenario, ...]:
    return tuple(
        decided(
            f"contained-{layer}-{number}",
            action,
            resource if resource == "*" else f"arn:${{AWS::Partition}}:{resource}",
            title,
            layer=layer,
            sid=sid,
            capability=capability,
        )
        for number, (capability, action, resource, title) in enumerate(_ASKED)
    )


DENY_SCENARIOS: Final = _scenarios("identity", "ContainedDenyAll")
"""What shows that the policy is needed."""
BOUNDARY_SCENARIOS: Final = _scenarios("boundary", "ContainedBoundary")
"""What shows that the boundary is."""
_ROLE: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/{names}-{agent}"
_IAM: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}"
TRUST_SCENARIOS: Final = tuple(
    decided(
        f"contained-trust-{name}",
        action,
        f"{_ROLE}-{kind}",
        title,
        layer="resource",
        sid="ContainedTrust",
        capability=kind,
        principal=principal,
    )
    for name, action, kind, principal, title in (
        ("broker", "sts:AssumeRole", "read", f"{_IAM}:role/{{names}}/{{names}}-session-broker", "the broker mints"),
        ("person", "sts:AssumeRole", "plan", f"{_IAM}:user/ann", "a person breaks the glass"),
        ("root", "sts:AssumeRole", "read", f"{_IAM}:root", "the root user assumes it"),
        ("service", "sts:AssumeRole", "execution", "cloudformation.amazonaws.com", "CloudFormation goes on"),
        (
            *("federated", "sts:AssumeRoleWithWebIdentity", "read"),
            f"{_IAM}:role/ci",
            "a token of an identity provider is exchanged",
        ),
    )
)
"""What shows that the trust policy is."""
