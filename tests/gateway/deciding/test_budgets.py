"""Budgets hold exactly: over threads, over processes, over approvals that take their time."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.gateway.call import Outcome, Reason, Verdict
from sudo_mcp_guardrails.gateway.deciding.budget_file import BudgetFile
from sudo_mcp_guardrails.gateway.deciding.budgets import Amount, Budget, Over, Per, Taken, Windows
from sudo_mcp_guardrails.gateway.deciding.errors import DecidingError
from tests.gateway.deciding.making import call, deciding, session
from tests.gateway.deciding.scenario import APPLYING, AS_APPLY, LOOK, PUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sudo_mcp_guardrails.gateway.deciding.budgets import BudgetStore

CALLS = Budget(Amount.CALLS, 3, 60)
CENTS = Budget(Amount.CENTS, 10, 600)


class Clock:
    """Seconds, as a test says."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "file"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[BudgetStore, Clock]]:
    """Return a store of each kind, and its clock."""
    clock = Clock()
    if request.param == "memory":
        yield Windows(clock), clock
        return
    found = BudgetFile(tmp_path / "budgets", clock)
    yield found, clock
    found.close()


def test_window_slides(stored: tuple[BudgetStore, Clock]) -> None:
    """What was taken counts for as long as the window is, to the second."""
    store, clock = stored
    for second in (0, 10, 20):
        clock.now = 1_000.0 + second
        assert isinstance(store.take("a", [CALLS], {Amount.CALLS: 1}), Taken)
    clock.now = 1_030.0
    over = store.take("a", [CALLS], {Amount.CALLS: 1})
    assert over == Over(CALLS, 30.0)
    assert isinstance(store.take("b", [CALLS], {Amount.CALLS: 1}), Taken)
    clock.now = 1_059.9
    assert isinstance(store.take("a", [CALLS], {Amount.CALLS: 1}), Over)
    clock.now = 1_060.0
    assert isinstance(store.take("a", [CALLS], {Amount.CALLS: 1}), Taken)
    assert isinstance(store.take("a", [CALLS], {Amount.CALLS: 1}), Over)


def test_all_or_nothing(stored: tuple[BudgetStore, Clock]) -> None:
    """A call that one budget refuses takes nothing of another."""
    store, _ = stored
    assert store.take("a", [CALLS, CENTS], {Amount.CALLS: 1, Amount.CENTS: 11}) == Over(CENTS, None)
    for _number in range(3):
        assert isinstance(store.take("a", [CALLS, CENTS], {Amount.CALLS: 1, Amount.CENTS: 3}), Taken)
    assert isinstance(store.take("a", [CALLS, CENTS], {Amount.CALLS: 1}), Over)


def test_given_back_once(stored: tuple[BudgetStore, Clock]) -> None:
    """What was given back is there again, and no more than that."""
    store, _ = stored
    taken = [store.take("a", [CALLS], {Amount.CALLS: 1}) for _ in range(3)]
    first = taken[0]
    assert isinstance(first, Taken)
    store.give_back(first)
    store.give_back(first)
    assert isinstance(store.take("a", [CALLS], {Amount.CALLS: 1}), Taken)
    assert isinstance(store.take("a", [CALLS], {Amount.CALLS: 1}), Over)


def test_what_counts_nothing_is_free(stored: tuple[BudgetStore, Clock]) -> None:
    """A read passes when the budget of writes is used up."""
    store, _ = stored
    none = Budget(Amount.WRITES, 0, 60)
    assert isinstance(store.take("a", [none], {Amount.WRITES: 1}), Over)
    assert isinstance(store.take("a", [none], {Amount.WRITES: 0}), Taken)


