"""Deny: working outside the agent's environments' accounts, and on other accounts' buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def statements(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the guardrails.

    The ARN of a bucket has no account, so that a bucket of the right name in another account (which anybody can
    make) would be the agent's own. ``aws:ResourceAccount`` closes that; where AWS does not send the key, the
    name still confines.
    """
    out = [
        Statement(
            sid="BoundaryEnvironments",
            effect="Deny",
            actions=("*",),
            resources=("*",),
            conditions=(("StringNotEquals", "aws:PrincipalAccount", scope.accounts),),
            reason="a role deployed into an account that no environment names does nothing",
        )
    ]
    if "s3" in scope.services:
        out.append(
            Statement(
                sid="BoundaryForeignBuckets",
                effect="Deny",
                actions=("s3:*",),
                resources=("*",),
                conditions=(("StringNotEqualsIfExists", "aws:ResourceAccount", ("${aws:PrincipalAccount}",)),),
                reason="a bucket of the right name in another account is a way out for data",
            )
        )
    return tuple(out)


SCENARIOS: Final = (
    Scenario(
        "apply-foreign-bucket",
        "apply",
        "s3:PutObject",
        "arn:${AWS::Partition}:s3:::{prefix}drop/secrets.txt",
        allowed=False,
        layer="boundary",
        sid="BoundaryForeignBuckets",
        context={"aws:ResourceAccount": "999999999999"},
        title="writes into a bucket of the right name in another account",
    ),
    Scenario(
        "apply-outside-environments",
        "apply",
        "dynamodb:PutItem",
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/{prefix}orders",
        allowed=False,
        layer="boundary",
        sid="BoundaryEnvironments",
        context={"aws:PrincipalAccount": "999999999999"},
        title="works from an account that no environment names",
    ),
)
