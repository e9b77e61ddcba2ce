"""The entries of a ledger of trust, and what they are told apart by: fingerprints and identical work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.errors import ApprovalError, TrustError
from sudo_mcp_guardrails.approval.trust_ledger.facts import Automatic, Canary, Outcome, ReviewTest, Trigger
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Demotion, Introduced, Promotion, Resolved

FINGERPRINT_KIND: Final = "agent-fingerprint/1"
OPERATION_KIND: Final = "operation/1"
Fact = Outcome | Automatic | Introduced | Trigger | Promotion | Demotion | Canary | Resolved | ReviewTest
_KINDS: Final[dict[str, type[Any]]] = {
    "trust-outcome": Outcome,
    "trust-automatic": Automatic,
    "trust-introduced": Introduced,
    "trust-trigger": Trigger,
    "trust-promotion": Promotion,
    "trust-demotion": Demotion,
    "trust-canary": Canary,
    "trust-resolved": Resolved,
    "trust-review-test": ReviewTest,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True)
class Entry:
    """One fact in a ledger.

    Attributes:
        number: from 1, without gaps: the order that counts.
        time: when it was recorded, seconds since 1970.
        fact: what is recorded.
        digest: of its record; it makes the ledger's head.
    """

    number: int
    time: int
    fact: Fact
    digest: str


def kind_of(fact: Fact) -> str:
    """Return the kind of the record that holds a fact."""
    return _NAMES[type(fact)]


def document(fact: Fact) -> dict[str, Any]:
    """Return a fact as JSON: the body of its record."""
    return codec.document(fact)


def read_fact(kind: str, body: object) -> Fact:
    """Read a fact from its record.

    Args:
        kind: of the record.
        body: of the record.

    Raises:
        TrustError: the kind is none of a ledger of trust, or the body does not have exactly its fields.
    """
    if kind not in _KINDS:
        raise TrustError(f"record of kind {kind[:80]!r} is none of a ledger of trust, allowed are {', '.join(_KINDS)}")
    try:
        found: Fact = codec.read(_KINDS[kind], body, kind)
    except ApprovalError as error:
        raise TrustError(str(error)) from None
    return found


def fingerprint(model: str, prompts: tuple[str, ...], tools: str, guardrails: str) -> str:
    """Return what tells one version of an agent from another: trust is in that version alone.

    Args:
        model: id of the model, with its version.
        prompts: digests of the system prompt, the SOPs and the skills, in the order in which it gets them.
        tools: digest of the tools' manifest.
        guardrails: version of the guardrails.

    Raises:
        TrustError: a part is empty: what is not known cannot be trusted.
    """
    for name, part in (
        ("model", model),
        ("tools", tools),
        ("guardrails", guardrails),
        *(("prompt", p) for p in prompts),
    ):
        if not part.strip():
            raise TrustError(f"{name} of an agent's fingerprint is empty")
    if not prompts:
        raise TrustError("prompts of an agent's fingerprint are empty")
    parts = {"model": model, "prompts": list(prompts), "tools": tools, "guardrails": guardrails}
    return digest(FINGERPRINT_KIND, parts)


def operation_digest(operation: str, resource_type: str, arguments: object) -> str:
    """Return what tells identical work: the operation, the type of resource, and the digest of its arguments.

    Args:
        operation: such as ``update``, or an API's operation.
        resource_type: such as ``AWS::S3::Bucket``.
        arguments: of JSON.

    Raises:
        PlanError: the arguments are not of JSON.
    """
    return digest(OPERATION_KIND, {"operation": operation, "type": resource_type, "arguments": arguments})
