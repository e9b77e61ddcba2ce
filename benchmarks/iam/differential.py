"""Compare our evaluator with the outside simulator on generated cases, and explain every difference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations
from typing import TYPE_CHECKING, Final

from benchmarks.iam.causes import CAUSES
from benchmarks.iam.generate import case
from benchmarks.iam.shrink import shrink
from benchmarks.iam.simulate import simulation
from sudo_mcp_guardrails.iam.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.iam.causes import Cause
    from benchmarks.iam.generate import Case
    from benchmarks.iam.simulate import Answer, Simulator

SEED: Final = 20261123
CASES: Final = 100_000
_BATCH: Final = 10_000
"""Cases in memory at a time."""
_SHOWN: Final = 5
"""Unexplained differences that are made small and shown."""
_TOGETHER: Final = 3
"""Causes that may act together in one case."""


@dataclass
class Comparison:
    """What was found.

    Attributes:
        cases: How many were compared.
        answers: How many got which answer of our evaluator.
        causes: How many differ for which causes.
        ignored: Keys that the simulator dropped: then the two did not decide the same request.
        unexplained: Differences without a cause.
        seconds: Inside the simulator.
    """

    cases: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    causes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    unexplained: list[Case] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def differences(self) -> int:
        """How many differ."""
        return sum(self.causes.values()) + len(self.unexplained)


def verdict(item: Case) -> str:
    """Return our evaluator's answer in the simulator's words."""
    decision = evaluate(item.request, item.layers)
    if decision.allowed:
        return "Allowed"
    return "ExplicitlyDenied" if decision.explicit else "ImplicitlyDenied"


def ask(cases: Iterable[Case], simulator: Simulator) -> tuple[list[Answer], float]:
    """Return the simulator's answers, and its seconds."""
    return simulator.ask(simulation(item.request, item.layers) for item in cases)


def compare(simulator: Simulator, count: int = CASES, seed: int = SEED) -> Comparison:
    """Compare on generated cases.

    Args:
        simulator: The outside one.
        count: How many cases.
        seed: Makes the same cases again.
    """
    found = Comparison()
    for start in range(0, count, _BATCH):
        cases = [case(seed, number) for number in range(start, min(start + _BATCH, count))]
        answers, seconds = ask(cases, simulator)
        found.cases += len(cases)
        found.seconds += seconds
        differing = []
        for item, answer in zip(cases, answers, strict=True):
            ours = verdict(item)
            found.answers[ours] += 1
            found.ignored.update(answer.ignored)
            if ours != answer.result:
                differing.append(item)
        _explain(differing, found, simulator)
    return found


def _explain(differing: Sequence[Case], found: Comparison, simulator: Simulator) -> None:
    """Sort the differences by the fewest causes that, made neutral, end them."""
    left = list(differing)
    for together in range(1, _TOGETHER + 1):
        trials = [(item, causes, changed) for item in left for causes, changed in _neutral(item, together)]
        answers, _ = ask((changed for _, _, changed in trials), simulator)
        explained: dict[int, tuple[str, ...]] = {}
        for (item, causes, _), answer in zip(trials, answers, strict=True):
            if answer.result == verdict(item):
                explained.setdefault(item.number, causes)
        found.causes.update(explained.values())
        left = [item for item in left if item.number not in explained]
    found.unexplained += left


def _neutral(item: Case, together: int) -> Iterable[tuple[tuple[str, ...], Case]]:
    """Return the case with each set of so many causes made neutral."""
    present = [cause for cause in CAUSES if cause.neutral(item) is not None]
    for causes in combinations(present, together):
        yield tuple(cause.id for cause in causes), reduce(_apply, causes, item)


def _apply(item: Case, cause: Cause) -> Case:
    return cause.neutral(item) or item


def smallest(found: Comparison, simulator: Simulator) -> list[tuple[Case, Answer]]:
    """Return some unexplained differences, made small while all known causes are neutral, with the answers."""

    def neutral(item: Case) -> Case:
        return reduce(_apply, CAUSES, item)

    def differ(cases: Sequence[Case]) -> list[bool]:
        answers, _ = ask(map(neutral, cases), simulator)
        return [verdict(item) != answer.result for item, answer in zip(cases, answers, strict=True)]

    small = [shrink(item, differ) for item in found.unexplained[:_SHOWN]]
    return list(zip(small, ask(map(neutral, small), simulator)[0], strict=True))


def report(found: Comparison) -> str:
    """Return the comparison as Markdown."""
    answers = ", ".join(f"{count:,} {name}" for name, count in found.answers.most_common())
    single: Counter[str] = Counter()
    for causes, count in found.causes.items():
        single.update(dict.fromkeys(causes, count))
    rows = "\n".join(
        f"| {single[cause.id]:,} | {cause.simulator} | {cause.settled} ([AWS]({cause.source})) |"
        for cause in CAUSES
        if single[cause.id]
    )
    return f"""\
{found.cases:,} generated requests over 1 to 5 layers ({answers}): {found.differences:,} differences, \
{len(found.unexplained)} of them unexplained. Explained means that the two agree once the cause is said in words \
that the simulator reads as AWS does; a difference of several causes counts in each.

| differences | what the simulator does | what AWS's documentation says |
|---:|---|---|
{rows}"""
