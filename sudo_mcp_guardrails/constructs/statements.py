"""From policies as data to the CDK's own statements, for resources whose policies the CDK puts together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from constructs import Construct

    from sudo_mcp_guardrails.iam.documents import PolicyDocument

_TOKENS: Final = ((PARTITION, cdk.Aws.PARTITION), (ACCOUNT, cdk.Aws.ACCOUNT_ID), (REGION, cdk.Aws.REGION))


def cdk_statements(document: PolicyDocument) -> list[iam.PolicyStatement]:
    """Return the statements of a document, in order, with the CDK's tokens for the pseudo parameters.

    A managed policy is better rendered by :func:`~sudo_mcp_guardrails.constructs.rendering.policy_json`, which is one
    call to Node. A bucket or a key has others add to its policy, which only the CDK's statements allow.
    """
    return [iam.PolicyStatement.from_json(tokens(statement.to_dict())) for statement in document.statements]


def tokens(value: Any) -> Any:  # noqa: ANN401 - walks any JSON value
    """Put the CDK's tokens for the pseudo parameters into all text of a JSON value."""
    if isinstance(value, str):
        for placeholder, token in _TOKENS:
            value = value.replace(placeholder, token)
        return value
    if isinstance(value, list):
        return [tokens(item) for item in value]
    if isinstance(value, dict):
        return {key: tokens(item) for key, item in value.items()}
    return value


def placed(scope: Construct, arn: str) -> str:
    """Return an ARN with account and Region of a construct's stack, where these are known.

    A pseudo parameter means whatever stack it ends up in: an ARN that goes to another account's stack must not have
    any but the partition. Where the stack is of no account and Region, nothing can be done.
    """
    stack = cdk.Stack.of(scope)
    text: str = tokens(arn.replace(ACCOUNT, stack.account).replace(REGION, stack.region))
    return text
