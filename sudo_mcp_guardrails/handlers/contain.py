"""Contain agents, look at what came of it, and restore them: the function that may.

The state machine alone calls it, with a request that the intake or a rule wrote. What it may do in agents' accounts it
does as their response roles. Containing comes first: where the evidence cannot be written, that is said and nothing is
held up by it. Restoring is the other way round: without evidence nothing is restored.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.handlers.contain_tools import made_tools
from sudo_mcp_guardrails.response.drill import rehearsed
from sudo_mcp_guardrails.response.errors import ContainmentError, RecordError, RestoreError
from sudo_mcp_guardrails.response.execute import contain
from sudo_mcp_guardrails.response.holding import not_holding
from sudo_mcp_guardrails.response.ledger import chain_of, summary
from sudo_mcp_guardrails.response.levels import EFFECTS, Level
from sudo_mcp_guardrails.response.outcome import said
from sudo_mcp_guardrails.response.plan import Cause, plan_containment
from sudo_mcp_guardrails.response.record import RecordState
from sudo_mcp_guardrails.response.requests import RequestError, read_request
from sudo_mcp_guardrails.response.restore import Restoration, restore
from sudo_mcp_guardrails.response.two_people import check_records, check_two, takes_two
from sudo_mcp_guardrails.response.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.handlers.contain_tools import Tools
    from sudo_mcp_guardrails.response.estate import Estate
    from sudo_mcp_guardrails.response.plan import Plan
    from sudo_mcp_guardrails.response.requests import Request

WORKERS: Final = 16
BEFORE: Final = 3_600
"""Seconds before the switch from which on events are read, so that sessions of the contained are known: an agent's
session lives that long at most."""
MAX_PAGES: Final = 200
"""Pages of 50 events. More are not read here, and then nothing is called verified: look through the trail instead."""
_SHOWN: Final = 20
_ATTACHED: Final = "AttachRolePolicy"
_CLOCKS: Final = 300
"""Seconds by which the responder's clock may be ahead of AWS's."""

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


def handler(event: dict[str, Any], _context: object, tools: Tools | None = None) -> dict[str, Any]:
    """Do one of the three.

    Args:
        event: ``{"op": "contain" | "verify" | "restore", "request"}``; more members are passed over.
        tools: Settings, stores and clients; made when left out.

    Returns:
        What :func:`~sudo_mcp_guardrails.response.ledger.summary` says, and ``evidence``: why evidence is missing, or
        empty. Of ``verify``: ``contained``, ``calls``, ``attempts``, ``open`` and ``problems``.

    Raises:
        ResponseError: What cannot be contained or restored; the state machine tells people.
    """
    request = read_request(event.get("request"))
    if not request.at:  # of a rule, which knows no time in seconds
        request = replace(request, at=int(time.time()))
    does = _OPERATIONS.get(str(event.get("op")))
    if does is None:
        raise RequestError(f"operation {str(event.get('op'))[:40]!r} is none, allowed are {', '.join(_OPERATIONS)}")
    answer = does(request, tools or made_tools())
    _log.info(
        json.dumps(
            {
                "containment": str(event.get("op")),
                "target": request.target.key,
                "incident": request.incident,
                "by": request.by,
                "complete": answer.get("complete", answer.get("contained")),
            }
        )
    )
    return answer


def planned(request: Request, estate: Estate) -> Plan:
    """Return the plan of a request to contain; raises ResponseError.

    Args:
        request: What is asked for.
        estate: What there is.
    """
    if request.level is None:
        raise RequestError("a restoration has no plan, allowed: a request to contain")
    cause = Cause(request.by, request.reason, request.incident, request.at)
    plan = plan_containment(estate, request.target, request.level, cause)
    return rehearsed(plan) if request.rehearsal else plan


def _contain(request: Request, tools: Tools) -> dict[str, Any]:
    plan = planned(request, tools.estate)
    latest = tools.records.latest(request.target)
    waits = latest is not None and latest.state is RecordState.CONTAINED
    if request.rehearsal and latest is not None and waits and latest.incident != request.incident:
        raise ContainmentError(f"target {request.target.key!r} is contained in {latest.incident!r}, no drill now")
    missing = [_written(lambda: tools.ledger.asked(request))]
    report = contain(plan, tools.clients, tools.records, pause=tools.pause, workers=WORKERS)
    missing.append(_written(lambda: tools.ledger.done(request, report)))
    return {**summary(report), "evidence": "; ".join(filter(None, missing))}


def _restore(request: Request, tools: Tools) -> dict[str, Any]:
    ledger = tools.ledger
    ledger.asked(request)
    wanted = Restoration(request.target, request.by, request.digest, frozenset(request.drifted))
    try:
        _check_people(request, tools)
        report = restore(wanted, tools.clients, tools.records, tools.names, pause=tools.pause)
    except (ContainmentError, RecordError, RestoreError) as error:
        ledger.refused(request, str(error))
        raise
    evidence = _written(lambda: ledger.done(request, report))
    return {**summary(report), "evidence": evidence}


def _check_people(request: Request, tools: Tools) -> None:
    """Refuse what takes two people and has not got them; raises RestoreError, and RecordError."""
    record = tools.records.latest(request.target)
    if record is None or not takes_two(record, tools.two_people_from):
        return
    chain = chain_of(request.target)
    records = tools.ledger.records(request.target)
    check_records(chain, records, tools.signers)
    check_two(request, record, records, int(tools.clock()))


def _verify(request: Request, tools: Tools) -> dict[str, Any]:
    """Look whether all holds, and whether any call of the contained succeeded since."""
    record = tools.records.latest(request.target)
    if record is None:
        raise ContainmentError(f"target {request.target.key!r} has no record, there is nothing to verify")
    if record.state is not RecordState.CONTAINED:
        # Somebody was faster than the grace: no failure, and no proof either.
        return {"contained": False, "calls": [], "attempts": 0, "open": [], "problems": ["restored meanwhile"]}
    found: dict[str, Any] = {"open": list(not_holding(record, tools.clients))[:_SHOWN], "problems": []}
    found |= {"calls": [], "attempts": 0, "toolCalls": 0, "asked": 0}
    is_live = EFFECTS[Level(record.level)].live
    try:
        events = _events(tools, record.at)
        seen = verify(events, request.target, tools.names, record.at, grace=request.grace)
        found |= {
            "calls": [call._asdict() for call in seen.calls[:_SHOWN]],
            "attempts": seen.attempts,
            "toolCalls": seen.tool_calls,
            "asked": len(events),
        }
        if seen.unreadable:
            found["problems"].append(f"{seen.unreadable} events could not be read")
    except Exception as error:  # noqa: BLE001 - what could not be looked at is said, and is no proof
        found["problems"].append(said(error))
    # At K1 sessions that live go on: their calls are named, and are no surprise.
    is_quiet = not found["calls"] or not is_live
    found["contained"] = is_quiet and not (found["open"] or found["problems"])
    evidence = _written(lambda: tools.ledger.verified(request, found))
    return {**found, "evidence": evidence}


def _events(tools: Tools, at: int) -> list[dict[str, Any]]:
    """Return the events of this account and Region; the trail has those of the others.

    Policies that an earlier containment of the same target attached are left out: they do not say when this one began.

    Source: CloudTrail API reference, ``LookupEvents``: 50 events a page, two pages a second, management events alone.
    """
    found: list[dict[str, Any]] = []
    begun = written(at - _CLOCKS)
    start = datetime.fromtimestamp(at - BEFORE, timezone.utc)
    options: dict[str, Any] = {"StartTime": start, "MaxResults": 50}
    for _ in range(MAX_PAGES):
        page = tools.cloudtrail.lookup_events(**options)
        found += [_parsed(event.get("CloudTrailEvent")) for event in page.get("Events", ())]
        if not page.get("NextToken"):
            return [each for each in found if each.get("eventName") != _ATTACHED or str(each.get("eventTime")) >= begun]
        options["NextToken"] = page["NextToken"]
    raise ContainmentError(f"there are more than {MAX_PAGES * 50} events since then, look through the trail instead")


def _parsed(text: object) -> dict[str, Any]:
    """Return an event; an empty one, which counts as unreadable, for what is none."""
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _written(write: Callable[[], object]) -> str:
    """Write evidence down; return why it is missing, or nothing."""
    try:
        write()
    except Exception as error:  # noqa: BLE001 - containing goes on; what is missing is told
        _log.exception("evidence of a containment is missing")
        return said(error)
    return ""


_OPERATIONS: Final = {"contain": _contain, "restore": _restore, "verify": _verify}
