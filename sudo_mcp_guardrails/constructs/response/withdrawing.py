"""What lets the kill switch take back what contained agents asked for: rights in the approval workflow, and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constructs import Construct

from sudo_mcp_guardrails.constructs.approval.statements import allow
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.iam.documents import PolicyDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames
    from sudo_mcp_guardrails.constructs.approval.statements import WorkflowResources
    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch
    from sudo_mcp_guardrails.iam.documents import Statement

APPROVALS: Final = "apr-*"
"""Chains of approvals; what else the tables have is not the kill switch's."""


class WithdrawalByResponder(Construct):
    """Lets the kill switch's function withdraw open approvals, and tells it where they and builds are. Costs nothing.

    The rights are a policy of the workflow's stack on the function's role, so that the kill switch may be in a stack of
    its own, which this one depends on. They are bound to chains of approvals: it appends to those and no others, reads
    no plan, and what it signs counts there for a withdrawal alone.

    Args:
        scope: The scope; of the approval workflow.
        id: The construct's id.
        switch: The kill switch; of the same account and Region.
        resources: Of the workflow.
        names: Of the workflow.
        terraform: Names of the agents whose plans of Terraform a project applies. Default: none.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        switch: KillSwitch,
        resources: WorkflowResources,
        names: WorkflowNames,
        terraform: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, id)
        self.policy: GuardrailPolicy = GuardrailPolicy(
            self,
            "Policy",
            document=PolicyDocument("withdrawal by the responder", withdrawing(resources)),
            path=names.path,
            description="Takes back what contained agents asked for",
            accept=False,
        )
        """On the role of the function that contains."""
        self.policy.roles = [switch.responder.role.role_name or ""]
        accept_wildcards(self.policy)
        self.policy.add_dependency(switch.responder.role)
        switch.knows_approvals(
            {
                "APPROVALS_TABLE": names.of("requests"),
                "APPROVAL_EVIDENCE_TABLE": names.of("evidence"),
                "APPROVAL_EVIDENCE_BUCKET": names.bucket,
                "APPROVAL_TOKENS_TABLE": names.of("tokens"),
                # Names that were checked, which have no comma; the projects' follow from them.
                **({"TERRAFORM_AGENTS": ",".join(terraform)} if terraform else {}),
            }
        )


def withdrawing(r: WorkflowResources) -> tuple[Statement, ...]:
    """Return what the function that contains may do in an approval workflow.

    Args:
        r: Of the workflow.
    """
    own = (("ForAllValues:StringLike", "dynamodb:LeadingKeys", (APPROVALS,)),)
    return (
        allow("ContainmentApprovalsOpen", ("dynamodb:Query",), (f"{r.requests}/index/open",), "finds open approvals"),
        allow(
            "ContainmentApprovalsChains",
            ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
            (r.evidence,),
            "appends withdrawals to the chains of approvals, and to no other",
            own,
        ),
        allow(
            "ContainmentApprovalsCopies",
            ("s3:PutObject",),
            (f"{r.bucket}/records/{APPROVALS}",),
            "copies what it recorded, under names of approvals that are not known before",
        ),
        allow(
            "ContainmentApprovalsTokens",
            ("dynamodb:DeleteItem", "dynamodb:GetItem"),
            (r.tokens,),
            "ends the wait of an approval that is withdrawn",
            own,
        ),
        allow(
            "ContainmentApprovalsWake", ("states:SendTaskSuccess",), ("*",), "the wait is told by its token, not by ARN"
        ),
        allow(
            "ContainmentApprovalsData",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            r.data_keys[:1],
            "tables and bucket of approvals are encrypted",
        ),
    )
