"""A drill: contains, tries whether anything still gets through, restores, and compares.

It leaves out what is in flight, since that would not come back, and it refuses a target that is contained already: a
drill must not end a real containment.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.response.errors import ContainmentError
from sudo_mcp_guardrails.response.execute import contain
from sudo_mcp_guardrails.response.outcome import said
from sudo_mcp_guardrails.response.record import RecordState
from sudo_mcp_guardrails.response.restore import Restoration, restore
from sudo_mcp_guardrails.response.steps.roles import same_policy
from sudo_mcp_guardrails.response.steps.step import Kind
from sudo_mcp_guardrails.response.steps.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.response.estate import Clients
    from sudo_mcp_guardrails.response.outcome import Report
    from sudo_mcp_guardrails.response.plan import Plan
    from sudo_mcp_guardrails.response.records import Records
    from sudo_mcp_guardrails.response.steps.step import State


@dataclass(frozen=True)
class Drill:
    """What came of a drill.

    Attributes:
        contained: what came of the containment.
        calls_after: calls of the contained that succeeded, as the probe counted them; None where it failed.
        probe_error: why it failed; empty where it did not.
        restored: what came of the restoration.
        changed: ids of the steps whose places are not as they were.
    """

    contained: Report
    calls_after: int | None
    probe_error: str
    restored: Report
    changed: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all was contained, nothing got through, and all is as it was."""
        return self.contained.complete and self.calls_after == 0 and self.restored.complete and not self.changed


def rehearsed(plan: Plan) -> Plan:
    """Return a plan without the steps that cannot be undone.

    Args:
        plan: The plan.
    """
    return replace(plan, steps=tuple(step for step in plan.steps if WAYS[step.kind].restorable))


def drill(
    plan: Plan,
    clients: Clients,
    records: Records,
    names: GuardrailNames,
    probe: Callable[[], int],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Drill:
    """Contain, probe, restore and compare.

    Args:
        plan: What to rehearse.
        clients: Where the clients come from.
        records: Where the restore record is kept.
        names: Names of the guardrails' own resources.
        probe: Tries, with sessions that were made before, whatever the contained might do, and returns how many calls
            succeeded. Called once, between containing and restoring; whatever it raises, all is restored.
        pause: Waits for some seconds between readings.

    Raises:
        ContainmentError: The target is contained, or a place cannot be read beforehand.
        RecordError: The record cannot be read or opened, and nothing was changed.
        RestoreError: Somebody changed a place during the drill: it is still contained, and people decide.
    """
    latest = records.latest(plan.target)
    if latest is not None and latest.state is RecordState.CONTAINED:
        raise ContainmentError(f"target {plan.target.key!r} is contained in incident {latest.incident!r}, no drill now")
    short = rehearsed(plan)
    before = _states(short, clients)
    contained = contain(short, clients, records, pause=pause)
    calls: int | None = None
    failed = ""
    try:
        calls = probe()
    except Exception as error:  # noqa: BLE001 - whatever it is, all is restored
        failed = said(error)
    finally:
        restored = restore(Restoration(plan.target, plan.cause.by), clients, records, names, pause=pause)
    after = _states(short, clients)
    changed = tuple(id_ for id_, state in before.items() if not _same(id_, state, after[id_]))
    return Drill(contained, calls, failed, restored, changed)


def _states(plan: Plan, clients: Clients) -> dict[str, State]:
    """Return what is there, by the id of each step."""
    found = {}
    for step in plan.steps:
        way = WAYS[step.kind]
        try:
            found[step.id] = way.read(step, clients.client(way.service, step.account, step.region))
        except Exception as error:
            raise ContainmentError(
                f"step {step.id!r} cannot be read, so that no drill can compare: {said(error)}"
            ) from error
    return found


def _same(step: str, one: State, other: State) -> bool:
    return same_policy(one, other) if step.startswith(f"{Kind.TRUST.value}/") else bool(one == other)
