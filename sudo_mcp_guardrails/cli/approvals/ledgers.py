"""What is wrong with a ledger of trust, once its chain is seen to be whole: its replay, its rulings and its marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.cli.approvals.found import Finding
from sudo_mcp_guardrails.cli.approvals.rulings import unruled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.cli.approvals.keys import Signers
    from sudo_mcp_guardrails.cli.approvals.stored import Place


class Ledgers:
    """Checks chains ``trust/<agent>`` and ``trust/<agent>/verified``.

    Args:
        place: of the records.
        signers: the keys whose signatures count.
        policy: that ledgers are replayed by; None, and none is.
    """

    def __init__(self, place: Place, signers: Signers, policy: TrustPolicy | None) -> None:
        self._place = place
        self._signers = signers
        self._policy = policy

    def replayed(self, chain: str, records: Sequence[Record], now: int) -> list[Finding]:
        """Replay a ledger; no mark is believed, and every signature is verified."""
        from sudo_mcp_guardrails.approval.store.signers import TRUST_CHAINS
        from sudo_mcp_guardrails.approval.store.trust_mark import SUFFIX
        from sudo_mcp_guardrails.approval.trust import replay_ledger

        if self._policy is None or chain.endswith(SUFFIX):
            return []
        keys, verifier = self._signers
        agent = chain.removeprefix(TRUST_CHAINS)
        now = max(now, records[-1].time)
        state = replay_ledger(agent, records, self._policy, now, verifier=verifier, keys=keys.of_chain(chain))
        return [Finding(chain, 0, "unreadable", state.broken)] if state.broken else []

    def unruled(self, chain: str, records: Sequence[Record], since: int | None) -> list[Finding]:
        """Return entries that people are to have ruled, and of which no ruling is on record; of marks, wrong ones.

        Args:
            chain: its name.
            records: of it.
            since: when proofs of rulings began to be kept; None where none is.
        """
        from sudo_mcp_guardrails.approval.errors import ApprovalError
        from sudo_mcp_guardrails.approval.store.signers import TRUST_CHAINS
        from sudo_mcp_guardrails.approval.store.trust_mark import SUFFIX

        try:
            if chain.endswith(SUFFIX):
                return self._marks(chain, records)
            agent = chain.removeprefix(TRUST_CHAINS)
            wrong = unruled(self._place, self._signers, agent, records, since) if since is not None else {}
        except ApprovalError as error:
            return [Finding(chain, 0, "unreadable", str(error))]
        kinds = {record.number: record.kind for record in records}
        return [
            Finding(chain, one, "not-allowed", f"record {one} of kind {kinds[one]!r} was not allowed: {reason}")
            for one, reason in wrong.items()
        ]

    def _marks(self, chain: str, records: Sequence[Record]) -> list[Finding]:
        """Compare the marks of a ledger with its entries; raises EvidenceError where one is none."""
        from sudo_mcp_guardrails.approval.store.trust_mark import SUFFIX, marked
        from sudo_mcp_guardrails.cli.approvals.checking import read_chain

        ledger = chain.removesuffix(SUFFIX)
        entries = {one.number: one.digest for one in read_chain(self._place, ledger)[0]}
        found = []
        for record in records:
            head = marked(record, ledger)
            if head.length not in entries:
                text = f"mark {record.number}: entry {head.length} of {ledger!r}, which was verified, is missing"
                found.append(Finding(chain, record.number, "cut", text))
            elif entries[head.length] != head.digest:
                text = f"mark {record.number}: entry {head.length} of {ledger!r} is another one than was verified"
                found.append(Finding(chain, record.number, "rewritten", text))
        return found
