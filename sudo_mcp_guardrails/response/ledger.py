"""The evidence of containments: for each target a chain of signed records, as approvals have them.

The restore record says what was there before; the chain says who asked for what, what came of it, and names the restore
record by its digest. Records are made, signed and kept as those of approvals are: see
:mod:`~sudo_mcp_guardrails.approval.evidence` and :mod:`~sudo_mcp_guardrails.approval.store.evidence_store`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.chain.check import verify

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.chain.check import Problem
    from sudo_mcp_guardrails.approval.evidence import Record, Verifier
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.response.outcome import Report
    from sudo_mcp_guardrails.response.requests import Request
    from sudo_mcp_guardrails.state.targets import Target

ASKED: Final = "containment-asked"
CONTAINED: Final = "contained"
VERIFIED: Final = "containment-verified"
RESTORE_ASKED: Final = "restoration-asked"
RESTORED: Final = "restored"
REFUSED: Final = "restoration-refused"
"""Kinds of records."""
_SHOWN: Final = 50
"""Steps that did not succeed and are named in a record; their number is whole."""


def chain_of(target: Target) -> str:
    """Return the name of a target's chain, in characters that chains may have."""
    return f"containment/{target.key.replace('*', '@')}"


class Ledger:
    """The chains of one kill switch.

    Args:
        store: Where they are, with the key that signs them.
    """

    def __init__(self, store: EvidenceStore) -> None:
        self._store = store

    def records(self, target: Target) -> list[Record]:
        """Return a target's chain, in its order; nothing of it is verified."""
        return self._store.records(chain_of(target))

    def asked(self, request: Request) -> Record:
        """Record what somebody asks for; raises what the store raises."""
        kind = RESTORE_ASKED if request.level is None else ASKED
        return self._store.append(chain_of(request.target), kind, request.by, request.document())

    def done(self, request: Request, report: Report) -> Record:
        """Record what came of it; raises what the store raises."""
        kind = RESTORED if request.level is None else CONTAINED
        body = {"incident": request.incident, "rehearsal": request.rehearsal, **summary(report)}
        return self._store.append(chain_of(request.target), kind, request.by, body)

    def refused(self, request: Request, reason: str) -> Record:
        """Record that nothing was restored, and why; raises what the store raises."""
        body = {"incident": request.incident, "reason": reason[:2_000]}
        return self._store.append(chain_of(request.target), REFUSED, request.by, body)

    def verified(self, request: Request, found: dict[str, Any]) -> Record:
        """Record what the look at a containment found; raises what the store raises."""
        body = {"incident": request.incident, **found}
        return self._store.append(chain_of(request.target), VERIFIED, request.by, body)


def summary(report: Report) -> dict[str, Any]:
    """Return what is said of a report, as JSON without fractions.

    Args:
        report: Of a containment or a restoration.
    """
    failed = [{"step": each.step, "outcome": each.outcome.value, "detail": each.detail} for each in report.failed]
    return {
        "complete": report.complete,
        "already": report.already,
        "steps": len(report.steps),
        "failed": failed[:_SHOWN],
        "failures": len(failed),
        "digest": report.record.digest,
        "revision": report.record.revision,
        "state": report.record.state.value,
    }


def check_ledger(store: EvidenceStore, target: Target, verifier: Verifier, *keys: str) -> list[Problem]:
    """Return what is wrong with a target's chain; nothing where it is whole and signed by the kill switch's keys.

    Args:
        store: Where it is.
        target: Whose.
        verifier: Of signatures.
        keys: ARNs of the kill switch's keys: of what it does, and of what people state.
    """
    chain = chain_of(target)
    return list(verify(chain, store.records(chain), verifier, frozenset(keys)))
