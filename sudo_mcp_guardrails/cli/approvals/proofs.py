"""Which proof stands behind each decision, delegation and ruling, and whether it still verifies.

Assertions are checked a second time. Delegations and rulings of before their proofs were kept are told apart by the
evidence itself: from the first one on that keeps its proof, each has to.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.cli.approvals.enrolled import enrolled_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sudo_mcp_guardrails.approval.authentication.webauthn import RelyingParty
    from sudo_mcp_guardrails.approval.deciding.decision import Decision, Factor
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.cli.approvals.enrolled import Enrolled
    from sudo_mcp_guardrails.cli.approvals.keys import Signers
    from sudo_mcp_guardrails.cli.approvals.stored import Place

DECISION: Final = "decision"


class Checked(str, Enum):
    """What became of a proof."""

    VERIFIED = "verified"
    """The assertion of a passkey holds: over just this, by a key that this person enrolled before."""
    FAILED = "failed"
    """It does not, or nothing tells that it does."""
    NOT_KEPT = "not kept"
    """The proof was a token or a session, which whoever took the decision verified, and which is not kept."""
    OLDER = "older"
    """A delegation or ruling of before their proofs were kept: it was proved, and nothing of that can be verified."""
    UNKNOWN = "not checked"
    """It could not be told whether it holds."""


@dataclass(frozen=True)
class Proof:
    """What is known of a proof now.

    Attributes:
        checked: what became of it.
        text: why; empty where it holds.
    """

    checked: Checked
    text: str = ""

    def __str__(self) -> str:
        return f"{self.checked.value}: {self.text}" if self.text else self.checked.value


class Proofs:
    """Verifies what people proved their decisions, delegations and rulings by.

    Args:
        place: of the records; the keys that people enrolled are in chains of their own there.
        signers: the keys whose signatures count.
        policies: who is the same person, by version.
        parties: the pages that assertions are taken of, by their ids; none where nobody says.
    """

    def __init__(
        self,
        place: Place,
        signers: Signers,
        policies: Mapping[str, ApprovalPolicy],
        parties: Mapping[str, RelyingParty],
    ) -> None:
        self._place = place
        self._signers = signers
        self._policies = policies
        self._parties = parties
        self.counts: Counter[Checked] = Counter()

    def of(self, case: Case) -> dict[int, Proof]:
        """Return what is known of the proofs of an approval's decisions, by the numbers of their records."""
        found = {}
        for record in case.records:
            if record.kind == DECISION:
                found[record.number] = self._of_record(case, record)
                self.counts[found[record.number].checked] += 1
        return found

    def of_stated(self, records: Sequence[Record]) -> dict[int, Proof]:
        """Return what is known of the proofs of delegations or rulings, by the numbers of their records.

        Args:
            records: of a chain that is whole; one of anything else has none.
        """
        from sudo_mcp_guardrails.approval.authentication.stated import is_stated

        found = {}
        for record in records:
            if is_stated(record):
                found[record.number] = self._of_stated(record)
                self.counts[found[record.number].checked] += 1
        return found

    def _of_record(self, case: Case, record: Record) -> Proof:
        from sudo_mcp_guardrails.approval.deciding.decision import Decision, FactorKind
        from sudo_mcp_guardrails.approval.errors import ApprovalError

        try:
            decision = Decision.from_document(record.body)
            if decision.factor.kind is not FactorKind.WEBAUTHN:
                return _not_kept(decision.factor)
            return self._asserted(case, decision)
        except ApprovalError as error:
            return Proof(Checked.FAILED, str(error))

    def _of_stated(self, record: Record) -> Proof:
        from sudo_mcp_guardrails.approval.authentication.again import verify_factor_again
        from sudo_mcp_guardrails.approval.authentication.stated import Proved, check_stated, keeps_proof, stated_in
        from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
        from sudo_mcp_guardrails.approval.errors import ApprovalError

        if not keeps_proof(record):
            if self.since is None or record.time < self.since:
                return Proof(Checked.OLDER, "recorded before proofs of delegations and rulings were kept")
            return Proof(Checked.FAILED, "it keeps no proof, as all have to since the first one that does")
        try:
            stated = stated_in(record)
            proved = Proved.from_document(stated.proof)
            check_stated(record, stated, proved, [one.freshness for one in self._policies.values()])
            if proved.factor.kind is not FactorKind.WEBAUTHN:
                return _not_kept(proved.factor)

            def again(known: Enrolled) -> None:
                verify_factor_again(
                    proved.factor,
                    stated.challenge,
                    proved.time,
                    known.registration,
                    enrolled=known.time,
                    parties=self._parties,
                )

            return self._by_key(proved.factor.credential, stated.approver, self._policies.values(), again)
        except ApprovalError as error:
            return Proof(Checked.FAILED, str(error))

    def _asserted(self, case: Case, decision: Decision) -> Proof:
        """Verify an assertion; raises ApprovalError where it does not hold."""
        from sudo_mcp_guardrails.approval.authentication.again import verify_again

        policy = self._policies.get(case.request.policy_version)

        def again(known: Enrolled) -> None:
            verify_again(
                decision, case.request, case.digest, known.registration, enrolled=known.time, parties=self._parties
            )

        return self._by_key(decision.factor.credential, decision.statement.approver, [policy] if policy else [], again)

    def _by_key(
        self, credential: str, approver: str, policies: Collection[ApprovalPolicy], again: Callable[[Enrolled], None]
    ) -> Proof:
        """Find the key that somebody proved something by, and verify it again; raises ApprovalError."""
        from sudo_mcp_guardrails.approval.deciding.people import plain

        place = f"key {credential[:40]!r} of {approver!r}"
        known = self._keys.get(credential, [])
        if not known:
            return Proof(Checked.FAILED, f"no record of the evidence has the public half of {place}")
        if policies:
            people = {policy.people.of(approver) for policy in policies}
            mine = [one for one in known if one.registration.person in people]
        else:
            mine = [one for one in known if plain(approver) in {one.registration.person, plain(one.who)}]
            if not mine:
                text = f"{place} was enrolled as {known[0].who!r}, expected --policy, which says who is the same person"
                return Proof(Checked.UNKNOWN, text)
        if not mine:
            return Proof(Checked.FAILED, f"{place} is one of {known[0].registration.person!r}")
        # The first one counts, as in the table of credentials: none is ever written over.
        again(mine[0])
        return Proof(Checked.VERIFIED)

    @cached_property
    def _keys(self) -> dict[str, list[Enrolled]]:
        return enrolled_keys(self._place, self._signers)

    @cached_property
    def since(self) -> int | None:
        """When proofs of delegations and rulings began to be kept, with some skew; None where none is kept."""
        from sudo_mcp_guardrails.approval.authentication.freshness import MAX_SKEW
        from sudo_mcp_guardrails.approval.authentication.stated import DELEGATIONS, RULINGS, is_stated, keeps_proof
        from sudo_mcp_guardrails.cli.approvals.checking import read_chain

        kept = [
            record.time
            for chain in self._place.chains()
            if chain.startswith((DELEGATIONS, RULINGS))
            for record in read_chain(self._place, chain)[0]
            if is_stated(record) and keeps_proof(record)
        ]
        # Functions of two versions run side by side for a moment while the new one is deployed.
        return min(kept) + MAX_SKEW if kept else None


def _not_kept(factor: Factor) -> Proof:
    from sudo_mcp_guardrails.approval.deciding.decision import FactorKind

    what = "a token of the identity provider" if factor.kind is FactorKind.JWT else "a session of an IAM user"
    return Proof(Checked.NOT_KEPT, f"{what}, verified when it came in")


def add_party(parties: dict[str, RelyingParty], document: object) -> None:
    """Add the relying party of some settings; one that is there already gets their origins besides.

    Args:
        parties: by their ids.
        document: ``id`` and ``origins``, as the settings have them.

    Raises:
        DecisionError: it is none.
    """
    from sudo_mcp_guardrails.approval.authentication.webauthn import RelyingParty
    from sudo_mcp_guardrails.approval.errors import DecisionError

    given = document if isinstance(document, dict) else {}
    name, origins = given.get("id"), given.get("origins")
    if not isinstance(name, str) or not isinstance(origins, list) or not all(isinstance(one, str) for one in origins):
        raise DecisionError("relyingParty is none, allowed: an object of id and origins")
    before = parties[name].origins if name in parties else ()
    parties[name] = RelyingParty(name, tuple(dict.fromkeys((*before, *origins))))
