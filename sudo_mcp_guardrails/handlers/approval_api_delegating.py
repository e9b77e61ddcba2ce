"""Delegations: somebody lets another decide in his place for a while, and takes it back.

There is one chain for each delegate, ``delegations/<hash of the person>``, signed with the decision key; the chain
``lent/<hash of the person>`` of each delegator names what he lent, so that he finds it. A delegation is made with a
fresh proof, as a decision is, and recorded with it; taking it back takes none. What a delegate may do then is the
policy's to say: see :mod:`~sudo_mcp_guardrails.approval.deciding.delegation`. The delegator's groups are asked at each
decision, by the claims that he had when he made the delegation.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.authentication.stated import DELEGATION_KIND, DELEGATIONS
from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.deciding.delegation import Delegation, Proxy, lent
from sudo_mcp_guardrails.approval.deciding.directory import Identity
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import moment, written
from sudo_mcp_guardrails.handlers.approval_api_proving import offered, proved_ruling
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace, Caller

DELEGATED: Final = frozenset({"delegate", "starts", "ends", "reason", "groups", "issued", "assertion"})
"""What a body of a delegation may have."""
LENT: Final = "lent/"
"""What names of the chains begin with that say what somebody lent: one for each delegator."""
REGISTRATION: Final = "registration"
_ID: Final = re.compile(r"([0-9a-f]{32})\.[0-9a-f]{16}")
_MAX: Final = 500


def listed(place: ApiPlace, caller: Caller) -> dict[str, Any]:
    """Return the delegations that somebody may decide under now."""
    return {
        "delegations": [
            {**made.document(), "until": written(made.ends)}
            for made, _ in _standing(place, _chain(caller.person))
            if made.starts <= place.now() < made.ends
        ]
    }


def lent_by(place: ApiPlace, caller: Caller) -> dict[str, Any]:
    """Return the delegations that somebody made and that are not over: to whom, for what, from when and until when.

    What was lent before the chains ``lent/…`` were kept is not among them.
    """
    records = place.evidence.checked(_lent_chain(caller.person), place.verifier, place.keys)
    names = dict.fromkeys(str(record.body.get("lent", "")) for record in records)
    chains = dict.fromkeys(f"{DELEGATIONS}{name[:32]}" for name in names if _ID.fullmatch(name))
    return {
        "delegations": [
            {**made.document(), "until": written(made.ends), "holds": made.starts <= place.now()}
            for chain in chains
            for made, _ in _standing(place, chain)
            if made.id in names
            and place.now() < made.ends
            and place.settings.policy.people.of(made.delegator) == caller.person
        ]
    }


def challenge(place: ApiPlace, caller: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be proved for a delegation; raises Refusal."""
    issued = written(place.now())
    stated = _statement(place, caller, {**body, "issued": issued})
    return {"issued": issued, **offered(place, caller, digest(DELEGATION_KIND, stated))}


def delegate(place: ApiPlace, caller: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    """Record a delegation; raises Refusal."""
    stated = _statement(place, caller, body)
    proof = proved_ruling(place, caller, digest(DELEGATION_KIND, stated), stated["issued"], body.get("assertion"))
    person = str(place.settings.policy.people.of(stated["delegate"]))
    chain = _chain(person)
    mine = _lent_chain(caller.person)
    for whose, name in ((stated["delegate"], chain), (caller.identity.name, mine)):
        if len(place.evidence.records(name)) >= _MAX:
            raise Refusal(429, f"{whose!r} has {_MAX} records of delegations, allowed are no more")
    try:
        made = Delegation(
            f"{chain.rpartition('/')[2]}.{secrets.token_hex(8)}",
            caller.identity.name,
            stated["delegate"],
            caller.identity.name,
            place.now(),
            moment(stated["starts"]) if stated["starts"] else place.now(),
            moment(stated["ends"]),
            stated["reason"],
            tuple(stated["groups"]),
        )
        # As it will be held against the policy: what would never count is not made.
        lent(Proxy(made, ()), person, made.starts, place.settings.policy.delegation, place.settings.policy.people)
    except DecisionError as error:
        raise Refusal(400, str(error)) from None
    claims = {
        name: str(value) for name, value in caller.identity.claims.items() if name in {"iss", "sub"} or "user" in name
    }
    # First where to look for it, which lends nothing: a crash in between leaves a name of what is not there.
    place.decisions.append(mine, REGISTRATION, caller.identity.name, {"lent": made.id})
    told = {"delegation": made.document(), "claims": claims, "stated": stated, "proof": proof.document()}
    place.decisions.append(chain, REGISTRATION, caller.identity.name, told)
    return {"delegation": made.document()}


def end(place: ApiPlace, caller: Caller, name: str) -> dict[str, Any]:
    """Take a delegation back, as its delegator or its delegate; raises Refusal."""
    found = _find(place, name)
    people = place.settings.policy.people
    if found is None or caller.person not in {people.of(found[0].delegator), people.of(found[0].delegate)}:
        raise Refusal(404, f"delegation {name[:80]!r} is none of yours, or over")
    place.decisions.append(f"{DELEGATIONS}{name[:32]}", REGISTRATION, caller.identity.name, {"ended": name})
    return {"ended": name}


def proxy_of(place: ApiPlace, caller: Caller, name: str) -> Proxy | None:
    """Return the delegation that somebody decides under, with its delegator's groups now; None for none.

    Raises:
        DecisionError: it is none of his, or over.
        Refusal: nobody can tell the delegator's groups.
    """
    if not name:
        return None
    found = _find(place, name)
    if found is None or place.settings.policy.people.of(found[0].delegate) != caller.person:
        raise DecisionError(f"delegation {name[:80]!r} is none of yours, or was taken back")
    made, claims = found
    return Proxy(made, place.groups(Identity(made.delegator, claims)))


def _statement(place: ApiPlace, caller: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    stated: dict[str, Any] = {name: text_in(body, name) for name in ("delegate", "starts", "ends", "reason", "issued")}
    groups = body.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
        raise Refusal(400, "groups is no list of names")
    if place.settings.policy.people.of(stated["delegate"]) is None:
        raise Refusal(400, f"delegate {stated['delegate'][:80]!r} is nobody that the policy knows")
    return {**stated, "groups": groups, "delegator": caller.identity.name}


def _chain(person: str) -> str:
    return f"{DELEGATIONS}{_hashed(person)}"


def _lent_chain(person: str) -> str:
    return f"{LENT}{_hashed(person)}"


def _hashed(person: str) -> str:
    return hashlib.sha256(person.encode()).hexdigest()[:32]


def _find(place: ApiPlace, name: str) -> tuple[Delegation, dict[str, str]] | None:
    matched = _ID.fullmatch(name)
    if matched is None:
        return None
    return next((each for each in _standing(place, f"{DELEGATIONS}{matched[1]}") if each[0].id == name), None)


def _standing(place: ApiPlace, chain: str) -> list[tuple[Delegation, dict[str, str]]]:
    """Return the delegations of a chain that nobody took back, with their delegators' claims."""
    records = place.evidence.checked(chain, place.verifier, place.keys)
    ended = {record.body.get("ended") for record in records}
    found = [
        (Delegation.from_document(record.body["delegation"]), dict(record.body["claims"]))
        for record in records
        if "delegation" in record.body
    ]
    return [each for each in found if each[0].id not in ended]
