"""One cell of a ledger while it is replayed: how it earns, loses, rises and falls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import TrustTier
from sudo_mcp_guardrails.approval.trust_ledger.points import POINT, decayed
from sudo_mcp_guardrails.approval.trust_ledger.policy import DAY, TIERS
from sudo_mcp_guardrails.approval.trust_ledger.state import Cell, Failure

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import RiskClass
    from sudo_mcp_guardrails.approval.trust_ledger.points import Scale
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy

IDENTICAL: Final = "identical work earns once"
OVER_CAP: Final = "the day's credits are used up"
UNREAD: Final = "its approvers miss known-bad change sets"
OWN: Final = "nobody but its requester approved it"


@dataclass
class WorkingCell:
    """One cell, to be changed entry by entry.

    Points are kept by the tier that they lead out of: debts of a tier that was lost wait there, so that falling and
    rising again does not wash them away.
    """

    policy: TrustPolicy
    risk: RiskClass
    environment: str
    tier: TrustTier
    since: int
    reason: str
    points: dict[TrustTier, int] = field(default_factory=dict)
    tries: dict[TrustTier, int] = field(default_factory=dict)
    cusum: int = 0
    credits: int = 0
    active_day: int = 0
    failure: Failure | None = None
    approvers: dict[str, None] = field(default_factory=dict)
    requesters: dict[str, None] = field(default_factory=dict)
    minors: list[int] = field(default_factory=list)
    operations: dict[str, int] = field(default_factory=dict)
    uncredited: dict[str, int] = field(default_factory=dict)

    @property
    def scale(self) -> Scale | None:
        """What leads out of the present tier."""
        return self.policy.scale(self.risk, self.tier, self.tries.get(self.tier, 0))

    def clean(self, operation: str, at: int, *, refusal: str) -> bool:
        """Take in a clean item, and tell whether it earned a credit.

        Args:
            operation: identical work has the same.
            at: when.
            refusal: why it earns none, apart from what the cell knows itself; empty for no reason.
        """
        last = self.operations.get(operation)
        if last is not None and at - last < self.policy.repeat_days * DAY:
            self.refuse(IDENTICAL)
            return False
        self.operations[operation] = at
        # The sum that demotes looks at all work that differs: a cap there would call a busy agent a bad one.
        self.cusum = self.policy.cusum.after(self.cusum, failed=False)
        if refusal:
            self.refuse(refusal)
            return False
        scale = self.scale
        if scale is None:
            return False
        self._settle(at)
        self.points[self.tier] = scale.after(self.points.get(self.tier, 0), failed=False)
        self.credits += 1
        return True

    def refuse(self, reason: str) -> None:
        """Count a clean item that earns nothing."""
        self.uncredited[reason] = self.uncredited.get(reason, 0) + 1

    def failed(self, item: str, at: int) -> None:
        """Take in a failure; identical or not, and however many a day."""
        scale = self.scale
        if scale is not None:
            self._settle(at)
            self.points[self.tier] = scale.after(self.points.get(self.tier, 0), failed=True)
            self.failure = Failure(at, item, scale.cost)
        self.cusum = self.policy.cusum.after(self.cusum, failed=True)
        if self.policy.cusum.alarm(self.cusum):
            self.cusum = 0
            self.lower(at, "failures became more frequent")

    def minor(self, at: int) -> None:
        """Take in a minor incident; the third in thirty days demotes."""
        self.minors = [time for time in self.minors if at - time < self.policy.minor_days * DAY] + [at]
        if len(self.minors) >= self.policy.minors:
            self.minors = []
            self.lower(at, f"{self.policy.minors} minor incidents within {self.policy.minor_days} days")

    def take_back(self) -> None:
        """Take a credit back, since its item turned out to be bad."""
        if self.points.get(self.tier) is not None:
            self.points[self.tier] -= POINT

    def lower(self, at: int, reason: str) -> None:
        """Demote by one tier, never below T1: there people decide everything already."""
        number = TIERS.index(self.tier)
        if number > 1:
            self.fall(TIERS[number - 1], at, reason)

    def fall(self, tier: TrustTier, at: int, reason: str) -> None:
        """Demote to a tier; one that it has, or a higher one, changes nothing."""
        if TIERS.index(tier) >= TIERS.index(self.tier):
            return
        for known, points in self.points.items():
            self.points[known] = min(points, 0)
        self._begin(tier, at, reason)

    def rise(self, tier: TrustTier, at: int, reason: str) -> None:
        """Promote to a tier."""
        self.points[self.tier] = 0
        self._begin(tier, at, reason)

    def restart(self, at: int) -> None:
        """Begin anew with another fingerprint, at T1 or at T0 where it is.

        A version that gives up with debts leaves one more try behind. Without that, whoever changes the version
        whenever it goes badly would get there by luck in the end.
        """
        for tier, points in self.points.items():
            if points < 0:
                self.tries[tier] = self.tries.get(tier, 0) + 1
        self.points, self.operations = {}, {}
        if self.tier is TrustTier.T0:
            self._begin(TrustTier.T0, self.since, self.reason)
        else:
            self._begin(TrustTier.T1, at, "another version of the agent was introduced")

    def frozen(self, fingerprint: str, now: int, missing: tuple[str, ...]) -> Cell:
        """Return it as it stands at a time."""
        return Cell(
            fingerprint,
            self.risk,
            self.environment,
            self.tier,
            self.since,
            self.reason,
            self.points_at(now),
            self.scale,
            self.credits,
            self.tries.get(self.tier, 0),
            self.failure,
            self.cusum,
            tuple(sorted(self.approvers)),
            tuple(sorted(self.requesters)),
            tuple(sorted(self.uncredited.items())),
            missing,
        )

    def missing(self, now: int) -> list[str]:
        """Return what the cell itself lacks for a promotion."""
        step = self.policy.steps.get((self.risk, self.tier))
        if step is None:
            return [f"nothing leads further from {self.tier.value} in {self.risk.value}"]
        missing = []
        days = (now - self.since) // DAY
        if days < step.days:
            missing.append(f"{days} of {step.days} days at {self.tier.value}")
        scale, points = self.scale, self.points_at(now)
        if scale is not None and points < scale.needed:
            missing.append(f"{points // POINT} of {scale.needed // POINT} points")
        if len(self.approvers) < step.approvers:
            missing.append(f"{len(self.approvers)} of {step.approvers} approvers")
        return missing

    def points_at(self, now: int) -> int:
        """Return the points as they are worth at a time."""
        idle = now // DAY - self.active_day - 1
        return decayed(self.points.get(self.tier, 0), idle, self.policy.half_life)

    def _settle(self, at: int) -> None:
        """Write off what was lost by idleness: each whole day without evidence."""
        if self.tier in self.points:
            self.points[self.tier] = self.points_at(at)
        self.active_day = at // DAY

    def _begin(self, tier: TrustTier, at: int, reason: str) -> None:
        self.tier, self.since, self.reason = tier, at, reason
        self.cusum = self.credits = 0
        self.failure, self.minors = None, []
        self.approvers, self.requesters, self.uncredited = {}, {}, {}
