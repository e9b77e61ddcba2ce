"""The rules of trust, as data: what each tier does by itself, and what it takes to rise and to fall."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.errors import TrustError
from sudo_mcp_guardrails.approval.trust_ledger.points import MILLION, cusum, scale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.trust_ledger.points import Cusum, Scale

POLICY_KIND: Final = "trust-policy/1"
HOUR: Final = 3_600
DAY: Final = 86_400
TIERS: Final = tuple(TrustTier)
_T0, _T1, _T2, _T3 = TIERS
_R0, _R1, _R2, _R3, _R4 = RiskClass


class Handling(str, Enum):
    """What happens to an item."""

    AUTOMATIC = "automatic"
    """It is applied by rule."""
    AUDITED = "automatic, audited"
    """It is applied by rule, and a person looks at some of them afterwards, which ones nobody can foresee."""
    APPROVAL = "approval"
    """A person decides."""
    REFUSED = "refused"
    """Nobody is even asked."""


_AUTO, _AUDIT, _ASK, _NO = Handling
TABLE: Final[dict[TrustTier, dict[RiskClass, Handling]]] = {
    _T0: {_R0: _AUTO, _R1: _NO, _R2: _NO, _R3: _NO, _R4: _NO},
    _T1: {_R0: _AUTO, _R1: _ASK, _R2: _ASK, _R3: _ASK, _R4: _NO},
    _T2: {_R0: _AUTO, _R1: _AUTO, _R2: _ASK, _R3: _ASK, _R4: _NO},
    _T3: {_R0: _AUTO, _R1: _AUTO, _R2: _AUDIT, _R3: _ASK, _R4: _NO},
}
"""What each tier does with each class."""


@dataclass(frozen=True)
class Step:
    """What it takes to leave a tier for the next one, besides two people.

    Attributes:
        days: least time in the tier.
        rate: failures per million items that the evidence must rule out; None where the tier gives no evidence.
        approvers: least number of people whose approvals make up the evidence.
    """

    days: int
    rate: int | None = None
    approvers: int = 0

    def __post_init__(self) -> None:
        """Validate; raises TrustError."""
        if not 0 <= self.days <= 3650 or not 0 <= self.approvers <= 100:  # noqa: PLR2004 - ten years, and many people
            raise TrustError(f"a step of {self.days} days and {self.approvers} approvers is out of bounds")
        if self.rate is not None:
            scale(self.rate, MILLION // 20)


_BEGIN: Final = Step(14)
_TRUSTED: Final = Step(28, 50_000, 2)
_PROVEN: Final = Step(56, 10_000, 2)
STEPS: Final[dict[tuple[RiskClass, TrustTier], Step]] = {
    (_R1, _T0): _BEGIN,
    (_R2, _T0): _BEGIN,
    (_R3, _T0): _BEGIN,
    (_R1, _T1): _TRUSTED,
    (_R2, _T1): _TRUSTED,
    (_R2, _T2): _PROVEN,
}
"""Steps by class and by the tier that is left. R1 gains nothing by T3, and R3 nothing by T2: there is no step."""


@dataclass(frozen=True)
class Budget:
    """Most that one agent does by rule in one window, over all its environments, so that the worst one is bearable.

    Attributes:
        seconds: length of the window, which ends now.
        count: most items.
        cost: most that they cost together, a month, in cents of a US dollar.
        resources: most resources that they change together.
    """

    seconds: int
    count: int
    cost: int
    resources: int

    def __post_init__(self) -> None:
        """Validate; raises TrustError."""
        if self.seconds < 1 or min(self.count, self.cost, self.resources) < 0:
            raise TrustError(f"budget {self} is none, allowed: a window of a second or more, nothing below 0")


BUDGETS: Final[dict[TrustTier, tuple[Budget, ...]]] = {
    _T2: (Budget(HOUR, 5, 1_000, 20), Budget(DAY, 20, 5_000, 100)),
    _T3: (Budget(HOUR, 10, 5_000, 50), Budget(DAY, 50, 25_000, 250)),
}
"""Budgets by tier; our choice, to be made by who has to bear the worst hour. R0 uses none."""


@dataclass(frozen=True)
class TrustPolicy:
    """The rules. A state that was replayed by other rules may be another one: a stricter policy takes tiers back.

    Attributes:
        table: what each tier does with each class.
        steps: what it takes to rise.
        budgets: by tier; a tier that does anything but R0 by rule must have one.
        alpha: probability, in millionths, with which an agent that fails just too often is ever promoted.
        credits_a_day: most credits of a day and a class.
        repeat_days: days in which identical work earns once.
        half_life: days without evidence after which half of the points are left.
        cusum_good: failures per million items that do not matter.
        cusum_bad: failures per million items that demote.
        cusum_limit: of the sum, in millionths.
        minors: minor incidents within ``minor_days`` that demote by one tier.
        minor_days: see there.
        canary_days: days for which a canary suite that was passed counts.
        audit: share of what T3 does by rule that a person looks at, in millionths.
        caught: least share of known-bad change sets, in millionths, that an approver must catch for his approvals to
            count. An approver who catches a share c makes a rate of p0/c out of p0.
        skew: seconds that a recorder's clock may be ahead.

    Raises:
        TrustError: the table does R3 or R4 by rule, lacks a cell, or a value is out of bounds.
    """

    table: Mapping[TrustTier, Mapping[RiskClass, Handling]] = field(default_factory=lambda: TABLE, hash=False)
    steps: Mapping[tuple[RiskClass, TrustTier], Step] = field(default_factory=lambda: STEPS, hash=False)
    budgets: Mapping[TrustTier, tuple[Budget, ...]] = field(default_factory=lambda: BUDGETS, hash=False)
    alpha: int = MILLION // 20
    credits_a_day: int = 10
    repeat_days: int = 30
    half_life: int = 30
    cusum_good: int = 10_000
    cusum_bad: int = 50_000
    cusum_limit: int = 3 * MILLION
    minors: int = 3
    minor_days: int = 30
    canary_days: int = 30
    audit: int = MILLION // 10
    caught: int = MILLION * 8 // 10
    skew: int = 300

    def __post_init__(self) -> None:
        """Validate; raises TrustError."""
        for tier in TIERS:
            for risk in RiskClass:
                if risk not in self.table.get(tier, {}):
                    raise TrustError(f"the table does not say what {tier.value} does with {risk.value}")
            self._check_row(tier, self.table[tier])
        self._check_numbers()

    def _check_numbers(self) -> None:
        for risk, tier in self.steps:
            if risk in (_R0, _R4) or tier is _T3:
                raise TrustError(f"step of {risk.value} from {tier.value} is not allowed: it leads nowhere")
        for name in ("credits_a_day", "repeat_days", "half_life", "minors", "minor_days", "canary_days"):
            if not 1 <= getattr(self, name) <= 3650:  # noqa: PLR2004 - ten years
                raise TrustError(f"{name} {getattr(self, name)} is out of bounds, allowed: 1 to 3650")
        for name in ("audit", "caught"):
            if not 0 <= getattr(self, name) <= MILLION:
                raise TrustError(f"{name} {getattr(self, name)} is out of bounds, allowed: 0 to {MILLION}")
        if not 0 <= self.skew <= DAY:
            raise TrustError(f"skew {self.skew} is out of bounds, allowed: 0 to {DAY} seconds")
        scale(MILLION // 20, self.alpha)
        cusum(self.cusum_good, self.cusum_bad, self.cusum_limit)

    def _check_row(self, tier: TrustTier, row: Mapping[RiskClass, Handling]) -> None:
        if row[_R3] not in (_ASK, _NO):
            raise TrustError(f"{tier.value} does R3 by rule, allowed: approval or refused")
        if row[_R4] is not _NO:
            raise TrustError(f"{tier.value} does not refuse R4, allowed: refused")
        if {row[_R1], row[_R2]} & {_AUTO, _AUDIT} and not self.budgets.get(tier):
            raise TrustError(f"{tier.value} does something by rule and has no budget")

    def scale(self, risk: RiskClass, tier: TrustTier, tries: int = 0) -> Scale | None:
        """Return the points of a step; None where there is no step, or none that takes evidence."""
        step = self.steps.get((risk, tier))
        return scale(step.rate, self.alpha, tries) if step is not None and step.rate is not None else None

    @cached_property
    def cusum(self) -> Cusum:
        """The cumulative sum that demotes."""
        return cusum(self.cusum_good, self.cusum_bad, self.cusum_limit)

    def document(self) -> dict[str, Any]:
        """Return it as JSON, everything in order."""
        numbers = {name: value for name, value in sorted(vars(self).items()) if isinstance(value, int)}
        return {
            **numbers,
            "table": {tier.value: {risk.value: self.table[tier][risk].value for risk in RiskClass} for tier in TIERS},
            "steps": {
                f"{risk.value} {tier.value}": [step.days, step.rate, step.approvers]
                for (risk, tier), step in sorted(self.steps.items())
            },
            "budgets": {
                tier.value: [[one.seconds, one.count, one.cost, one.resources] for one in budgets]
                for tier, budgets in sorted(self.budgets.items())
            },
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 over :meth:`document`: the policy's version."""
        return digest(POLICY_KIND, self.document())
