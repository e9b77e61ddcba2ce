"""Set up what the domain needs, and compare the trail with ledger and index; take in what is missing."""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.handlers.trail_parts import made_parts
from sudo_mcp_guardrails.trail.index.policy import Tiers
from sudo_mcp_guardrails.trail.ingest import ingest
from sudo_mcp_guardrails.trail.metrics import metric_line
from sudo_mcp_guardrails.trail.reconcile import reconcile
from sudo_mcp_guardrails.trail.reconciled import Gap, Reconciled
from sudo_mcp_guardrails.trail.search_access import grant_writer, install_lifecycle
from sudo_mcp_guardrails.trail.sources.keys import KeyRange
from sudo_mcp_guardrails.trail.sources.s3 import S3Source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sudo_mcp_guardrails.handlers.trail_parts import Parts
    from sudo_mcp_guardrails.trail.source import SourceFile

TASKS: Final = ("setup", "reconcile")
_SPARE_SECONDS: Final = 30.0
_MOST_NAMED: Final = 20

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


class TaskError(GuardrailsError):
    """A task that is not known, or dates that are none."""


class _OutOfTimeError(Exception):
    """The invocation ends soon; the next one goes on."""


def handler(
    event: dict[str, Any],
    context: Any,  # noqa: ANN401 - Lambda's own
    parts: Parts | None = None,
    today: date | None = None,
) -> dict[str, Any]:
    """Do one task; each also sets up, so that a domain that was made anew is fit for use.

    Args:
        event: ``{"task": "setup"}``, or ``{"task": "reconcile"}`` with, if wanted, ``"since"`` and ``"until"``, days of
            delivery such as ``2026-11-23``, as to fill a domain again from an old trail, and ``"deep"``.
        context: Lambda's, which tells how much time is left; without one there is no end.
        parts: What the function works with; made from the environment when left out.
        today: UTC; the clock's when left out.

    Returns:
        What was found, and the day that was compared last: where time ran out, start it again from there.

    Raises:
        Exception: whatever kept it from its end; the next start is in an hour, and its absence is an alarm.
    """
    task = event.get("task")
    if task not in TASKS:
        raise TaskError(f"task {task!r} is not known, expected one of {', '.join(TASKS)}")
    parts = parts or made_parts()
    _set_up(parts)
    if task == "setup":
        return {"task": task}
    today = today or datetime.now(timezone.utc).date()
    since = _day(event, "since", today - timedelta(days=int(os.environ["RECONCILE_DAYS"])))
    until = _day(event, "until", today)
    if since > until:
        raise TaskError(f"since {since} is after until {until}, expected an earlier day or the same")
    total = Reconciled()
    day, finished = since, True
    while day <= until and finished:
        finished = _compare(parts, context, day, total, deep=bool(event.get("deep")))
        day += timedelta(days=finished)
    counts = _count(parts.pipeline, total, finished=finished)
    return {"task": task, "reached": min(day, until).isoformat(), "finished": finished, **counts}


def _set_up(parts: Parts) -> None:
    """Put what the domain needs: templates; and role and lifecycle where the domain is the pipeline's own."""
    prepare = getattr(parts.sink, "prepare", None)
    if prepare is not None:
        prepare()
    writer = os.environ.get("WRITER_ROLE")
    if writer and parts.transport is not None and grant_writer(parts.transport, writer, parts.settings.prefix):
        _log.info("the ingester may write to the domain now")
    days = os.environ.get("TIER_DAYS")
    if writer and days and parts.transport is not None:
        hot, warm, cold = map(int, days.split(","))
        if install_lifecycle(parts.transport, Tiers(hot, warm, cold), parts.settings.prefix):
            _log.info("the policy of the indexes is changed")


def _compare(parts: Parts, context: Any, day: date, total: Reconciled, *, deep: bool) -> bool:  # noqa: ANN401 - as above
    """Compare one day, and add what was found to the total; return whether there was time for all of it."""
    source = S3Source(
        parts.s3,
        os.environ["TRAIL_BUCKET"],
        os.environ["TRAIL_PREFIX"],
        KeyRange(since=day, until=day),
        max_bytes=parts.max_object_bytes,
    )
    left = getattr(context, "get_remaining_time_in_millis", None)
    latest = Reconciled()

    def take_in(files: Iterable[SourceFile]) -> object:
        return ingest(source, parts.sink, parts.attributor, files=files)

    def look(report: Reconciled) -> None:
        nonlocal latest
        latest = report
        if left is not None and left() / 1000 < _SPARE_SECONDS + parts.patience:
            raise _OutOfTimeError

    finished = True
    try:
        latest = reconcile(source, parts.sink, repair=take_in, deep=deep, progress=look)
    except _OutOfTimeError:
        finished = False
    for name in ("checked", "missing", "repaired", "broken"):
        setattr(total, name, getattr(total, name) + getattr(latest, name))
    for item in latest.items:
        total.add(item)
    return finished


def _count(pipeline: str, total: Reconciled, *, finished: bool) -> dict[str, int]:
    """Write the metrics and return the counts.

    Fewer events than the ledger created are expected once the index policy has deleted old days, and so are no
    finding here: what is lost is found by its file.
    """
    counts = sum(item.gap is Gap.COUNT for item in total.items)
    found = {
        "checked": total.checked,
        "missing": total.missing,
        "repaired": total.repaired,
        "broken": total.broken - counts,
    }
    named = [f"{item.gap.value} {item.name}: {item.reason}" for item in total.items if item.gap is not Gap.COUNT]
    metrics = {name.title(): value for name, value in found.items()}
    sys.stdout.write(metric_line(pipeline, {**metrics, "Reconciled": int(finished)}, items=named[:_MOST_NAMED]))
    return found


def _day(event: dict[str, Any], name: str, default: date) -> date:
    given = event.get(name)
    if given is None:
        return default
    try:
        return datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=timezone.utc).date()
    except (TypeError, ValueError):
        raise TaskError(f"{name} {given!r} is no day, expected one such as 2026-11-23") from None
