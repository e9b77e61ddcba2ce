"""One of an agent's roles."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails.constructs.rendering import policy_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
    from sudo_mcp_guardrails.iam.documents import PolicyDocument


class GuardrailRole(iam.CfnRole):
    """A role whose trust policy is data like every other policy, under a boundary.

    An L1: every value of the CDK's own ``Role`` would be replaced, at a call to Node each. For what takes an
    ``IRole``, such as a grant, there is :attr:`role`.

    Args:
        scope: The scope.
        id: The construct's id.
        name: Physical name.
        path: IAM path, with a slash at either end.
        description: Shown in the console.
        trusted: The trust policy.
        tokens: Text in the trust policy to the values that only a deployment can tell.
        boundary: The permissions boundary.
        policies: The role's policies.
        session_seconds: Of the longest session.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        path: str,
        description: str,
        trusted: PolicyDocument,
        tokens: Mapping[str, str],
        boundary: GuardrailPolicy,
        policies: Sequence[GuardrailPolicy],
        session_seconds: float,
    ) -> None:
        super().__init__(
            scope,
            id,
            role_name=name,
            path=path,
            description=description,
            assume_role_policy_document=policy_json(trusted, tokens),
            permissions_boundary=boundary.policy_arn,
            managed_policy_arns=[policy.policy_arn for policy in policies],
            max_session_duration=session_seconds,
        )
        self._scope = scope
        self._id = id
        self._full_name = f"{path}{name}".strip("/")

    @cached_property
    def role(self) -> iam.IRole:
        """The role, for the props of other constructs; what is granted to it becomes a policy beside it."""
        arn = cdk.Stack.of(self).format_arn(service="iam", region="", resource="role", resource_name=self._full_name)
        role = iam.Role.from_role_arn(self._scope, f"{self._id}Import", arn)
        role.node.add_dependency(self)
        return role
