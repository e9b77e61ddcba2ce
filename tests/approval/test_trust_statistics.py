"""What the rules of trust do to agents of a known failure rate: simulated, with fixed seeds.

Clean items between two failures are drawn at once, by the geometric distribution, and only the last of them is looked
at: points rise and Wilson's bound falls with each clean item, so that looking after every one finds nothing more.
"""

from __future__ import annotations

import random
from math import log, sqrt
from statistics import mean
from typing import TYPE_CHECKING, Final

import pytest

from sudo_mcp_guardrails.approval.trust_ledger.facts import Result
from sudo_mcp_guardrails.approval.trust_ledger.points import MILLION, POINT, Scale, cusum, decayed, scale
from tests.approval.trusting import POLICY, R1, R2, T1, T2, Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.agents import RiskClass

ALPHA: Final = 50_000
LENGTH: Final = 5_000
"""Items of one run, as in the research."""
HOPELESS: Final = -6
"""So many times what is needed in debt, an agent at the rate comes back once in a billion runs (0.05 ** 7)."""


def dice(*seed: object) -> random.Random:
    return random.Random(repr(seed))  # noqa: S311 - no secret


def runs_of_clean(rate: float, length: int, draw: random.Random) -> Iterator[tuple[int, bool]]:
    """Yield how many clean items come next, and whether a failure ends them."""
    left = length
    while left > 0:
        clean = int(log(1 - draw.random()) / log(1 - rate))
        yield min(clean, left), clean < left
        left -= clean + 1


def upper(hits: int, runs: int) -> float:
    """Upper end of the one-sided 99.9 % interval of a share (Wilson)."""
    return wilson(hits, runs, 3.09)


def wilson(hits: int, runs: int, z: float) -> float:
    share = hits / runs
    return (share + z * z / (2 * runs) + z * sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))) / (
        1 + z * z / runs
    )


def promoted_by_points(found: Scale, rate: float, draw: random.Random, length: int = LENGTH) -> bool:
    points = 0
    for clean, failed in runs_of_clean(rate, length, draw):
        points += clean * POINT
        if points >= found.needed:
            return True
        if failed:
            points = found.after(points, failed=True)
        if points < HOPELESS * found.needed:
            return False
    return False


def promoted_by_wilson(p0: float, rate: float, draw: random.Random) -> bool:
    items = failures = 0
    for clean, failed in runs_of_clean(rate, LENGTH, draw):
        items += clean
        if items and wilson(failures, items, 1.645) < p0:
            return True
        items, failures = items + failed, failures + failed
    return False


def share(decide: Callable[[random.Random], bool], runs: int, *seed: object) -> int:
    draw = dice(*seed)
    return sum(decide(draw) for _ in range(runs))


@pytest.mark.parametrize("p0", [50_000, 10_000])
def test_promotion_keeps_its_error_when_checked_after_every_task(p0: int) -> None:
    found = scale(p0, ALPHA)
    promoted = share(lambda draw: promoted_by_points(found, p0 / MILLION, draw), 20_000, "points", p0)
    assert promoted / 20_000 > 0.035
    assert upper(promoted, 20_000) < 0.06


@pytest.mark.parametrize(("p0", "least"), [(50_000, 0.30), (10_000, 0.22)])
def test_an_interval_that_is_checked_after_every_task_does_not(p0: int, least: float) -> None:
    """So that the test above can fail: the same agents, by Wilson's upper bound of 95 %; the research: 35 and 26 %."""
    promoted = share(lambda draw: promoted_by_wilson(p0 / MILLION, p0 / MILLION, draw), 2_000, "wilson", p0)
    assert promoted / 2_000 > least


