"""From a ledger to where the agent stands: a pure function, so that no score is stored that somebody could change.

The order of the entries is that of their numbers. Clocks are not believed further than needed: an entry that is older
than the one before counts as of that one's time, and a ledger with an entry ahead of now cannot be replayed at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.deciding.people import plain
from sudo_mcp_guardrails.approval.errors import TrustError
from sudo_mcp_guardrails.approval.moments import LAST, written
from sudo_mcp_guardrails.approval.trust_ledger.cell import OVER_CAP, WorkingCell
from sudo_mcp_guardrails.approval.trust_ledger.facts import (
    SEVERITY,
    Automatic,
    Canary,
    Outcome,
    Result,
    ReviewTest,
    Trigger,
)
from sudo_mcp_guardrails.approval.trust_ledger.policy import DAY
from sudo_mcp_guardrails.approval.trust_ledger.promotion import objections
from sudo_mcp_guardrails.approval.trust_ledger.reviews import Reviews
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Demotion, Introduced, Promotion, Resolved
from sudo_mcp_guardrails.approval.trust_ledger.state import Note, TrustState, Used

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sudo_mcp_guardrails.approval.trust_ledger.entries import Entry
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.approval.trust_ledger.state import Cell

MAX_ENTRIES: Final = 1_000_000


def replay(entries: Iterable[Entry], policy: TrustPolicy, now: int, *, agent: str) -> TrustState:
    """Return where an agent stands.

    Args:
        entries: of its ledger, all of them, in their order.
        policy: the rules.
        now: seconds since 1970.
        agent: its name, which may not be one of those who promote.

    Raises:
        TrustError: an entry is missing, or recorded later than now.
    """
    found = Replay(policy, agent=agent)
    for entry in entries:
        found.take(entry)
    return found.state(now)


class Replay:
    """A replay that goes on: entry by entry, with the state after each.

    Args:
        policy: the rules.
        agent: its name.
    """

    def __init__(self, policy: TrustPolicy, *, agent: str) -> None:
        self._policy = policy
        self._agent = agent
        self._number, self._time, self._head = 0, 0, "0" * 64
        self._fingerprint = ""
        self._start: TrustTier | None = None
        self._start_since, self._start_reason = 0, "the agent was never introduced"
        self._cells: dict[tuple[RiskClass, str], WorkingCell] = {}
        self._former: list[Cell] = []
        self._items: dict[str, tuple[Result, WorkingCell | None]] = {}
        self._credits: dict[tuple[RiskClass, int], int] = {}
        self._criticals: dict[str, None] = {}
        self._canaries: dict[str, tuple[int, bool]] = {}
        self._reviews = Reviews(policy)
        self._used: list[Used] = []
        self._notes: list[Note] = []
        self._takes: dict[type[Any], Callable[[Any], None]] = {
            Outcome: self._outcome,
            Automatic: self._automatic,
            Introduced: self._introduced,
            Trigger: self._trigger,
            Promotion: self._promotion,
            Demotion: self._demotion,
            Canary: self._canary,
            Resolved: self._resolved,
            ReviewTest: self._reviews.take,
        }

    def take(self, entry: Entry) -> None:
        """Take in the next entry.

        Raises:
            TrustError: its number does not follow, or its time is none.
        """
        if entry.number != self._number + 1 or entry.number > MAX_ENTRIES:
            raise TrustError(
                f"entry {entry.number} of {self._agent!r} follows {self._number}, allowed: the next number"
            )
        if not 0 <= entry.time <= LAST:
            raise TrustError(f"entry {entry.number} of {self._agent!r} has time {entry.time}, which is none")
        self._number, self._head = entry.number, entry.digest
        if entry.time < self._time:
            self._note(f"recorded {written(entry.time)}, counts as of {written(self._time)}, the entry before")
        self._time = max(self._time, entry.time)
        self._takes[type(entry.fact)](entry.fact)

    def state(self, now: int) -> TrustState:
        """Return where the agent stands now.

        Raises:
            TrustError: the last entry is ahead of now by more than clocks may differ.
        """
        if self._time > now + self._policy.skew:
            raise TrustError(
                f"ledger of {self._agent!r} reaches {written(self._time)}, which is ahead of now, {written(now)}"
            )
        now = max(now, self._time)
        longest = max((one.seconds for budgets in self._policy.budgets.values() for one in budgets), default=0)
        return TrustState(
            agent=self._agent,
            policy=self._policy,
            now=now,
            number=self._number,
            head=self._head,
            fingerprint=self._fingerprint,
            fresh=tuple(self._frozen(self._fresh(risk, ""), now) for risk in RiskClass),
            cells=tuple(self._frozen(self._cells[key], now) for key in sorted(self._cells)),
            former=tuple(self._former),
            open_criticals=tuple(self._criticals),
            used=tuple(used for used in self._used if now - used.time < longest),
            notes=tuple(self._notes),
        )

    def _frozen(self, cell: WorkingCell, now: int) -> Cell:
        return cell.frozen(self._fingerprint, now, tuple(cell.missing(now) + self._missing(now)))

    def _missing(self, now: int) -> list[str]:
        """Return what the agent as a whole lacks for a promotion."""
        missing = [f"critical incident of {item!r} is open" for item in self._criticals]
        canary = self._canaries.get(self._fingerprint)
        if canary is None or not canary[1] or now - canary[0] > self._policy.canary_days * DAY:
            missing.append(f"no canary suite passed in the last {self._policy.canary_days} days")
        return missing

    def _outcome(self, fact: Outcome) -> None:
        before, credited = self._items.get(fact.item, (None, None))
        if before is not None and SEVERITY[fact.result] <= SEVERITY[before]:
            self._note(f"item {fact.item!r} is {before.value} already")
            return
        cell = self._cell(fact.risk, fact.environment)
        cell.requesters[plain(fact.requester)] = None
        if fact.result is Result.CLEAN:
            earned = self._clean(fact, cell)
            self._items[fact.item] = fact.result, cell if earned else None
            return
        self._items[fact.item] = fact.result, None
        if credited is not None:
            credited.take_back()
        # What a former version broke speaks against this one as well: a new version is no way out of a late failure.
        if before in (None, Result.CLEAN):
            cell.failed(fact.item, self._time)
        if fact.result is Result.MINOR:
            cell.minor(self._time)
        if fact.result is Result.CRITICAL:
            self._criticals[fact.item] = None
            cell.fall(TrustTier.T0, self._time, f"critical incident of {fact.item!r}")

    def _clean(self, fact: Outcome, cell: WorkingCell) -> bool:
        """Take in a clean outcome, and tell whether it earned a credit."""
        if fact.fingerprint != self._fingerprint:
            self._note(f"item {fact.item!r} is of another fingerprint, and earns nothing")
            return False
        approvers, refusal = self._reviews.evidence(fact)
        today = (fact.risk, self._time // DAY)
        if self._credits.get(today, 0) >= self._policy.credits_a_day:
            refusal = OVER_CAP
        if not cell.clean(fact.operation, self._time, refusal=refusal):
            return False
        self._credits[today] = self._credits.get(today, 0) + 1
        cell.approvers.update(dict.fromkeys(approvers))
        return True

    def _automatic(self, fact: Automatic) -> None:
        self._used.append(Used(self._time, fact.cost, fact.resources))

    def _introduced(self, fact: Introduced) -> None:
        if fact.fingerprint == self._fingerprint:
            self._note("the agent has this fingerprint already")
            return
        for cell in self._cells.values():
            self._former.append(cell.frozen(self._fingerprint, self._time, ("the agent has another version",)))
            cell.restart(self._time)
        # Who fell before the first version was introduced did not fall for nothing.
        if self._start in (None, TrustTier.T1):
            self._begin(TrustTier.T1, f"introduced by {fact.by}: {fact.reason}")
        self._fingerprint = fact.fingerprint

    def _trigger(self, fact: Trigger) -> None:
        reason = f"hard trigger {fact.what.value}: {fact.where}"
        self._note(reason)
        for cell in self._cells.values():
            cell.fall(TrustTier.T0, self._time, reason)
        self._begin(TrustTier.T0, reason)

    def _promotion(self, fact: Promotion) -> None:
        cell = self._cell(fact.risk, fact.environment)
        refused = objections(self._frozen(cell, self._time), fact, agent=self._agent)
        if refused:
            self._note(f"promotion does not count: {'; '.join(refused)}")
        else:
            cell.rise(fact.to, self._time, f"promoted by {fact.owner} and {fact.security}: {fact.reason}")

    def _demotion(self, fact: Demotion) -> None:
        reason = f"demoted by {fact.by}: {fact.reason}"
        if fact.risk is not None and fact.environment:
            self._cell(fact.risk, fact.environment).fall(fact.to, self._time, reason)
            return
        for cell in self._cells.values():
            if fact.risk in (None, cell.risk) and fact.environment in ("", cell.environment):
                cell.fall(fact.to, self._time, reason)
        # Cells without entries are not listed one by one: where some of them are meant, all of them begin lower.
        if fact.to is TrustTier.T0:
            self._begin(TrustTier.T0, reason)

    def _canary(self, fact: Canary) -> None:
        self._canaries[fact.fingerprint] = self._time, fact.passed

    def _resolved(self, fact: Resolved) -> None:
        if plain(fact.by) == plain(self._agent):
            self._note("an agent does not close its own incidents")
        elif fact.item not in self._criticals:
            self._note(f"item {fact.item!r} has no open critical incident")
        else:
            del self._criticals[fact.item]

    def _cell(self, risk: RiskClass, environment: str) -> WorkingCell:
        key = risk, environment
        if key not in self._cells:
            self._cells[key] = self._fresh(risk, environment)
        return self._cells[key]

    def _fresh(self, risk: RiskClass, environment: str) -> WorkingCell:
        tier = self._start or TrustTier.T0
        return WorkingCell(self._policy, risk, environment, tier, self._start_since, self._start_reason)

    def _begin(self, tier: TrustTier, reason: str) -> None:
        """Say where cells begin that have no entry yet."""
        self._start, self._start_since, self._start_reason = tier, self._time, reason

    def _note(self, text: str) -> None:
        self._notes.append(Note(self._number, text))
