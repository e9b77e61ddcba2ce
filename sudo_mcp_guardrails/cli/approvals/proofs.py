"""Which proof stands behind each decision, and whether it still verifies: assertions are checked a second time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.authentication.registration import Registration
    from sudo_mcp_guardrails.approval.authentication.webauthn import RelyingParty
    from sudo_mcp_guardrails.approval.deciding.decision import Decision
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.cli.approvals.keys import Signers
    from sudo_mcp_guardrails.cli.approvals.places import Place

DECISION: Final = "decision"


class Checked(str, Enum):
    """What became of a decision's proof."""

    VERIFIED = "verified"
    """The assertion of a passkey holds: over this decision, by a key that this person enrolled before."""
    FAILED = "failed"
    """It does not, or nothing tells that it does."""
    NOT_KEPT = "not kept"
    """The proof was a token or a session, which whoever took the decision verified, and which is not kept."""
    UNKNOWN = "not checked"
    """It could not be told whether it holds."""


@dataclass(frozen=True)
class Proof:
    """What is known of a decision's proof now.

    Attributes:
        checked: what became of it.
        text: why; empty where it holds.
    """

    checked: Checked
    text: str = ""

    def __str__(self) -> str:
        return f"{self.checked.value}: {self.text}" if self.text else self.checked.value


class Enrolled(NamedTuple):
    """A key that somebody enrolled.

    Attributes:
        registration: what the evidence keeps of it.
        who: identity that enrolled it.
        time: when, in seconds since 1970.
    """

    registration: Registration
    who: str
    time: int


class Proofs:
    """Verifies what people proved their decisions by.

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

    def _of_record(self, case: Case, record: Record) -> Proof:
        from sudo_mcp_guardrails.approval.deciding.decision import Decision, FactorKind
        from sudo_mcp_guardrails.approval.errors import ApprovalError

        try:
            decision = Decision.from_document(record.body)
            kind = decision.factor.kind
            if kind is not FactorKind.WEBAUTHN:
                what = "a token of the identity provider" if kind is FactorKind.JWT else "a session of an IAM user"
                return Proof(Checked.NOT_KEPT, f"{what}, verified when the decision came in")
            return self._asserted(case, decision)
        except ApprovalError as error:
            return Proof(Checked.FAILED, str(error))

    def _asserted(self, case: Case, decision: Decision) -> Proof:
        """Verify an assertion; raises ApprovalError where it does not hold."""
        from sudo_mcp_guardrails.approval.authentication.again import verify_again
        from sudo_mcp_guardrails.approval.deciding.people import plain

        credential, approver = decision.factor.credential, decision.statement.approver
        place = f"key {credential[:40]!r} of {approver!r}"
        known = self._keys.get(credential, [])
        if not known:
            return Proof(Checked.FAILED, f"no record of the evidence has the public half of {place}")
        policy = self._policies.get(case.request.policy_version)
        if policy:
            person = policy.people.of(approver)
            mine = [one for one in known if one.registration.person == person]
        else:
            mine = [one for one in known if plain(approver) in {one.registration.person, plain(one.who)}]
            if not mine:
                text = f"{place} was enrolled as {known[0].who!r}, expected --policy, which says who is the same person"
                return Proof(Checked.UNKNOWN, text)
        if not mine:
            return Proof(Checked.FAILED, f"{place} is one of {known[0].registration.person!r}")
        # The first one counts, as in the table of credentials: none is ever written over.
        first = mine[0]
        verify_again(
            decision, case.request, case.digest, first.registration, enrolled=first.time, parties=self._parties
        )
        return Proof(Checked.VERIFIED)

    @cached_property
    def _keys(self) -> dict[str, list[Enrolled]]:
        """The keys that people enrolled, by their ids, as chains that are whole say."""
        from sudo_mcp_guardrails.approval.authentication.registration import CREDENTIAL_CHAINS

        found: dict[str, list[Enrolled]] = {}
        for chain in self._place.chains():
            if chain.startswith(CREDENTIAL_CHAINS):
                for one in self._enrolled(chain):
                    found.setdefault(one.registration.credential, []).append(one)
        return found

    def _enrolled(self, chain: str) -> list[Enrolled]:
        from sudo_mcp_guardrails.approval.authentication.registration import (
            REGISTRATION,
            Registration,
            credential_chain,
        )
        from sudo_mcp_guardrails.approval.chain.check import verify
        from sudo_mcp_guardrails.approval.errors import ApprovalError
        from sudo_mcp_guardrails.cli.approvals.checking import read_chain

        keys, verifier = self._signers
        records, unread = read_chain(self._place, chain)
        found = []
        try:
            if unread or verify(chain, records, verifier, keys.of_chain(chain)) or keys.misused(chain, records):
                return []  # what is wrong with it is a finding of its own
        except ApprovalError:
            return []
        for record in records:
            if record.kind == REGISTRATION:
                try:
                    made = Registration.from_document(record.body)
                except ApprovalError:
                    continue  # without a public key nothing is verified: the decision's finding says that none is there
                if credential_chain(made.person) == chain:
                    found.append(Enrolled(made, record.who, record.time))
        return found


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