def test_exact_over_threads(stored: tuple[BudgetStore, Clock]) -> None:
    """Of many at once, exactly as many pass as fit."""
    store, _ = stored
    budget = Budget(Amount.CALLS, 50, 600)
    gate = threading.Barrier(8)

    def take(_: int) -> int:
        gate.wait()
        return sum(isinstance(store.take("a", [budget], {Amount.CALLS: 1}), Taken) for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 50


def _many(path: Path, _: int) -> int:
    store = BudgetFile(path)
    return sum(
        isinstance(store.take("a", [Budget(Amount.CALLS, 30, 600)], {Amount.CALLS: 1}), Taken) for _ in range(20)
    )


def test_exact_over_processes(tmp_path: Path) -> None:
    """Several guards of one agent share one budget."""
    path = tmp_path / "budgets"
    BudgetFile(path).close()
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert sum(pool.starmap(_many, [(path, number) for number in range(3)])) == 30


def test_file_outlives_the_guard(tmp_path: Path) -> None:
    """A guard that is started anew has no new budget."""
    first = BudgetFile(tmp_path / "budgets", Clock())
    assert isinstance(first.take("a", [Budget(Amount.CALLS, 1, 60)], {Amount.CALLS: 1}), Taken)
    first.close()
    again = BudgetFile(tmp_path / "budgets", Clock())
    assert isinstance(again.take("a", [Budget(Amount.CALLS, 1, 60)], {Amount.CALLS: 1}), Over)


def test_a_lost_store_denies(tmp_path: Path) -> None:
    """A store that fails raises, which the guard takes for a denial."""
    store = BudgetFile(tmp_path / "budgets")
    store.close()
    with pytest.raises(DecidingError, match="cannot be used"):
        store.take("a", [CALLS], {Amount.CALLS: 1})
    with pytest.raises(DecidingError, match="cannot be opened"):
        BudgetFile(tmp_path / "no" / "budgets")


def test_memory_is_bounded() -> None:
    """A window never keeps more than its budget."""
    clock = Clock()
    store = Windows(clock)
    for _ in range(10_000):
        clock.now += 1
        store.take("a", [CALLS, Budget(Amount.WRITES, 5, 10**6)], {Amount.CALLS: 1})
    assert sum(len(spent) for spent in store._spent.values()) <= 3


@pytest.mark.parametrize("per", list(Per))
def test_whose_it_is(per: Per) -> None:
    """A budget of a session is each session's; one of the agent is all its sessions' together."""
    check = deciding(budgets=(Budget(Amount.CALLS, 1, 60, per),))
    first, second = session(id="1"), session(id="2")
    assert check.before(first, call(LOOK)).verdict is Verdict.ALLOW
    check.decided(first, call(LOOK), Outcome())
    assert check.before(first, call(LOOK, number=2)).verdict is Verdict.DENY
    expected = Verdict.ALLOW if per is Per.SESSION else Verdict.DENY
    assert check.before(second, call(LOOK)).verdict is expected


def test_a_call_that_is_not_made_takes_nothing() -> None:
    """Denied by another check, or asked about: it is given back; and taken once where a person agrees."""
    check = deciding(**AS_APPLY, budgets=(Budget(Amount.WRITES, 1, 60),))
    own = session(**APPLYING)
    for number, verdict in enumerate((Verdict.DENY, Verdict.ASK), start=1):
        asked = call(PUT, number=number)
        assert check.before(own, asked).verdict is Verdict.ASK
        check.decided(own, asked, Outcome(verdict, (Reason("x", "x"),)))
    assert check.before(own, asked).verdict is Verdict.ASK
    check.decided(own, asked, Outcome(Verdict.ALLOW))
    assert check.before(own, call(PUT, number=3)).reasons[0].id == "decision.budget"


@pytest.mark.parametrize(("most", "seconds"), [(-1, 60), (1, 0), (1, 10**8)])
def test_bad_budgets(most: int, seconds: int) -> None:
    """Values out of bounds are named."""
    with pytest.raises(DecidingError, match="out of bounds"):
        Budget(Amount.CALLS, most, seconds)


def test_cents_take_prices() -> None:
    """A budget of cents without a price for all else is none."""
    with pytest.raises(DecidingError, match=r"prices\.others"):
        deciding(budgets=(CENTS,))
