"""Where an agent stands, and why: what a replay of its ledger gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import TrustTier
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.approval.trust_ledger.points import POINT

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import RiskClass
    from sudo_mcp_guardrails.approval.trust_ledger.points import Scale
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Failure:
    """The last failure of a cell.

    Attributes:
        time: when it was recorded.
        item: id of the approval.
        cost: what it cost, in millionths of a point.
    """

    time: int
    item: str
    cost: int


@dataclass(frozen=True)
class Cell:
    """What trust is kept for: it does not flow from one cell to another.

    Attributes:
        fingerprint: of the agent; empty where none was introduced.
        risk: class of work.
        environment: where.
        tier: it has.
        since: when it began.
        reason: why it has this tier.
        points: towards the next tier, in millionths, with what was lost by idleness until now.
        scale: how many are needed, and what a failure costs; None where no evidence leads further.
        credits: clean items that counted in this tier.
        tries: versions of the agent before that gave up with debts: each makes more points needed.
        failure: the last one of this version in this tier.
        cusum: the sum that demotes.
        approvers: people whose approvals make up the evidence.
        requesters: people behind the items of this tier: none of them may promote it.
        uncredited: clean items that did not count, by reason.
        missing: what is missing for a promotion, each in one line; nothing where it is eligible.
    """

    fingerprint: str
    risk: RiskClass
    environment: str
    tier: TrustTier
    since: int
    reason: str
    points: int = 0
    scale: Scale | None = None
    credits: int = 0
    tries: int = 0
    failure: Failure | None = None
    cusum: int = 0
    approvers: tuple[str, ...] = ()
    requesters: tuple[str, ...] = ()
    uncredited: tuple[tuple[str, int], ...] = ()
    missing: tuple[str, ...] = ("nothing leads further",)

    @property
    def eligible(self) -> bool:
        """Whether people may promote it now."""
        return not self.missing

    @property
    def explanation(self) -> str:
        """The points in words: ``212 of 332 points; the failure on 3 Nov 2026 cost 254``."""
        if self.scale is None:
            return f"no points lead further from {self.tier.value} in {self.risk.value}"
        parts = [f"{self.points // POINT} of {self.scale.needed // POINT} points"]
        if self.failure is not None:
            parts.append(f"the failure on {_day(self.failure.time)} cost {(self.failure.cost + POINT // 2) // POINT}")
        if self.tries:
            parts.append(f"{self.tries} earlier version{'s' * (self.tries > 1)} gave up with debts")
        parts.extend(f"{count} earned nothing: {reason}" for reason, count in self.uncredited)
        return "; ".join(parts)


@dataclass(frozen=True)
class Used:
    """An item that was allowed by rule, as the budget counts it.

    Attributes:
        time: when.
        cost: a month, in cents of a US dollar.
        resources: that it changed.
    """

    time: int
    cost: int
    resources: int


@dataclass(frozen=True)
class Note:
    """Something in the ledger that was not as it should be, and did not count.

    Attributes:
        number: of the entry.
        text: in one line.
    """

    number: int
    text: str


@dataclass(frozen=True)
class TrustState:
    """Where an agent stands.

    Attributes:
        agent: its name.
        policy: the rules that it was replayed by.
        now: the time that it holds for.
        number: of the ledger's last entry: what is decided on this state must become the next one, or be decided anew.
        head: digest of the last entry; 64 zeros of an empty ledger.
        fingerprint: the agent has; empty where none was introduced.
        fresh: for each class, a cell that has no entry yet.
        cells: that have entries, by risk and environment.
        former: cells of fingerprints that the agent had before, as they ended.
        open_criticals: approvals whose critical incidents nobody has closed.
        used: what was allowed by rule and may still count for a budget.
        notes: what did not count.
        broken: why the ledger cannot be believed; everything is T0 then. Empty where it can.
    """

    agent: str
    policy: TrustPolicy
    now: int
    number: int = 0
    head: str = "0" * 64
    fingerprint: str = ""
    fresh: tuple[Cell, ...] = ()
    cells: tuple[Cell, ...] = ()
    former: tuple[Cell, ...] = ()
    open_criticals: tuple[str, ...] = ()
    used: tuple[Used, ...] = ()
    notes: tuple[Note, ...] = ()
    broken: str = ""

    def cell(self, risk: RiskClass, environment: str) -> Cell:
        """Return the agent's cell; one that has no entry yet has the tier that new ones begin with."""
        for cell in self.cells:
            if (cell.risk, cell.environment) == (risk, environment):
                return cell
        for cell in self.fresh:
            if cell.risk == risk:
                return replace(cell, environment=environment)
        return Cell(self.fingerprint, risk, environment, TrustTier.T0, self.now, self.broken or "the ledger is empty")


def _day(time: int) -> str:
    year, month, day = written(time)[:10].split("-")
    return f"{int(day)} {_MONTHS[int(month) - 1]} {year}"
