"""How far a ledger of trust was verified: signed by the ledger's own key, so that a process that starts goes on there.

Almost all of the time that a whole ledger takes goes into its signatures, which are checked in Python. A mark says that
one of our functions verified all records up to a number, and names that record's digest. It is a record itself, of kind
``trust-verified`` in the chain ``trust/<agent>/verified``, signed by the key of the ledger. Who cannot sign the ledger
cannot make one, and who can needs none.

What it saves is signatures alone. Every record is read all the same, its digest is computed anew and has to lead to the
one of the mark, and the tier is replayed from all of them: a mark holds no score and no tier. A ledger that ends before
a mark, or has another record there, is broken; without marks nothing in the table shows that its tail was cut off.
Whoever checks the evidence (``approvals verify``) believes no mark: he verifies every signature, and the marks too.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.chain.check import ChainHead, head_of, verify
from sudo_mcp_guardrails.approval.errors import ApprovalError, EvidenceError
from sudo_mcp_guardrails.approval.store.evidence_store import Lost
from sudo_mcp_guardrails.approval.trust import chain_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.approval.evidence import Record, Verifier
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.approval.store.signers import Keys

KIND: Final = "trust-verified"
SUFFIX: Final = "/verified"
"""What the name of a ledger's chain is followed by; no agent's name has a slash."""
WHO: Final = "trust-mark"
STEP: Final = 250
"""Entries between two marks: so many signatures, or less, are checked by a process that starts."""

_log = logging.getLogger(__name__)


def mark_chain(agent: str) -> str:
    """Return the name of the chain of an agent's marks."""
    return f"{chain_name(agent)}{SUFFIX}"


def marked(record: Record, ledger: str) -> ChainHead:
    """Return the head that a mark names.

    Args:
        record: the mark.
        ledger: name of the chain that it is about.

    Raises:
        EvidenceError: it is none.
    """
    number, digest = record.body.get("number"), record.body.get("digest")
    if record.kind != KIND or type(number) is not int or number < 1 or not isinstance(digest, str):
        raise EvidenceError(f"record {record.number} of {record.chain!r} is no mark, expected a number and a digest")
    return ChainHead(ledger, number, digest)


class Marks:
    """The marks of ledgers of trust.

    Args:
        store: of the trust table, with the trust key as its signer.
        verifier: of signatures.
        keys: that count.
    """

    def __init__(self, store: EvidenceStore, verifier: Verifier, keys: Keys) -> None:
        self._store = store
        self._verifier = verifier
        self._keys = keys

    def last(self, agent: str) -> Record | None:
        """Return the last mark; None where there is none, or what stands there is none that the ledger's key signed.

        Ask for it before the ledger is read: a mark that is made meanwhile may name an entry that was not there yet.

        Args:
            agent: its name.
        """
        chain = mark_chain(agent)
        try:
            last = self._store.last(chain)
            if last is None:
                return None
            marked(last, chain_name(agent))
        except ApprovalError:
            _log.exception("the last mark of the ledger of %s is none", agent)
            return None
        good = (
            last.key_id in self._keys.of_chain(chain)
            and last.digest == last.computed
            and self._verifier.verify(last.key_id, bytes.fromhex(last.digest), last.signature)
        )
        if not good:
            _log.error("the last mark of the ledger of %s is not signed by its key", agent)
            return None
        return last

    def head(self, agent: str, records: Sequence[Record], last: Record | None) -> ChainHead | None:
        """Return how far a ledger is known to be verified, having verified and marked what is long enough for a mark.

        Args:
            agent: its name.
            records: of its ledger, all of them, in their order; nothing of them is believed.
            last: the last mark, as :meth:`last` returned it before.

        Returns:
            The head; None where nothing is known.
        """
        head = marked(last, chain_name(agent)) if last else None
        known = head.length if head else 0
        while len(records) - known >= STEP:
            part = records[max(known - 1, 0) : known + STEP]
            try:
                if self._flawed(agent, part, head):
                    return head
                head = head_of(chain_name(agent), part)
                last = self._store.append_if(mark_chain(agent), last, KIND, WHO, _body(head))
            except Lost:
                return head
            except Exception:  # noqa: BLE001 - as said below
                # It was verified here, whether or not that can be kept: the answer does not depend on it.
                _log.exception("the ledger of %s could not be marked", agent)
                return head
            known = head.length
        return head

    def _flawed(self, agent: str, part: Sequence[Record], head: ChainHead | None) -> bool:
        chain = chain_name(agent)
        keys = self._keys.of_chain(chain)
        return bool(verify(chain, part, self._verifier, keys, known=head, partial=head is not None))


def _body(head: ChainHead) -> dict[str, int | str]:
    return {"number": head.length, "digest": head.digest}
