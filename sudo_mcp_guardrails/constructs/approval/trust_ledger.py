"""The ledger of earned trust: its table, and the key that signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from constructs import Construct

from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.constructs.approval.keys import TRUST_SIGNERS, SigningKey
from sudo_mcp_guardrails.constructs.approval.names import WorkflowError
from sudo_mcp_guardrails.constructs.approval.tables import TRUST, make_table

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_kms as kms

    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames


class TrustLedger(Construct):
    """A table of signed, chained facts about what agents did, from which their tiers are replayed. Nothing is a score.

    A P-256 key signs, 1 USD a month; the table costs 0.25 USD per GB and month, and a fact has about a kilobyte. Copies
    of its records are in the workflow's bucket.

    Args:
        scope: The scope.
        id: The construct's id.
        policy: What earns trust, and what takes it away.
        key: Encrypts the table.
        names: Of the workflow.
        removal_policy: Default: RETAIN.

    Raises:
        WorkflowError: For a policy that is none.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        policy: TrustPolicy,
        key: kms.IKey,
        names: WorkflowNames,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        if not isinstance(policy, TrustPolicy):
            raise WorkflowError(f"trust {policy!r} is not allowed, expected a TrustPolicy")
        self.policy: TrustPolicy = policy
        """What earns trust."""
        self.table: dynamodb.CfnTable = make_table(self, TRUST, names.of("trust"), key, removal_policy)
        """The ledger, a chain for each agent."""
        self.key: SigningKey = SigningKey(
            self,
            "Trust",
            signers=TRUST_SIGNERS,
            names=names,
            description="Signs the ledger of earned trust",
            removal_policy=removal_policy,
        )
        """Signs it."""
