"""The first record of an approval's chain: what is asked for, and what it was judged by."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.bounds import check_digest, check_name, check_names, check_text
from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest
from sudo_mcp_guardrails.approval.errors import DecisionError, EvidenceError
from sudo_mcp_guardrails.approval.plan import Form  # noqa: TC001 - the codec reads it at run time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.evidence import Record

MAX_LIMITS: Final = 60
"""Most of the lines that say what IAM cannot bind; how many more there are stands in the last one."""
SCAN_NONE: Final = "none"
SCAN_WANTED: Final = "wanted"
_REQUEST: Final = "request"


@dataclass(frozen=True)
class BundleRef(codec.Documented):
    """Where a bundle is.

    Attributes:
        key: of the object in the evidence bucket.
        version: of the object.
        digest: SHA-256 of its bytes.
    """

    key: str
    version: str
    digest: str

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("key of a bundle", self.key)
        check_name("version of a bundle", self.version)
        check_digest("digest of a bundle", self.digest)

    @classmethod
    def from_document(cls, document: object) -> BundleRef:
        """Read it from JSON; raises DecisionError."""
        return codec.read(cls, document, "reference to a bundle")


@dataclass(frozen=True)
class Asked(codec.Documented):
    """What the first record says, beside the request itself.

    Attributes:
        form: of the plan.
        target: what it is carried out on: the stack, the workspace; may be empty.
        artifact: what is executed, such as the change set's ARN; may be empty.
        changes: how many there are.
        bundle: what the plan was read from.
        limits: what no policy can bind, for who approves.
        fingerprint: of the agent, as the settings have it; empty where nobody knows.
        operation: what tells identical work, 64 hexadecimal digits.
        scan: ``none`` where there is no scanner, ``wanted`` where the plan must pass one before it is carried out.
        triggers: rules that the plan broke and that take trust away at once.
    """

    form: Form
    target: str
    artifact: str
    changes: int
    bundle: BundleRef
    limits: tuple[str, ...]
    fingerprint: str
    operation: str
    scan: str
    triggers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_text("target", self.target)
        check_text("artifact", self.artifact)
        if len(self.limits) > MAX_LIMITS:
            raise DecisionError(f"the record has {len(self.limits)} limits, allowed are {MAX_LIMITS}")
        for line in self.limits:
            check_text("limit", line)
        if self.fingerprint:
            check_digest("fingerprint", self.fingerprint)
        check_digest("operation", self.operation)
        if self.scan not in {SCAN_NONE, SCAN_WANTED}:
            raise DecisionError(f"scan {self.scan[:40]!r} is none, allowed are {SCAN_NONE} and {SCAN_WANTED}")
        check_names("triggers", self.triggers)

    def body(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the body of the first record: the request's fields, and these."""
        return {**request.document(), **self.document()}


def read_asked(record: Record) -> tuple[ApprovalRequest, Asked]:
    """Read the first record of a chain.

    Raises:
        EvidenceError: it is none of that kind, of another approval, or does not have exactly its fields.
    """
    if record.kind != _REQUEST or record.number != 1:
        raise EvidenceError(f"chain {record.chain!r} begins with {record.kind!r}, and asks for nothing")
    try:
        request = ApprovalRequest.from_document(_part(record.body, ApprovalRequest))
        rest = {name: value for name, value in record.body.items() if name not in request.document()}
        asked = codec.read(Asked, rest, "request's record")
    except DecisionError as error:
        raise EvidenceError(f"record 1 of {record.chain!r} cannot be read: {error}") from None
    if request.id != record.chain:
        raise EvidenceError(f"chain {record.chain!r} begins with a request of {request.id!r}")
    return request, asked


def _part(body: Mapping[str, Any], kind: type[Any]) -> dict[str, Any]:
    names = {field.name.replace("_", "") for field in fields(kind)}
    return {name: value for name, value in body.items() if name.lower() in names}
