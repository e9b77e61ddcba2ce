"""Taking from budgets before a call is made, and giving back where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.call import Reason, Verdict
from sudo_mcp_guardrails.gateway.deciding.amounts import amounts_of, rule_budgets, unknown_for
from sudo_mcp_guardrails.gateway.deciding.budgets import Over, Per, Windows
from sudo_mcp_guardrails.gateway.deciding.weighing import BY_RULE, Objection, handling, prepares, to_person

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.call import Session, ToolCall
    from sudo_mcp_guardrails.gateway.deciding.budgets import Amount, Budget, BudgetStore, Taken
    from sudo_mcp_guardrails.gateway.deciding.settings import Settings
    from sudo_mcp_guardrails.gateway.deciding.weighing import Standing
    from sudo_mcp_guardrails.gateway.meaning import Meaning

_STATE: Final = "deciding.budgets"
_HELD: Final = "deciding.held"


class Spending:
    """The budgets of one agent.

    Args:
        settings: With budgets and prices.
        store: Of what the agent took, over all its sessions.
    """

    def __init__(self, settings: Settings, store: BudgetStore) -> None:
        self._settings = settings
        self._store = store
        self._agent = tuple(each for each in settings.budgets if each.per is Per.AGENT)
        self._session = tuple(each for each in settings.budgets if each.per is Per.SESSION)

    def take(
        self, session: Session, call: ToolCall, meaning: Meaning, standing: Standing, *, approved: bool
    ) -> Objection | None:
        """Take what a call takes; return what is to be said against it, and then nothing is taken.

        Args:
            session: Of the client.
            call: The call.
            meaning: Of the call.
            standing: What it is weighed against.
            approved: Whether an approval stands for it, so that no rule decides.
        """
        by_rule: tuple[Budget, ...] = ()
        if not approved and handling(meaning, standing) in BY_RULE and not prepares(meaning, standing):
            by_rule = rule_budgets(standing.policy, standing.tier, meaning.risk)
        if not (self._agent or self._session or by_rule):
            return None
        amounts, unknown = amounts_of(meaning, f"{call.server}/{call.tool}", self._settings.prices)
        missing = unknown_for((*self._agent, *self._session), unknown)
        if missing:
            text = (
                f"nobody knows how much it takes of {missing}, which have a budget; write each call out, without loops."
            )
            return Objection(Verdict.DENY, Reason("decision.budget-unknown", text))
        missing = unknown_for(by_rule, unknown)
        if missing:
            return to_person(
                meaning, standing, f"nobody knows how much it takes of {missing}, so no rule decides", "budget"
            )
        over = self._take(session, call.number, amounts, by_rule)
        if over is None:
            return None
        if over.budget in by_rule:
            return to_person(meaning, standing, f"{_words(over.budget)} are used up, so no rule decides", "budget")
        return _over(over)

    def _take(
        self, session: Session, number: int, amounts: dict[Amount, int], by_rule: tuple[Budget, ...]
    ) -> Over | None:
        self.settle(session, number, made=False)  # what the same call took, where it is decided once more
        name = self._settings.agent
        own = session.state.setdefault(_STATE, Windows()) if self._session else None
        held: list[tuple[BudgetStore, Taken]] = []
        for store, key, budgets in (
            (self._store, f"agent/{name}", self._agent),
            (own, "session", self._session),
            (self._store, f"rule/{name}", by_rule),
        ):
            if not budgets or store is None:
                continue
            found = store.take(key, budgets, amounts)
            if isinstance(found, Over):
                _give_back(held)
                return found
            held.append((store, found))
        if held:
            session.state.setdefault(_HELD, {})[number] = held
        return None

    def settle(self, session: Session, number: int, *, made: bool) -> None:
        """Keep what a call took where it is made, and give it back where it is not."""
        held = session.state.get(_HELD, {}).pop(number, [])
        if not made:
            _give_back(held)


def _give_back(held: list[tuple[BudgetStore, Taken]]) -> None:
    for store, each in held:
        store.give_back(each)


def _over(over: Over) -> Objection:
    then = "never fits" if over.wait is None else f"fits in {max(1, round(over.wait))} seconds"
    text = f"{_words(over.budget)} are used up; the call {then}, so do something else until then."
    return Objection(Verdict.DENY, Reason("decision.budget", text, over.budget.what.value))


def _words(budget: Budget) -> str:
    return f"the {budget.most} {budget.what.value} that one {budget.per.value} has within {budget.seconds} seconds"
