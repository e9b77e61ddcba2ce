"""What several functions of the approval workflow may do alike, and the resources that their statements name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.store.kms import ALGORITHM, MESSAGE_TYPE
from sudo_mcp_guardrails.iam.documents import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.iam.documents import Conditions

RECORDS: Final = "records/*"
PLANS: Final = "plans/*"
HEADS: Final = "heads/*"


@dataclass(frozen=True)
class WorkflowResources:
    """The ARNs that the statements name, with the CDK's tokens.

    Attributes:
        evidence: ARN of the table of evidence.
        bucket: of the evidence bucket.
        requests: of the index of requests.
        tokens: of the table of task tokens.
        credentials: of the table of credentials.
        runs: of the table of runs.
        trust: of the table of trust; empty where no agent earns any.
        evidence_key: of the key that signs evidence.
        decision_key: of the key that signs decisions.
        trust_key: of the key that signs trust; empty as above.
        data_keys: of the keys that encrypt all that.
        machine: of the state machine.
        apply_roles: pattern of the apply roles.
        responder_key: of the key that signs withdrawals of contained agents; empty without a kill switch.
    """

    evidence: str
    bucket: str
    requests: str
    tokens: str
    credentials: str
    runs: str
    trust: str
    evidence_key: str
    decision_key: str
    trust_key: str
    data_keys: tuple[str, ...]
    machine: str
    apply_roles: tuple[str, ...]
    responder_key: str = ""


def allow(sid: str, actions: Sequence[str], resources: Sequence[str], why: str, when: Conditions = ()) -> Statement:
    """Return an Allow."""
    return Statement(sid, "Allow", tuple(actions), resources=tuple(resources), conditions=when, reason=why)


def chain(of: str, r: WorkflowResources) -> list[Statement]:
    """Return how chains are read, checked and appended to; who signs is said apart."""
    keys = [key for key in (r.evidence_key, r.decision_key, r.trust_key, r.responder_key) if key]
    return [
        allow(
            f"Approval{of}Evidence",
            ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
            (r.evidence,),
            "reads chains and appends to them, each record where none is yet",
        ),
        allow(
            f"Approval{of}Copies",
            ("s3:PutObject",),
            (f"{r.bucket}/{RECORDS}",),
            "copies records, under names of approvals that are not known before",
        ),
        allow(f"Approval{of}Keys", ("kms:GetPublicKey",), keys, "checks signatures"),
        encrypted(of, r),
    ]


def encrypted(of: str, r: WorkflowResources) -> Statement:
    """Return how what is encrypted is read and written."""
    return allow(
        f"Approval{of}Data", ("kms:Decrypt", "kms:GenerateDataKey"), r.data_keys, "tables and bucket are encrypted"
    )


def sign(of: str, what: str, key: str) -> Statement:
    """Return how a digest is signed, and nothing else is."""
    return allow(
        f"Approval{of}Sign{what}",
        ("kms:Sign",),
        (key,),
        "signs what it records",
        (
            ("StringEquals", "kms:MessageType", (MESSAGE_TYPE,)),
            ("StringEquals", "kms:SigningAlgorithm", (ALGORITHM,)),
        ),
    )


def index(of: str, r: WorkflowResources, *calls: str) -> Statement:
    """Return how the index of requests is kept."""
    return allow(
        f"Approval{of}Index",
        tuple(f"dynamodb:{call}" for call in calls),
        (r.requests,),
        "keeps the index of approvals",
    )


def plans(of: str, r: WorkflowResources) -> Statement:
    """Return how plans are read, by their version."""
    return allow(
        f"Approval{of}ReadPlan",
        ("s3:GetObject", "s3:GetObjectVersion"),
        (f"{r.bucket}/{PLANS}",),
        "reads plans, under names of approvals that are not known before",
    )


def new_plans(of: str, r: WorkflowResources) -> Statement:
    """Return how plans are written."""
    return allow(
        f"Approval{of}WritePlan",
        ("s3:PutObject",),
        (f"{r.bucket}/{PLANS}",),
        "writes plans, under names of approvals that are not known before",
    )


def trust(of: str, r: WorkflowResources) -> list[Statement]:
    """Return how the ledger of trust is read and appended to; nothing where no agent earns any."""
    if not r.trust:
        return []
    return [
        allow(
            f"Approval{of}Trust",
            ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
            (r.trust,),
            "reads what an agent has shown, and appends to it",
            (("ForAllValues:StringLike", "dynamodb:LeadingKeys", ("trust/*",)),),
        ),
        sign(of, "Trust", r.trust_key),
    ]
