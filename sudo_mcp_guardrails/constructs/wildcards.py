"""The wildcards of policies that name resources of the same app, accepted one by one as cdk-nag writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.risk import accept_risk, shown, wildcard_findings

if TYPE_CHECKING:
    from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy


def accept_wildcards(policy: GuardrailPolicy) -> None:
    """Accept each wildcard of a policy made with ``accept=False``, with its statement's reason.

    :func:`~sudo_mcp_guardrails.constructs.risk.accept_policy_risks` does this for documents without the CDK's tokens;
    here they are resolved first, and written as cdk-nag writes references: ``<Bucket.Arn>/*``.
    """
    stack = cdk.Stack.of(policy)
    for statement in policy.document.statements:
        nag = wildcard_findings(statement, map(_written, stack.resolve(list(statement.resources))))
        if nag:
            accept_risk(policy, nag=nag, reason=statement.reason)


def _written(value: Any) -> str:  # noqa: ANN401 - walks what CloudFormation takes for text
    """Write an ARN as cdk-nag does, with references in angle brackets."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict) and "Ref" in value:
        return f"<{value['Ref']}>"
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        place = value["Fn::GetAtt"]
        return f"<{place if isinstance(place, str) else '.'.join(place)}>"
    if isinstance(value, dict) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(map(_written, parts))
    if isinstance(value, dict) and "Fn::ImportValue" in value:
        return _written(value["Fn::ImportValue"])
    return str(value)