def test_points_that_cost_too_little_would_show() -> None:
    """So that the test of the error can fail: a failure that costs a third less."""
    right = scale(10_000, ALPHA)
    cheap = Scale(right.rate, right.needed, right.cost * 2 // 3)
    promoted = share(lambda draw: promoted_by_points(cheap, 0.01, draw), 4_000, "cheap")
    assert promoted / 4_000 > 0.08


@pytest.mark.parametrize(
    ("p0", "divisor", "least", "most"),
    [(50_000, 10, 0.99, 1.0), (10_000, 10, 0.985, 1.0), (50_000, 3, 0.92, 0.99), (10_000, 3, 0.70, 0.82)],
)
def test_good_agents_get_there(p0: int, divisor: int, least: float, most: float) -> None:
    """Within 2,000 items; the research measured 100, 99.8, 96 and 76 %."""
    found = scale(p0, ALPHA)
    rate = p0 / MILLION / divisor
    promoted = share(lambda draw: promoted_by_points(found, rate, draw, 2_000), 2_000, "power", p0, divisor)
    assert least <= promoted / 2_000 <= most


@pytest.mark.parametrize("worse", [1.5, 2, 4])
def test_worse_agents_are_promoted_more_rarely(worse: float) -> None:
    found = scale(10_000, ALPHA)
    promoted = share(lambda draw: promoted_by_points(found, 0.01 * worse, draw), 4_000, "worse", worse)
    assert upper(promoted, 4_000) < 0.06 / worse


def test_decay_keeps_the_error() -> None:
    """Days pass between the items, chosen by somebody who knows the points: it helps him nothing."""
    found = scale(50_000, ALPHA)

    def promoted(draw: random.Random) -> bool:
        points = 0
        for _ in range(1_000):
            idle = draw.choice((0,) * 19 + (1,)) if points > 20 * POINT else draw.choice((0, 30))
            points = found.after(decayed(points, idle, 30), failed=draw.random() < 0.05)
            if points >= found.needed:
                return True
            if points < HOPELESS * found.needed:
                return False
        return False

    hits = share(promoted, 5_000, "decay")
    assert hits > 0
    assert upper(hits, 5_000) < 0.06


def restarting(draw: random.Random, *, debts: bool) -> bool:
    """An owner who introduces another version whenever it has debts, up to twenty times."""
    for tries in range(20):
        found = scale(50_000, ALPHA, tries if debts else 0)
        points = 0
        for clean, _ in runs_of_clean(0.05, LENGTH, draw):
            points += clean * POINT
            if points >= found.needed:
                return True
            points = found.after(points, failed=True)
            if points < 0:
                break
    return False


def test_new_versions_do_not_get_there_by_luck() -> None:
    """All tries together stay below twice 5 %; where they cost nothing, they would not."""
    with_debts = share(lambda draw: restarting(draw, debts=True), 5_000, "restarts")
    without = share(lambda draw: restarting(draw, debts=False), 5_000, "restarts")
    assert upper(with_debts, 5_000) < 0.1
    assert without / 5_000 > 0.3


def lived(rates: dict[RiskClass, tuple[float, float]], items: int, draw: random.Random) -> Story:
    """Return the ledger of an agent: by class, its share of the work and its failure rate."""
    story = Story()
    story.introduce()
    classes, shares = list(rates), [part for part, _ in rates.values()]
    for number in range(items):
        risk = draw.choices(classes, shares)[0]
        failed = draw.random() < rates[risk][1]
        story.work(risk, Result.FAILURE if failed else Result.CLEAN)
        if number % 10 == 9:
            story.wait(1)
    return story


def test_the_replay_counts_as_the_scale_does() -> None:
    """Ledgers of facts, looked at after every entry: agents at 5 %, and the step from T1."""
    draw = dice("replay")
    found, runs, hits = scale(50_000, ALPHA), 300, 0
    for _ in range(runs):
        story = Story()
        story.introduce()
        points = 0
        for number in range(200):
            failed = draw.random() < 0.05
            story.work(R2, Result.FAILURE if failed else Result.CLEAN)
            points = found.after(points, failed=failed)
            cell = story.replay._cells[R2, "production"]
            assert (cell.points_at(story.time), cell.scale) == (points, found)
            if points >= found.needed:
                hits += 1
                break
            if number % 10 == 9:
                story.wait(1)
    assert 0.02 < hits / runs < 0.09


def test_pooled_trust_farming_promotes_nobody() -> None:
    """98 % trivial work that succeeds, and consequential work of which 30 % fails."""
    draw = dice("farming")
    pooled = 0
    for _ in range(40):
        story = lived({R1: (0.98, 0.0), R2: (0.02, 0.3)}, 1_000, draw)
        story.canary()
        story.promote(T2, R2)
        assert story.cell(R2).tier is T1
        assert not story.cell(R2).eligible
        # The trivial class is promoted for what it shows, and R2 gains nothing by it.
        story.promote(T2, R1)
        assert (story.cell(R1).tier, story.cell(R2).tier) == (T2, T1)
        # One cell for both kinds of work, as a single score has it: all of them would be.
        mixed = lived({R2: (1.0, 0.02 * 0.3)}, 1_000, draw)
        pooled += mixed.cell(R2).points >= scale(50_000, ALPHA).needed
    assert pooled == 40


def test_consequential_work_that_fails_never_reaches_t3() -> None:
    """However much of it there is: the points fall."""
    draw = dice("consequential")
    for _ in range(20):
        story = lived({R2: (1.0, 0.3)}, 500, draw)
        assert story.cell(R2).points < -1_000 * POINT


def test_no_amount_of_trivial_work_passes_the_days_credits() -> None:
    """332 credits take 34 days, however busy the agent is."""
    story = Story()
    story.introduce()
    for day in range(34):
        assert story.cell(R2).credits == 10 * day
        for _ in range(40):
            story.work(R2)
        story.wait(1)
    assert story.cell(R2).credits == 340


@pytest.mark.parametrize(("rate", "least", "most"), [(0.05, 56, 68), (0.20, 11, 13.5), (0.01, 1_000, 1_220)])
def test_the_sum_gives_alarm_as_soon_as_the_research_says(rate: float, least: float, most: float) -> None:
    """Mean items until the alarm: 62 at 5 %, 12 at 20 %, 1,111 at the good rate of 1 %."""
    assert least < mean(alarms(rate, 3_000)) < most


def test_good_agents_are_hardly_ever_demoted() -> None:
    """Mean items until a false alarm at 0.2 %: 36,100, as the linear equations of the sum say.

    The research measured 29,600.
    """
    assert 33_500 < mean(alarms(0.002, 3_000)) < 38_700


def alarms(rate: float, runs: int) -> Iterator[int]:
    draw = dice("cusum", rate)
    rule = cusum(POLICY.cusum_good, POLICY.cusum_bad, POLICY.cusum_limit)
    for _ in range(runs):
        items = total = 0
        for clean, _ in runs_of_clean(rate, 10**9, draw):
            items += clean + 1
            total = rule.after(max(0, total - clean * rule.down), failed=True)
            if rule.alarm(total):
                break
        yield items
