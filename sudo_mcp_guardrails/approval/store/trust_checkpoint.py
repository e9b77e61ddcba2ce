"""Ledgers of trust as far as they were verified and replayed: kept in a process, so that it goes on from there.

A tier is still a replay of the signed ledger, and nothing of it is stored outside of the process that verified it (how
far signatures were verified is: see :mod:`~sudo_mcp_guardrails.approval.store.trust_mark`). What is kept is the replay
after the last record that was verified, with that record's digest. The next look reads that very record again and all
that follow, and verifies these as if the rest stood before them: numbers, digests, signatures and clocks. Where that
record is gone or another one, or anything after it is not as it should be, what was kept is dropped and the whole
ledger is verified, so that the answer is the one of a replay from the start. The digest commits to all that was
replayed; that somebody changed records before it afterwards changes no answer, and shows at the latest after
:data:`MAX_AGE`, when all of it is read again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.chain.check import head_of, verify
from sudo_mcp_guardrails.approval.errors import ApprovalError
from sudo_mcp_guardrails.approval.store.trust_mark import Marks
from sudo_mcp_guardrails.approval.trust import chain_name, entries_of, replay_ledger
from sudo_mcp_guardrails.approval.trust_ledger.facts import Automatic, Outcome, Trigger
from sudo_mcp_guardrails.approval.trust_ledger.replay import Replay
from sudo_mcp_guardrails.approval.trust_ledger.state import TrustState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sudo_mcp_guardrails.approval.evidence import Record, Verifier
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.approval.store.signers import Keys
    from sudo_mcp_guardrails.approval.trust_ledger.entries import Fact
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy

MAX_AGE: Final = 900
"""Seconds after which a whole ledger is read and verified again."""
MAX_KEPT: Final = 16
"""Most ledgers that are kept; of more agents than these, those that were not asked for lately begin anew."""
ONCE: Final = (Automatic, Outcome, Trigger)
"""Facts that an approval makes: each is recorded once."""


@dataclass(frozen=True)
class Ledger:
    """A ledger as it is now.

    Attributes:
        state: where the agent stands.
        last: its last record; None where it has none.
        automatic: items that were allowed by rule: number of the entry, and whether it is audited.
    """

    state: TrustState
    last: Record | None
    automatic: dict[str, tuple[int, bool]]


class Checkpoint:
    """A ledger up to a record, verified and replayed.

    Args:
        agent: its name.
        policy: the rules.
        records: all of the ledger, verified, in their order; one at least.
        made: when they were verified.

    Raises:
        TrustError: they cannot be replayed.
    """

    def __init__(self, agent: str, policy: TrustPolicy, records: Sequence[Record], made: int) -> None:
        self.made = made
        self.last = records[-1]
        self.automatic: dict[str, tuple[int, bool]] = {}
        self.once: dict[Fact, tuple[int, str]] = {}
        self._chain = chain_name(agent)
        self._replay = Replay(policy, agent=agent)
        self._take(records)

    def follow(self, found: Sequence[Record], verifier: Verifier, keys: Collection[str]) -> bool:
        """Go on to the ledger's end; False where it is not the same ledger any more, and this one is to be dropped.

        Args:
            found: the last record that is known, and all after it.
            verifier: of signatures.
            keys: that count.
        """
        known = head_of(self._chain, [self.last])
        try:
            if verify(self._chain, found, verifier, keys, known=known, partial=True):
                return False
            self._take(found[1:])
        except ApprovalError:
            return False
        self.last = found[-1]
        return True

    def state(self, now: int) -> TrustState:
        """Return where the agent stands now; raises TrustError where the ledger is ahead of now."""
        return self._replay.state(now)

    def _take(self, records: Sequence[Record]) -> None:
        for record, entry in zip(records, entries_of(records), strict=True):
            self._replay.take(entry)
            if isinstance(entry.fact, ONCE):
                self.once[entry.fact] = record.number, record.digest
            if isinstance(entry.fact, Automatic):
                self.automatic[entry.fact.item] = entry.number, entry.fact.audit


class Checkpoints:
    """The ledgers that a process has verified.

    Args:
        store: of the trust table.
        verifier: of signatures.
        keys: that count.
        policy: the rules.
    """

    def __init__(self, store: EvidenceStore, verifier: Verifier, keys: Keys, policy: TrustPolicy) -> None:
        self._store = store
        self._verifier = verifier
        self._keys = keys
        self._policy = policy
        self._marks = Marks(store, verifier, keys)
        self._known: OrderedDict[str, Checkpoint] = OrderedDict()
        self._lock = Lock()

    def ledger(self, agent: str) -> Ledger:
        """Return an agent's ledger as it is now; T0 in everything where it is not whole."""
        with self._lock:
            known = self._followed(agent)
            if known is None:
                return self._whole(agent)
            try:
                state = known.state(self._store.now())
            except ApprovalError as error:
                state = TrustState(agent, self._policy, self._store.now(), broken=str(error))
            return Ledger(state, known.last, dict(known.automatic))

    def recorded(self, agent: str, fact: Fact) -> tuple[Record | None, Record] | None:
        """Return the record of a fact and the ledger's last one, where this process knows the ledger; or None.

        Nothing is verified from the start for that: who appends does not ask where the agent stands.
        """
        with self._lock:
            known = self._followed(agent)
            if known is None or fact not in known.once:
                return (None, known.last) if known else None
            number, digest = known.once[fact]
            record = self._store.record(chain_name(agent), number)
            # What was verified is what is returned; where it was changed since, who asks reads the ledger as it is.
            good = record is not None and record.digest == record.computed == digest
            return (record, known.last) if good else None

    def _followed(self, agent: str) -> Checkpoint | None:
        """Return what is known of a ledger, up to its end; None where it is to be verified as a whole."""
        known = self._known.pop(agent, None)
        if known is None or not 0 <= self._store.now() - known.made < MAX_AGE:
            return None
        chain = chain_name(agent)
        found = self._store.records(chain, known.last.number)
        if not known.follow(found, self._verifier, self._keys.of_chain(chain)):
            return None
        self._known[agent] = known
        return known

    def _whole(self, agent: str) -> Ledger:
        chain, now = chain_name(agent), self._store.now()
        last = self._marks.last(agent)
        records = self._store.records(chain)
        keys = self._keys.of_chain(chain)
        # What a signed mark says was verified: signatures up to there are not checked again, digests are.
        head = self._marks.head(agent, records, last)
        state = replay_ledger(
            agent, records, self._policy, now, verifier=self._verifier, keys=keys, published=head, known=head
        )
        if state.broken or not records:
            return Ledger(state, records[-1] if records else None, {})
        known = Checkpoint(agent, self._policy, records, now)
        self._known[agent] = known
        if len(self._known) > MAX_KEPT:
            self._known.popitem(last=False)
        return Ledger(state, known.last, dict(known.automatic))
