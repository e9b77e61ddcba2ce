"""Trust, as people see and change it: one introduces, two promote, one demotes, each with a fresh proof of being there.

A promotion takes the person who answers for the agent and one who answers for security. Whoever comes first is recorded
in the chain ``promotion/<agent>``, signed with the decision key; the second, within a day, makes it an entry of the
ledger. Statistics only tell when people may. Each ruling is recorded with its proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.authentication.stated import RULING_KIND, RULINGS
from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.deciding.people import plain
from sudo_mcp_guardrails.approval.errors import ApprovalError
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.approval.trust_ledger.promotion import objections
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Demotion, Introduced, Promotion
from sudo_mcp_guardrails.handlers.approval_api_proving import offered, proved_ruling
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.authentication.stated import Proved
    from sudo_mcp_guardrails.approval.store.trust_store import TrustStore
    from sudo_mcp_guardrails.approval.trust_ledger.state import Cell, TrustState
    from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace, Caller

RULED: Final = frozenset({"action", "risk", "environment", "to", "reason", "issued", "assertion"})
"""What a body of a ruling may have."""
DECISION: Final = "decision"
_DAY: Final = 86_400
_INTRODUCE: Final = "introduce"
_ACTIONS: Final = ("promote", "demote", _INTRODUCE)


def shown(place: ApiPlace, caller: Caller, agent: str) -> dict[str, Any]:
    """Return where an agent stands, and why; raises Refusal."""
    state = _store(place, caller, agent).state(agent)
    return {
        "agent": agent,
        "fingerprint": state.fingerprint,
        "broken": state.broken,
        "entries": state.number,
        "openCriticals": list(state.open_criticals),
        "cells": [_cell(cell) for cell in state.cells],
        "fresh": [_cell(cell) for cell in state.fresh],
        "notes": [{"number": note.number, "text": note.text} for note in state.notes[-50:]],
        "roles": sorted(_roles(place, caller, agent)),
        "waiting": [_shown(body) for _, body in _waiting(place, agent, state)],
    }


def challenge(place: ApiPlace, caller: Caller, agent: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be proved for a ruling; raises Refusal."""
    state = _store(place, caller, agent).state(agent)
    issued = written(place.now())
    stated = _statement(agent, _version(place, agent, state, body), caller, {**body, "issued": issued})
    return {"issued": issued, **offered(place, caller, digest(RULING_KIND, stated))}


