"""A managed policy from a policy document, with its size checked and its wildcards accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_policy_risks, checkov_skips, policy_reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.iam.documents import PolicyDocument


class GuardrailPolicy(iam.CfnManagedPolicy):
    """One ``AWS::IAM::ManagedPolicy``. Costs nothing.

    It is the resource itself and not a construct around it: a landing zone has hundreds, and each construct is
    another call to Node.

    Args:
        scope: The scope.
        id: The construct's id.
        document: The policy as data.
        path: IAM path.
        name: Physical name. Default: CloudFormation makes one.
        description: Shown in the console. Cannot be changed without replacement.
        checkov: Checkov findings that the policy has by design.
        accept: Whether to accept what cdk-nag finds by design here; False where a construct above does for several.

    Raises:
        PolicySizeError: Where the document is over 6,144 characters.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        document: PolicyDocument,
        path: str,
        description: str,
        name: str | None = None,
        checkov: Sequence[str] = (),
        accept: bool = True,
    ) -> None:
        document.check_size()
        super().__init__(
            scope,
            id,
            policy_document=policy_json(document),
            path=path,
            managed_policy_name=name,
            description=description,
        )
        self.document = document
        if accept:
            accept_policy_risks(self, [document])
        if checkov:
            self.add_metadata("checkov", checkov_skips(checkov, policy_reason(document)))
        self.policy_arn: str = self.ref
        """ARN of the policy."""

    @property
    def managed_policy(self) -> iam.IManagedPolicy:
        """The policy, for the props of other constructs."""
        return iam.ManagedPolicy.from_managed_policy_arn(self, "Import", self.policy_arn)
