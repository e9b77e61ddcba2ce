"""Compare our evaluator with the outside simulator on generated cases, and explain every difference."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations, repeat
from typing import TYPE_CHECKING, Final

from benchmarks.iam.causes import CAUSES
from benchmarks.iam.generate import case
from benchmarks.iam.shrink import shrink
from benchmarks.iam.simulate import Simulator, install, simulation
from sudo_mcp_guardrails.iam.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.iam.causes import Cause
    from benchmarks.iam.generate import Case
    from benchmarks.iam.simulate import Answer

SEED: Final = 20261123
CASES: Final = 100_000
_BATCH: Final = 5_000
"""Cases that one process compares at a time."""
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
        unexplained: Numbers of the cases that differ without a cause.
    """

    cases: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    causes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    unexplained: list[int] = field(default_factory=list)

    @property
    def differences(self) -> int:
        """How many differ."""
        return sum(self.causes.values()) + len(self.unexplained)

    def add(self, other: Comparison) -> None:
        """Add what was found on other cases."""
        self.cases += other.cases
        self.answers += other.answers
        self.causes += other.causes
        self.ignored += other.ignored
        self.unexplained += other.unexplained


def verdict(item: Case) -> str:
    """Return our evaluator's answer in the simulator's words."""
    decision = evaluate(item.request, item.layers)
    if decision.allowed:
        return "Allowed"
    return "ExplicitlyDenied" if decision.explicit else "ImplicitlyDenied"


def ask(cases: Iterable[Case], simulator: Simulator) -> list[Answer]:
    """Return the simulator's answers."""
    return simulator.ask(simulation(item.request, item.layers) for item in cases)[0]


def compare_all(count: int = CASES, seed: int = SEED) -> Comparison:
    """Compare on generated cases, on all cores.

    Args:
        count: How many cases.
        seed: Makes the same cases again.

    Raises:
        ToolchainError: The simulator cannot be had.
    """
    install()  # once, and not in every process
    found = Comparison()
    starts = range(0, count, _BATCH)
    with ProcessPoolExecutor() as pool:
        numbers = (range(start, min(start + _BATCH, count)) for start in starts)
        for part in pool.map(compare, numbers, repeat(seed)):
            found.add(part)
    return found


def compare(numbers: Sequence[int], seed: int = SEED) -> Comparison:
    """Compare on the generated cases of some numbers; see :func:`compare_all`."""
    found = Comparison(cases=len(numbers))
    cases = [case(seed, number) for number in numbers]
    with Simulator() as simulator:
        differing = []
        for item, answer in zip(cases, ask(cases, simulator), strict=True):
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
        answers = ask((changed for _, _, changed in trials), simulator)
        explained: dict[int, tuple[str, ...]] = {}
        for (item, causes, _), answer in zip(trials, answers, strict=True):
            if answer.result == verdict(item):
                explained.setdefault(item.number, causes)
        found.causes.update(explained.values())
        left = [item for item in left if item.number not in explained]
    found.unexplained += [item.number for item in left]


def _neutral(item: Case, together: int) -> Iterable[tuple[tuple[str, ...], Case]]:
    """Return the case with each set of so many causes made neutral."""
    present = [cause for cause in CAUSES if cause.neutral(item) is not None]
    for causes in combinations(present, together):
        yield tuple(cause.id for cause in causes), reduce(_apply, causes, item)


def _apply(item: Case, cause: Cause) -> Case:
    return cause.neutral(item) or item


def smallest(found: Comparison, seed: int = SEED) -> list[str]:
    """Return some unexplained differences in words, made small while all known causes are neutral."""

    def neutral(item: Case) -> Case:
        return reduce(_apply, CAUSES, item)

    out = []
    with Simulator() as simulator:

        def differ(cases: Sequence[Case]) -> list[bool]:
            answers = ask(map(neutral, cases), simulator)
            return [verdict(item) != answer.result for item, answer in zip(cases, answers, strict=True)]

        for number in found.unexplained[:_SHOWN]:
            item = shrink(case(seed, number), differ)
            (answer,) = ask([neutral(item)], simulator)
            said = answer.result or answer.error
            out.append(f"case {number}: ours {verdict(item)}, theirs {said}: {json.dumps(_shown(item))}")
    return out


def _shown(item: Case) -> dict[str, object]:
    """Return a case as JSON without the layers that it does not have."""
    return {name: value for name, value in simulation(item.request, item.layers).items() if value}


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
