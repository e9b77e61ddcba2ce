"""Carries a plan of containment out.

For each stage: read what is there, write it down, and only then change it. A step that cannot be read or written down
is not carried out, since nobody could undo it; the others go on, whatever fails. Running the same again completes what
is missing and changes nothing else, and never takes what containment left for what was there before.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from sudo_mcp_guardrails.approval.canonical import canonical
from sudo_mcp_guardrails.response.errors import ContainmentError, RecordError
from sudo_mcp_guardrails.response.outcome import Done, Outcome, Report, said
from sudo_mcp_guardrails.response.record import Entry, RecordState, RestoreRecord
from sudo_mcp_guardrails.response.steps.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sudo_mcp_guardrails.response.estate import Clients
    from sudo_mcp_guardrails.response.plan import Plan
    from sudo_mcp_guardrails.response.records import Records
    from sudo_mcp_guardrails.response.steps.step import State, Step

READS: Final = 3
"""How often a place is read after it was changed, since IAM's answers lag behind what IAM decides by."""
PAUSE: Final = 1.0
"""Seconds between them."""
MAX_WORKERS: Final = 32
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


class _Read(NamedTuple):
    """A step, its client, and what is there."""

    step: Step
    client: Any
    state: State


def contain(
    plan: Plan,
    clients: Clients,
    records: Records,
    *,
    pause: Callable[[float], None] = time.sleep,
    workers: int = 1,
) -> Report:
    """Contain.

    Args:
        plan: From :func:`~sudo_mcp_guardrails.response.plan.plan_containment`.
        clients: Where the clients come from.
        records: Where the restore record is kept.
        pause: Waits for some seconds between readings.
        workers: Threads, 1 to 32, for many accounts; boto3's clients can be shared by them. Default: one.

    Returns:
        What came of each step, and the record. Not complete where a step failed: then run the same again.

    Raises:
        RecordError: The record cannot be read or opened, and nothing was changed. Where it cannot be written later, the
            steps that are not in it fail.
        ContainmentError: The plan has no steps, or the workers are out of bounds.
    """
    if not 1 <= workers <= MAX_WORKERS:
        raise ContainmentError(f"{workers} workers are not allowed, expected 1 to {MAX_WORKERS}")
    if not plan.steps:
        raise ContainmentError(f"plan for {plan.target.key!r} has no steps, expected at least the switch")
    record = _opened(plan, records)
    done: list[Done] = []
    for _, stage in groupby(plan.steps, key=lambda step: step.stage):
        answers = _each(lambda step: _read(step, clients), tuple(stage), workers)
        done += [answer for answer in answers if isinstance(answer, Done)]
        found = [answer for answer in answers if isinstance(answer, _Read)]
        entries = tuple(_entries(found, record))
        if entries:
            try:
                record = _saved(record.with_entries(entries), records)
            except RecordError as error:
                unwritten = {entry.step.id for entry in entries}
                done += [Done(id_, Outcome.FAILED, f"not written down, so not changed: {error}") for id_ in unwritten]
                found = [read for read in found if read.step.id not in unwritten]
        done += _each(lambda read: _carry_out(read, pause), found, workers)
    return Report(tuple(done), record)


def _opened(plan: Plan, records: Records) -> RestoreRecord:
    """Return the record to go on with: the one that waits, or a new one, which says who contains whom and why."""
    latest = records.latest(plan.target)
    if latest is not None and latest.state is RecordState.CONTAINED:
        if latest.level >= plan.level:
            return latest
        return _saved(latest.followed(level=plan.level), records)
    cause = plan.cause
    first = RestoreRecord(
        target=plan.target,
        level=plan.level,
        by=cause.by,
        reason=cause.reason,
        incident=cause.incident,
        at=cause.at,
        revision=latest.revision + 1 if latest else 1,
        previous=latest.digest if latest else "",
    )
    return _saved(first, records)


def _saved(record: RestoreRecord, records: Records) -> RestoreRecord:
    records.save(record)
    return record


def _read(step: Step, clients: Clients) -> _Read | Done:
    """Read what is there before a step, or say that it could not be read."""
    way = WAYS[step.kind]
    try:
        client = clients.client(way.service, step.account, step.region)
        state = way.read(step, client)
        # What could not be written down must not keep the others from it.
        canonical(state)
        json.dumps(state)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        return Done(step.id, Outcome.FAILED, f"not read, so not changed: {said(error)}")
    return _Read(step, client, state)


def _each(function: Callable[[_Item], _Made], items: Sequence[_Item], workers: int) -> list[_Made]:
    """Return what a function makes of each item, in order."""
    if workers == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(function, items))


def _entries(found: Sequence[_Read], record: RestoreRecord) -> Iterator[Entry]:
    """Yield the entries that are new or have changed: the first state of a place stays."""
    for read in found:
        way, known = WAYS[read.step.kind], record.find(read.step.id)
        holds = way.holds(read.step, read.state)
        if not way.restorable:
            before = list(known.prior) if known else []
            ids = {item["id"] for item in before}
            more = [item for item in read.state if item["id"] not in ids]
            if more or known is None:
                yield Entry(read.step, before + more, held=False)
        elif known is None:
            yield Entry(read.step, read.state, held=holds)
        elif not holds:
            # Undone by somebody, or contained harder: what was there first is still what a restoration brings back.
            # What only held already is written down anew, since now it is this containment's doing.
            prior = read.state if known.held else known.prior
            yield Entry(read.step, prior, held=False)


def _carry_out(read: _Read, pause: Callable[[float], None]) -> Done:
    """Change one place, and read it again."""
    step, way = read.step, WAYS[read.step.kind]
    if way.holds(step, read.state):
        return Done(step.id, Outcome.ALREADY, "; ".join(_left_alone(read.state)))
    errors = []
    for call in way.calls(step, read.state):
        try:
            call.send(read.client)
        except Exception as error:  # noqa: BLE001, PERF203 - whatever it is, the others go on
            errors.append(f"{call.operation}: {said(error)}")
    held, state = settled(lambda: way.read(step, read.client), lambda state: way.holds(step, state), pause)
    if held:
        # Whatever was answered: it is as it should be.
        return Done(step.id, Outcome.DONE, "; ".join(_left_alone(state)))
    if errors:
        return Done(step.id, Outcome.FAILED, "; ".join(errors)[:2_000])
    return Done(step.id, Outcome.UNCONFIRMED, f"called, but read {READS} times without seeing it")


def _left_alone(state: State) -> Iterator[str]:
    """Yield what is in flight and was not touched, with the reason."""
    if isinstance(state, list):
        for item in state:
            if isinstance(item, dict) and item.get("why"):
                yield f"{item['id']}: {item['why']}"


def settled(
    read: Callable[[], State], wanted: Callable[[State], bool], pause: Callable[[float], None]
) -> tuple[bool, State]:
    """Read a place until it is as it should be, a few times.

    Args:
        read: Reads it.
        wanted: Whether it is.
        pause: Waits.

    Returns:
        Whether it is, and what was read last; None where it could not be read.
    """
    state: State = None
    for number in range(READS):
        if number:
            pause(PAUSE)
        try:
            state = read()
        except Exception:  # noqa: BLE001, S112 - it is read again, and in the end not confirmed
            continue
        if wanted(state):
            return True, state
    return False, state
