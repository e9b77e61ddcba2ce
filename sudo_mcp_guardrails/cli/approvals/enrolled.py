"""The keys that people enrolled, as the evidence has them: what their assertions are verified again with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.authentication.registration import Registration
    from sudo_mcp_guardrails.cli.approvals.keys import Signers
    from sudo_mcp_guardrails.cli.approvals.stored import Place


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


def enrolled_keys(place: Place, signers: Signers) -> dict[str, list[Enrolled]]:
    """Return the keys that people enrolled, by their ids, as chains that are whole say.

    Args:
        place: of the records.
        signers: the keys whose signatures count.
    """
    from sudo_mcp_guardrails.approval.authentication.registration import CREDENTIAL_CHAINS

    found: dict[str, list[Enrolled]] = {}
    for chain in place.chains():
        if chain.startswith(CREDENTIAL_CHAINS):
            for one in _enrolled(place, signers, chain):
                found.setdefault(one.registration.credential, []).append(one)
    return found


def _enrolled(place: Place, signers: Signers, chain: str) -> list[Enrolled]:
    from sudo_mcp_guardrails.approval.authentication.registration import REGISTRATION, Registration, credential_chain
    from sudo_mcp_guardrails.approval.chain.check import verify
    from sudo_mcp_guardrails.approval.errors import ApprovalError
    from sudo_mcp_guardrails.cli.approvals.checking import read_chain

    keys, verifier = signers
    records, unread = read_chain(place, chain)
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
