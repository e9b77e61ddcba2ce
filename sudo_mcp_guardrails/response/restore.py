"""Undoes a containment from its record, last step first.

Before anything is changed all is looked at: a record that is missing, damaged or another's, a responder who may not,
and every place that is neither as containment left it nor as it was before. Somebody changed such a place meanwhile; it
is named, and people decide. Cancelled approvals, change sets, requests and builds do not come back: they were approved
for what was then, and are asked for again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.response.errors import RestoreError
from sudo_mcp_guardrails.response.estate import check_responder
from sudo_mcp_guardrails.response.execute import settled
from sudo_mcp_guardrails.response.outcome import Done, Outcome, Report, said
from sudo_mcp_guardrails.response.record import RecordState
from sudo_mcp_guardrails.response.steps.roles import same_policy
from sudo_mcp_guardrails.response.steps.step import Kind
from sudo_mcp_guardrails.response.steps.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.response.estate import Clients
    from sudo_mcp_guardrails.response.record import Entry, RestoreRecord
    from sudo_mcp_guardrails.response.records import Records
    from sudo_mcp_guardrails.response.steps.step import State
    from sudo_mcp_guardrails.state.targets import Target

_SHOWN = 5


@dataclass(frozen=True)
class Restoration:
    """What somebody wants undone.

    Attributes:
        target: whom.
        by: ARN of who restores, as AWS verified it.
        digest: of the record, as the responder knows it from the containment; empty to take the newest.
        drifted: ids of steps that are restored though the place was changed meanwhile. People name each.
    """

    target: Target
    by: str
    digest: str = ""
    drifted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Look:
    """An entry, its client, and what is there now."""

    entry: Entry
    client: Any
    state: State


def restore(
    wanted: Restoration,
    clients: Clients,
    records: Records,
    names: GuardrailNames,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Report:
    """Undo a containment.

    Args:
        wanted: What to undo.
        clients: Where the clients come from.
        records: Where the restore record is kept.
        names: Names of the guardrails' own resources.
        pause: Waits for some seconds between readings.

    Returns:
        What came of each step. The record says restored once every step is; where one failed it waits on, and running
        the same again completes it.

    Raises:
        RestoreError: There is no record, or another one than was named; a place was changed meanwhile or cannot be
            read; another containment rests on this one.
        RecordError: A record cannot be read or is damaged.
        ContainmentError: The responder is an agent.
    """
    check_responder(wanted.by, names)
    record = _record(wanted, records)
    _check_others(record, records)
    looks = _looked_at(record, wanted, clients)
    done = [_undo(look, pause) for look in looks]
    done += [_listed(entry) for entry in record.entries if not WAYS[entry.step.kind].restorable]
    report = Report(tuple(done), record)
    if report.complete:
        record = record.followed(state=RecordState.RESTORED)
        records.save(record)
    return Report(tuple(done), record)


def _record(wanted: Restoration, records: Records) -> RestoreRecord:
    """Return the record to restore from."""
    record = records.latest(wanted.target)
    if record is None:
        raise RestoreError(f"target {wanted.target.key!r} has no restore record, so that nobody knows what was before")
    if record.target != wanted.target:
        raise RestoreError(f"restore record is of {record.target.key!r}, expected {wanted.target.key!r}")
    if record.state is not RecordState.CONTAINED:
        raise RestoreError(f"target {wanted.target.key!r} is not contained: its record says {record.state.value}")
    if wanted.digest and wanted.digest != record.digest:
        raise RestoreError(
            f"restore record of {wanted.target.key!r} has digest {record.digest}, expected {wanted.digest[:64]!r}"
        )
    unknown = sorted(wanted.drifted - {entry.step.id for entry in record.entries})
    if unknown:
        raise RestoreError(f"step {unknown[0][:200]!r} is not in the record of {wanted.target.key!r}")
    return record


def _check_others(record: RestoreRecord, records: Records) -> None:
    """Refuse where another containment found a place contained by this one, and counts on it."""
    own = {entry.step.id for entry in record.entries if not entry.held}
    for other in records.waiting():
        shared = [entry.step.id for entry in other.entries if entry.held and entry.step.id in own]
        if other.target != record.target and shared:
            raise RestoreError(
                f"target {record.target.key!r} is contained by {other.target.key!r} as well, restore that one first"
            )


def _looked_at(record: RestoreRecord, wanted: Restoration, clients: Clients) -> list[_Look]:
    """Read every place, last step first; refuse where one is not what containment left."""
    looks, strange = [], []
    for entry in reversed(record.entries):
        way = WAYS[entry.step.kind]
        if not way.restorable or entry.held:
            continue
        try:
            client = clients.client(way.service, entry.step.account, entry.step.region)
            state = way.read(entry.step, client)
        except Exception as error:
            raise RestoreError(
                f"step {entry.step.id!r} cannot be read, so nothing was restored: {said(error)}"
            ) from error
        is_known = _same(entry, state, _left(entry)) or _same(entry, state, entry.prior)
        if not is_known and entry.step.id not in wanted.drifted:
            strange.append(entry.step.id)
        looks.append(_Look(entry, client, state))
    if strange:
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        raise RestoreError(
            f"{', '.join(strange[:_SHOWN])}{more} changed since the containment, so nothing was restored: look at "
            "each, and name those to restore all the same"
        )
    return looks


def _left(entry: Entry) -> State:
    return WAYS[entry.step.kind].left(entry.step, entry.prior)


def _same(entry: Entry, one: State, other: State) -> bool:
    if entry.step.kind is Kind.TRUST:
        return same_policy(one, other)
    return bool(one == other)


def _undo(look: _Look, pause: Callable[[float], None]) -> Done:
    entry, way = look.entry, WAYS[look.entry.step.kind]
    if _same(entry, look.state, entry.prior):
        return Done(entry.step.id, Outcome.ALREADY)
    errors = []
    for call in way.undo(entry.step, entry.prior):
        try:
            call.send(look.client)
        except Exception as error:  # noqa: BLE001, PERF203 - whatever it is, the others go on
            errors.append(f"{call.operation}: {said(error)}")

    def wanted(state: State) -> bool:
        # Whatever else was attached meanwhile and is kept: containment's own policy is off.
        if entry.step.kind is Kind.DENY:
            return not way.holds(entry.step, state)
        return _same(entry, state, entry.prior)

    held, _ = settled(lambda: way.read(entry.step, look.client), wanted, pause)
    if held:
        return Done(entry.step.id, Outcome.DONE)
    if errors:
        return Done(entry.step.id, Outcome.FAILED, "; ".join(errors))
    return Done(entry.step.id, Outcome.UNCONFIRMED, "called, but what is read does not show it yet")


def _listed(entry: Entry) -> Done:
    """Say what does not come back."""
    stopped: Sequence[str] = [item["id"] for item in entry.prior if item.get("stop")]
    count = f"{len(stopped)} cancelled and not brought back"
    return Done(
        entry.step.id, Outcome.LISTED, f"{count}: {', '.join(stopped)[:1_500]}" if stopped else "nothing was cancelled"
    )
