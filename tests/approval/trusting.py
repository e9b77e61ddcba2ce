"""Ledgers of trust for tests: short to write, one line a fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.trust import Item
from sudo_mcp_guardrails.approval.trust_ledger.entries import Entry
from sudo_mcp_guardrails.approval.trust_ledger.facts import Canary, Outcome, Result
from sudo_mcp_guardrails.approval.trust_ledger.policy import DAY, TrustPolicy
from sudo_mcp_guardrails.approval.trust_ledger.replay import Replay
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Introduced, Promotion
from tests.approval.chains import NOON

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.trust_ledger.entries import Fact
    from sudo_mcp_guardrails.approval.trust_ledger.state import Cell, TrustState

POLICY = TrustPolicy()
R0, R1, R2, R3, R4 = RiskClass
T0, T1, T2, T3 = TrustTier
V1, V2, V3 = "a1" * 32, "b2" * 32, "c3" * 32
PROD = "production"


class Story:
    """A ledger that is written fact by fact, at a clock of its own."""

    def __init__(self, policy: TrustPolicy = POLICY, *, agent: str = "bot") -> None:
        self.replay = Replay(policy, agent=agent)
        self.entries: list[Entry] = []
        self.time = NOON
        self.version = V1
        self.items = 0

    def say(self, fact: Fact, time: int | None = None) -> None:
        entry = Entry(len(self.entries) + 1, self.time if time is None else time, fact, f"{len(self.entries) + 1:064x}")
        self.entries.append(entry)
        self.replay.take(entry)

    def wait(self, days: float) -> None:
        self.time += round(days * DAY)

    def introduce(self, version: str = V1) -> None:
        self.version = version
        self.say(Introduced(version, "erin", "a new model"))

    def work(self, risk: RiskClass = R2, result: Result = Result.CLEAN, **more: Any) -> str:
        """Record one outcome of work that no other does."""
        self.items += 1
        time = more.pop("time", None)
        told: dict[str, Any] = {
            "item": f"item-{self.items}",
            "fingerprint": self.version,
            "risk": risk,
            "environment": PROD,
            "result": result,
            "operation": f"{self.items:064x}",
            "requester": "rita",
            "approvers": (("ann", "ben")[self.items % 2],),
            **more,
        }
        self.say(Outcome(**told), time)
        return str(told["item"])

    def clean_days(self, items: int, risk: RiskClass = R2, **more: Any) -> None:
        """Work without a failure, ten items a day, and end a day later."""
        for number in range(items):
            self.work(risk, **more)
            if number % 10 == 9:
                self.wait(1)
        self.wait(items % 10 > 0)

    def canary(self, *, passed: bool = True) -> None:
        self.say(Canary(self.version, "ee" * 32, passed))

    def promote(self, to: TrustTier, risk: RiskClass = R2, **more: Any) -> None:
        told: dict[str, Any] = {
            "fingerprint": self.version,
            "risk": risk,
            "environment": PROD,
            "to": to,
            "owner": "olga",
            "security": "sam",
            "reason": "as reviewed",
            **more,
        }
        self.say(Promotion(**told))

    def state(self, now: int | None = None) -> TrustState:
        return self.replay.state(self.time if now is None else now)

    def cell(self, risk: RiskClass = R2, environment: str = PROD) -> Cell:
        return self.state().cell(risk, environment)

    def notes(self) -> list[str]:
        return [note.text for note in self.state().notes]

    def earn(self, to: TrustTier, risk: RiskClass = R2) -> None:
        """Do all that a promotion takes, and promote; without idle days, which would cost points."""
        items, days = {T2: (65, 28), T3: (332, 56)}[to]
        end = self.time + days * DAY
        self.clean_days(items, risk)
        while self.time < end:
            self.work(risk)
            self.wait(1)
        self.canary()
        self.promote(to, risk)
        assert self.cell(risk).tier is to, self.notes()

    def item(self, **more: Any) -> Item:
        told: dict[str, Any] = {
            "id": "item-x",
            "fingerprint": self.version,
            "digest": "dd" * 32,
            "cost": 0,
            "resources": 1,
        }
        return Item(**{**told, **more})


def trusted(tier: TrustTier, risk: RiskClass = R2) -> Story:
    """An agent that earned a tier."""
    story = Story()
    story.introduce()
    for step in (T2, T3):
        if tier >= step:
            story.earn(step, risk)
    return story
