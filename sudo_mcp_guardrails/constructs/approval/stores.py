"""What the workflow keeps: keys, tables, bucket, and the ledger of trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from sudo_mcp_guardrails.constructs.approval import tables as layouts
from sudo_mcp_guardrails.constructs.approval.bucket import EvidenceBucket
from sudo_mcp_guardrails.constructs.approval.keys import DECISION_SIGNERS, EVIDENCE_SIGNERS, SigningKey, made_or_given
from sudo_mcp_guardrails.constructs.approval.statements import WorkflowResources
from sudo_mcp_guardrails.constructs.approval.trust_ledger import TrustLedger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms

    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames
    from sudo_mcp_guardrails.constructs.immutable_log_bucket import LockMode

_TABLES: Final = {
    "EVIDENCE_TABLE": (layouts.EVIDENCE, "evidence"),
    "APPROVALS_TABLE": (layouts.REQUESTS, "requests"),
    "TOKENS_TABLE": (layouts.TOKENS, "tokens"),
    "CREDENTIALS_TABLE": (layouts.CREDENTIALS, "credentials"),
}


class ApprovalStores(Construct):
    """The stores. Three keys, or four with trust, 1 USD each a month; the rest is paid by use.

    Args:
        scope: The scope.
        id: The construct's id.
        names: Of the workflow.
        trust: What earns trust; None for nothing.
        data_key: Encrypts everything; None for one that is made.
        runs: Table of runs; None for one that is made.
        days: How long the bucket is locked.
        lock_mode: Who may shorten a lock.
        builders: ARNs of the execution roles that apply Terraform plans, by agent.
        removal_policy: What becomes of it all with the stack.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: WorkflowNames,
        trust: TrustPolicy | None,
        data_key: kms.IKey | None,
        runs: dynamodb.ITable | None,
        days: int,
        lock_mode: LockMode,
        builders: Mapping[str, str] | None = None,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, id)
        self._names = names
        self._removal = removal_policy
        self.data_key: kms.IKey = made_or_given(self, names, data_key, removal_policy, tuple((builders or {}).values()))
        """Encrypts everything."""
        self.evidence_key: SigningKey = self._signing("Evidence", EVIDENCE_SIGNERS, "what the workflow records")
        """Signs what the workflow records."""
        self.decision_key: SigningKey = self._signing("Decision", DECISION_SIGNERS, "what people decide")
        """Signs what people decide."""
        self.tables: dict[str, dynamodb.CfnTable] = {
            variable: layouts.make_table(self, layout, names.of(name), self.data_key, removal_policy)
            for variable, (layout, name) in _TABLES.items()
        }
        """Evidence, requests, tokens and credentials, by the variables that name them."""
        self.runs: dynamodb.ITable = runs or self._runs()
        """Who is behind which run."""
        self.ledger: TrustLedger | None = (
            None
            if trust is None
            else TrustLedger(
                self, "Ledger", policy=trust, key=self.data_key, names=names, removal_policy=removal_policy
            )
        )
        """What agents have shown; None where nothing earns trust."""
        self.evidence: EvidenceBucket = EvidenceBucket(
            self,
            "Bucket",
            key=self.data_key,
            names=names,
            days=days,
            mode=lock_mode,
            builders=builders,
            removal_policy=removal_policy,
        )
        """Copies of records, plans and heads."""

    @property
    def variables(self) -> dict[str, str]:
        """Names of the tables, by the functions' variables."""
        return {
            **{variable: table.ref for variable, table in self.tables.items()},
            "RUNS_TABLE": self.runs.table_name,
            "TRUST_TABLE": self.ledger.table.ref if self.ledger else "",
        }

    def _signing(self, id_: str, signers: Sequence[str], what: str) -> SigningKey:
        return SigningKey(
            self, id_, signers=signers, names=self._names, description=f"Signs {what}", removal_policy=self._removal
        )

    def _runs(self) -> dynamodb.ITable:
        made = layouts.make_table(self, layouts.RUNS, self._names.runs, self.data_key, self._removal)
        return dynamodb.Table.from_table_attributes(
            self, "RunsImport", table_arn=made.attr_arn, encryption_key=self.data_key
        )

    def resources(self) -> WorkflowResources:
        """Return the ARNs that the functions' policies name."""
        keys = [self.data_key.key_arn]
        if self.runs.encryption_key is not None:
            keys.append(self.runs.encryption_key.key_arn)
        return WorkflowResources(
            evidence=self.tables["EVIDENCE_TABLE"].attr_arn,
            bucket=self.evidence.bucket.attr_arn,
            requests=self.tables["APPROVALS_TABLE"].attr_arn,
            tokens=self.tables["TOKENS_TABLE"].attr_arn,
            credentials=self.tables["CREDENTIALS_TABLE"].attr_arn,
            runs=self.runs.table_arn,
            trust=self.ledger.table.attr_arn if self.ledger else "",
            evidence_key=self.evidence_key.key_arn,
            decision_key=self.decision_key.key_arn,
            trust_key=self.ledger.key.key_arn if self.ledger else "",
            data_keys=tuple(dict.fromkeys(keys)),
            machine=self._names.machine_arn,
            apply_roles=(self._names.apply_roles(),),
        )
