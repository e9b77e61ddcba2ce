"""Who may become the roles that contain, and that no agent can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.containment.names import ContainmentPolicyError
from sudo_mcp_guardrails.policies.containment.roles import ASSUMING
from sudo_mcp_guardrails.policies.scenario import decided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.policies.naming import GuardrailNames


def response_trust(names: GuardrailNames, trusted: Sequence[str]) -> PolicyDocument:
    """Return the trust policy of the roles that contain.

    Args:
        names: Names of the guardrails' own resources.
        trusted: ARNs of the roles that may become them: the function's, and a break-glass role of the SOC's.

    Raises:
        ContainmentPolicyError: Where nobody is named, or somebody with a wildcard, or an agent.
    """
    for arn in trusted:
        if "*" in arn or "?" in arn or f":role{names.agents_path}" in arn or ":iam::" not in arn:
            raise ContainmentPolicyError(
                f"{arn[:120]!r} is not allowed to respond, expected the ARN of a role that is no agent's"
            )
    if not trusted:
        raise ContainmentPolicyError("nobody is allowed to respond, expected the ARN of at least one role")
    return PolicyDocument(
        "response-trust",
        (
            Statement(
                sid="ResponseTrust",
                effect="Allow",
                actions=("sts:AssumeRole", "sts:SetSourceIdentity"),
                principals=tuple(("AWS", arn) for arn in trusted),
                reason="who responds to incidents",
            ),
            Statement(
                sid="ResponseNoAgent",
                effect="Deny",
                actions=ASSUMING,
                principals=(("*", "*"),),
                conditions=(("ArnLike", "aws:PrincipalArn", (names.agent_principals,)),),
                reason="no agent becomes the role that contains agents, whoever is trusted",
            ),
        ),
    )


_RESPONSE: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/response/{names}-response"
TRUST_SCENARIOS: Final = (
    decided(
        *("agent-responds", "sts:AssumeRole", _RESPONSE, "an agent becomes the role that contains agents"),
        layer="resource",
        sid="ResponseNoAgent",
        capability="apply",
    ),
    decided(
        *("function-responds", "sts:AssumeRole", _RESPONSE, "the function that contains becomes it"),
        layer="resource",
        principal="arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/{names}-responder",
    ),
)
"""What shows who may become the role. The function's role is the one that the tests trust."""
