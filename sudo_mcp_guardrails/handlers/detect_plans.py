"""What approved plans hold, read from where the approval workflow keeps its evidence, for the layer that compares.

A chain is read and checked, signatures included, and the plan is read again from what was kept, by its digest: who
could write a record, and not sign it, makes no call a planned one.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.reading.submitted import fetched
from sudo_mcp_guardrails.approval.errors import ApprovalError, PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.store.case import Case
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsVerifier
from sudo_mcp_guardrails.detection.baseline.planned import Planned
from sudo_mcp_guardrails.detection.errors import DetectionError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.store.signers import Keys

MAX_PLANS: Final = 200
"""Plans that are remembered; an approved plan never changes."""

_log = logging.getLogger(__name__)


class ApprovedPlans:
    """Approved plans; a :class:`~sudo_mcp_guardrails.detection.baseline.planned.PlannedCalls`.

    Args:
        dynamodb: boto3's low-level client of DynamoDB; it reads.
        s3: boto3's client of S3; it reads.
        kms: boto3's client of KMS; it asks for public keys.
        table: of the evidence.
        bucket: of the evidence.
        keys: whose signatures count.
    """

    def __init__(  # noqa: PLR0917 - clients, then names
        self,
        dynamodb: Any,  # noqa: ANN401 - boto3's
        s3: Any,  # noqa: ANN401 - boto3's
        kms: Any,  # noqa: ANN401 - boto3's
        table: str,
        bucket: str,
        keys: Keys,
    ) -> None:
        self._store = EvidenceStore(dynamodb, s3, table, "", None)
        self._s3 = s3
        self._bucket = bucket
        self._verifier = KmsVerifier(kms)
        self._keys = keys
        self._known: OrderedDict[str, tuple[str, Planned]] = OrderedDict()

    def find(self, approval: str | None, plan_digest: str | None) -> Planned | None:
        """Return what an approved plan holds; None where its evidence is not there or not whole, or is of another plan.

        Raises:
            Exception: what AWS answers.
        """
        if approval is None:
            return None
        held = self._known.get(approval)
        if held is None:
            try:
                held = self._read(approval)
            except (ApprovalError, DetectionError) as error:
                _log.warning(json.dumps({"approval": approval[:80], "not compared": str(error)[:500]}))
                return None
            self._known[approval] = held
            if len(self._known) > MAX_PLANS:
                self._known.popitem(last=False)
        return held[1] if plan_digest in (None, held[0]) else None

    def _read(self, approval: str) -> tuple[str, Planned]:
        case = Case.load(self._store, approval, self._verifier, self._keys)
        plan = fetched(self._s3, self._bucket, case.asked.bundle).plan()
        if plan.digest != case.request.plan_digest:
            raise PlanError(f"the plan that was kept has digest {plan.digest}, expected {case.request.plan_digest}")
        return plan.digest, Planned.of(plan.changes, granted=_CARRIES_OUT.get(plan.form, frozenset()))


_CARRIES_OUT: Final[dict[Form, frozenset[str]]] = {
    Form.CHANGE_SET: frozenset(
        {
            "cloudformation:ExecuteChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
        }
    ),
    Form.TERRAFORM: frozenset({"codebuild:StartBuild", "codebuild:BatchGetBuilds"}),
    Form.CLOUD_CONTROL: frozenset(
        {
            "cloudformation:CreateResource",
            "cloudformation:UpdateResource",
            "cloudformation:DeleteResource",
            "cloudformation:GetResourceRequestStatus",
        }
    ),
}
"""What the apply session calls by itself; the rest is the work of the execution role, which the types say."""