def introduce(place: ApiPlace, caller: Caller, agent: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Record that an agent is the version that is deployed now; one who answers for it or for security is enough.

    It gives T1, at which people decide everything but R0, and is no way out of a T0 that something brought about.

    Raises:
        Refusal: he answers for neither, or there is nothing to introduce.
    """
    store = _store(place, caller, agent)
    state = store.state(agent)
    body = {**body, "action": _INTRODUCE}
    stated = _statement(agent, _version(place, agent, state, body), caller, body)
    if not _roles(place, caller, agent):
        raise Refusal(403, f"{caller.identity.name!r} answers neither for agent {agent!r} nor for security")
    if not stated["fingerprint"]:
        raise Refusal(409, f"the settings give no fingerprint of agent {agent!r}, expected one")
    if stated["fingerprint"] == state.fingerprint:
        raise Refusal(409, f"this version of agent {agent!r} was introduced before")
    proof = proved_ruling(place, caller, digest(RULING_KIND, stated), stated["issued"], body.get("assertion"))
    try:
        fact = Introduced(stated["fingerprint"], caller.person, stated["reason"])
    except ApprovalError as error:
        raise Refusal(400, str(error)) from None
    _keep(place, caller, {**stated, "by": caller.person}, proof)
    store.add(agent, fact, caller.identity.name)
    return {"introduced": True, "fingerprint": fact.fingerprint}


def promote(place: ApiPlace, caller: Caller, agent: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Record that somebody would promote; the second of the two makes it an entry of the ledger; raises Refusal."""
    store = _store(place, caller, agent)
    state = store.state(agent)
    stated = _statement(agent, state.fingerprint, caller, {**body, "action": "promote"})
    roles = _roles(place, caller, agent)
    if not roles:
        raise Refusal(403, f"{caller.identity.name!r} answers neither for agent {agent!r} nor for security")
    others = [
        each
        for _, each in _waiting(place, agent, state)
        if each["by"] != caller.person and _what(each) == _what(stated)
    ]
    chosen = next(((each, role) for each in others for role in sorted(roles) if _pair(each["roles"], role)), None)
    first, role = chosen or (None, min(roles))
    fact = _promotion(state, stated, caller.person, first, role)
    cell = state.cell(fact.risk, fact.environment)
    against = [each for each in objections(cell, fact, agent=agent) if first or "promotes alone" not in each]
    if against:
        raise Refusal(409, f"it may not be promoted: {'; '.join(against)}"[:2_000])
    proof = proved_ruling(place, caller, digest(RULING_KIND, stated), stated["issued"], body.get("assertion"))
    _keep(place, caller, {**stated, "roles": sorted(roles), "by": caller.person}, proof)
    if first is None:
        return {"promoted": False, "waitingFor": "security" if roles == {"owner"} else "owner"}
    store.add(agent, fact, caller.identity.name)
    return {"promoted": True, "to": fact.to.value}


def demote(place: ApiPlace, caller: Caller, agent: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Lower one cell, or all; one person is enough; raises Refusal."""
    store = _store(place, caller, agent)
    stated = _statement(agent, store.state(agent).fingerprint, caller, {**body, "action": "demote"})
    proof = proved_ruling(place, caller, digest(RULING_KIND, stated), stated["issued"], body.get("assertion"))
    try:
        risk = RiskClass(stated["risk"]) if stated["risk"] else None
        fact = Demotion(TrustTier(stated["to"]), caller.person, stated["reason"], risk, stated["environment"])
    except (ApprovalError, ValueError) as error:
        raise Refusal(400, str(error)) from None
    _keep(place, caller, {**stated, "by": caller.person}, proof)
    store.add(agent, fact, caller.identity.name)
    return {"demoted": True, "to": fact.to.value}


def _keep(place: ApiPlace, caller: Caller, told: dict[str, Any], proof: Proved) -> None:
    """Record a ruling with what it was proved by, so that it can be verified again."""
    chain = f"{RULINGS}{told['agent']}"
    place.decisions.append(chain, DECISION, caller.identity.name, {**told, "proof": proof.document()})


def _shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ruling without its proof, which is an auditor's to read."""
    return {name: value for name, value in body.items() if name != "proof"}


def _store(place: ApiPlace, caller: Caller, agent: str) -> TrustStore:
    if agent not in place.settings.agents:
        raise Refusal(404, f"agent {agent[:80]!r} is not known")
    if not place.may_read(caller) and not _roles(place, caller, agent):
        raise Refusal(403, f"{caller.identity.name!r} is in no group that decides here")
    if place.trust is None:
        raise Refusal(404, "no agent earns trust here: the settings name no policy of trust")
    return place.trust


def _roles(place: ApiPlace, caller: Caller, agent: str) -> set[str]:
    """Return what somebody answers for: the agent, or security."""
    policy, owner = place.settings.policy, plain(place.settings.agents[agent].owner)
    teams = {one.name for one in policy.groups if owner in {plain(each) for each in (one.name, *one.aliases)}}
    security = {each.strip() for each in place.environ.get("SECURITY_GROUPS", "").split(",")} - {""}
    found = set()
    if caller.person == policy.people.of(place.settings.agents[agent].owner) or teams.intersection(caller.groups):
        found.add("owner")
    if security.intersection(caller.groups):
        found.add("security")
    return found


def _version(place: ApiPlace, agent: str, state: TrustState, body: Mapping[str, Any]) -> str:
    """Return the fingerprint that a ruling is about: the ledger's, or the deployed one that is to be introduced."""
    if body.get("action") == _INTRODUCE:
        return str(place.settings.fingerprints.get(agent, ""))
    return state.fingerprint


def _statement(agent: str, fingerprint: str, caller: Caller, body: Mapping[str, Any]) -> dict[str, str]:
    stated = {name: text_in(body, name) for name in ("action", "risk", "environment", "to", "reason", "issued")}
    if stated["action"] not in _ACTIONS or stated["to"] not in {tier.value for tier in TrustTier}:
        raise Refusal(400, "a ruling is to promote, to demote or to introduce, to one of T0 to T3")
    risks = {risk.value for risk in RiskClass} | (set() if stated["action"] == "promote" else {""})
    if stated["risk"] not in risks or not stated["reason"].strip():
        raise Refusal(400, "a ruling is about a class R0 to R4, and has a reason")
    if stated["action"] == "promote" and not stated["environment"]:
        raise Refusal(400, "a promotion is about one environment")
    return {**stated, "agent": agent, "fingerprint": fingerprint, "approver": caller.identity.name}


def _waiting(place: ApiPlace, agent: str, state: TrustState) -> list[tuple[int, dict[str, Any]]]:
    """Return promotions of the last day that the ledger has not got yet, with the numbers of their records."""
    records = place.evidence.checked(f"{RULINGS}{agent}", place.verifier, place.keys)
    lifted = {(cell.risk.value, cell.environment, cell.tier.value) for cell in state.cells}
    return [
        (one.number, dict(one.body))
        for one in records
        if one.body.get("action") == "promote"
        and place.now() - one.time <= _DAY
        and one.body.get("fingerprint") == state.fingerprint
        and (one.body.get("risk"), one.body.get("environment"), one.body.get("to")) not in lifted
    ]


def _what(body: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(body.get(name) for name in ("fingerprint", "risk", "environment", "to"))


def _pair(roles: list[str], mine: str) -> bool:
    return any(each != mine for each in roles)


def _promotion(
    state: TrustState, stated: Mapping[str, str], person: str, first: Mapping[str, Any] | None, role: str
) -> Promotion:
    other = str(first["by"]) if first else person
    owner, security = (person, other) if role == "owner" else (other, person)
    try:
        return Promotion(
            state.fingerprint,
            RiskClass(stated["risk"]),
            stated["environment"],
            TrustTier(stated["to"]),
            owner,
            security,
            stated["reason"],
        )
    except (ApprovalError, ValueError) as error:
        raise Refusal(400, str(error)) from None


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "risk": cell.risk.value,
        "environment": cell.environment,
        "tier": cell.tier.value,
        "since": written(cell.since),
        "reason": cell.reason,
        "explanation": cell.explanation,
        "eligible": cell.eligible,
        "missing": list(cell.missing),
    }
